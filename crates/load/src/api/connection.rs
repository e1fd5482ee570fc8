//! Requests over HTTP/1.1, on a few connections that are kept open.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::histogram::{Histogram, Percentiles};
use crate::meter::nanos;

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Api {
    base: Base,
    token: Option<String>,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    slots: Semaphore,
    /// How long requests waited for one of those.
    waits: Mutex<Histogram>,
}

/// Why a request did not come about. Short, as reports count them by their text.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Trouble {
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the server did not answer within {} s", DEADLINE.as_secs())]
    Late,
    #[error("the server refused with {status}: {detail}")]
    Refused { status: u16, detail: String },
    #[error("the server's answer makes no sense: {0}")]
    Nonsense(String),
}

/// RFC 9457, as far as anybody reads it.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: Option<String>,
    title: Option<String>,
}

impl Api {
    pub(crate) fn new(base: Base, token: Option<String>) -> Self {
        Self {
            base,
            token,
            idle: Mutex::new(Vec::new()),
            slots: Semaphore::new(CONNECTIONS),
            waits: Mutex::new(Histogram::new()),
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        read(&self.ask(Method::GET, path, None).await?)
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Trouble> {
        read(&self.ask(Method::POST, path, Some(body)).await?)
    }

    /// One whose answer is nothing but that it was done.
    pub(crate) async fn tell(&self, path: &str, body: &Value) -> Result<(), Trouble> {
        self.ask(Method::POST, path, Some(body)).await.map(drop)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), Trouble> {
        self.ask(Method::DELETE, path, None).await.map(drop)
    }

    /// How long requests waited for others of ours, in nanoseconds.
    pub(crate) fn waits(&self) -> Option<Percentiles> {
        self.waits.lock().percentiles()
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes, Trouble> {
        let asked_at = Instant::now();
        // It is never closed.
        let _slot = self.slots.acquire().await;
        self.waits.lock().record(nanos(asked_at.elapsed()));
        timeout(DEADLINE, self.exchange(method, path, body)).await.unwrap_or(Err(Trouble::Late))
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes, Trouble> {
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.dial().await?,
        };
        let request = self.request(method, path, body)?;
        let unreachable = |error: hyper::Error| Trouble::Unreachable(error.to_string());
        let response = connection.send_request(request).await.map_err(unreachable)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
        let body = body.map_err(|error| Trouble::Nonsense(error.to_string()))?.to_bytes();
        self.idle.lock().push(connection);
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }

    async fn dial(&self) -> Result<SendRequest<Full<Bytes>>, Trouble> {
        let stream = TcpStream::connect((&*self.base.host, self.base.port)).await;
        let stream = stream.map_err(|error| Trouble::Unreachable(error.to_string()))?;
        // Requests are small and wait for their answers.
        let _ = stream.set_nodelay(true);
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| Trouble::Unreachable(error.to_string()))?;
        // What goes wrong with it, the next request on it says.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Trouble> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.base.to_string());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Full::from(bytes)).map_err(|error| Trouble::Nonsense(error.to_string()))
    }
}

impl Trouble {
    /// Whether there is no server at all, as opposed to one that says no.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Late)
    }
}

impl FromStr for Base {
    type Err = ();

    /// `http://host:port`, with or without a slash at its end; the port of the server if there is none.
    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("http://").ok_or(())?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(())?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(())?) })
            }
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_name) {
            return Err(());
        }
        let port = port.map_or(Ok(DEFAULT_PORT), str::parse).map_err(drop)?;
        Ok(Self { host: host.to_owned(), port })
    }
}

/// As the header `Host` has it.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| Trouble::Nonsense(error.to_string()))
}

fn refusal(status: StatusCode, body: &[u8]) -> Trouble {
    let problem = serde_json::from_slice::<Problem>(body).ok();
    let detail = problem.and_then(|problem| problem.detail.or(problem.title));
    Trouble::Refused {
        status: status.as_u16(),
        detail: detail.unwrap_or_else(|| "it says nothing more".into()),
    }
}

/// Requests under way at once. Browsers of so many people would have more, but each its own wait for its answer: what is
/// measured here is the server's work, and 16 keep it busy.
const CONNECTIONS: usize = 16;
/// For an answer. A server that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(10);
/// No answer that is read here comes near it.
const ANSWER_LIMIT: usize = 4 << 20;
/// Of `shardcast`, if nobody says otherwise.
const DEFAULT_PORT: u16 = 8480;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_are_read() {
        for (text, host, port) in [
            ("http://127.0.0.1:8480", "127.0.0.1", 8480),
            ("http://sfu.example/", "sfu.example", 8480),
            ("http://[::1]:9/", "::1", 9),
            ("http://[::1]", "::1", 8480),
        ] {
            assert_eq!(text.parse(), Ok(Base { host: host.into(), port }), "{text}");
        }
        for text in [
            "127.0.0.1:8480",
            "https://a",
            "http://",
            "http://a:b",
            "http://a/b",
            "http://[::1",
            "http://[::1]9",
        ] {
            assert_eq!(text.parse::<Base>(), Err(()), "{text}");
        }
        assert_eq!("http://[::1]".parse::<Base>().unwrap().to_string(), "[::1]:8480");
    }

    #[test]
    fn a_refusal_says_what_the_problem_document_says() {
        let body = br#"{"type":"urn:shardcast:busy","title":"t","status":429,"detail":"try again"}"#;
        let trouble = refusal(StatusCode::TOO_MANY_REQUESTS, body);
        assert_eq!(trouble.to_string(), "the server refused with 429: try again");
        assert!(!trouble.is_unreachable());
        let other = refusal(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(other.to_string(), "the server refused with 502: it says nothing more");
    }
}
