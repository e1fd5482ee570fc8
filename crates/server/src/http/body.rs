//! What comes in: JSON and bytes of bounded length, queries and names, whose errors name the field.

use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::App;
use super::problem::Problem;

/// The body of a request. One that is empty counts as an empty object, so that what is all optional may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<T>(pub(super) T);

/// A body of bytes: a packet, or a message.
#[derive(Clone, Debug)]
pub(super) struct Raw(pub(super) Bytes);

/// What stands after the question mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<T>(pub(super) T);

/// The names in the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| Problem::invalid(error.to_string()))
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(refused)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|why| Problem::invalid(why.body_text()))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path)).map_err(|why| Problem::invalid(why.body_text()))
    }
}

/// Has the whole body there before anything is done with it, or says that it does not come.
pub(super) async fn whole(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let seconds = app.limits.body_seconds;
    let read = Raw::from_request(Request::from_parts(parts.clone(), body), &());
    match timeout(Duration::from_secs(seconds.into()), read).await {
        Ok(Ok(Raw(bytes))) => next.run(Request::from_parts(parts, bytes.into())).await,
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::too_slow(seconds).into_response(),
    }
}

fn refused(rejection: BytesRejection) -> Problem {
    let detail = rejection.body_text();
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_long(),
        _ => Problem::invalid(detail),
    }
}
