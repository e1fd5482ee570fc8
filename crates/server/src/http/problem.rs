//! What is said when a request does not come about: problem documents (RFC 9457).

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shardcast::api::Error;
use shardcast::runtime::ShardCounters;

use crate::quota::Full;

/// A problem document. Its `detail` names the field that is wrong, its value and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// What kind of problem it is: a word that programs can tell apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: Box<str>,
}

impl Problem {
    /// The request makes no sense as it is.
    pub(crate) fn invalid(detail: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:shardcast:invalid", "the request makes no sense", detail)
    }

    /// There is nothing of that name.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        let detail = format!("there is no {what} {id}");
        Self::new(StatusCode::NOT_FOUND, "urn:shardcast:not-found", "there is no such thing", detail)
    }

    /// There is something of that name, but this cannot be done with it.
    pub(crate) fn not_allowed(method: &str, path: &str) -> Self {
        let detail = format!("{path} cannot be asked with {method}; the header Allow says with what");
        let title = "this cannot be done with it";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "urn:shardcast:not-allowed", title, detail)
    }

    /// Who asks has no token, or one that does not hold.
    pub(crate) fn unauthorized(detail: impl Into<Box<str>>) -> Self {
        let title = "this needs a token";
        Self::new(StatusCode::UNAUTHORIZED, "urn:shardcast:unauthorized", title, detail)
    }

    /// More is asked than anybody may.
    pub(crate) fn too_often() -> Self {
        let detail = "there were too many requests in the last second; try again in one";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:shardcast:too-often", "too much is asked", detail)
    }

    /// The key of an earlier request, with another body.
    pub(crate) fn other_body(key: &str) -> Self {
        let detail =
            format!("Idempotency-Key is {key:?}, which was used with another body; take another key");
        let title = "the key belongs to another request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "urn:shardcast:other-body", title, detail)
    }

    /// The key of a request that is not answered yet.
    pub(crate) fn under_way(key: &str) -> Self {
        let detail =
            format!("Idempotency-Key is {key:?}, whose first request is not answered yet; try again");
        Self::new(StatusCode::CONFLICT, "urn:shardcast:under-way", "it is being made", detail)
    }

    /// A participant has as many of them as it may.
    pub(crate) fn quota(what: &str, Full { most, key }: Full) -> Self {
        let detail =
            format!("there are {most} {what} of this participant already, which is {key}; close one first");
        Self::new(StatusCode::CONFLICT, "urn:shardcast:quota", "there is no room for more", detail)
    }

    /// The body did not come.
    pub(crate) fn too_slow(seconds: u32) -> Self {
        let detail = format!("the body was not there after {seconds} seconds");
        Self::new(StatusCode::REQUEST_TIMEOUT, "urn:shardcast:too-slow", "the body is too slow", detail)
    }

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// Who asks may not.
    pub(crate) fn forbidden(detail: impl Into<Box<str>>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:shardcast:forbidden",
            "this may not be asked from there",
            detail,
        )
    }

    /// It is closing down.
    pub(crate) fn draining() -> Self {
        let detail = "this server takes nothing new because it is about to end; ask another";
        let title = "the server is draining";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:shardcast:draining", title, detail)
    }

    /// Shards hang, of which there is at least one.
    pub(crate) fn stuck(shards: &[&ShardCounters]) -> Self {
        let each = |of: &&ShardCounters| format!("shard {} for {} s", of.shard.0, of.silent.as_secs());
        let each: Vec<_> = shards.iter().map(each).collect();
        let detail = format!("{}: its rooms stand still; start the server anew", each.join(", "));
        Self::new(StatusCode::SERVICE_UNAVAILABLE, STUCK, "a shard does not go on", detail)
    }

    /// The body is larger than any request needs.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("the body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:shardcast:too-large", "the body is too long", detail)
    }

    /// Something here is wrong.
    pub(crate) fn defect(detail: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:shardcast:defect", "this is a defect", detail)
    }

    /// Likewise, where the limit is not known.
    pub(crate) fn too_long() -> Self {
        let detail = "the body is longer than the configuration's limits.body_bytes";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:shardcast:too-large", "the body is too long", detail)
    }

    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<Box<str>>) -> Self {
        Self { kind, title, status: status.as_u16(), detail: detail.into() }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let (status, kind, title) = match error {
            Error::Invalid(_) => return Self::invalid(detail),
            Error::Unsupported(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "urn:shardcast:unsupported",
                "the other side cannot do this",
            ),
            Error::NotFound(_) => {
                (StatusCode::NOT_FOUND, "urn:shardcast:not-found", "there is no such thing")
            }
            Error::Failed(_) => (StatusCode::CONFLICT, "urn:shardcast:failed", "it cannot be done now"),
            Error::Stuck(_) => (StatusCode::SERVICE_UNAVAILABLE, STUCK, "a shard does not go on"),
            Error::Busy => (StatusCode::TOO_MANY_REQUESTS, "urn:shardcast:busy", "too much waits; try again"),
            Error::Closed(_) => (StatusCode::GONE, "urn:shardcast:closed", "it is closed"),
            Error::Ended => (StatusCode::SERVICE_UNAVAILABLE, "urn:shardcast:ended", "the SFU has ended"),
        };
        Self::new(status, kind, title, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// Of whatever has to do with a shard that hangs.
const STUCK: &str = "urn:shardcast:stuck";

#[cfg(test)]
mod tests {
    use shardcast::api::CloseReason;

    use super::*;

    #[test]
    fn each_error_has_a_status_and_a_word_of_its_own() {
        let errors = [
            (Error::Invalid("x is 1; it must be 2".into()), 400, "urn:shardcast:invalid"),
            (Error::NotFound("no".into()), 404, "urn:shardcast:not-found"),
            (Error::Failed("port 5 is taken".into()), 409, "urn:shardcast:failed"),
            (Error::Stuck("shard 1 hangs".into()), 503, "urn:shardcast:stuck"),
            (Error::Busy, 429, "urn:shardcast:busy"),
            (Error::Closed(CloseReason::RouterClosed), 410, "urn:shardcast:closed"),
            (Error::Ended, 503, "urn:shardcast:ended"),
        ];
        for (error, status, kind) in errors {
            let detail = error.to_string();
            let problem = Problem::from(error);
            assert_eq!((problem.status, problem.kind, &*problem.detail), (status, kind, &*detail));
        }
    }
}
