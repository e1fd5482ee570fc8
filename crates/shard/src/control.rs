//! The queue of commands that control fills, and the queue of answers and events that it empties.
//!
//! Two bounded rings and a wake-up each way. A command is accepted only when its answer has a place in the
//! queue back, whatever else is in it: that is the reservation, made by [`Control::submit`]. Events get what
//! is left; when there is nothing left they are given back to the engine, which coalesces them until there
//! is. A command that an engine could not answer because it panicked is answered by the shard
//! ([`FromShard::Lost`]).

use core::fmt;

use net::lane::{Consumer, Producer, Waker, ring};

use crate::boundary::PanicReport;
use crate::engine::Engine;
use crate::mesh::Neighbour;

/// Control's name for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A promise to answer one command. There is one per command; [`Context::reply`](crate::Context::reply) uses
/// it up.
#[derive(Debug)]
#[must_use = "control waits for the answer"]
pub struct Ticket {
    slot: u32,
    request: RequestId,
}

impl Ticket {
    /// The command that this answers.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }
}

/// What a shard tells control.
#[derive(Debug)]
pub enum FromShard<R, V> {
    /// The answer to a command.
    Reply(RequestId, R),
    /// The engine panicked while it owed this answer.
    Lost(RequestId),
    /// Something happened.
    Event(V),
    /// The engine panicked. Its state is gone, its sockets are closed and their ports free; a fresh one took
    /// over.
    Panicked(PanicReport),
    /// The shard has closed its sockets and ends.
    Stopped {
        /// What the engine's end said, where that panicked: its goodbye, or its `Drop`.
        drop_message: Option<String>,
    },
    /// The shard ends unasked: its driver broke, or it has a defect; [`Shard::join`](crate::Shard::join) says
    /// which. What it owed was lost before this.
    Broken,
}

/// What control tells a shard.
pub(crate) enum ToShard<E: Engine> {
    Command(RequestId, E::Command),
    Neighbour(Box<Neighbour<E>>),
    LetGo,
    Stop,
}

/// How many commands and events may be under way.
#[derive(Clone, Copy, Debug)]
pub struct QueueSizing {
    /// Commands submitted and not answered.
    pub commands: usize,
    /// Events not yet taken by control.
    pub events: usize,
}

/// Control's end of a shard. One thread owns it. Dropped, it ends the shard as [`Control::stop`] does.
pub struct Control<E: Engine> {
    commands: Producer<ToShard<E>>,
    answers: Consumer<FromShard<E::Reply, E::Event>>,
    /// After the ends of both queues: whom it wakes with its own end sees that they are gone.
    shard: LastCall,
    unanswered: usize,
    most_unanswered: usize,
}

impl<E: Engine> Control<E> {
    /// Hands a command to the shard and reserves the place of its answer.
    ///
    /// # Errors
    /// The command, when as many as allowed are unanswered. Take answers, then try again.
    pub fn submit(&mut self, request: RequestId, command: E::Command) -> Result<(), E::Command> {
        if self.unanswered == self.most_unanswered {
            return Err(command);
        }
        match self.commands.push(ToShard::Command(request, command)) {
            Ok(()) => {
                self.unanswered += 1;
                self.show();
                Ok(())
            }
            Err(ToShard::Command(_, command)) => Err(command),
            // The ring gives back what it was given.
            Err(ToShard::Neighbour(_) | ToShard::LetGo | ToShard::Stop) => Ok(()),
        }
    }

    /// Connects the shard to another.
    ///
    /// # Errors
    /// The neighbour, when the queue is full.
    pub fn introduce(&mut self, neighbour: Neighbour<E>) -> Result<(), Box<Neighbour<E>>> {
        match self.commands.push(ToShard::Neighbour(Box::new(neighbour))) {
            Err(ToShard::Neighbour(neighbour)) => Err(neighbour),
            _ => {
                self.show();
                Ok(())
            }
        }
    }

    /// Has the shard's thread let the allocator have what it keeps at hand ([`net::heap::return_cached`]): a fraction of a
    /// millisecond of a tick, if free memory was given back to the system just before. False when the queue is full.
    pub fn let_go(&mut self) -> bool {
        self.tell(ToShard::LetGo)
    }

    /// Asks the shard to close its sockets and end. False when the queue is full.
    pub fn stop(&mut self) -> bool {
        self.tell(ToShard::Stop)
    }

    /// Has the shard tick once more, though there may be nothing for it to do. Missed by one that is just falling asleep.
    pub fn wake(&self) {
        self.shard.0.wake();
    }

    /// The next answer or event. Commands that came too late for a shard that ended are lost.
    pub fn next_message(&mut self) -> Option<FromShard<E::Reply, E::Event>> {
        let message = self.answers.pop().or_else(|| self.never_taken())?;
        if matches!(message, FromShard::Reply(..) | FromShard::Lost(_)) {
            self.unanswered -= 1;
        }
        Some(message)
    }

    /// Whether there is nothing to take: control's last look before it sleeps.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.answers.is_empty() && (self.unanswered == 0 || !self.answers.is_abandoned())
    }

    /// Commands submitted and not answered.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    fn tell(&mut self, message: ToShard<E>) -> bool {
        let told = self.commands.push(message).is_ok();
        self.show();
        told
    }

    fn show(&mut self) {
        self.commands.publish();
        self.shard.0.wake();
    }

    /// A command that a shard left behind when it ended.
    #[cold]
    fn never_taken(&mut self) -> Option<FromShard<E::Reply, E::Event>> {
        // Asked in this order: what it said last is visible once it is gone.
        if !self.answers.is_abandoned() {
            return None;
        }
        if let Some(message) = self.answers.pop() {
            return Some(message);
        }
        while let Some(left) = self.commands.reclaim() {
            if let ToShard::Command(request, _) = left {
                return Some(FromShard::Lost(request));
            }
        }
        None
    }
}

/// Wakes who is at the other end once more when this one is gone.
struct LastCall(Waker);

impl Drop for LastCall {
    fn drop(&mut self) {
        self.0.wake();
    }
}

impl<E: Engine> fmt::Debug for Control<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("unanswered", &self.unanswered).finish_non_exhaustive()
    }
}

/// The shard's end of the queue back.
pub(crate) struct Outbox<R: Send, V: Send> {
    messages: Producer<FromShard<R, V>>,
    /// After the end of the queue: whom it wakes with its own end sees that there will be no more.
    control: LastCall,
    /// Commands being executed, by ticket.
    owed: Vec<Option<RequestId>>,
    free: Vec<u32>,
    events: usize,
}

impl<R: Send, V: Send> Outbox<R, V> {
    pub(crate) fn accept(&mut self, request: RequestId) -> Ticket {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.owed.push(None);
            u32::try_from(self.owed.len() - 1).unwrap_or(u32::MAX)
        });
        self.owed[slot as usize] = Some(request);
        Ticket { slot, request }
    }

    /// Answers a command. The place was reserved when it was accepted.
    pub(crate) fn reply(&mut self, ticket: Ticket, reply: R) -> bool {
        let Ticket { slot, request } = ticket;
        let owed = self.owed.get_mut(slot as usize).and_then(|owed| owed.take_if(|owed| *owed == request));
        if owed.is_none() {
            return false;
        }
        self.free.push(slot);
        self.messages.push(FromShard::Reply(request, reply)).is_ok()
    }

    /// Emits an event, unless only reserved places are left.
    pub(crate) fn event(&mut self, event: V) -> Result<(), V> {
        if self.messages.len() >= self.events {
            return Err(event);
        }
        match self.messages.push(FromShard::Event(event)) {
            Err(FromShard::Event(event)) => Err(event),
            _ => Ok(()),
        }
    }

    /// Answers everything that is owed with [`FromShard::Lost`].
    pub(crate) fn lose_all(&mut self) {
        for (slot, owed) in (0..).zip(&mut self.owed) {
            if let Some(request) = owed.take() {
                self.free.push(slot);
                // Reserved like any answer.
                let _ = self.messages.push(FromShard::Lost(request));
            }
        }
    }

    /// Reports what is neither answer nor event; gives it back when not even an event would fit. Nothing waits for a
    /// control that is gone.
    pub(crate) fn report(&mut self, message: FromShard<R, V>) -> Result<(), FromShard<R, V>> {
        if self.messages.is_abandoned() {
            return Ok(());
        }
        if self.messages.len() >= self.events { Err(message) } else { self.messages.push(message) }
    }

    pub(crate) fn owed(&self) -> usize {
        self.owed.len() - self.free.len()
    }

    /// Nothing more will come: what is owed is lost, and an end that nobody asked for is told.
    pub(crate) fn end(&mut self, broken: bool) {
        self.lose_all();
        if broken {
            // It has a place of its own.
            let _ = self.messages.push(FromShard::Broken);
        }
        self.publish();
    }

    /// Shows the tick's messages to control, and wakes it when there are any.
    pub(crate) fn publish(&mut self) {
        if self.messages.publish() > 0 {
            self.control.0.wake();
        }
    }
}

/// Both ends of both queues. `shard` wakes the shard, `control` wakes control.
pub(crate) fn queues<E: Engine>(sizing: QueueSizing, shard: Waker, control: Waker) -> Queues<E> {
    let (commands, commands_in) = ring(sizing.commands + UNANSWERED_COMMANDS);
    let (outbox, answers) = outbox(sizing, control);
    Queues {
        control: Control {
            commands,
            answers,
            shard: LastCall(shard),
            unanswered: 0,
            most_unanswered: sizing.commands,
        },
        commands: commands_in,
        outbox,
    }
}

fn outbox<R: Send, V: Send>(
    sizing: QueueSizing,
    control: Waker,
) -> (Outbox<R, V>, Consumer<FromShard<R, V>>) {
    let (messages, answers) = ring(sizing.commands + sizing.events + LAST_WORDS);
    let (owed, free) = (Vec::with_capacity(sizing.commands), Vec::with_capacity(sizing.commands));
    (Outbox { messages, control: LastCall(control), owed, free, events: sizing.events }, answers)
}

pub(crate) struct Queues<E: Engine> {
    pub(crate) control: Control<E>,
    pub(crate) commands: Consumer<ToShard<E>>,
    pub(crate) outbox: Outbox<E::Reply, E::Event>,
}

/// Room for what is not answered: a neighbour for each shard of a large machine, crowds that have left, and the end.
const UNANSWERED_COMMANDS: usize = 256;
/// [`FromShard::Broken`], which is said once.
const LAST_WORDS: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use net::lane::Sleeper;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Copy, Debug)]
    enum Operation {
        /// Control submits, and the shard accepts.
        Accept,
        /// The shard answers one of those it owes.
        Reply(usize),
        Event,
        /// The engine panics.
        LoseAll,
        /// Control takes this many messages.
        Take(usize),
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            8 => Just(Operation::Accept),
            5 => any::<usize>().prop_map(Operation::Reply),
            12 => Just(Operation::Event),
            1 => Just(Operation::LoseAll),
            4 => (0..6usize).prop_map(Operation::Take),
        ]
    }

    const SIZING: QueueSizing = QueueSizing { commands: 6, events: 4 };

    proptest! {
        /// Whatever the mix, each accepted command is answered once, and events arrive in order without a gap.
        #[test]
        fn an_accepted_command_is_always_answered(operations in prop::collection::vec(operation(), 1..400)) {
            let sleeper = Sleeper::new().unwrap();
            let (mut outbox, mut answers) = outbox::<u64, u64>(SIZING, sleeper.waker());
            let (mut tickets, mut unanswered) = (Vec::new(), BTreeSet::new());
            let (mut next_request, mut next_event, mut seen_events) = (0, 0, 0);
            for operation in operations.into_iter().chain([Operation::LoseAll, Operation::Take(usize::MAX)]) {
                match operation {
                    // What `Control::submit` checks.
                    Operation::Accept if unanswered.len() < SIZING.commands => {
                        tickets.push(outbox.accept(RequestId(next_request)));
                        unanswered.insert(next_request);
                        next_request += 1;
                    }
                    Operation::Reply(which) if !tickets.is_empty() => {
                        let ticket = tickets.swap_remove(which % tickets.len());
                        let request = ticket.request().0;
                        prop_assert!(outbox.reply(ticket, request), "its place was reserved");
                    }
                    Operation::Event => next_event += u64::from(outbox.event(next_event).is_ok()),
                    Operation::LoseAll => {
                        outbox.lose_all();
                        // An answer that comes after that is not a second one.
                        prop_assert!(tickets.drain(..).all(|ticket| !outbox.reply(ticket, u64::MAX)));
                    }
                    Operation::Take(most) => {
                        outbox.publish();
                        for message in answers.batch(most) {
                            match message {
                                FromShard::Reply(RequestId(request), reply) => {
                                    prop_assert_eq!(request, reply);
                                    prop_assert!(unanswered.remove(&request));
                                }
                                FromShard::Lost(RequestId(request)) => prop_assert!(unanswered.remove(&request)),
                                FromShard::Event(event) => {
                                    prop_assert_eq!(event, seen_events);
                                    seen_events += 1;
                                }
                                FromShard::Panicked(_) | FromShard::Stopped { .. } | FromShard::Broken => {
                                    prop_assert!(false);
                                }
                            }
                        }
                    }
                    Operation::Accept | Operation::Reply(_) => {}
                }
                prop_assert_eq!(outbox.owed(), tickets.len());
            }
            prop_assert_eq!((unanswered.len(), seen_events), (0, next_event));
        }
    }
}
