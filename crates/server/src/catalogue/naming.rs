//! What events are called outside: as mediasoup calls them, with its dictionaries.

use model::id::ProducerId;
use serde::Serialize;
use serde_json::{Value, json};
use shardcast::event::{ConsumerEvent, DataConsumerEvent, ProducerEvent, RtpObserverEvent, TransportEvent};

/// An event's name and what belongs to it.
pub(crate) type Named = (&'static str, Value);

pub(super) fn transport(event: &TransportEvent) -> Option<Named> {
    Some(match event {
        TransportEvent::SctpState(state) => ("sctpstatechange", of(state)),
        TransportEvent::SctpNegotiated(negotiated) => ("sctpnegotiated", of(negotiated)),
        TransportEvent::Trace(trace) => ("trace", of(trace)),
        TransportEvent::IceSelectedTuple(tuple) => ("iceselectedtuplechange", of(tuple)),
        TransportEvent::IceState(state) => ("icestatechange", of(state)),
        TransportEvent::DtlsState { state, .. } => ("dtlsstatechange", of(state)),
        TransportEvent::Tuple(tuple) => ("tuple", of(tuple)),
        TransportEvent::RtcpTuple(tuple) => ("rtcptuple", of(tuple)),
        // Packets of direct transports are no news: they have a WebSocket of their own.
        TransportEvent::Rtcp(_) => return None,
    })
}

pub(super) fn producer(event: &ProducerEvent) -> Option<Named> {
    Some(match event {
        ProducerEvent::Score(scores) => ("score", of(scores)),
        ProducerEvent::Trace(trace) => ("trace", of(trace)),
        ProducerEvent::VideoOrientation(orientation) => ("videoorientationchange", of(orientation)),
    })
}

pub(super) fn consumer(event: &ConsumerEvent) -> Option<Named> {
    Some(match event {
        ConsumerEvent::ProducerPaused => ("producerpause", Value::Null),
        ConsumerEvent::ProducerResumed => ("producerresume", Value::Null),
        ConsumerEvent::ProducerClosed => ("producerclose", Value::Null),
        ConsumerEvent::Layers(layers) => ("layerschange", of(layers)),
        ConsumerEvent::Rtp(_) => return None,
        ConsumerEvent::Score(score) => ("score", of(score)),
        ConsumerEvent::Trace(trace) => ("trace", of(trace)),
    })
}

pub(super) fn data_consumer(event: &DataConsumerEvent) -> Option<Named> {
    Some(match event {
        DataConsumerEvent::BufferedAmountLow(bytes) => {
            ("bufferedamountlow", json!({ "bufferedAmount": bytes }))
        }
        DataConsumerEvent::SendBufferFull => ("sctpsendbufferfull", Value::Null),
        DataConsumerEvent::DataProducerPaused => ("dataproducerpause", Value::Null),
        DataConsumerEvent::DataProducerResumed => ("dataproducerresume", Value::Null),
        DataConsumerEvent::DataProducerClosed => ("dataproducerclose", Value::Null),
        DataConsumerEvent::Message(_) => return None,
    })
}

pub(super) fn observer(event: &RtpObserverEvent) -> Option<Named> {
    let volume = |(producer, volume): &(ProducerId, i8)| json!({ "producerId": producer, "volume": volume });
    Some(match event {
        RtpObserverEvent::DominantSpeaker(producer) => ("dominantspeaker", json!({ "producerId": producer })),
        RtpObserverEvent::Silence => ("silence", Value::Null),
        RtpObserverEvent::Volumes(volumes) => ("volumes", volumes.iter().map(volume).collect()),
    })
}

/// Dictionaries have texts as keys, and so are never refused.
pub(super) fn of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use model::transport::{DtlsState, IceState, SctpState};

    use super::*;

    #[test]
    fn changes_of_state_are_called_as_in_mediasoup() {
        let connected = json!("connected");
        for (event, name) in [
            (TransportEvent::IceState(IceState::Connected), "icestatechange"),
            (
                TransportEvent::DtlsState { state: DtlsState::Connected, remote_certificate: None },
                "dtlsstatechange",
            ),
            (TransportEvent::SctpState(SctpState::Connected), "sctpstatechange"),
        ] {
            assert_eq!(transport(&event), Some((name, connected.clone())));
        }
        assert_eq!(transport(&TransportEvent::Rtcp(Box::default())), None, "packets are no news");
    }

    #[test]
    fn what_observers_see_is_called_as_in_mediasoup() {
        let loud = RtpObserverEvent::Volumes(vec![("p".into(), -7)]);
        assert_eq!(observer(&loud), Some(("volumes", json!([{ "producerId": "p", "volume": -7 }]))));
        assert_eq!(observer(&RtpObserverEvent::Silence), Some(("silence", Value::Null)));
        let speaks = RtpObserverEvent::DominantSpeaker("p".into());
        assert_eq!(observer(&speaks), Some(("dominantspeaker", json!({ "producerId": "p" }))));
    }

    #[test]
    fn what_waits_for_sctp_is_called_as_in_mediasoup() {
        let low = DataConsumerEvent::BufferedAmountLow(5);
        assert_eq!(data_consumer(&low), Some(("bufferedamountlow", json!({ "bufferedAmount": 5 }))));
        let full = DataConsumerEvent::SendBufferFull;
        assert_eq!(data_consumer(&full), Some(("sctpsendbufferfull", Value::Null)));
    }
}
