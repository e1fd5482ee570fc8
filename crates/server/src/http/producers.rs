//! Producers.

use axum::Json;
use axum::extract::State;
use model::dump::ProducerDump;
use model::id::ProducerId;
use model::rtp::{MediaKind, RtpParameters};
use model::score::{ProducerScore, ProducerType, VideoOrientation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{Producer, ProducerOptions};

use super::answer::{Made, Taken};
use super::body::{Body, Path, Query, Raw};
use super::objects::{find, must_not_name, seat};
use super::{App, Problem, app_data, json_of};
use crate::auth::Caller;
use crate::catalogue::{AnyTransport, best_of};
use crate::quota::Quota;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    id: Option<ProducerId>,
    kind: MediaKind,
    rtp_parameters: RtpParameters,
    #[serde(default)]
    paused: bool,
    /// Milliseconds.
    #[serde(default)]
    key_frame_request_delay: u32,
    #[serde(default)]
    enable_mediasoup_packet_id_header_extension: bool,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    id: Box<str>,
    kind: MediaKind,
    #[serde(rename = "type")]
    producer_type: ProducerType,
    paused: bool,
    score: Vec<ProducerScore>,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    dump: ProducerDump,
    score: Vec<ProducerScore>,
    /// How the camera is held, once packets said so.
    video_orientation: Option<VideoOrientation>,
    app_data: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Worst {
    /// How many.
    #[serde(default = "some")]
    worst: usize,
}

pub(super) async fn create(
    State(app): State<App>,
    Path(transport): Path<String>,
    caller: Caller,
    Body(create): Body<Create>,
) -> Result<Made<Created>, Problem> {
    must_not_name(&caller, create.id.as_ref().map(ProducerId::as_str))?;
    let seat = seat(&app, &caller, Quota::Producers, &create.app_data)?;
    let transport = find::<AnyTransport>(&app, &transport)?;
    let options = ProducerOptions {
        id: create.id,
        paused: create.paused,
        key_frame_request_delay_ms: create.key_frame_request_delay,
        adds_packet_id: create.enable_mediasoup_packet_id_header_extension,
        app_data: app_data(create.app_data),
        ..ProducerOptions::new(create.kind, create.rtp_parameters)
    };
    let producer = transport.base().produce(options).await?;
    app.catalogue.keep_producer(&producer, seat, &app.metrics);
    Ok(Made(Created::of(&producer)))
}

/// Those that do worst, the worst first: where to look when a dashboard says that something is wrong.
pub(super) async fn worst(State(app): State<App>, Query(asked): Query<Worst>) -> Json<Vec<Created>> {
    let mut producers = app.catalogue.producers.all();
    producers.sort_by_cached_key(best_of);
    Json(producers.iter().take(asked.worst.min(WORST_LIMIT)).map(Created::of).collect())
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let producer = find::<Producer>(&app, &id)?;
    let dump = producer.dump().await?;
    let (score, video_orientation) = (producer.score(), producer.video_orientation());
    Ok(Json(Shown { dump, score, video_orientation, app_data: json_of(producer.app_data()) }))
}

/// Takes the body as an RTP packet of it; on direct transports.
pub(super) async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    Raw(packet): Raw,
) -> Result<Taken, Problem> {
    find::<Producer>(&app, &id)?.send(&*packet)?;
    Ok(Taken)
}

impl Created {
    fn of(producer: &Producer) -> Self {
        Self {
            id: producer.id().as_str().into(),
            kind: producer.kind(),
            producer_type: producer.producer_type(),
            paused: producer.paused(),
            score: producer.score(),
            app_data: json_of(producer.app_data()),
        }
    }
}

const fn some() -> usize {
    20
}

/// More than a page shows.
const WORST_LIMIT: usize = 1_000;
