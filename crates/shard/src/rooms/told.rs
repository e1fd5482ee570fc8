//! What rooms tell control beside answers, and what waits until control can take it.
//!
//! Owns the events of this tick and those that found no room in earlier ones, and what is to come after them: answers
//! and acknowledgements, so that nothing that happened before a close is told after it. What may become of an event is
//! its urgency: packets for direct transports are dropped and counted when too much waits, the newest of a sort about
//! one object takes the place of an older one that still waits, and all others stay until they are taken.
//!
//! **Bound.** Scores, layers, states and the like are of one sort and object each, as many as the tables hold. What is
//! left was asked for by control, one for each command, or is a message, whose number is bounded where it is taken.

use std::collections::{BTreeMap, VecDeque};

use model::event::{Event, Urgency};
use model::reply::Part;

use super::Rooms;
use super::owed::Then;
use crate::context::Context;
use crate::control::RequestId;

/// What rooms tell control beside answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something happened to an object.
    Event(Event),
    /// A part of a long answer; the answer itself comes after its last part.
    Part(RequestId, Part),
}

/// Events that control has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    waiting: VecDeque<Entry>,
    /// How many have left by the front, ever: the ticket of the one that is there now.
    departed: u64,
    /// Tickets of events that a newer one would replace.
    latest: BTreeMap<Sort, u64>,
}

impl Events {
    /// Takes up an event, or drops it. Whether it was taken.
    pub(super) fn push(&mut self, event: Event) -> bool {
        match event.urgency() {
            Urgency::Lossy if self.waiting.len() >= LOSSY_LIMIT => return false,
            Urgency::Lossy => self.waiting.push_back(Entry::Event(event)),
            Urgency::Lasting | Urgency::Latest => self.replace(event),
        }
        true
    }

    /// Whether messages can be taken that will become events.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MESSAGES_LIMIT
    }

    /// Has something given once all that waits now was told.
    pub(super) fn then(&mut self, then: Then) {
        self.waiting.push_back(Entry::Then(then));
    }

    /// Tells control as many as it has room for, up to the next thing that is to be given after them.
    pub(super) fn tell(&mut self, cx: &mut Context<Rooms>) -> Option<Then> {
        self.drain(&mut |event| match cx.event(Told::Event(event)) {
            Err(Told::Event(event)) => Err(event),
            _ => Ok(()),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn replace(&mut self, event: Event) {
        let Some(sort) = Sort::of(&event) else { return self.waiting.push_back(Entry::Event(event)) };
        let ticket = self.departed + self.waiting.len() as u64;
        let older = self.latest.get(&sort).and_then(|older| usize::try_from(older - self.departed).ok());
        match older.and_then(|place| self.waiting.get_mut(place)) {
            Some(older) => *older = Entry::Event(event),
            None => {
                self.latest.insert(sort, ticket);
                self.waiting.push_back(Entry::Event(event));
            }
        }
    }

    fn drain(&mut self, tell: &mut dyn FnMut(Event) -> Result<(), Event>) -> Option<Then> {
        while let Some(entry) = self.waiting.pop_front() {
            match entry {
                Entry::Then(then) => {
                    self.departed += 1;
                    return Some(then);
                }
                Entry::Event(event) => {
                    let sort = Sort::of(&event);
                    if let Err(event) = tell(event) {
                        self.waiting.push_front(Entry::Event(event));
                        return None;
                    }
                    if let Some(sort) = sort {
                        self.latest.remove(&sort);
                    }
                }
            }
            self.departed += 1;
        }
        None
    }
}

/// Something that waits.
#[derive(Debug)]
enum Entry {
    Event(Event),
    Then(Then),
}

/// Events of one sort about one object: the newest is enough. Where it stands for an older one that still waits, it says
/// how things stand now, and nobody was told of what was in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sort {
    of: u8,
    index: u32,
    generation: u32,
}

impl Sort {
    fn of(event: &Event) -> Option<Self> {
        use model::event::{
            ConsumerEvent, DataConsumerEvent, ProducerEvent, RtpObserverEvent, TransportEvent,
        };
        let (of, index, generation) = match event {
            Event::Transport(key, event) => {
                let of = match event {
                    TransportEvent::IceSelectedFlow(_) => 0,
                    TransportEvent::IceState(_) => 1,
                    TransportEvent::DtlsState { .. } => 2,
                    TransportEvent::SctpNegotiated(_) => 3,
                    TransportEvent::SctpState(_) => 4,
                    TransportEvent::Flow(_) => 5,
                    TransportEvent::RtcpFlow(_) => 6,
                    TransportEvent::UfragForgotten(_)
                    | TransportEvent::Rtcp(_)
                    | TransportEvent::Trace(_) => return None,
                };
                (of, key.index, key.generation)
            }
            Event::Producer(key, ProducerEvent::Score(_)) => (7, key.index, key.generation),
            Event::Producer(key, ProducerEvent::VideoOrientation(_)) => (8, key.index, key.generation),
            Event::Consumer(key, ConsumerEvent::Score(_)) => (9, key.index, key.generation),
            Event::Consumer(key, ConsumerEvent::Layers(_)) => (10, key.index, key.generation),
            // Silence is the volume of nobody.
            Event::RtpObserver(key, RtpObserverEvent::Volumes(_) | RtpObserverEvent::Silence) => {
                (11, key.index, key.generation)
            }
            Event::RtpObserver(key, RtpObserverEvent::DominantSpeaker(_)) => (12, key.index, key.generation),
            Event::DataConsumer(key, DataConsumerEvent::BufferedAmountLow(_)) => {
                (13, key.index, key.generation)
            }
            Event::DataConsumer(key, DataConsumerEvent::SendBufferFull) => (14, key.index, key.generation),
            Event::Producer(_, ProducerEvent::Trace(_))
            | Event::Consumer(_, ConsumerEvent::Rtp(_) | ConsumerEvent::Trace(_))
            | Event::DataConsumer(_, DataConsumerEvent::Message(_)) => return None,
        };
        Some(Self { of, index, generation })
    }
}

/// As many packets as fill the usual queue to control. More would only make them older.
const LOSSY_LIMIT: usize = 4096;
/// Beyond this an application that does not read its messages may not send more.
const MESSAGES_LIMIT: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use model::event::{ConsumerEvent, DataConsumerEvent, ProducerEvent};
    use model::key::{ConsumerKey, DataConsumerKey, ProducerKey};

    fn packet(index: u32) -> Event {
        Event::Consumer(ConsumerKey::new(index, 0), ConsumerEvent::Rtp(Box::default()))
    }

    fn score(index: u32, rows: usize) -> Event {
        let score =
            model::score::ProducerScore { encoding_idx: 0, ssrc: model::id::Ssrc(1), rid: None, score: 1 };
        Event::Producer(ProducerKey::new(index, 0), ProducerEvent::Score(vec![score; rows]))
    }

    fn message(index: u32) -> Event {
        Event::DataConsumer(DataConsumerKey::new(index, 0), DataConsumerEvent::SendBufferFull)
    }

    fn take(events: &mut Events, most: usize) -> Vec<Event> {
        let mut taken = Vec::new();
        let _ = events.drain(&mut |event| {
            if taken.len() == most {
                return Err(event);
            }
            taken.push(event);
            Ok(())
        });
        taken
    }

    #[test]
    fn the_newest_of_a_sort_takes_the_place_of_the_older() {
        let mut events = Events::default();
        for event in [score(1, 1), message(1), score(2, 1), score(1, 2)] {
            assert!(events.push(event));
        }
        assert_eq!(take(&mut events, 1), [score(1, 2)]);
        events.push(score(1, 3));
        events.push(score(2, 4));
        assert_eq!(take(&mut events, 9), [message(1), score(2, 4), score(1, 3)]);
        assert!(events.is_empty() && events.latest.is_empty());
    }

    #[test]
    fn packets_are_dropped_when_too_much_waits_and_messages_never() {
        let mut events = Events::default();
        let packets = u32::try_from(LOSSY_LIMIT).unwrap() + 5;
        let taken = (0..packets).filter(|index| events.push(packet(*index))).count();
        assert_eq!((taken, events.waiting.len()), (LOSSY_LIMIT, LOSSY_LIMIT));
        events.push(message(7));
        assert_eq!(take(&mut events, usize::MAX).last(), Some(&message(7)));
    }
}
