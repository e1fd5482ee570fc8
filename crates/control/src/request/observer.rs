//! What can be asked of observers.

use model::id::ProducerId;

/// What can be asked of an observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtpObserverRequest {
    /// Look away.
    Pause,
    /// Look again.
    Resume,
    /// Look at this producer too.
    AddProducer(ProducerId),
    /// Look at this producer no more.
    RemoveProducer(ProducerId),
}
