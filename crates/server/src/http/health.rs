//! Whether this process is alive and takes calls, how its shards fare, and the page for Prometheus.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use shardcast::runtime::ShardCounters;

use super::answer::Page;
use super::{App, Problem};

/// Alive: control answers, and no shard hangs.
pub(super) async fn alive(State(app): State<App>) -> Result<Page, Problem> {
    let shards = app.sfu.shards().await?;
    let stuck: Vec<_> = shards.iter().filter(|shard| shard.is_stuck()).collect();
    if stuck.is_empty() { Ok(Page::line("ok\n")) } else { Err(Problem::stuck(&stuck)) }
}

/// Ready for more: alive, and not draining.
pub(super) async fn ready(State(app): State<App>) -> Result<Page, Problem> {
    if app.drain.has_begun() {
        return Err(Problem::draining());
    }
    alive(State(app)).await
}

pub(super) async fn metrics(State(app): State<App>) -> Result<Page, Problem> {
    let shards = app.sfu.shards().await?;
    let page = app.metrics.page(&app.catalogue, app.events.newest(), &shards);
    page.map(|page| Page(prometheus::TEXT_FORMAT, page)).map_err(|error| Problem::defect(&error.to_string()))
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shard {
    shard: u16,
    driver: &'static str,
    /// Of the time since it started.
    busy_share: f64,
    transports: u64,
    datagrams_received: u64,
    datagrams_sent: u64,
    handed_over: u64,
    panics: u64,
}

/// Every shard that was started.
pub(super) async fn shards(State(app): State<App>) -> Result<Json<Vec<Shard>>, Problem> {
    Ok(Json(app.sfu.shards().await?.iter().map(Shard::of).collect()))
}

impl Shard {
    fn of(shard: &ShardCounters) -> Self {
        let totals = &shard.counters.totals;
        let seconds = |nanos| std::time::Duration::from_nanos(nanos).as_secs_f64();
        let all = seconds(totals.busy_nanos.saturating_add(totals.idle_nanos));
        Self {
            shard: shard.shard.0,
            driver: shard.driver,
            busy_share: if all > 0.0 { seconds(totals.busy_nanos) / all } else { 0.0 },
            transports: totals.transports,
            datagrams_received: totals.datagrams,
            datagrams_sent: shard.counters.driver.sent_datagrams,
            handed_over: totals.handed_over,
            panics: totals.panics,
        }
    }
}
