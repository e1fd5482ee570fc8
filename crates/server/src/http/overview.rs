//! How everything fares, once a second over a WebSocket: what the page at `/` draws.
//!
//! It is looked at once, however many follow, and not at all while nobody does: see [`Lookout`].

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes};
use axum::response::Response;
use parking_lot::Mutex;
use serde::Serialize;
use shard::{CounterKind, DropClass};
use shardcast::api::Error;
use shardcast::runtime::ShardCounters;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::packets::{Upgrade, upgraded};
use super::socket::{Ended, Socket, Terms};
use super::{App, Problem};
use crate::auth::Caller;
use crate::catalogue::{Catalogue, now};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Overview {
    version: &'static str,
    /// Milliseconds since 1970.
    at: u64,
    draining: bool,
    /// Whether there is the demo call.
    demo: bool,
    objects: Objects,
    scores: Scores,
    shards: Vec<Shard>,
    /// Those with the most consumers.
    rooms: Vec<Room>,
}

#[derive(Debug, Serialize)]
struct Objects {
    routers: usize,
    transports: usize,
    producers: usize,
    consumers: usize,
}

/// How many have each score, from 0 to 10.
#[derive(Debug, Serialize)]
struct Scores {
    producers: [u64; 11],
    consumers: [u64; 11],
}

/// Since it started; rates are for the reader to make.
#[derive(Debug, Serialize)]
struct Shard {
    shard: u16,
    driver: &'static str,
    transports: u64,
    received: u64,
    sent: u64,
    dropped: Dropped,
    /// Nanoseconds.
    busy: u64,
    idle: u64,
}

/// By why it is worth knowing.
#[derive(Debug, Default, Serialize)]
struct Dropped {
    loss: u64,
    policy: u64,
    hostile: u64,
}

#[derive(Debug, Serialize)]
struct Room {
    id: Box<str>,
    producers: usize,
    consumers: usize,
}

/// Where those who follow meet. Somebody looks out for them from the first who comes until the last has left.
#[derive(Debug, Default)]
pub(super) struct Lookout(Mutex<Option<watch::Sender<Utf8Bytes>>>);

impl Lookout {
    /// What is seen from now on: first what was seen last, which is no older than a second, or nothing.
    fn follow(&self, app: &App) -> watch::Receiver<Utf8Bytes> {
        let mut seen = self.0.lock();
        if let Some(seen) = &*seen {
            return seen.subscribe();
        }
        let (sender, receiver) = watch::channel(Utf8Bytes::default());
        *seen = Some(sender);
        tokio::spawn(look_out(app.clone()));
        receiver
    }

    /// Tells it all who follow. Whether somebody does; if not, nobody looks out any more.
    fn tell(&self, text: Utf8Bytes) -> bool {
        let mut seen = self.0.lock();
        // Nobody comes meanwhile: whoever does needs the lock.
        let sender = seen.take().filter(|sender| sender.receiver_count() > 0);
        *seen = sender.inspect(|sender| {
            sender.send_replace(text);
        });
        seen.is_some()
    }
}

pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let terms = Terms::of(&app, &caller);
    Ok(upgraded(upgrade)?.on_upgrade(async move |socket| {
        let seen = app.lookout.follow(&app);
        let mut socket = Socket::new(socket, terms);
        let ended = tell(&mut socket, seen).await;
        socket.close(&app, ended).await;
    }))
}

async fn tell(socket: &mut Socket, mut seen: watch::Receiver<Utf8Bytes>) -> Ended {
    // Who comes later need not wait for the next look.
    seen.mark_changed();
    loop {
        tokio::select! {
            changed = seen.changed() => {
                // The SFU has ended: the server ends, and its reader is told so.
                if changed.is_err() {
                    return Ended::Ending;
                }
                let text = seen.borrow_and_update().clone();
                if text.is_empty() {
                    continue;
                }
                if let Err(ended) = socket.send(Message::Text(text)).await {
                    return ended;
                }
            }
            ended = socket.ended() => return ended,
        }
    }
}

/// Until nobody follows, or the SFU has ended. However it ends, whoever comes later finds nobody here and begins anew.
async fn look_out(app: App) {
    let mut post = Post { lookout: &app.lookout, is_left: false };
    let mut next = tokio::time::interval(EVERY);
    // After a stall one look says as much as all that were missed.
    next.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        next.tick().await;
        let Ok(overview) = look(&app).await else { return };
        let text = serde_json::to_string(&overview).unwrap_or_default();
        if !post.lookout.tell(text.into()) {
            // From here on it is somebody else's.
            post.is_left = true;
            return;
        }
    }
}

/// Where one who looks out stands; who falls there leaves it to the next.
struct Post<'a> {
    lookout: &'a Lookout,
    is_left: bool,
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        if !self.is_left {
            *self.lookout.0.lock() = None;
        }
    }
}

async fn look(app: &App) -> Result<Overview, Error> {
    let shards = app.sfu.shards().await?;
    let catalogue = &app.catalogue;
    let (producers, consumers) = app.metrics.quality.scores();
    Ok(Overview {
        version: env!("CARGO_PKG_VERSION"),
        at: now(),
        draining: app.drain.has_begun(),
        demo: app.demo.is_some(),
        objects: Objects {
            routers: catalogue.routers.len(),
            transports: catalogue.transports.len(),
            producers: catalogue.producers.len(),
            consumers: catalogue.consumers.len(),
        },
        scores: Scores { producers, consumers },
        shards: shards.iter().map(Shard::of).collect(),
        rooms: largest(catalogue),
    })
}

fn largest(catalogue: &Catalogue) -> Vec<Room> {
    let mut rooms: BTreeMap<Box<str>, (usize, usize)> = BTreeMap::new();
    catalogue.producers.each_router(|id, len| rooms.entry(id.into()).or_default().0 = len);
    catalogue.consumers.each_router(|id, len| rooms.entry(id.into()).or_default().1 = len);
    let mut rooms: Vec<Room> =
        rooms.into_iter().map(|(id, (producers, consumers))| Room { id, producers, consumers }).collect();
    rooms.sort_by_key(|room| std::cmp::Reverse((room.consumers, room.producers)));
    rooms.truncate(ROOMS);
    rooms
}

impl Shard {
    fn of(shard: &ShardCounters) -> Self {
        let (totals, driver) = (&shard.counters.totals, &shard.counters.driver);
        let mut dropped = Dropped::default();
        shard.counters.each(|_, kind, value| {
            let CounterKind::Drop(class) = kind else { return };
            let sum = match class {
                DropClass::Loss => &mut dropped.loss,
                DropClass::Policy => &mut dropped.policy,
                DropClass::Hostile => &mut dropped.hostile,
            };
            *sum = sum.saturating_add(value);
        });
        Self {
            shard: shard.shard.0,
            driver: shard.driver,
            transports: totals.transports,
            received: driver.received_datagrams,
            sent: driver.sent_datagrams,
            dropped,
            busy: totals.busy_nanos,
            idle: totals.idle_nanos,
        }
    }
}

const EVERY: Duration = Duration::from_secs(1);
/// As many as a page shows without scrolling.
const ROOMS: usize = 10;
