//! The control thread of the Rust API: a tokio current-thread runtime with one task, which owns everything.
//!
//! It takes what handles queue, gives it to the [`Runtime`], and gives answers and events back. It waits for nobody:
//! readers of events have bounds of their own, and whoever asked may be gone.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::closing::CloseReason;
use super::directory::{Directory, Errand, Opening, What};
use super::events::Emitter;
use super::link::{Ask, Inbox, Message, Then, Token};
use super::sfu::SfuEvent;
use crate::answer::Answered;
use crate::core::{DoorId, Output, Tag};
use crate::request::Request;
use crate::runtime::{Hung, Runtime, RuntimeConfig, StartError};
use model::reply::RefusalClass;
use tokio::sync::OwnedSemaphorePermit;

/// Starts the thread. It says on `started` whether it could.
pub(crate) fn spawn(
    config: RuntimeConfig,
    inbox: Inbox,
    events: Arc<Emitter<SfuEvent>>,
    started: oneshot::Sender<Result<(), StartError>>,
) -> io::Result<()> {
    let thread = thread::Builder::new().name("control".into());
    thread.spawn(move || run(config, inbox, events, started)).map(drop)
}

fn run(
    config: RuntimeConfig,
    inbox: Inbox,
    events: Arc<Emitter<SfuEvent>>,
    started: oneshot::Sender<Result<(), StartError>>,
) {
    let reactor = match Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(reactor) => reactor,
        Err(cause) => {
            let what = "no descriptor for the control thread to wait on";
            _ = started.send(Err(StartError::System { what, cause }));
            return;
        }
    };
    reactor.block_on(async {
        let mut runtime = match Runtime::new(config) {
            Ok(runtime) => runtime,
            Err(error) => {
                _ = started.send(Err(error));
                return;
            }
        };
        if started.send(Ok(())).is_err() {
            // Whoever started this has lost interest; nothing has begun yet.
            return;
        }
        let door = runtime.open_door();
        let (pending, directory) = (HashMap::new(), Directory::default());
        Desk { runtime, door, pending, next_tag: 0, directory, events }.serve(inbox).await;
    });
}

/// Where messages of handles are dealt with.
struct Desk {
    runtime: Runtime,
    door: DoorId,
    /// Requests that are not answered.
    pending: HashMap<Tag, Pending>,
    next_tag: u64,
    directory: Directory,
    /// For readers of the SFU's own events.
    events: Arc<Emitter<SfuEvent>>,
}

/// What an answer is for.
struct Pending {
    opens: Option<Opening>,
    /// The object that it opens was dropped before it was there: how to close it.
    dropped: Option<Request>,
    closes: Option<Box<str>>,
    then: Option<Then>,
    /// Absent for what nobody waits for, such as the close of what was dropped.
    waiting: Option<Waiting>,
}

struct Waiting {
    reply: oneshot::Sender<Answered>,
    _place: OwnedSemaphorePermit,
}

/// What the thread woke up for.
enum Cause {
    Said(Option<Output>),
    Asked(Option<Message>),
}

impl Desk {
    async fn serve(mut self, mut inbox: Inbox) {
        loop {
            let can_accept = self.runtime.can_accept();
            let cause = tokio::select! {
                output = self.runtime.next_or_room() => Cause::Said(output),
                message = inbox.next(can_accept) => Cause::Asked(message),
            };
            match cause {
                Cause::Said(output) => {
                    output.into_iter().for_each(|output| self.said(output));
                    for _ in 0..OUTPUTS_PER_TURN {
                        let Some(output) = self.runtime.try_next() else { break };
                        self.said(output);
                    }
                }
                Cause::Asked(Some(Message::End(done))) => {
                    inbox.close();
                    let hung = self.end().await;
                    // Nobody waits for it: then nobody wants to know.
                    _ = done.send(hung);
                    return;
                }
                Cause::Asked(Some(message)) => self.asked(message),
                // The last handle is gone.
                Cause::Asked(None) => {
                    self.end().await;
                    return;
                }
            }
        }
    }

    fn asked(&mut self, message: Message) {
        match message {
            Message::Ask(ask) => {
                let Ask { request, opens, closes, then, reply, place } = *ask;
                let waiting = Some(Waiting { reply, _place: place });
                self.request(request, Pending { opens, dropped: None, closes, then, waiting });
            }
            Message::Dropped { id, token, close } => self.dropped(id, token, close),
            Message::Tie(tie) => {
                self.directory.tie(*tie);
                self.run_errands();
            }
            Message::Send(notification, _place) => self.runtime.notify(self.door, notification),
            // Whoever asked may have lost interest.
            Message::Shards(reply) => _ = reply.send(self.runtime.counters()),
            // Dealt with where the thread can end.
            Message::End(_) => {}
        }
    }

    fn request(&mut self, request: Request, pending: Pending) {
        let tag = Tag(self.next_tag);
        self.next_tag += 1;
        self.pending.insert(tag, pending);
        self.runtime.request(self.door, tag, request);
    }

    /// Closes what nobody holds any more; or sees to it that it is closed as soon as it is open, for it may have been
    /// dropped while it was being made, and may then be refused, its name being another's.
    fn dropped(&mut self, id: Box<str>, token: Token, close: Request) {
        if self.directory.is(&id, token) {
            let closes = Some(id);
            return self
                .request(close, Pending { opens: None, dropped: None, closes, then: None, waiting: None });
        }
        let opening =
            |pending: &&mut Pending| pending.opens.as_ref().is_some_and(|opening| opening.token == token);
        if let Some(pending) = self.pending.values_mut().find(opening) {
            pending.dropped = Some(close);
        }
    }

    fn said(&mut self, output: Output) {
        match output {
            Output::Answer { tag, answered, .. } => self.answered(tag, answered),
            Output::Event(event) => self.directory.tell(&event),
            Output::ShardLost { shard, routers, message } => {
                routers.iter().for_each(|id| self.directory.close(id.as_str(), CloseReason::ShardLost));
                self.events.emit(&SfuEvent::ShardLost { shard, routers, message });
            }
            Output::ShardStuck(shard) => self.events.emit(&SfuEvent::ShardStuck(shard)),
            Output::ShardGoesOn(shard) => self.events.emit(&SfuEvent::ShardGoesOn(shard)),
            Output::Undelivered { refusal, .. } => self.events.emit(&SfuEvent::Undelivered(refusal.reason)),
        }
        self.run_errands();
    }

    /// Does at one end of a pipe what happened at the other.
    fn run_errands(&mut self) {
        for (Errand { id, what }, request, seat) in self.directory.take_errands() {
            let (closes, then): (_, Option<Then>) = match what {
                What::Close => (Some(id), None),
                What::SetPaused(paused) => (None, Some(Box::new(move |_| seat.set_paused(paused)))),
            };
            self.request(request, Pending { opens: None, dropped: None, closes, then, waiting: None });
        }
    }

    fn answered(&mut self, tag: Tag, answered: Answered) {
        let Some(Pending { opens, dropped, closes, then, waiting }) = self.pending.remove(&tag) else {
            return;
        };
        if let Ok(answer) = &answered {
            if let Some(opening) = opens {
                let (id, token) = (opening.id.clone(), opening.token);
                self.directory.open(opening);
                if let Some(close) = dropped {
                    self.dropped(id, token, close);
                }
            }
            if let Some(then) = then {
                then(answer);
            }
        }
        // What is not found is closed, too.
        let gone = answered.as_ref().map_or_else(|refusal| refusal.class == RefusalClass::NotFound, |_| true);
        if let Some(id) = closes.filter(|_| gone) {
            self.directory.close(&id, CloseReason::Requested);
        }
        if let Some(Waiting { reply, .. }) = waiting {
            // Whoever asked may have lost interest.
            _ = reply.send(answered);
        }
    }

    async fn end(self) -> Vec<Hung> {
        let Self { runtime, pending, directory: _directory, .. } = self;
        // Who waits for an answer gets none, and is told so by that.
        drop(pending);
        // Only then do handles hear of it, from the directory that goes: what they held is free by then.
        runtime.shutdown(PATIENCE).await
    }
}

/// Outputs that are taken before handles have their turn again, who want to be heard also while shards talk without
/// pause.
const OUTPUTS_PER_TURN: usize = 512;
/// How long shards may take to say goodbye and to close their sockets. It takes them a few ticks, the first of which writes to
/// all peers.
const PATIENCE: Duration = Duration::from_secs(5);
