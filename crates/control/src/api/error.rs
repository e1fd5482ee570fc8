//! Why something asked of the SFU did not come about.

use model::Invalid;
use model::ortc;
use model::reply::{Refusal, RefusalClass};
use thiserror::Error;

use super::closing::CloseReason;

/// Why something asked of the SFU did not come about. Nothing changed by it, but for what [`Self::Stuck`] says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// What was asked for makes no sense; the sentence names the field, its value and what would be right.
    #[error("{0}")]
    Invalid(Box<str>),
    /// It is well formed, but more than the other side can do.
    #[error(transparent)]
    Unsupported(#[from] ortc::Unsupported),
    /// There is no such object, or not any more.
    #[error("{0}")]
    NotFound(Box<str>),
    /// It makes sense, but can not be done now: a port is taken, a buffer is full.
    #[error("{0}")]
    Failed(Box<str>),
    /// The core that has to do it hangs. Of what was asked before that was known the sentence says that it may still be done.
    #[error("{0}")]
    Stuck(Box<str>),
    /// So much waits to be sent that this was not taken. Nothing waits for it; try again, or drop it.
    #[error("too much waits to be sent; this was not taken")]
    Busy,
    /// The object that was asked is closed.
    #[error("it is closed: {0}")]
    Closed(CloseReason),
    /// The SFU has ended.
    #[error("the SFU has ended")]
    Ended,
}

impl Error {
    /// A field is not what it has to be.
    pub(crate) fn field(field: &str, value: impl std::fmt::Display, expected: &'static str) -> Self {
        Invalid::new(field, value, expected).into()
    }

    /// An answer of another kind than the request has.
    pub(crate) fn unexpected(asked: &str) -> Self {
        Self::Failed(format!("{asked} was answered with something else, which is a defect").into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.class {
            RefusalClass::Invalid => Self::Invalid(refusal.reason),
            RefusalClass::NotFound => Self::NotFound(refusal.reason),
            RefusalClass::Failed => Self::Failed(refusal.reason),
            RefusalClass::Stuck => Self::Stuck(refusal.reason),
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.to_string().into())
    }
}

impl From<ortc::Error> for Error {
    fn from(error: ortc::Error) -> Self {
        match error {
            ortc::Error::Invalid(invalid) => invalid.into(),
            ortc::Error::Unsupported(unsupported) => unsupported.into(),
            ortc::Error::Exhausted(exhausted) => Self::Failed(exhausted.to_string().into()),
        }
    }
}
