//! Why a request is refused: a class, and a sentence for the user.

use std::fmt;

use model::Invalid;
use model::reply::{Refusal, RefusalClass};

/// What was asked for makes no sense.
pub(super) fn invalid(field: &str, value: impl fmt::Display, expected: &'static str) -> Refusal {
    unreadable(&Invalid::new(field, value, expected))
}

/// Likewise, said by the dictionaries.
pub(super) fn unreadable(invalid: &Invalid) -> Refusal {
    Refusal::new(RefusalClass::Invalid, invalid.to_string())
}

/// There is no such object; `kind` with its article.
pub(super) fn not_found(kind: &str, id: &str) -> Refusal {
    Refusal::new(
        RefusalClass::NotFound,
        format!("id is {id:?}; there is no object of that name here; it must be the name of {kind}"),
    )
}

/// It makes sense, but not now or not here.
pub(super) fn failed(reason: impl Into<Box<str>>) -> Refusal {
    Refusal::new(RefusalClass::Failed, reason)
}
