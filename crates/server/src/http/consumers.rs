//! Consumers.

use core::num::NonZeroU8;

use axum::Json;
use axum::extract::State;
use model::dump::ConsumerDump;
use model::id::ProducerId;
use model::rtp::{MediaKind, RtpCapabilities, RtpParameters};
use model::score::{ConsumerLayers, ConsumerScore, ConsumerType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{Consumer, ConsumerOptions};

use super::answer::{Done, Made};
use super::body::{Body, Path};
use super::objects::{find, seat};
use super::{App, Problem, app_data, json_of};
use crate::auth::Caller;
use crate::catalogue::AnyTransport;
use crate::quota::Quota;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    producer_id: ProducerId,
    /// What the client can receive. Pipe transports do without: then a field but `producerId` and `appData` is refused if it
    /// asks for anything else than what is done anyway.
    #[serde(default)]
    rtp_capabilities: Option<RtpCapabilities>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    mid: Option<Box<str>>,
    #[serde(default)]
    preferred_layers: Option<ConsumerLayers>,
    #[serde(default)]
    ignore_dtx: bool,
    #[serde(default)]
    enable_rtx: Option<bool>,
    #[serde(default)]
    pipe: bool,
    #[serde(default)]
    app_data: Value,
}

/// What a client needs to receive it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    id: Box<str>,
    producer_id: Box<str>,
    kind: MediaKind,
    #[serde(rename = "type")]
    consumer_type: ConsumerType,
    rtp_parameters: RtpParameters,
    paused: bool,
    producer_paused: bool,
    score: ConsumerScore,
    preferred_layers: Option<ConsumerLayers>,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    dump: ConsumerDump,
    score: ConsumerScore,
    current_layers: Option<ConsumerLayers>,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Aimed {
    /// The layers that will be aimed at; null for consumers without layers.
    preferred_layers: Option<ConsumerLayers>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Priority {
    priority: NonZeroU8,
}

pub(super) async fn create(
    State(app): State<App>,
    Path(transport): Path<String>,
    caller: Caller,
    Body(create): Body<Create>,
) -> Result<Made<Created>, Problem> {
    let seat = seat(&app, &caller, Quota::Consumers, &create.app_data)?;
    let transport = find::<AnyTransport>(&app, &transport)?;
    let consumer = match (&transport, &create.rtp_capabilities) {
        // The router at the other end takes all there is.
        (AnyTransport::Pipe(pipe), None) => {
            if let Some(field) = create.chosen(pipe.has_rtx()) {
                let detail = format!(
                    "{field} asks for something else than what is done anyway for a consumer of a pipe transport \
                     without rtpCapabilities; leave it out"
                );
                return Err(Problem::invalid(detail));
            }
            pipe.consume(&create.producer_id, app_data(create.app_data)).await?
        }
        (_, None) => {
            let detail = "rtpCapabilities is missing; it must be what the client can receive";
            return Err(Problem::invalid(detail));
        }
        (_, Some(capabilities)) => {
            let options = ConsumerOptions {
                paused: create.paused,
                mid: create.mid,
                preferred_layers: create.preferred_layers,
                ignore_dtx: create.ignore_dtx,
                enable_rtx: create.enable_rtx,
                pipe: create.pipe,
                app_data: app_data(create.app_data),
                ..ConsumerOptions::new(create.producer_id, capabilities.clone())
            };
            transport.base().consume(options).await?
        }
    };
    app.catalogue.keep_consumer(&consumer, seat, &app.metrics);
    Ok(Made(Created::of(&consumer)))
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let consumer = find::<Consumer>(&app, &id)?;
    let dump = consumer.dump().await?;
    let (score, current_layers) = (consumer.score(), consumer.current_layers());
    Ok(Json(Shown { dump, score, current_layers, app_data: json_of(consumer.app_data()) }))
}

pub(super) async fn set_preferred_layers(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(layers): Body<ConsumerLayers>,
) -> Result<Json<Aimed>, Problem> {
    let preferred_layers = find::<Consumer>(&app, &id)?.set_preferred_layers(layers).await?;
    Ok(Json(Aimed { preferred_layers }))
}

pub(super) async fn set_priority(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(Priority { priority }): Body<Priority>,
) -> Result<Done, Problem> {
    find::<Consumer>(&app, &id)?.set_priority(priority).await?;
    Ok(Done)
}

pub(super) async fn unset_priority(State(app): State<App>, Path(id): Path<String>) -> Result<Done, Problem> {
    find::<Consumer>(&app, &id)?.set_priority(NonZeroU8::MIN).await?;
    Ok(Done)
}

pub(super) async fn request_key_frame(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Done, Problem> {
    find::<Consumer>(&app, &id)?.request_key_frame().await?;
    Ok(Done)
}

impl Create {
    /// A field that asks for anything else than what a pipe transport does anyway, which has RTX or has not.
    fn chosen(&self, has_rtx: bool) -> Option<&'static str> {
        let Self { paused, mid, preferred_layers, ignore_dtx, enable_rtx, .. } = self;
        let chosen = [
            ("paused", *paused),
            ("mid", mid.is_some()),
            ("preferredLayers", preferred_layers.is_some()),
            ("ignoreDtx", *ignore_dtx),
            ("enableRtx", enable_rtx.is_some_and(|asked| asked != has_rtx)),
        ];
        chosen.into_iter().find_map(|(field, is_chosen)| is_chosen.then_some(field))
    }
}

impl Created {
    fn of(consumer: &Consumer) -> Self {
        Self {
            id: consumer.id().as_str().into(),
            producer_id: consumer.producer_id().as_str().into(),
            kind: consumer.kind(),
            consumer_type: consumer.consumer_type(),
            rtp_parameters: consumer.rtp_parameters().clone(),
            paused: consumer.paused(),
            producer_paused: consumer.producer_paused(),
            score: consumer.score(),
            preferred_layers: consumer.preferred_layers(),
            app_data: json_of(consumer.app_data()),
        }
    }
}
