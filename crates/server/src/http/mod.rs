//! The control API over HTTP. docs/api.md has it from the outside.
//!
//! | module | owns |
//! |---|---|
//! | `routers`, `transports`, `producers`, `consumers`, `servers`, `observers`, `data_producers`, `data_consumers` | what can be asked of each kind of object |
//! | `pipes` | producers that go on into another router |
//! | `events`, `packets` | what happens, and what passes by on direct transports, over WebSockets |
//! | `objects` | what is alike for all kinds |
//! | `health` | whether this process is alive, takes calls, and how its shards fare |
//! | `body`, `answer`, `problem` | what comes in, what goes out, and what is said when something does not come about |
//! | `guard` | who may ask at all |

mod answer;
mod body;
mod consumers;
mod data_consumers;
mod data_producers;
mod events;
mod guard;
mod health;
mod objects;
mod observers;
mod packets;
mod pipes;
mod problem;
mod producers;
mod routers;
mod servers;
mod transports;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use serde_json::Value;
use shardcast::api::{
    AppData, Consumer, DataConsumer, DataProducer, Producer, RtpObserver, Sfu, WebRtcServer,
};

use crate::catalogue::{AnyTransport, Catalogue};
use crate::drain::Drain;
use crate::events::Events;
use crate::metrics::Metrics;
pub(crate) use problem::Problem;

/// What every request may look at.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) sfu: Sfu,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) events: Arc<Events>,
}

/// Everything that can be asked, of those who listen on loopback.
pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(rooms())
        .merge(media())
        .merge(messages())
        .method_not_allowed_fallback(not_allowed)
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(body::BODY_LIMIT))
        .layer(middleware::from_fn(guard::loopback_only))
        .with_state(app)
}

/// The process, its rooms, and how to get into them.
fn rooms() -> Router<App> {
    Router::new()
        .route("/v1/shards", get(health::shards))
        .route("/v1/events", get(events::follow))
        .route("/v1/webrtc-servers", post(servers::create).get(servers::list))
        .route("/v1/webrtc-servers/{id}", get(servers::show).delete(objects::close::<WebRtcServer>))
        .route("/v1/routers", post(routers::create).get(routers::list))
        .route("/v1/routers/{id}", get(routers::show).delete(objects::close::<shardcast::api::Router>))
        .route("/v1/routers/{id}/can-consume", post(routers::can_consume))
        .route("/v1/routers/{id}/pipe-to-router", post(pipes::pipe))
        .route("/v1/routers/{id}/webrtc-transports", post(transports::create_webrtc))
        .route("/v1/routers/{id}/plain-transports", post(transports::create_plain))
        .route("/v1/routers/{id}/pipe-transports", post(transports::create_pipe))
        .route("/v1/routers/{id}/direct-transports", post(transports::create_direct))
        .route("/v1/routers/{id}/audio-level-observers", post(observers::create_audio_level))
        .route("/v1/routers/{id}/active-speaker-observers", post(observers::create_active_speaker))
        .route("/v1/transports/{id}", get(transports::show).delete(objects::close::<AnyTransport>))
        .route("/v1/transports/{id}/stats", get(objects::stats::<AnyTransport>))
        .route("/v1/transports/{id}/connect", post(transports::connect))
        .route("/v1/transports/{id}/restart-ice", post(transports::restart_ice))
        .route("/v1/transports/{id}/bitrates", put(transports::set_bitrates))
        .route("/v1/transports/{id}/trace", put(objects::trace::<AnyTransport>))
        .route("/v1/transports/{id}/rtcp", post(transports::send_rtcp).get(packets::of_transport))
        .route("/v1/transports/{id}/producers", post(producers::create))
        .route("/v1/transports/{id}/consumers", post(consumers::create))
        .route("/v1/transports/{id}/data-producers", post(data_producers::create))
        .route("/v1/transports/{id}/data-consumers", post(data_consumers::create))
}

/// Who sends, who receives, and who listens in.
fn media() -> Router<App> {
    Router::new()
        .route("/v1/producers", get(producers::worst))
        .route("/v1/producers/{id}", get(producers::show).delete(objects::close::<Producer>))
        .route("/v1/producers/{id}/stats", get(objects::stats::<Producer>))
        .route("/v1/producers/{id}/pause", post(objects::pause::<Producer>))
        .route("/v1/producers/{id}/resume", post(objects::resume::<Producer>))
        .route("/v1/producers/{id}/trace", put(objects::trace::<Producer>))
        .route("/v1/producers/{id}/packets", post(producers::send))
        .route("/v1/consumers/{id}", get(consumers::show).delete(objects::close::<Consumer>))
        .route("/v1/consumers/{id}/stats", get(objects::stats::<Consumer>))
        .route("/v1/consumers/{id}/pause", post(objects::pause::<Consumer>))
        .route("/v1/consumers/{id}/resume", post(objects::resume::<Consumer>))
        .route("/v1/consumers/{id}/preferred-layers", put(consumers::set_preferred_layers))
        .route("/v1/consumers/{id}/priority", put(consumers::set_priority).delete(consumers::unset_priority))
        .route("/v1/consumers/{id}/request-key-frame", post(consumers::request_key_frame))
        .route("/v1/consumers/{id}/trace", put(objects::trace::<Consumer>))
        .route("/v1/consumers/{id}/packets", get(packets::of_consumer))
        .route("/v1/rtp-observers/{id}", get(observers::show).delete(objects::close::<RtpObserver>))
        .route("/v1/rtp-observers/{id}/pause", post(objects::pause::<RtpObserver>))
        .route("/v1/rtp-observers/{id}/resume", post(objects::resume::<RtpObserver>))
        .route(
            "/v1/rtp-observers/{id}/producers/{producer}",
            put(observers::add_producer).delete(observers::remove_producer),
        )
}

/// Messages.
fn messages() -> Router<App> {
    Router::new()
        .route("/v1/data-producers/{id}", get(data_producers::show).delete(objects::close::<DataProducer>))
        .route("/v1/data-producers/{id}/stats", get(objects::stats::<DataProducer>))
        .route("/v1/data-producers/{id}/pause", post(objects::pause::<DataProducer>))
        .route("/v1/data-producers/{id}/resume", post(objects::resume::<DataProducer>))
        .route("/v1/data-producers/{id}/messages", post(data_producers::send))
        .route("/v1/data-consumers/{id}", get(data_consumers::show).delete(objects::close::<DataConsumer>))
        .route("/v1/data-consumers/{id}/stats", get(objects::stats::<DataConsumer>))
        .route("/v1/data-consumers/{id}/pause", post(objects::pause::<DataConsumer>))
        .route("/v1/data-consumers/{id}/resume", post(objects::resume::<DataConsumer>))
        .route("/v1/data-consumers/{id}/messages", post(data_consumers::send).get(packets::of_data_consumer))
        .route("/v1/data-consumers/{id}/buffered-amount", get(data_consumers::buffered_amount))
        .route("/v1/data-consumers/{id}/buffered-amount-low-threshold", put(data_consumers::set_threshold))
        .route("/v1/data-consumers/{id}/subchannels", put(data_consumers::set_subchannels))
        .route(
            "/v1/data-consumers/{id}/subchannels/{subchannel}",
            put(data_consumers::add_subchannel).delete(data_consumers::remove_subchannel),
        )
}

impl App {
    /// Who drains takes no new rooms; those that are there go on as before.
    fn refuse_if_draining(&self) -> Result<(), Problem> {
        if self.drain.has_begun() { Err(Problem::draining()) } else { Ok(()) }
    }
}

async fn not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::not_allowed(method.as_str(), uri.path())
}

async fn nothing(uri: axum::http::Uri) -> Problem {
    Problem::not_found("path", uri.path())
}

/// Data of the application's own goes in and comes out as it is.
fn app_data(value: Value) -> AppData {
    AppData::new(value)
}

fn json_of(data: &AppData) -> Value {
    data.downcast_ref::<Value>().cloned().unwrap_or(Value::Null)
}
