//! Pages of others, as far as they may ask (the CORS protocol of the Fetch standard).
//!
//! A browser asks beforehand whether a page may, and keeps answers from pages that may not. Which may stands in the
//! configuration; what their requests may do is a matter of tokens, as for everybody.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::config::Origin;

/// Answers what browsers ask beforehand, and tells them which answers are for their pages.
pub(super) async fn cors(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(origin) = allowed(&app.origins, request.headers()) else {
        return next.run(request).await;
    };
    let is_asked_beforehand =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_asked_beforehand {
        let may = [
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (ACCESS_CONTROL_MAX_AGE, SECONDS),
        ];
        (StatusCode::NO_CONTENT, may).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    // Another page gets another answer.
    headers.append(VARY, HeaderValue::from_static("origin"));
    response
}

/// Where the request comes from, if that is a page which may ask.
pub(super) fn allowed(origins: &[Origin], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    origins.iter().any(|allowed| allowed.includes(text)).then(|| origin.clone())
}

const METHODS: &str = "GET, POST, PUT, DELETE";
const HEADERS: &str = "authorization, content-type, idempotency-key";
const EXPOSED: &str = "retry-after, www-authenticate";
/// Seconds that a browser may keep that answer: as long as nobody minds that a configuration has changed.
const SECONDS: &str = "600";
