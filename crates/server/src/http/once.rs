//! Making something once, however often it is asked for: the header `Idempotency-Key` of requests that make something.
//!
//! Who asks a second time with the same key, path and body gets the first answer, as long as that is kept. What went
//! wrong is not kept: it made nothing, so it may be tried again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;

use super::{App, Problem};
use crate::auth::Grant;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Once {
    kept: Mutex<HashMap<Key, Kept>>,
}

/// Who asked for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    caller: Option<Box<str>>,
    path: Box<str>,
    key: Box<str>,
}

#[derive(Debug)]
struct Kept {
    body: Vec<u8>,
    at: Instant,
    /// Absent while it is being made.
    answer: Option<(StatusCode, Bytes)>,
}

/// What becomes of a request.
enum Turn {
    First,
    Again(StatusCode, Bytes),
}

/// Takes its key out again unless there was an answer to keep: also if who asked went away.
struct Making {
    once: Arc<Once>,
    key: Option<Key>,
}

pub(super) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let has_key = request.method() == Method::POST && request.headers().contains_key(HEADER);
    if !has_key {
        return next.run(request).await;
    }
    match answer(&app, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let text = parts.headers.get(HEADER).and_then(|key| key.to_str().ok()).unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST_KEY {
        let detail = format!("Idempotency-Key is {text:?}; it must be 1 to {LONGEST_KEY} visible characters");
        return Err(Problem::invalid(detail));
    }
    let caller = parts.extensions.get::<Grant>().and_then(|grant| grant.subject.clone());
    let key = Key { caller, path: parts.uri.path().into(), key: text.into() };
    let limit = app.limits.body_bytes;
    let body = to_bytes(body, limit).await.map_err(|_| Problem::too_large(limit))?;
    let hash = digest(&SHA256, &body).as_ref().to_vec();
    if let Turn::Again(status, body) = app.once.begin(&key, hash, Instant::now())? {
        return Ok(json(status, body));
    }
    let mut making = Making { once: Arc::clone(&app.once), key: Some(key) };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let status = response.status();
    if status != StatusCode::CREATED {
        return Ok(response);
    }
    // Ours, and so no longer than we make it.
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    if let Some(key) = making.key.take() {
        app.once.keep(&key, status, &body);
    }
    Ok(json(status, body))
}

fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

impl Once {
    fn begin(&self, key: &Key, body: Vec<u8>, now: Instant) -> Result<Turn, Problem> {
        let mut kept = self.kept.lock();
        kept.retain(|_, kept| now.saturating_duration_since(kept.at) < KEPT_FOR || kept.answer.is_none());
        if kept.len() >= MOST_KEYS && !kept.contains_key(key) && forget_oldest(&mut kept).is_none() {
            return Err(Problem::too_often());
        }
        match kept.entry(key.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Kept { body, at: now, answer: None });
                Ok(Turn::First)
            }
            Entry::Occupied(there) if there.get().body != body => Err(Problem::other_body(&key.key)),
            Entry::Occupied(there) => match &there.get().answer {
                Some((status, body)) => Ok(Turn::Again(*status, body.clone())),
                None => Err(Problem::under_way(&key.key)),
            },
        }
    }

    fn keep(&self, key: &Key, status: StatusCode, body: &Bytes) {
        let mut kept = self.kept.lock();
        if let Some(kept) = kept.get_mut(key) {
            kept.answer = Some((status, body.clone()));
        }
        let mut bytes: usize = kept.values().map(Kept::bytes).sum();
        while bytes > MOST_BYTES {
            let Some(forgotten) = forget_oldest(&mut kept) else { break };
            bytes = bytes.saturating_sub(forgotten);
        }
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        self.answer.as_ref().map_or(0, |(_, body)| body.len())
    }
}

/// Makes room: forgets the oldest answer, if there is one. How long that was.
fn forget_oldest(kept: &mut HashMap<Key, Kept>) -> Option<usize> {
    let answered = kept.iter().filter(|(_, kept)| kept.answer.is_some());
    let oldest = answered.min_by_key(|(_, kept)| kept.at).map(|(key, _)| key.clone())?;
    kept.remove(&oldest).map(|kept| kept.bytes())
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.once.kept.lock().remove(&key);
        }
    }
}

const HEADER: &str = "idempotency-key";
/// A UUID has 36.
const LONGEST_KEY: usize = 200;
/// Longer than anybody tries again.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// As many as are asked for within seconds, where it matters that each is kept.
const MOST_KEYS: usize = 4_096;
/// Of answers in all. Each holds application data as long as a body may be; most have a kilobyte.
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key { caller: None, path: "/v1/routers".into(), key: text.into() }
    }

    #[test]
    fn answers_are_kept_for_a_while_and_the_oldest_make_room() {
        let once = Once::default();
        let start = Instant::now();
        let is_first = |text: &str, at| matches!(once.begin(&key(text), vec![1], at), Ok(Turn::First));
        let made = |text: &str| once.keep(&key(text), StatusCode::CREATED, &Bytes::from_static(b"{}"));
        assert!(is_first("a", start));
        assert!(once.begin(&key("a"), vec![1], start).is_err(), "it is being made");
        made("a");
        assert!(matches!(once.begin(&key("a"), vec![1], start), Ok(Turn::Again(StatusCode::CREATED, _))));
        assert!(once.begin(&key("a"), vec![2], start).is_err(), "with another body");
        assert!(is_first("a", start + KEPT_FOR), "forgotten");
        made("a");
        for index in 1..MOST_KEYS {
            let text = index.to_string();
            assert!(is_first(&text, start + KEPT_FOR + Duration::from_millis(index as u64)));
            made(&text);
        }
        assert!(is_first("z", start + KEPT_FOR + Duration::from_secs(60)));
        assert!(is_first("a", start + KEPT_FOR + Duration::from_secs(60)), "the oldest made room");
    }

    #[test]
    fn long_answers_make_room_for_each_other() {
        let once = Once::default();
        let start = Instant::now();
        let long = Bytes::from(vec![b' '; MOST_BYTES / 2]);
        let is_first = |index: u64| {
            let at = start + Duration::from_millis(index);
            matches!(once.begin(&key(&index.to_string()), vec![1], at), Ok(Turn::First))
        };
        for index in 1..=3 {
            assert!(is_first(index));
            once.keep(&key(&index.to_string()), StatusCode::CREATED, &long);
        }
        assert!(!is_first(2) && !is_first(3));
        assert!(is_first(1), "the oldest made room");
    }
}
