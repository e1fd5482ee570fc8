//! What goes out when a request came about.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Something was made: 201, with what a client needs of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made<T>(pub(super) T);

/// It is done, and there is nothing to say: 204.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done;

/// It was taken, and is dealt with when its turn comes: 202.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken;

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}

/// A text that is no JSON.
#[derive(Clone, Debug)]
pub(super) struct Page(pub(super) &'static str, pub(super) Vec<u8>);

impl Page {
    /// A line for a person.
    pub(super) fn line(text: &str) -> Self {
        Self("text/plain; charset=utf-8", text.into())
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        ([(axum::http::header::CONTENT_TYPE, self.0)], self.1).into_response()
    }
}
