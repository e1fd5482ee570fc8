//! The one error for parameters that make no sense.

use std::fmt;

/// A field that is not what it has to be. The caller is to blame: class `TypeError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}; {expected}")]
pub struct Unacceptable {
    /// The way to the field.
    pub field: String,
    /// What stands there.
    pub value: String,
    /// What would be right.
    pub expected: &'static str,
}

impl Unacceptable {
    pub(crate) fn new(field: impl Into<String>, value: impl fmt::Display, expected: &'static str) -> Self {
        Self { field: field.into(), value: value.to_string(), expected }
    }
}
