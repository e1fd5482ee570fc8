//! Front doors: requests that wait for their answers, and answers that wait for those before them.
//!
//! What happens to an object before the answer that made it is out waits with that answer, at most so much: packets and
//! traces are dropped, of scores the latest stays. Of everything else [`MOST_KEPT`] events stay, and from then on the
//! latest of each sort; messages are dropped then, and the data consumer says that a buffer was full, once for all of
//! them.

use std::collections::{BTreeMap, VecDeque};

use super::objects::Object;
use super::output::{DoorId, Output, Tag};
use crate::Event;
use crate::answer::Answered;
use crate::event::DataConsumerEvent;

/// Whose request, and which of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) door: DoorId,
    pub(super) number: u64,
}

/// What is told right before an answer, because the request brought it about.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) event: Event,
    /// Whom it concerns, if that may be gone when the answer goes out: then nobody is told.
    pub(super) about: Option<Object>,
}

/// All front doors.
#[derive(Debug, Default)]
pub(super) struct Doors {
    doors: BTreeMap<DoorId, Door>,
    next: u32,
}

#[derive(Debug, Default)]
struct Door {
    /// The number of the first of `slots`.
    first: u64,
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
struct Slot {
    tag: Tag,
    before: Vec<Aside>,
    answered: Option<Answered>,
    /// What is told right after it, because nobody could understand it before.
    after: Vec<Event>,
}

impl Doors {
    pub(super) fn open(&mut self) -> DoorId {
        let door = DoorId(self.next);
        self.next += 1;
        self.doors.insert(door, Door::default());
        door
    }

    /// Its answers go nowhere from now on.
    pub(super) fn close(&mut self, door: DoorId) {
        self.doors.remove(&door);
    }

    /// Keeps a place for the answer.
    pub(super) fn enter(&mut self, door: DoorId, tag: Tag) -> Origin {
        let Some(open) = self.doors.get_mut(&door) else {
            // A place that never was: whatever is answered there goes nowhere.
            return Origin { door, number: u64::MAX };
        };
        let slot = Slot { tag, before: Vec::new(), answered: None, after: Vec::new() };
        open.slots.push_back(slot);
        Origin { door, number: open.first + open.slots.len() as u64 - 1 }
    }

    /// Answers a request; the answer goes out once those before it have.
    pub(super) fn answer(&mut self, origin: Origin, answered: Answered, before: Vec<Aside>) {
        if let Some(slot) = self.slot(origin) {
            if answered.is_err() {
                slot.after.clear();
            }
            slot.before = before;
            slot.answered = Some(answered);
        }
    }

    /// Keeps an event until after the answer that makes it understood. Gives it back if nobody waits for that answer.
    pub(super) fn keep(&mut self, origin: Origin, event: Event) -> Result<(), Event> {
        match self.slot(origin) {
            Some(slot) => {
                slot.keep(event);
                Ok(())
            }
            None => Err(event),
        }
    }

    /// Lets out what is ready. `is_there`: whether somebody is not gone yet.
    pub(super) fn flush(
        &mut self,
        door: DoorId,
        is_there: impl Fn(Object) -> bool,
        out: &mut VecDeque<Output>,
    ) {
        let Some(waiting) = self.doors.get_mut(&door) else { return };
        while let Some(answered) = waiting.slots.front_mut().and_then(|slot| slot.answered.take()) {
            let Some(slot) = waiting.slots.pop_front() else { break };
            waiting.first += 1;
            let asides = slot.before.into_iter().filter(|aside| aside.about.is_none_or(&is_there));
            out.extend(asides.map(|aside| Output::Event(aside.event)));
            out.push_back(Output::Answer { door, tag: slot.tag, answered });
            out.extend(slot.after.into_iter().map(Output::Event));
        }
    }

    /// Requests that were not answered yet, over all doors.
    pub(super) fn unanswered(&self) -> usize {
        self.doors.values().map(|door| door.slots.len()).sum()
    }

    fn slot(&mut self, Origin { door, number }: Origin) -> Option<&mut Slot> {
        let door = self.doors.get_mut(&door)?;
        let place = usize::try_from(number.checked_sub(door.first)?).ok()?;
        door.slots.get_mut(place)
    }
}

impl Slot {
    /// What would be superseded is, and what may be lost is: nobody can wait for either.
    fn keep(&mut self, event: Event) {
        use model::event::Urgency;
        match event.urgency() {
            Urgency::Lossy => {}
            Urgency::Latest => {
                let same = |kept: &Event| {
                    kept.id() == event.id() && kept.urgency() == Urgency::Latest && kept.is_like(&event)
                };
                self.after.retain(|kept| !same(kept));
                self.after.push(event);
            }
            Urgency::Lasting if self.after.len() < MOST_KEPT => self.after.push(event),
            Urgency::Lasting => {
                let event = match event {
                    Event::DataConsumer(id, DataConsumerEvent::Message(_)) => {
                        Event::DataConsumer(id, DataConsumerEvent::SendBufferFull)
                    }
                    event => event,
                };
                let same = |kept: &Event| kept.id() == event.id() && kept.is_like(&event);
                if let Some(place) = self.after.iter().rposition(same) {
                    self.after.remove(place);
                }
                self.after.push(event);
            }
        }
    }
}

/// Events that wait with an answer, but for the latest of each sort. An object says a handful while it is made; who says
/// more gets messages, or has a peer that changes its mind, behind a request that takes long.
const MOST_KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::event::{ConsumerEvent, TransportEvent};
    use model::command::DataMessage;
    use model::transport::IceState;

    fn ice(state: IceState) -> Event {
        Event::Transport("t".into(), TransportEvent::IceState(state))
    }

    fn data(event: DataConsumerEvent) -> Event {
        Event::DataConsumer("t".into(), event)
    }

    /// What goes out after the answer to a request, of what was kept for it.
    fn after(kept: impl IntoIterator<Item = Event>) -> Vec<Event> {
        let mut doors = Doors::default();
        let door = doors.open();
        let origin = doors.enter(door, Tag(0));
        kept.into_iter().for_each(|event| assert_eq!(doors.keep(origin, event), Ok(())));
        doors.answer(origin, Ok(Answer::Done), Vec::new());
        let mut out = VecDeque::new();
        doors.flush(door, |_| true, &mut out);
        assert!(matches!(out.pop_front(), Some(Output::Answer { .. })));
        let event = |output| if let Output::Event(event) = output { Some(event) } else { None };
        out.into_iter().filter_map(event).collect()
    }

    #[test]
    fn what_waits_with_an_answer_is_bounded() {
        let message = || data(DataConsumerEvent::Message(Box::<DataMessage>::default()));
        let few = || (0..MOST_KEPT).map(|_| message());
        let expected: Vec<_> = few().collect();
        assert_eq!(after(few()), expected, "so many are kept");
        let full = || data(DataConsumerEvent::SendBufferFull);
        let more = few().chain([message(), ice(IceState::Connected), message(), ice(IceState::Disconnected)]);
        assert_eq!(after(more).split_off(MOST_KEPT), [full(), ice(IceState::Disconnected)]);
        let packet = Event::Consumer("t".into(), ConsumerEvent::Rtp([0; 3].into()));
        assert_eq!(after([packet, ice(IceState::Connected)]), [ice(IceState::Connected)]);
    }
}
