//! Who may ask at all, as long as the server listens on loopback and asks for no token.
//!
//! A page in a browser of this machine reaches loopback too. It cannot hide where it comes from: requests for us name a
//! loopback host, so that a name which was made to point here is refused (DNS rebinding), and come from no page but our
//! own.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// Lets a request through, or says why not.
pub(super) async fn loopback_only(request: Request, next: Next) -> Response {
    match check(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(HOST).or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    if !is_loopback(host) {
        return Err(Problem::forbidden(format!(
            "the request is for host {host:?}; without tokens it must be for localhost, 127.0.0.1 or [::1]"
        )));
    }
    match text(ORIGIN) {
        Some(origin) if origin.strip_prefix("http://") != Some(host) => Err(Problem::forbidden(format!(
            "the request comes from a page of {origin:?}; without tokens only our own pages may ask"
        ))),
        _ => Ok(()),
    }
}

/// Whether `host`, with or without a port, can be nobody but this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, _)| address).unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let by_address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    by_address || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn passes(host: Option<&'static str>, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [(HOST, host), (ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        check(&headers, &Uri::from_static("/v1/routers")).is_ok()
    }

    #[test]
    fn only_loopback_names_are_this_machine() {
        for host in ["localhost", "LOCALHOST:8480", "127.0.0.1:8480", "127.9.9.9", "[::1]:8480", "[::1]"] {
            assert!(passes(Some(host), None), "{host}");
        }
        for host in ["", "example.org", "localhost.example.org:8480", "192.168.0.1:8480", "[fe80::1]", "[::1"]
        {
            assert!(!passes(Some(host), None), "{host}");
        }
        assert!(!passes(None, None));
    }

    #[test]
    fn pages_of_others_are_refused() {
        let host = Some("localhost:8480");
        assert!(passes(host, Some("http://localhost:8480")));
        for origin in ["http://example.org", "http://localhost:8481", "https://localhost:8480", "null", ""] {
            assert!(!passes(host, Some(origin)), "{origin}");
        }
    }
}
