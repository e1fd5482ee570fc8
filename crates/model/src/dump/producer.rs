//! A producer.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::RtpStreamDump;
use crate::id::ProducerId;
use crate::rtp::{MediaKind, RtpMapping, RtpParameters};
use crate::score::ProducerType;
use crate::trace::{ProducerTraceEventType, TraceSet};

/// A producer. In its mapping and streams, and only there, the npm package says null where elsewhere it says nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProducerDump {
    /// Its name.
    pub id: ProducerId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// How many streams it has, and whether they have layers.
    #[serde(rename = "type")]
    pub producer_type: ProducerType,
    /// Its parameters as they were given.
    pub rtp_parameters: RtpParameters,
    /// Its numbers inside the router.
    #[serde(serialize_with = "mapping_with_nulls")]
    pub rtp_mapping: RtpMapping,
    /// The streams that appeared so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "streams_with_nulls")]
    pub rtp_streams: Vec<RtpStreamDump>,
    /// What is traced.
    pub trace_event_types: TraceSet<ProducerTraceEventType>,
    /// Whether it is paused.
    pub paused: bool,
}

fn mapping_with_nulls<S: Serializer>(mapping: &RtpMapping, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(mapping).map_err(serde::ser::Error::custom)?;
    let encodings = value.get_mut("encodings").and_then(Value::as_array_mut);
    encodings.into_iter().flatten().for_each(|encoding| add_nulls(encoding, &["rid", "ssrc"]));
    value.serialize(serializer)
}

fn streams_with_nulls<S: Serializer>(streams: &[RtpStreamDump], serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(streams).map_err(serde::ser::Error::custom)?;
    for stream in value.as_array_mut().into_iter().flatten() {
        add_nulls(stream, &["rtxStream"]);
        if let Some(params) = stream.get_mut("params") {
            add_nulls(params, &["rid", "rtxSsrc", "rtxPayloadType"]);
        }
        if let Some(params) = stream.pointer_mut("/rtxStream/params") {
            add_nulls(params, &["rrid"]);
        }
    }
    value.serialize(serializer)
}

fn add_nulls(object: &mut Value, names: &[&str]) {
    let Some(object) = object.as_object_mut() else { return };
    names.iter().for_each(|name| {
        object.entry(*name).or_insert(Value::Null);
    });
}
