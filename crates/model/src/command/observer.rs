//! Commands to observers. An observer lives on its router's home shard, where a producer of another shard has something
//! that stands in for it (docs/adr/0023).

use crate::key::{ProducerKey, RouterKey};

/// What can be done with an observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtpObserverCommand {
    /// Make it.
    Open {
        /// Whose observer.
        router: RouterKey,
        /// What it looks at.
        setup: ObserverOpen,
    },
    /// Look away.
    Pause,
    /// Look again.
    Resume,
    /// Look at this producer too, or at what stands for it on this shard.
    AddProducer(ProducerKey),
    /// Look at it no more.
    RemoveProducer(ProducerKey),
    /// Forget it.
    Close,
}

/// What an observer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObserverOpen {
    /// Who is loudest.
    AudioLevel {
        /// How many at most.
        max_entries: u16,
        /// In dBov: who is more quiet does not count.
        threshold_dbov: i8,
        /// How often.
        interval_ms: u16,
    },
    /// Who speaks.
    ActiveSpeaker {
        /// How often.
        interval_ms: u16,
    },
}
