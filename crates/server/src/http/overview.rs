//! How everything fares, once a second over a WebSocket: what the page at `/` draws.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::Message;
use axum::response::Response;
use serde::Serialize;
use shard::{CounterKind, DropClass};
use shardcast::api::Error;
use shardcast::runtime::ShardCounters;

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

pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let terms = Terms::of(&app, &caller);
    Ok(upgraded(upgrade)?.on_upgrade(async move |socket| {
        let mut socket = Socket::new(socket, terms);
        let ended = tell(&mut socket, &app).await;
        socket.close(&app, ended).await;
    }))
}

async fn tell(socket: &mut Socket, app: &App) -> Ended {
    let mut next = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = next.tick() => {
                // The SFU has ended: the server ends, and its reader is told so.
                let Ok(overview) = look(app).await else { return Ended::Ending };
                let text = serde_json::to_string(&overview).unwrap_or_default();
                if let Err(ended) = socket.send(Message::Text(text.into())).await {
                    return ended;
                }
            }
            ended = socket.ended() => return ended,
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
    catalogue.producers.each(|producer| {
        rooms.entry(producer.transport().router().id().as_str().into()).or_default().0 += 1;
    });
    catalogue.consumers.each(|consumer| {
        rooms.entry(consumer.transport().router().id().as_str().into()).or_default().1 += 1;
    });
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
