//! Who asks, for handlers that have to know.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Grant, Scope};

/// Who asks; nobody in particular where no token is needed.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Option<Grant>);

impl Caller {
    /// The participant that it is, if it is one.
    pub(crate) fn participant(&self) -> Option<&str> {
        self.0.as_ref().filter(|grant| grant.scope == Scope::Participant)?.subject.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Grant>().cloned()))
    }
}
