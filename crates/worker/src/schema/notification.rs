//! Notifications: events in both directions that nobody answers.

use crate::flat::{Layout, Str, Table, enums, tables, union};
use crate::schema::{
    active_speaker_observer, audio_level_observer, consumer, data_consumer, data_producer, direct_transport,
    plain_transport, producer, transport, web_rtc_transport,
};

enums! {
    /// What happened. The first four go to the worker, the others come from it.
    Event {
        0 WorkerClose,
        1 TransportSendRtcp,
        2 ProducerSend,
        3 DataproducerSend,
        4 WorkerRunning,
        5 TransportSctpStateChange,
        6 TransportSctpNegotiatedCapabilities,
        7 TransportTrace,
        8 WebrtctransportIceSelectedTupleChange,
        9 WebrtctransportIceStateChange,
        10 WebrtctransportDtlsStateChange,
        11 PlaintransportTuple,
        12 PlaintransportRtcpTuple,
        13 DirecttransportRtcp,
        14 ProducerScore,
        15 ProducerTrace,
        16 ProducerVideoOrientationChange,
        17 ConsumerProducerPause,
        18 ConsumerProducerResume,
        19 ConsumerProducerClose,
        20 ConsumerLayersChange,
        21 ConsumerRtp,
        22 ConsumerScore,
        23 ConsumerTrace,
        24 DataconsumerBufferedAmountLow,
        25 DataconsumerSctpSendbufferFull,
        26 DataconsumerDataproducerPause,
        27 DataconsumerDataproducerResume,
        28 DataconsumerDataproducerClose,
        29 DataconsumerMessage,
        30 ActivespeakerobserverDominantSpeaker,
        31 AudiolevelobserverSilence,
        32 AudiolevelobserverVolumes,
    }
}

union! {
    /// Details; events whose name says everything have none.
    Body<'a> {
        1 TransportSendRtcpNotification(transport::SendRtcpNotification<'a>),
        2 TransportSctpStateChangeNotification(transport::SctpStateChangeNotification),
        3 TransportSctpNegotiatedCapabilitiesNotification(transport::SctpNegotiatedCapabilitiesNotification),
        4 ProducerSendNotification(producer::SendNotification<'a>),
        5 DataProducerSendNotification(data_producer::SendNotification<'a>),
        6 TransportTraceNotification(transport::TraceNotification),
        7 WebRtcTransportIceSelectedTupleChangeNotification(web_rtc_transport::IceSelectedTupleChangeNotification<'a>),
        8 WebRtcTransportIceStateChangeNotification(web_rtc_transport::IceStateChangeNotification),
        9 WebRtcTransportDtlsStateChangeNotification(web_rtc_transport::DtlsStateChangeNotification<'a>),
        10 PlainTransportTupleNotification(plain_transport::TupleNotification<'a>),
        11 PlainTransportRtcpTupleNotification(plain_transport::RtcpTupleNotification<'a>),
        12 DirectTransportRtcpNotification(direct_transport::RtcpNotification<'a>),
        13 ProducerScoreNotification(producer::ScoreNotification<'a>),
        14 ProducerTraceNotification(producer::TraceNotification<'a>),
        15 ProducerVideoOrientationChangeNotification(producer::VideoOrientationChangeNotification),
        16 ConsumerLayersChangeNotification(consumer::LayersChangeNotification),
        17 ConsumerRtpNotification(consumer::RtpNotification<'a>),
        18 ConsumerScoreNotification(consumer::ScoreNotification),
        19 ConsumerTraceNotification(consumer::TraceNotification<'a>),
        20 DataConsumerMessageNotification(data_consumer::MessageNotification<'a>),
        21 DataConsumerBufferedAmountLowNotification(data_consumer::BufferedAmountLowNotification),
        22 ActiveSpeakerObserverDominantSpeakerNotification(active_speaker_observer::DominantSpeakerNotification<'a>),
        23 AudioLevelObserverVolumesNotification(audio_level_observer::VolumesNotification<'a>),
    }
}

tables! {
    /// An event of, or for, the object that `handler_id` names.
    Notification<'a> {
        0 handler_id: Str<'a>,
        1 event: Event,
        2 body: Body<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[Event::LAYOUT, Body::LAYOUT, <Notification as Table>::LAYOUT];
