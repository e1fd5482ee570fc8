//! JSON that somebody might send: any at all, and such as nearly is a dictionary.

use proptest::prelude::*;
use serde_json::{Map, Number, Value};

pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (0_u8..130).prop_map(Value::from),
        any::<f64>().prop_map(|value| Number::from_f64(value).map_or(Value::Null, Value::Number)),
        prop::sample::select(&TEXTS[..]).prop_map(Value::from),
        ".{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        let name = prop_oneof![9 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => ".{0,5}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

const NAMES: [&str; 20] = [
    "codecs",
    "headerExtensions",
    "encodings",
    "rtcp",
    "mimeType",
    "payloadType",
    "preferredPayloadType",
    "clockRate",
    "channels",
    "parameters",
    "apt",
    "rtcpFeedback",
    "type",
    "uri",
    "id",
    "kind",
    "preferredId",
    "ssrc",
    "rtx",
    "scalabilityMode",
];

const TEXTS: [&str; 8] = [
    "audio/opus",
    "video/VP8",
    "video/rtx",
    "video/H264",
    "video",
    "nack",
    "L3T3_KEY",
    "urn:3gpp:video-orientation",
];
