//! Events over a WebSocket: one JSON text for each, in the order in which things happened.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::Message;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Query;
use super::packets::{Upgrade, upgraded};
use super::socket::{Ended, Socket, Terms};
use super::{App, Problem};
use crate::auth::Caller;
use crate::events::{Event, Events, Following};
use crate::metrics::Follower;

/// What a reader wants to hear.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Everything after the event of this number, as far as it is kept; what comes from now on, if absent.
    #[serde(default)]
    after: Option<u64>,
    /// Of this router only.
    #[serde(default)]
    router: Option<Box<str>>,
    /// Of this object only.
    #[serde(default)]
    id: Option<Box<str>>,
    /// These events only, with commas between.
    #[serde(default)]
    events: Option<String>,
    /// For pages, which can set no header on a WebSocket.
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before anything else is")]
    access_token: Option<String>,
    /// Nothing of where others are, and of their packets.
    #[serde(skip)]
    is_participants: bool,
}

/// Said in place of events that are not kept any more.
#[derive(Debug, Serialize)]
struct Missed {
    missed: u64,
}

pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    Query(mut wanted): Query<Wanted>,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let terms = Terms::of(&app, &caller);
    if caller.participant().is_some() {
        // Of other rooms they hear nothing, whatever they ask for.
        wanted.router = caller.0.and_then(|grant| grant.router);
        wanted.is_participants = true;
    }
    Ok(upgraded(upgrade)?.on_upgrade(async move |socket| {
        let mut socket = Socket::new(socket, terms);
        let ended = tell(&mut socket, &app.events, &wanted, &app.metrics.api.follow()).await;
        socket.close(&app, ended).await;
    }))
}

async fn tell(socket: &mut Socket, events: &Arc<Events>, wanted: &Wanted, follower: &Follower) -> Ended {
    let mut newest = events.subscribe();
    let mut at = wanted.after.unwrap_or_else(|| events.newest());
    let mut last = None;
    loop {
        newest.borrow_and_update();
        let Following { missed, events: following } = events.after(at);
        if missed > 0 {
            follower.miss(missed);
            if let Err(ended) = socket.send(text(&Missed { missed })).await {
                return ended;
            }
        }
        for event in &following {
            if wanted.includes(event)
                && let Err(ended) = socket.send(text(&**event)).await
            {
                return ended;
            }
            at = event.sequence;
        }
        if !following.is_empty() {
            continue;
        }
        if let Some(ended) = last {
            return ended;
        }
        at = at.min(events.newest());
        tokio::select! {
            // Whoever tells is there as long as its readers.
            _ = newest.changed() => {}
            ended = socket.ended() => match ended {
                // How everything ended is told before.
                Ended::Ending => last = Some(ended),
                _ => return ended,
            },
        }
    }
}

fn text(value: &impl Serialize) -> Message {
    Message::Text(serde_json::to_string(value).unwrap_or_default().into())
}

impl Wanted {
    fn includes(&self, event: &Event) -> bool {
        let is = |wanted: &Option<Box<str>>, id: Option<&str>| wanted.is_none() || wanted.as_deref() == id;
        let is_named = |names: &String| names.split(',').any(|name| name == event.event);
        let is_hidden = self.is_participants && NOT_FOR_PARTICIPANTS.contains(&event.event);
        !is_hidden
            && is(&self.router, event.router.as_deref())
            && is(&self.id, Some(&event.id))
            && self.events.as_ref().is_none_or(is_named)
    }
}

/// What names addresses of peers, or what they send.
const NOT_FOR_PARTICIPANTS: [&str; 4] = ["iceselectedtuplechange", "tuple", "rtcptuple", "trace"];
