//! The panic boundary: what an engine does happens inside, everything it stands on is outside.
//!
//! Inside is the engine's own state and nothing else. Driver, sockets, receive buffers, egress memory, pool,
//! rings and tables are the shard's; they are consistent between any two calls into them, so a panic of the
//! engine leaves them usable. What a panic costs: the engine, its sockets, its transports, its timers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A part of the tick, as named in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Making the engine.
    Start,
    /// Commands of control, and sockets that finished closing.
    Commands,
    /// Facts and packets from other shards.
    Crossings,
    /// Timers.
    Timers,
    /// Datagrams.
    Receive,
    /// Writing and sending.
    Flush,
    /// The end of the tick.
    Publish,
}

/// An engine's last words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicReport {
    /// What the shard was doing.
    pub phase: Phase,
    /// What the panic said.
    pub message: String,
    /// What the engine's `Drop` said, where that panicked too.
    pub drop_message: Option<String>,
}

/// An engine, as long as it has not panicked.
#[derive(Debug)]
pub(crate) struct Hosted<E> {
    engine: Option<E>,
    report: Option<PanicReport>,
}

impl<E> Hosted<E> {
    /// Nobody yet.
    pub(crate) const fn vacant() -> Self {
        Self { engine: None, report: None }
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.engine.is_some()
    }

    pub(crate) const fn engine(&self) -> Option<&E> {
        self.engine.as_ref()
    }

    /// Makes the engine. A panic in `make` leaves the place vacant.
    pub(crate) fn start(&mut self, make: impl FnOnce() -> E) {
        match contain(make) {
            Ok(engine) => self.engine = Some(engine),
            Err(message) => self.failed(Phase::Start, message),
        }
    }

    /// Lets the engine do something. `None` when there is none, or there is none any more.
    #[inline]
    pub(crate) fn call<R>(&mut self, phase: Phase, work: impl FnOnce(&mut E) -> R) -> Option<R> {
        let engine = self.engine.as_mut()?;
        match contain(|| work(engine)) {
            Ok(result) => Some(result),
            Err(message) => {
                self.failed(phase, message);
                None
            }
        }
    }

    /// Drops the engine, if any.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        let engine = self.engine.take();
        contain(|| drop(engine))
    }

    /// Whether it panicked and nobody has taken note yet.
    pub(crate) const fn has_report(&self) -> bool {
        self.report.is_some()
    }

    pub(crate) const fn take_report(&mut self) -> Option<PanicReport> {
        self.report.take()
    }

    #[cold]
    fn failed(&mut self, phase: Phase, message: String) {
        // Dropped here and not at the end of the tick, so that nothing of it is touched again.
        let drop_message = self.end().err();
        self.report = Some(PanicReport { phase, message, drop_message });
    }
}

/// Runs something that may panic, and returns what the panic said.
fn contain<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    // What `work` breaks is either dropped (the engine) or consistent between calls (the rest).
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = words(&*payload);
        // A payload may panic when dropped, and so may that panic's. Nobody does so three times but on
        // purpose.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(dropped)));
        message
    })
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fragile {
        breaks_when_dropped: bool,
    }

    impl Drop for Fragile {
        fn drop(&mut self) {
            assert!(!self.breaks_when_dropped, "while dropping");
        }
    }

    fn hosted(breaks_when_dropped: bool) -> Hosted<Fragile> {
        let mut hosted = Hosted::vacant();
        hosted.start(|| Fragile { breaks_when_dropped });
        hosted
    }

    #[test]
    fn a_panic_ends_the_engine_and_is_reported_once() {
        let mut hosted = hosted(false);
        assert_eq!(hosted.call(Phase::Timers, |_| 5), Some(5));
        assert_eq!(hosted.call(Phase::Flush, |_| panic!("no {}", "way")), None::<()>);
        assert!(!hosted.is_running());
        assert_eq!(hosted.call(Phase::Flush, |_| ()), None);
        let report = hosted.take_report().unwrap();
        assert_eq!((report.phase, report.message.as_str()), (Phase::Flush, "no way"));
        assert_eq!((report.drop_message, hosted.take_report()), (None, None));
    }

    #[test]
    fn a_panic_while_dropping_is_contained_too() {
        let mut hosted = hosted(true);
        assert_eq!(hosted.call(Phase::Receive, |_| panic!("first")), None::<()>);
        let report = hosted.take_report().unwrap();
        assert_eq!(report.drop_message.as_deref(), Some("while dropping"));
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("from the payload");
            }
        }
        let mut hosted = hosted(false);
        let result: Option<()> = hosted.call(Phase::Commands, |_| std::panic::panic_any(Bomb));
        assert_eq!(result, None);
        assert_eq!(hosted.take_report().unwrap().message, "a panic without words");
    }
}
