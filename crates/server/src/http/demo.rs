//! The demo call over HTTP: its page, and a WebSocket for everybody in a room.
//!
//! Who opens the WebSocket is in the room until it closes, and a little longer: a page that lost its network comes back
//! with the token that it has, and is who it was. It says who one is and gives the token for the API; then it says who is
//! there, again at each change. Everything else goes over the API.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, interval, sleep_until};

use super::body::{Path, Query};
use super::guard::{is_nobodys_name, seconds_since_1970};
use super::packets::{Upgrade, upgraded};
use super::{App, Problem, cors};
use crate::auth::Grant;
use crate::config::Origin;
use crate::demo::{Demo, Refused, Seat};
use crate::events::{Event, ObjectKind};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
    /// Of who was there a moment ago.
    #[serde(default)]
    access_token: Option<String>,
}

/// Nobody needs a token for them: they give one.
pub(super) fn routes() -> Router<App> {
    Router::new().route(ROOM, get(enter))
}

/// Whether this path is one of them.
pub(super) fn has(path: &str) -> bool {
    path == ROOM
}

/// Refuses whoever was in a room of the demo and has left it: what it made went with it, and what it made from now on
/// would be seen by nobody, and counted for nobody.
pub(super) fn check_seated(app: &App, grant: &Grant) -> Result<(), Problem> {
    match &app.demo {
        Some(demo) if demo.lacks(grant) => {
            let detail = "whom the token is for is not in the room of the demo, or the room is gone";
            Err(Problem::forbidden(detail))
        }
        _ => Ok(()),
    }
}

async fn enter(
    State(app): State<App>,
    Path(room): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let demo = app.demo.clone().ok_or_else(|| Problem::not_found("path", "/demo"))?;
    is_ours(&headers, &app.origins)?;
    Ok(upgraded(upgrade)?.on_upgrade(async move |mut socket| {
        let earlier = asked.access_token.and_then(|token| app.auth.check(&token, seconds_since_1970()).ok());
        let with = (&app.sfu, &app.catalogue);
        let seat = demo.enter(with, (&room, &asked.name), earlier, app.drain.has_begun()).await;
        match seat {
            Ok(seat) => stay(&app, &demo, seat, socket).await,
            Err(why) => refuse(&mut socket, &why).await,
        }
    }))
}

/// A page cannot read the answer to a WebSocket that is refused, but what is said over one that is not.
async fn refuse(socket: &mut WebSocket, why: &Refused) {
    let _ = socket.send(text(&json!({ "refused": why.to_string() }))).await;
    let frame = CloseFrame { code: close_code::POLICY, reason: "".into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
}

async fn stay(app: &App, demo: &Arc<Demo>, seat: Seat, mut socket: WebSocket) {
    let mut seat = seat;
    let end = follow(app, demo, &mut seat, &mut socket).await;
    drop(socket);
    if !matches!(end, Ok(End::Goodbye)) {
        tokio::time::sleep(PATIENCE).await;
    }
    demo.leave(seat, &app.catalogue).await;
}

/// How a visit ends without an error.
enum End {
    /// On purpose.
    Goodbye,
    /// The room is gone, or the page.
    Gone,
}

async fn follow(app: &App, demo: &Demo, seat: &mut Seat, socket: &mut WebSocket) -> Result<End, axum::Error> {
    let mut news = app.events.subscribe();
    let mut at = app.events.newest();
    let (mut next, mut heard) = (interval(BEAT), Instant::now());
    let mut token = Token::new(app, seat);
    let welcome = json!({ "person": seat.person, "router": seat.router.id(), "token": token.text,
        "rtpCapabilities": seat.router.rtp_capabilities(), "listenInfos": demo.listen_infos(),
        "sequence": at });
    socket.send(text(&json!({ "welcome": welcome }))).await?;
    let (mut told, mut is_news, mut list_at) = (Vec::new(), true, Instant::now());
    loop {
        tokio::select! {
            () = sleep_until(list_at), if is_news => {
                (is_news, list_at) = (false, Instant::now() + LIST_EVERY);
                let is = demo.people(seat, &app.catalogue);
                if is != told {
                    socket.send(text(&json!({ "people": is }))).await?;
                    told = is;
                }
            }
            changed = news.changed() => {
                changed.map_err(axum::Error::new)?;
                match read_on(app, seat, &mut at) {
                    Read::Nothing => {}
                    Read::News => is_news = true,
                    Read::Closed => return Ok(End::Gone),
                }
            }
            changed = seat.changes.changed() => match changed {
                Ok(()) => is_news = true,
                // The room is gone, or another of that name took its place.
                Err(_) => return Ok(End::Gone),
            },
            _ = next.tick() => {
                if heard.elapsed() > SILENCE {
                    return Ok(End::Gone);
                }
                if token.is_old() {
                    token = Token::new(app, seat);
                }
                // The ping is answered by the browser; a page sees only what is a message.
                socket.send(Message::Ping(Default::default())).await?;
                socket.send(text(&json!({ "token": token.text }))).await?;
            }
            said = socket.recv() => match said {
                Some(Ok(Message::Text(said))) if said.as_str() == "leave" => return Ok(End::Goodbye),
                Some(Ok(message)) if !matches!(message, Message::Close(_)) => heard = Instant::now(),
                _ => return Ok(End::Gone),
            },
        }
    }
}

/// What happened meanwhile, to a room.
enum Read {
    Nothing,
    News,
    Closed,
}

/// Reads what happened, to this room and to others; whether it changes what is said of this one.
fn read_on(app: &App, seat: &Seat, at: &mut u64) -> Read {
    let is_here = |event: &Event| event.router.as_deref() == Some(seat.router.id().as_str());
    let mut read = Read::Nothing;
    loop {
        let following = app.events.after(*at);
        if following.missed > 0 {
            read = Read::News;
        }
        let Some(last) = following.events.last() else { return read };
        *at = last.sequence;
        for event in following.events.iter().filter(|event| is_here(event)) {
            match (event.object, event.event) {
                (ObjectKind::Router, "close") => return Read::Closed,
                (ObjectKind::Producer, "new" | "close" | "pause" | "resume") => read = Read::News,
                _ => {}
            }
        }
    }
}

struct Token {
    text: String,
    renew_at: u64,
}

impl Token {
    fn new(app: &App, seat: &Seat) -> Self {
        let now = seconds_since_1970();
        let text = app.auth.seated_token_for(seat.router.id().as_str(), &seat.person, now + TOKEN_SECONDS);
        Self { text, renew_at: now + TOKEN_SECONDS / 2 }
    }

    fn is_old(&self) -> bool {
        seconds_since_1970() >= self.renew_at
    }
}

/// Pages of others may link to it, and not use it: WebSockets are asked for from anywhere. A page of others whose name was
/// made to point here (DNS rebinding) looks like our own, so a name has to be one that the configuration knows.
fn is_ours(headers: &HeaderMap, origins: &[Origin]) -> Result<(), Problem> {
    let word = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = word(ORIGIN) else { return Ok(()) };
    let host = origin.split_once("://").map(|(_, host)| host).filter(|host| word(HOST) == Some(*host));
    let Some(host) = host else {
        let detail = format!("the request comes from a page of {origin:?}; the demo has its own");
        return Err(Problem::forbidden(detail));
    };
    if is_nobodys_name(host) || cors::allowed(origins, headers).is_some() {
        return Ok(());
    }
    Err(Problem::forbidden(format!(
        "the page was loaded as {origin:?}, which may be anybody's name for us; server.allowed_origins must have it"
    )))
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

const ROOM: &str = "/demo/rooms/{room}";
/// How long somebody is waited for whose connection broke: longer than a change of networks takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// However much changes, a page is told no more often: nobody sees the difference, and what holds then is told.
const LIST_EVERY: Duration = Duration::from_millis(100);
/// So often a page hears that the connection works.
const BEAT: Duration = Duration::from_secs(4);
/// Three beats and a little: who has not answered since is gone.
const SILENCE: Duration = Duration::from_secs(14);
/// Short, because it cannot be taken back; a page that stays gets the next in time.
const TOKEN_SECONDS: u64 = 600;
