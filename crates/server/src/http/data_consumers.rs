//! Data consumers: messages on their way to a peer, or to whoever follows them.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use model::data::{DataKind, SctpStreamParameters};
use model::dump::DataConsumerDump;
use model::id::DataProducerId;
use model::transport::TransportKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{DataConsumer, DataConsumerOptions};

use super::answer::{Done, Made};
use super::body::{Body, Path, Query, Raw};
use super::data_producers::message;
use super::objects::{find, seat};
use super::{App, Problem, app_data, json_of};
use crate::auth::Caller;
use crate::catalogue::AnyTransport;
use crate::quota::Quota;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    data_producer_id: DataProducerId,
    #[serde(default)]
    ordered: Option<bool>,
    /// Milliseconds.
    #[serde(default)]
    max_packet_life_time: Option<u16>,
    #[serde(default)]
    max_retransmits: Option<u16>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    subchannels: Vec<u16>,
    #[serde(default)]
    app_data: Value,
}

/// What a client needs to receive it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    id: Box<str>,
    data_producer_id: Box<str>,
    #[serde(rename = "type")]
    kind: DataKind,
    sctp_stream_parameters: Option<SctpStreamParameters>,
    label: Box<str>,
    protocol: Box<str>,
    paused: bool,
    data_producer_paused: bool,
    subchannels: Vec<u16>,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    dump: DataConsumerDump,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Buffered {
    /// Bytes that wait to be sent.
    buffered_amount: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Threshold {
    /// In bytes.
    threshold: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Subchannels {
    subchannels: Vec<u16>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// What the message is (RFC 8831 §8), if not what its content type says.
    #[serde(default)]
    ppid: Option<u32>,
}

pub(super) async fn create(
    State(app): State<App>,
    Path(transport): Path<String>,
    caller: Caller,
    Body(create): Body<Create>,
) -> Result<Made<Created>, Problem> {
    let seat = seat(&app, &caller, Quota::Consumers, &create.app_data)?;
    let transport = find::<AnyTransport>(&app, &transport)?;
    let options = DataConsumerOptions {
        ordered: create.ordered,
        max_packet_life_time: create.max_packet_life_time,
        max_retransmits: create.max_retransmits,
        paused: create.paused,
        subchannels: create.subchannels,
        app_data: app_data(create.app_data),
        ..DataConsumerOptions::new(create.data_producer_id)
    };
    let consumer = transport.base().consume_data(options).await?;
    app.catalogue.keep(&consumer, seat);
    Ok(Made(Created::of(&consumer)))
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let consumer = find::<DataConsumer>(&app, &id)?;
    Ok(Json(Shown { dump: consumer.dump().await?, app_data: json_of(consumer.app_data()) }))
}

/// Sends the body as a message of the application's own, past the data producer.
pub(super) async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(said): Query<Said>,
    headers: HeaderMap,
    Raw(data): Raw,
) -> Result<Json<Buffered>, Problem> {
    let consumer = find::<DataConsumer>(&app, &id)?;
    let (ppid, data) = message(said.ppid, &headers, &data);
    Ok(Json(Buffered { buffered_amount: consumer.send(ppid, data).await? }))
}

pub(super) async fn buffered_amount(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Buffered>, Problem> {
    Ok(Json(Buffered { buffered_amount: find::<DataConsumer>(&app, &id)?.get_buffered_amount().await? }))
}

pub(super) async fn set_threshold(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(Threshold { threshold }): Body<Threshold>,
) -> Result<Done, Problem> {
    find::<DataConsumer>(&app, &id)?.set_buffered_amount_low_threshold(threshold).await?;
    Ok(Done)
}

pub(super) async fn set_subchannels(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(Subchannels { subchannels }): Body<Subchannels>,
) -> Result<Json<Subchannels>, Problem> {
    let subchannels = find::<DataConsumer>(&app, &id)?.set_subchannels(subchannels).await?;
    Ok(Json(Subchannels { subchannels }))
}

pub(super) async fn add_subchannel(
    State(app): State<App>,
    Path((id, subchannel)): Path<(String, u16)>,
) -> Result<Json<Subchannels>, Problem> {
    let subchannels = find::<DataConsumer>(&app, &id)?.add_subchannel(subchannel).await?;
    Ok(Json(Subchannels { subchannels }))
}

pub(super) async fn remove_subchannel(
    State(app): State<App>,
    Path((id, subchannel)): Path<(String, u16)>,
) -> Result<Json<Subchannels>, Problem> {
    let subchannels = find::<DataConsumer>(&app, &id)?.remove_subchannel(subchannel).await?;
    Ok(Json(Subchannels { subchannels }))
}

impl Created {
    fn of(consumer: &DataConsumer) -> Self {
        let is_direct = consumer.transport().kind() == TransportKind::Direct;
        Self {
            id: consumer.id().as_str().into(),
            data_producer_id: consumer.data_producer_id().as_str().into(),
            kind: if is_direct { DataKind::Direct } else { DataKind::Sctp },
            sctp_stream_parameters: consumer.sctp_stream_parameters(),
            label: consumer.label().into(),
            protocol: consumer.protocol().into(),
            paused: consumer.paused(),
            data_producer_paused: consumer.data_producer_paused(),
            subchannels: consumer.subchannels(),
            app_data: json_of(consumer.app_data()),
        }
    }
}
