//! Data producers: messages of a peer, or of whoever posts them.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use model::command::DataMessage;
use model::data::{DataKind, SctpStreamParameters};
use model::dump::DataProducerDump;
use model::id::DataProducerId;
use model::transport::TransportKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{DataProducer, DataProducerOptions};

use super::answer::{Made, Taken};
use super::body::{Body, Path, Query, Raw};
use super::objects::{find, must_not_name, seat};
use super::{App, Problem, app_data, json_of};
use crate::auth::Caller;
use crate::catalogue::AnyTransport;
use crate::quota::Quota;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    id: Option<DataProducerId>,
    #[serde(default)]
    sctp_stream_parameters: Option<SctpStreamParameters>,
    #[serde(default)]
    label: Box<str>,
    #[serde(default)]
    protocol: Box<str>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    id: Box<str>,
    #[serde(rename = "type")]
    kind: DataKind,
    sctp_stream_parameters: Option<SctpStreamParameters>,
    label: Box<str>,
    protocol: Box<str>,
    paused: bool,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    dump: DataProducerDump,
    app_data: Value,
}

/// What else a message is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Said {
    /// What it is (RFC 8831 §8), if not what its content type says.
    #[serde(default)]
    ppid: Option<u32>,
    /// Whoever listens to one of these gets it, with commas between; all do if absent.
    #[serde(default)]
    subchannels: Option<String>,
    /// Only who listens to this one gets it.
    #[serde(default)]
    required_subchannel: Option<u16>,
    /// Who listens to this one does not get it.
    #[serde(default)]
    ignored_subchannel: Option<u16>,
}

pub(super) async fn create(
    State(app): State<App>,
    Path(transport): Path<String>,
    caller: Caller,
    Body(create): Body<Create>,
) -> Result<Made<Created>, Problem> {
    must_not_name(&caller, create.id.as_ref().map(DataProducerId::as_str))?;
    let seat = seat(&app, &caller, Quota::Producers, &create.app_data)?;
    let transport = find::<AnyTransport>(&app, &transport)?;
    let options = DataProducerOptions {
        id: create.id,
        sctp_stream_parameters: create.sctp_stream_parameters,
        label: create.label,
        protocol: create.protocol,
        paused: create.paused,
        app_data: app_data(create.app_data),
    };
    let producer = transport.base().produce_data(options).await?;
    app.catalogue.keep(&producer, seat);
    Ok(Made(Created::of(&producer)))
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let producer = find::<DataProducer>(&app, &id)?;
    Ok(Json(Shown { dump: producer.dump().await?, app_data: json_of(producer.app_data()) }))
}

/// Takes the body as a message of it.
pub(super) async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(said): Query<Said>,
    headers: HeaderMap,
    Raw(data): Raw,
) -> Result<Taken, Problem> {
    let producer = find::<DataProducer>(&app, &id)?;
    let Said { ppid, subchannels, required_subchannel, ignored_subchannel } = said;
    let subchannels = subchannels.as_deref().map_or(Ok(Vec::new()), numbers)?;
    let (ppid, data) = message(ppid, &headers, &data);
    producer.send(DataMessage { ppid, data, subchannels, required_subchannel, ignored_subchannel })?;
    Ok(Taken)
}

/// What kind of message it is, and its bytes: texts are told from others, and one that is empty travels as one zero
/// byte with a number that says so (RFC 8831 §6.6).
pub(super) fn message(ppid: Option<u32>, headers: &HeaderMap, data: &[u8]) -> (u32, Box<[u8]>) {
    let content = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_text = content.starts_with("text/");
    let usual = match (is_text, data.is_empty()) {
        (true, false) => PPID_STRING,
        (false, false) => PPID_BINARY,
        (true, true) => PPID_STRING_EMPTY,
        (false, true) => PPID_BINARY_EMPTY,
    };
    let data = if data.is_empty() { &[0] } else { data };
    (ppid.unwrap_or(usual), data.into())
}

fn numbers(text: &str) -> Result<Vec<u16>, Problem> {
    let number = |word: &str| {
        word.parse().map_err(|_| {
            Problem::invalid(format!(
                "subchannels is {text:?}; it must be numbers from 0 to 65535 with commas between"
            ))
        })
    };
    text.split(',').map(number).collect()
}

impl Created {
    fn of(producer: &DataProducer) -> Self {
        let is_direct = producer.transport().kind() == TransportKind::Direct;
        Self {
            id: producer.id().as_str().into(),
            kind: if is_direct { DataKind::Direct } else { DataKind::Sctp },
            sctp_stream_parameters: producer.sctp_stream_parameters(),
            label: producer.label().into(),
            protocol: producer.protocol().into(),
            paused: producer.paused(),
            app_data: json_of(producer.app_data()),
        }
    }
}

// RFC 8831 §8.
const PPID_STRING: u32 = 51;
const PPID_BINARY: u32 = 53;
const PPID_STRING_EMPTY: u32 = 56;
const PPID_BINARY_EMPTY: u32 = 57;
