//! Requests: what the application may ask, and of whom.

use crate::flat::{Layout, Str, Table, enums, tables, union};
use crate::schema::{
    consumer, data_consumer, pipe_transport, plain_transport, producer, router, rtp_observer, transport,
    web_rtc_transport, worker,
};

enums! {
    /// What is asked. The part before the first underscore says which kind of object knows it.
    Method {
        0 WorkerDump,
        1 WorkerGetResourceUsage,
        2 WorkerUpdateSettings,
        3 WorkerCreateWebrtcserver,
        4 WorkerCreateRouter,
        5 WorkerWebrtcserverClose,
        6 WorkerCloseRouter,
        7 WebrtcserverDump,
        8 RouterDump,
        9 RouterCreateWebrtctransport,
        10 RouterCreateWebrtctransportWithServer,
        11 RouterCreatePlaintransport,
        12 RouterCreatePipetransport,
        13 RouterCreateDirecttransport,
        14 RouterCloseTransport,
        15 RouterCreateActivespeakerobserver,
        16 RouterCreateAudiolevelobserver,
        17 RouterCloseRtpobserver,
        18 TransportDump,
        19 TransportGetStats,
        20 TransportConnect,
        21 TransportSetMaxIncomingBitrate,
        22 TransportSetMaxOutgoingBitrate,
        23 TransportSetMinOutgoingBitrate,
        24 TransportRestartIce,
        25 TransportProduce,
        26 TransportProduceData,
        27 TransportConsume,
        28 TransportConsumeData,
        29 TransportEnableTraceEvent,
        30 TransportCloseProducer,
        31 TransportCloseConsumer,
        32 TransportCloseDataproducer,
        33 TransportCloseDataconsumer,
        34 PlaintransportConnect,
        35 PipetransportConnect,
        36 WebrtctransportConnect,
        37 ProducerDump,
        38 ProducerGetStats,
        39 ProducerPause,
        40 ProducerResume,
        41 ProducerEnableTraceEvent,
        42 ConsumerDump,
        43 ConsumerGetStats,
        44 ConsumerPause,
        45 ConsumerResume,
        46 ConsumerSetPreferredLayers,
        47 ConsumerSetPriority,
        48 ConsumerRequestKeyFrame,
        49 ConsumerEnableTraceEvent,
        50 DataproducerDump,
        51 DataproducerGetStats,
        52 DataproducerPause,
        53 DataproducerResume,
        54 DataconsumerDump,
        55 DataconsumerGetStats,
        56 DataconsumerPause,
        57 DataconsumerResume,
        58 DataconsumerGetBufferedAmount,
        59 DataconsumerSetBufferedAmountLowThreshold,
        60 DataconsumerSend,
        61 DataconsumerSetSubchannels,
        62 DataconsumerAddSubchannel,
        63 DataconsumerRemoveSubchannel,
        64 RtpobserverPause,
        65 RtpobserverResume,
        66 RtpobserverAddProducer,
        67 RtpobserverRemoveProducer,
    }
}

union! {
    /// Arguments; methods without arguments have none.
    Body<'a> {
        1 WorkerUpdateSettingsRequest(worker::UpdateSettingsRequest<'a>),
        2 WorkerCreateWebRtcServerRequest(worker::CreateWebRtcServerRequest<'a>),
        3 WorkerCloseWebRtcServerRequest(worker::CloseWebRtcServerRequest<'a>),
        4 WorkerCreateRouterRequest(worker::CreateRouterRequest<'a>),
        5 WorkerCloseRouterRequest(worker::CloseRouterRequest<'a>),
        6 RouterCreateWebRtcTransportRequest(router::CreateWebRtcTransportRequest<'a>),
        7 RouterCreatePlainTransportRequest(router::CreatePlainTransportRequest<'a>),
        8 RouterCreatePipeTransportRequest(router::CreatePipeTransportRequest<'a>),
        9 RouterCreateDirectTransportRequest(router::CreateDirectTransportRequest<'a>),
        10 RouterCreateActiveSpeakerObserverRequest(router::CreateActiveSpeakerObserverRequest<'a>),
        11 RouterCreateAudioLevelObserverRequest(router::CreateAudioLevelObserverRequest<'a>),
        12 RouterCloseTransportRequest(router::CloseTransportRequest<'a>),
        13 RouterCloseRtpObserverRequest(router::CloseRtpObserverRequest<'a>),
        14 TransportSetMaxIncomingBitrateRequest(transport::SetMaxIncomingBitrateRequest),
        15 TransportSetMaxOutgoingBitrateRequest(transport::SetMaxOutgoingBitrateRequest),
        16 TransportSetMinOutgoingBitrateRequest(transport::SetMinOutgoingBitrateRequest),
        17 TransportProduceRequest(transport::ProduceRequest<'a>),
        18 TransportConsumeRequest(transport::ConsumeRequest<'a>),
        19 TransportProduceDataRequest(transport::ProduceDataRequest<'a>),
        20 TransportConsumeDataRequest(transport::ConsumeDataRequest<'a>),
        21 TransportEnableTraceEventRequest(transport::EnableTraceEventRequest),
        22 TransportCloseProducerRequest(transport::CloseProducerRequest<'a>),
        23 TransportCloseConsumerRequest(transport::CloseConsumerRequest<'a>),
        24 TransportCloseDataProducerRequest(transport::CloseDataProducerRequest<'a>),
        25 TransportCloseDataConsumerRequest(transport::CloseDataConsumerRequest<'a>),
        26 PlainTransportConnectRequest(plain_transport::ConnectRequest<'a>),
        27 PipeTransportConnectRequest(pipe_transport::ConnectRequest<'a>),
        28 WebRtcTransportConnectRequest(web_rtc_transport::ConnectRequest<'a>),
        29 ProducerEnableTraceEventRequest(producer::EnableTraceEventRequest),
        30 ConsumerSetPreferredLayersRequest(consumer::SetPreferredLayersRequest),
        31 ConsumerSetPriorityRequest(consumer::SetPriorityRequest),
        32 ConsumerEnableTraceEventRequest(consumer::EnableTraceEventRequest),
        33 DataConsumerSetBufferedAmountLowThresholdRequest(data_consumer::SetBufferedAmountLowThresholdRequest),
        34 DataConsumerSendRequest(data_consumer::SendRequest<'a>),
        35 DataConsumerSetSubchannelsRequest(data_consumer::SetSubchannelsRequest),
        36 DataConsumerAddSubchannelRequest(data_consumer::AddSubchannelRequest),
        37 DataConsumerRemoveSubchannelRequest(data_consumer::RemoveSubchannelRequest),
        38 RtpObserverAddProducerRequest(rtp_observer::AddProducerRequest<'a>),
        39 RtpObserverRemoveProducerRequest(rtp_observer::RemoveProducerRequest<'a>),
    }
}

tables! {
    /// A request to the object that `handler_id` names; empty for the worker itself.
    Request<'a> {
        0 id: u32,
        1 method: Method,
        2 handler_id: Str<'a>,
        3 body: Body<'a>,
    }
}

tables! {
    /// The part of a request that can be answered even when the rest cannot be read.
    Head<'a> {
        0 id: u32,
        1 method: u8,
        2 handler_id: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[Method::LAYOUT, Body::LAYOUT, <Request as Table>::LAYOUT];
