//! Bodies: JSON of bounded length, whose errors name the field.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The body of a request. One that is empty counts as an empty object, so that what is all optional may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(refused)?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| Problem::invalid(error.to_string()))
    }
}

fn refused(rejection: BytesRejection) -> Problem {
    let detail = rejection.body_text();
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(BODY_LIMIT),
        _ => Problem::invalid(detail),
    }
}

/// The longest of ours are RTP parameters of a browser with every codec: some 20 KB.
pub(super) const BODY_LIMIT: usize = 256 * 1024;
