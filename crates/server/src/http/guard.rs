//! Who may ask.
//!
//! Where tokens are needed, who has none is told so, and one that does not allow what is asked is refused. Where none
//! is, the server listens on loopback, and a page in a browser of this machine reaches loopback too. It cannot hide
//! where it comes from: requests for us name a loopback host, so that a name which was made to point here is refused
//! (DNS rebinding), and come from no page but our own.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{ConnectInfo, MatchedPath, Query, RawPathParams, Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, ORIGIN, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connections::Peer;
use super::problem::Problem;
use super::{App, cors, demo, operation::Operation, page};
use crate::auth::{Grant, Need, Scope};
use crate::config::Origin;

/// What each operation needs, by method and path.
#[derive(Debug)]
pub(crate) struct Needs(Vec<(Method, &'static str, Need)>);

impl Needs {
    pub(super) fn of(operations: &[Operation]) -> Self {
        let method =
            |name: &str| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).unwrap_or_default();
        Self(operations.iter().map(|each| (method(each.method), each.path, each.need)).collect())
    }

    /// What nobody described needs most.
    fn find(&self, method: &Method, path: &str) -> Need {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        if page::has(path) || demo::has(path) {
            return Need::Nothing;
        }
        let found = self.0.iter().find(|(its, at, _)| its == method && *at == path);
        found.map_or(Need::Admin, |(_, _, need)| *need)
    }
}

/// Lets a request through, or says why not.
pub(super) async fn admit(
    State(app): State<App>,
    names: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let names = names.ok();
    match check(&app, names.as_ref(), &request) {
        Ok(Some(grant)) => {
            request.extensions_mut().insert(grant);
            next.run(request).await
        }
        Ok(None) => parting(&app, next.run(request).await),
        Err(problem) => {
            let status = problem.status();
            let mut response = problem.into_response();
            let more = match status {
                401 => Some((WWW_AUTHENTICATE, "Bearer")),
                429 => Some((RETRY_AFTER, "1")),
                _ => None,
            };
            if let Some((name, value)) = more {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            parting(&app, response)
        }
    }
}

/// Where tokens are needed, who showed none that holds has its answer and no claim to the connection: kept open, so many
/// from a few addresses would leave no place for others.
fn parting(app: &App, mut response: Response) -> Response {
    if app.auth.is_on() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn check(app: &App, names: Option<&RawPathParams>, request: &Request) -> Result<Option<Grant>, Problem> {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    if peer.is_some_and(|ConnectInfo(peer)| !app.rates.admit(peer.0.ip(), Instant::now())) {
        return Err(Problem::too_often());
    }
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let need = app.needs.find(request.method(), path);
    let token = token(request);
    if !app.auth.is_on() {
        is_from_here(request.headers(), request.uri(), (app.scheme, &app.origins))?;
    }
    if need == Need::Nothing {
        return Ok(None);
    }
    let grant = match token {
        // Who shows a token is what it says, also where it could have asked without: a participant whose token has
        // expired would be everybody otherwise.
        Some(token) => {
            let grant = app.auth.check(&token, seconds_since_1970());
            grant.map_err(|why| Problem::unauthorized(why.to_string()))?
        }
        None if app.auth.is_on() => {
            let detail = "there is no token; the header must be Authorization: Bearer TOKEN";
            return Err(Problem::unauthorized(detail));
        }
        None => return Ok(None),
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if !grant.allows(need, changes) {
        return Err(Problem::forbidden(format!("this needs {}", need.sentence())));
    }
    if grant.scope == Scope::Participant {
        demo::check_seated(app, &grant)?;
        is_its_own(app, &grant, path, names)?;
    }
    Ok(Some(grant))
}

/// A participant asks within its router, and of others' objects nothing. The name is the one that handlers get: what is
/// escaped in the path would be another object's otherwise.
fn is_its_own(app: &App, grant: &Grant, path: &str, names: Option<&RawPathParams>) -> Result<(), Problem> {
    let mut words = path.split('/').skip(2);
    let (Some(shelf), Some(_)) = (words.next(), words.next()) else { return Ok(()) };
    let id = names.and_then(|names| names.iter().find(|(name, _)| *name == "id"));
    let id =
        id.map(|(_, id)| id).ok_or_else(|| Problem::invalid("the path does not name its object in UTF-8"))?;
    let place = app.catalogue.place(shelf, id).ok_or_else(|| Problem::not_found("object", id))?;
    if place.router != grant.router {
        return Err(Problem::forbidden(format!("{id} is not in the router that the token is for")));
    }
    let owner = place.transport.and_then(|transport| app.catalogue.owner(&transport));
    if shelf != "routers" && owner != grant.subject {
        return Err(Problem::forbidden(format!("{id} belongs to somebody else")));
    }
    Ok(())
}

/// In the header; pages cannot set it on WebSockets, which may have it in the query instead (RFC 6750 §2.3).
fn token(request: &Request) -> Option<Cow<'_, str>> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        // What is no text is no token that holds, but it was shown.
        let header = String::from_utf8_lossy(header.as_bytes());
        let (scheme, token) = header.split_once(' ').unwrap_or((&header, ""));
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned().into());
    }
    request.headers().get(UPGRADE)?;
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).ok()?;
    let (_, token) = pairs.into_iter().find(|(name, _)| name == "access_token")?;
    // A token has no spaces (RFC 6750 §2.1): they were pluses that somebody did not escape.
    Some(token.replace(' ', "+").into())
}

pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn is_from_here(headers: &HeaderMap, uri: &Uri, (scheme, origins): (&str, &[Origin])) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(HOST).or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    if !is_loopback(host) {
        return Err(Problem::forbidden(format!(
            "the request is for host {host:?}; without tokens it must be for localhost, 127.0.0.1 or [::1]"
        )));
    }
    match text(ORIGIN) {
        _ if cors::allowed(origins, headers).is_some() => Ok(()),
        Some(origin)
            if origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) != Some(host) =>
        {
            Err(Problem::forbidden(format!(
                "the request comes from a page of {origin:?}; without tokens only our own pages may ask, and those of server.allowed_origins"
            )))
        }
        _ => Ok(()),
    }
}

/// Whether `host`, with or without a port, can be nobody but this machine.
fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    let by_address = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    by_address || name.eq_ignore_ascii_case("localhost")
}

/// Whether nobody can make `host`, with or without a port, point to somewhere else than it did: no name server is asked.
pub(super) fn is_nobodys_name(host: &str) -> bool {
    is_loopback(host) || without_port(host).parse::<IpAddr>().is_ok()
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, _)| address).unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
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
        is_from_here(&headers, &Uri::from_static("/v1/routers"), ("http", &[])).is_ok()
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
