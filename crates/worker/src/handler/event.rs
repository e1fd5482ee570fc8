//! What the application is told unasked.

use shardcast::Event;
use shardcast::event::{ConsumerEvent, DataConsumerEvent, ProducerEvent, RtpObserverEvent, TransportEvent};

use crate::convert::list;
use crate::schema::notification::{Body, Event as Number, Notification};
use crate::schema::{
    active_speaker_observer, audio_level_observer, consumer, data_consumer, direct_transport,
    plain_transport, producer, transport, web_rtc_transport,
};

/// The notification of an event.
pub fn notification(event: &Event) -> Notification<'_> {
    let (number, body) = match event {
        Event::Transport(_, event) => of_transport(event),
        Event::Producer(_, event) => of_producer(event),
        Event::Consumer(_, event) => of_consumer(event),
        Event::DataConsumer(_, event) => of_data_consumer(event),
        Event::RtpObserver(_, event) => of_observer(event),
    };
    Notification { handler_id: event.id().into(), event: number, body }
}

fn of_transport(event: &TransportEvent) -> (Number, Body<'_>) {
    match event {
        TransportEvent::SctpState(state) => {
            let body = transport::SctpStateChangeNotification { sctp_state: (*state).into() };
            (Number::TransportSctpStateChange, Body::TransportSctpStateChangeNotification(Box::new(body)))
        }
        TransportEvent::SctpNegotiated(capabilities) => {
            let negotiated_capabilities = Some((*capabilities).into());
            let body = transport::SctpNegotiatedCapabilitiesNotification { negotiated_capabilities };
            let body = Body::TransportSctpNegotiatedCapabilitiesNotification(Box::new(body));
            (Number::TransportSctpNegotiatedCapabilities, body)
        }
        TransportEvent::Trace(trace) => {
            (Number::TransportTrace, Body::TransportTraceNotification(Box::new((&**trace).into())))
        }
        TransportEvent::IceSelectedTuple(tuple) => {
            let body = web_rtc_transport::IceSelectedTupleChangeNotification { tuple: (&**tuple).into() };
            let body = Body::WebRtcTransportIceSelectedTupleChangeNotification(Box::new(body));
            (Number::WebrtctransportIceSelectedTupleChange, body)
        }
        TransportEvent::IceState(state) => {
            let body = web_rtc_transport::IceStateChangeNotification { ice_state: (*state).into() };
            let body = Body::WebRtcTransportIceStateChangeNotification(Box::new(body));
            (Number::WebrtctransportIceStateChange, body)
        }
        TransportEvent::DtlsState { state, remote_certificate } => {
            let body = web_rtc_transport::DtlsStateChangeNotification {
                dtls_state: (*state).into(),
                remote_cert: remote_certificate.as_deref().map(Into::into),
            };
            let body = Body::WebRtcTransportDtlsStateChangeNotification(Box::new(body));
            (Number::WebrtctransportDtlsStateChange, body)
        }
        TransportEvent::Tuple(tuple) => {
            let body = plain_transport::TupleNotification { tuple: (&**tuple).into() };
            (Number::PlaintransportTuple, Body::PlainTransportTupleNotification(Box::new(body)))
        }
        TransportEvent::RtcpTuple(tuple) => {
            let body = plain_transport::RtcpTupleNotification { tuple: (&**tuple).into() };
            (Number::PlaintransportRtcpTuple, Body::PlainTransportRtcpTupleNotification(Box::new(body)))
        }
        TransportEvent::Rtcp(packet) => {
            let body = direct_transport::RtcpNotification { data: (&**packet).into() };
            (Number::DirecttransportRtcp, Body::DirectTransportRtcpNotification(Box::new(body)))
        }
    }
}

fn of_producer(event: &ProducerEvent) -> (Number, Body<'_>) {
    match event {
        ProducerEvent::Score(scores) => {
            let body = producer::ScoreNotification { scores: list(scores) };
            (Number::ProducerScore, Body::ProducerScoreNotification(Box::new(body)))
        }
        ProducerEvent::Trace(trace) => {
            (Number::ProducerTrace, Body::ProducerTraceNotification(Box::new((&**trace).into())))
        }
        ProducerEvent::VideoOrientation(orientation) => {
            let body = Body::ProducerVideoOrientationChangeNotification(Box::new((*orientation).into()));
            (Number::ProducerVideoOrientationChange, body)
        }
    }
}

fn of_consumer(event: &ConsumerEvent) -> (Number, Body<'_>) {
    match event {
        ConsumerEvent::ProducerPaused => (Number::ConsumerProducerPause, Body::None),
        ConsumerEvent::ProducerResumed => (Number::ConsumerProducerResume, Body::None),
        ConsumerEvent::ProducerClosed => (Number::ConsumerProducerClose, Body::None),
        ConsumerEvent::Layers(layers) => {
            let body = consumer::LayersChangeNotification { layers: layers.map(Into::into) };
            (Number::ConsumerLayersChange, Body::ConsumerLayersChangeNotification(Box::new(body)))
        }
        ConsumerEvent::Rtp(packet) => {
            let body = consumer::RtpNotification { data: (&**packet).into() };
            (Number::ConsumerRtp, Body::ConsumerRtpNotification(Box::new(body)))
        }
        ConsumerEvent::Score(score) => {
            let body = consumer::ScoreNotification { score: score.into() };
            (Number::ConsumerScore, Body::ConsumerScoreNotification(Box::new(body)))
        }
        ConsumerEvent::Trace(trace) => {
            (Number::ConsumerTrace, Body::ConsumerTraceNotification(Box::new((&**trace).into())))
        }
    }
}

fn of_data_consumer(event: &DataConsumerEvent) -> (Number, Body<'_>) {
    match event {
        DataConsumerEvent::BufferedAmountLow(buffered_amount) => {
            let body = data_consumer::BufferedAmountLowNotification { buffered_amount: *buffered_amount };
            let body = Body::DataConsumerBufferedAmountLowNotification(Box::new(body));
            (Number::DataconsumerBufferedAmountLow, body)
        }
        DataConsumerEvent::SendBufferFull => (Number::DataconsumerSctpSendbufferFull, Body::None),
        DataConsumerEvent::DataProducerPaused => (Number::DataconsumerDataproducerPause, Body::None),
        DataConsumerEvent::DataProducerResumed => (Number::DataconsumerDataproducerResume, Body::None),
        DataConsumerEvent::DataProducerClosed => (Number::DataconsumerDataproducerClose, Body::None),
        DataConsumerEvent::Message(message) => (
            Number::DataconsumerMessage,
            Body::DataConsumerMessageNotification(Box::new((&**message).into())),
        ),
    }
}

fn of_observer(event: &RtpObserverEvent) -> (Number, Body<'_>) {
    match event {
        RtpObserverEvent::DominantSpeaker(producer) => {
            let body = active_speaker_observer::DominantSpeakerNotification {
                producer_id: producer.as_str().into(),
            };
            let body = Body::ActiveSpeakerObserverDominantSpeakerNotification(Box::new(body));
            (Number::ActivespeakerobserverDominantSpeaker, body)
        }
        RtpObserverEvent::Silence => (Number::AudiolevelobserverSilence, Body::None),
        RtpObserverEvent::Volumes(volumes) => {
            let volumes = volumes
                .iter()
                .map(|(producer, volume)| audio_level_observer::Volume {
                    producer_id: producer.as_str().into(),
                    volume: *volume,
                })
                .collect();
            let body = audio_level_observer::VolumesNotification { volumes };
            (Number::AudiolevelobserverVolumes, Body::AudioLevelObserverVolumesNotification(Box::new(body)))
        }
    }
}
