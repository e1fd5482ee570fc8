//! Our negotiation, step by step, in the shape in which the peer answers.

use model::data::SctpStreamParameters;
use model::id::Ssrc;
use model::ortc::{self, ConsumerRequest, ConsumerSsrcs, PipeConsumerRequest};
use model::rtp::{RtpCapabilities, RtpCodecCapability, RtpParameters};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) fn negotiate(task: &Value) -> Value {
    let mut results = Map::new();
    // A step that fails ends the case.
    let _ = run(task, &mut results);
    Value::Object(results)
}

fn run(task: &Value, results: &mut Map<String, Value>) -> Result<(), ()> {
    if let Some(stream) = task.get("sctpStreamParameters") {
        let stream = SctpStreamParameters::from_json(stream).and_then(ortc::validate_sctp_stream_parameters);
        return note(results, "sctp", stream.map_err(ortc::Error::from)).map(drop);
    }
    let capabilities =
        RtpCapabilities::from_json(&task["rtpCapabilities"]).and_then(ortc::validate_rtp_capabilities);
    let parameters = RtpParameters::from_json(&task["rtpParameters"]).and_then(ortc::validate_rtp_parameters);
    let router = router(task["mediaCodecs"].as_array().unwrap());
    let remote = note(results, "capabilities", capabilities.map_err(ortc::Error::from));
    let parameters = note(results, "parameters", parameters.map_err(ortc::Error::from));
    let router = note(results, "router", router)?;
    let (remote, mut parameters) = (remote?, parameters?);
    let ssrc = |name: &str| Ssrc(u32::try_from(task[name].as_u64().unwrap()).unwrap());
    let mapping = ortc::producer_rtp_mapping(&mut parameters, &router, ssrc("mappedSsrc"));
    let mapping = note(results, "mapping", mapping)?;
    note(results, "mapped", Ok(&parameters))?;
    let kind = serde_json::from_value(task["kind"].clone()).unwrap();
    let consumable = ortc::consumable_rtp_parameters(kind, &parameters, &router, &mapping);
    let consumable = note(results, "consumable", consumable)?;
    let can_consume = ortc::can_consume(&consumable, &remote).map_err(ortc::Error::from);
    note(results, "canConsume", can_consume)?;
    let enable_rtx = task["enableRtx"].as_bool().unwrap();
    let consumer = |ssrcs| {
        ortc::consumer_rtp_parameters(ConsumerRequest {
            consumable: &consumable,
            remote: &remote,
            enable_rtx,
            ssrcs,
        })
    };
    let (first, first_rtx) = (ssrc("ssrc"), ssrc("rtxSsrc"));
    // These do not build on each other.
    let _ = note(results, "consumer", consumer(ConsumerSsrcs::One(first)));
    let _ = note(results, "allStreams", consumer(ConsumerSsrcs::All { first, first_rtx }));
    let pipe = PipeConsumerRequest { consumable: &consumable, enable_rtx, first, first_rtx };
    note(results, "pipe", Ok(ortc::pipe_consumer_rtp_parameters(pipe))).map(drop)
}

/// The package looks at one codec after the other, and so the first fault wins, whatever it is.
fn router(media_codecs: &[Value]) -> Result<RtpCapabilities, ortc::Error> {
    let mut read = Vec::new();
    for codec in media_codecs {
        match RtpCodecCapability::from_json(codec) {
            Ok(codec) => read.push(codec),
            Err(invalid) => return ortc::router_rtp_capabilities(&read).and(Err(invalid.into())),
        }
    }
    ortc::router_rtp_capabilities(&read)
}

fn note<T: Serialize>(
    results: &mut Map<String, Value>,
    step: &str,
    result: Result<T, ortc::Error>,
) -> Result<T, ()> {
    let class = |error| match error {
        ortc::Error::Invalid(_) => "TypeError",
        ortc::Error::Unsupported(_) => "UnsupportedError",
        ortc::Error::Exhausted(_) => "Error",
    };
    let noted = match &result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": class(error.clone()), "text": error.to_string() }),
    };
    results.insert(step.to_owned(), noted);
    result.map_err(drop)
}
