//! What events are called outside: as mediasoup calls them, with its dictionaries.

use serde::Serialize;
use serde_json::{Value, json};
use shardcast::event::{ConsumerEvent, ProducerEvent, TransportEvent};

type Named = (&'static str, Value);

pub(super) fn transport(event: &TransportEvent) -> Named {
    match event {
        TransportEvent::SctpState(state) => ("sctpstatechange", of(state)),
        TransportEvent::SctpNegotiated(negotiated) => ("sctpnegotiated", of(negotiated)),
        TransportEvent::Trace(trace) => ("trace", of(trace)),
        TransportEvent::IceSelectedTuple(tuple) => ("iceselectedtuplechange", of(tuple)),
        TransportEvent::IceState(state) => ("icestatechange", of(state)),
        TransportEvent::DtlsState { state, .. } => ("dtlsstatechange", of(state)),
        TransportEvent::Tuple(tuple) => ("tuple", of(tuple)),
        TransportEvent::RtcpTuple(tuple) => ("rtcptuple", of(tuple)),
        TransportEvent::Rtcp(compound) => ("rtcp", json!({ "bytes": compound.len() })),
    }
}

pub(super) fn producer(event: &ProducerEvent) -> Named {
    match event {
        ProducerEvent::Score(scores) => ("score", of(scores)),
        ProducerEvent::Trace(trace) => ("trace", of(trace)),
        ProducerEvent::VideoOrientation(orientation) => ("videoorientationchange", of(orientation)),
    }
}

pub(super) fn consumer(event: &ConsumerEvent) -> Named {
    match event {
        ConsumerEvent::ProducerPaused => ("producerpause", Value::Null),
        ConsumerEvent::ProducerResumed => ("producerresume", Value::Null),
        ConsumerEvent::ProducerClosed => ("producerclose", Value::Null),
        ConsumerEvent::Layers(layers) => ("layerschange", of(layers)),
        ConsumerEvent::Rtp(packet) => ("rtp", json!({ "bytes": packet.len() })),
        ConsumerEvent::Score(score) => ("score", of(score)),
        ConsumerEvent::Trace(trace) => ("trace", of(trace)),
    }
}

/// Dictionaries have texts as keys, and so are never refused.
fn of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
