//! What happened, in one numbered sequence for whoever wants to follow it: the newest of it is kept.
//!
//! Written once, read by any number of readers at their own pace: each asks for what follows the number that it has.
//! One who asks for what is not kept any more is told how much that was. So nobody waits for a reader, and one who comes
//! back after a while goes on where it was.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// See the module.
#[derive(Debug)]
pub(crate) struct Events {
    kept: Mutex<Kept>,
    /// The number of the newest, for those who wait for a newer one.
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Event>>,
    newest: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    /// Counts all events of this process, from 1.
    pub(crate) sequence: u64,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// In which router; of a WebRtcServer none.
    pub(crate) router: Option<Box<str>>,
    /// To what kind of object, and to which.
    pub(crate) object: ObjectKind,
    pub(crate) id: Box<str>,
    /// What happened to it, as mediasoup calls it.
    pub(crate) event: &'static str,
    /// What belongs to it.
    pub(crate) data: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ObjectKind {
    WebRtcServer,
    Router,
    Transport,
    Producer,
    Consumer,
    DataProducer,
    DataConsumer,
    RtpObserver,
}

/// What follows a number.
#[derive(Debug, Default)]
pub(crate) struct Following {
    /// How many are not kept any more.
    pub(crate) missed: u64,
    pub(crate) events: Vec<Arc<Event>>,
}

/// To whom something happened.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) router: Option<Box<str>>,
    pub(crate) object: ObjectKind,
    pub(crate) id: Box<str>,
}

impl ObjectKind {
    /// As it stands in a sentence.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::WebRtcServer => "WebRtcServer",
            Self::Router => "router",
            Self::Transport => "transport",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::DataProducer => "data producer",
            Self::DataConsumer => "data consumer",
            Self::RtpObserver => "observer",
        }
    }
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), newest: watch::Sender::new(0) }
    }

    /// Something happened.
    pub(crate) fn tell(&self, at: u64, subject: &Subject, (event, data): (&'static str, Value)) {
        let Subject { router, object, id } = subject.clone();
        let sequence = {
            let mut kept = self.kept.lock();
            kept.newest += 1;
            let sequence = kept.newest;
            kept.events.push_back(Arc::new(Event { sequence, at, router, object, id, event, data }));
            if kept.events.len() > KEPT {
                kept.events.pop_front();
            }
            sequence
        };
        // Two who tell at once may say so in the other order.
        self.newest.send_if_modified(|newest| {
            let is_newer = sequence > *newest;
            *newest = sequence.max(*newest);
            is_newer
        });
    }

    /// The number of the newest event; 0 before the first.
    pub(crate) fn newest(&self) -> u64 {
        self.kept.lock().newest
    }

    /// What follows the event of that number, at most [`BATCH`] at a time. A number that was never given is that of the
    /// newest: of another process, which began to count anew.
    pub(crate) fn after(&self, sequence: u64) -> Following {
        let kept = self.kept.lock();
        if sequence > kept.newest {
            return Following::default();
        }
        let oldest = kept.newest + 1 - kept.events.len() as u64;
        let missed = oldest.saturating_sub(sequence + 1);
        let skipped = (sequence + 1).saturating_sub(oldest);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        Following { missed, events: kept.events.iter().skip(skipped).take(BATCH).cloned().collect() }
    }

    /// To wait for newer events with.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

/// Minutes of a busy server, and some megabytes.
const KEPT: usize = 16_384;
/// So that a reader who is far behind holds up nobody who tells.
const BATCH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: u64) -> Events {
        let events = Events::new();
        let subject = Subject { router: Some("r".into()), object: ObjectKind::Producer, id: "p".into() };
        (1..=count).for_each(|at| events.tell(at, &subject, ("score", Value::Null)));
        events
    }

    fn numbers(following: &Following) -> Vec<u64> {
        following.events.iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let events = told(5);
        assert_eq!(numbers(&events.after(0)), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&events.after(3)), [4, 5]);
        assert_eq!((events.after(5).events.len(), events.after(5).missed), (0, 0));
        assert_eq!(events.after(77).events.len(), 0, "the number of another process");
        assert_eq!(*events.subscribe().borrow(), 5);
        assert_eq!(told(0).after(0).events.len(), 0);
    }

    #[test]
    fn one_who_comes_too_late_is_told_how_much_it_missed() {
        let kept = KEPT as u64;
        let events = told(kept + 10);
        let following = events.after(3);
        assert_eq!((following.missed, following.events[0].sequence), (7, 11));
        assert_eq!(following.events.len(), BATCH);
        assert_eq!((events.after(10).missed, events.after(9).missed), (0, 1));
    }
}
