//! Responses: exactly one for each request.

use crate::flat::{Layout, Str, Table, tables, union};
use crate::schema::{
    consumer, data_consumer, data_producer, direct_transport, pipe_transport, plain_transport, producer,
    router, transport, web_rtc_server, web_rtc_transport, worker,
};

union! {
    /// Results; many methods have none.
    Body<'a> {
        1 WorkerDumpResponse(worker::DumpResponse<'a>),
        2 WorkerResourceUsageResponse(worker::ResourceUsageResponse),
        3 WebRtcServerDumpResponse(web_rtc_server::DumpResponse<'a>),
        4 RouterDumpResponse(router::DumpResponse<'a>),
        5 TransportProduceResponse(transport::ProduceResponse),
        6 TransportConsumeResponse(transport::ConsumeResponse),
        7 TransportRestartIceResponse(transport::RestartIceResponse<'a>),
        8 PlainTransportConnectResponse(plain_transport::ConnectResponse<'a>),
        9 PlainTransportDumpResponse(plain_transport::DumpResponse<'a>),
        10 PlainTransportGetStatsResponse(plain_transport::GetStatsResponse<'a>),
        11 PipeTransportConnectResponse(pipe_transport::ConnectResponse<'a>),
        12 PipeTransportDumpResponse(pipe_transport::DumpResponse<'a>),
        13 PipeTransportGetStatsResponse(pipe_transport::GetStatsResponse<'a>),
        14 DirectTransportDumpResponse(direct_transport::DumpResponse<'a>),
        15 DirectTransportGetStatsResponse(direct_transport::GetStatsResponse<'a>),
        16 WebRtcTransportConnectResponse(web_rtc_transport::ConnectResponse),
        17 WebRtcTransportDumpResponse(web_rtc_transport::DumpResponse<'a>),
        18 WebRtcTransportGetStatsResponse(web_rtc_transport::GetStatsResponse<'a>),
        19 ProducerDumpResponse(producer::DumpResponse<'a>),
        20 ProducerGetStatsResponse(producer::GetStatsResponse<'a>),
        21 ConsumerDumpResponse(consumer::DumpResponse<'a>),
        22 ConsumerGetStatsResponse(consumer::GetStatsResponse<'a>),
        23 ConsumerSetPreferredLayersResponse(consumer::SetPreferredLayersResponse),
        24 ConsumerSetPriorityResponse(consumer::SetPriorityResponse),
        25 DataProducerDumpResponse(data_producer::DumpResponse<'a>),
        26 DataProducerGetStatsResponse(data_producer::GetStatsResponse<'a>),
        27 DataConsumerGetBufferedAmountResponse(data_consumer::GetBufferedAmountResponse),
        28 DataConsumerDumpResponse(data_consumer::DumpResponse<'a>),
        29 DataConsumerGetStatsResponse(data_consumer::GetStatsResponse<'a>),
        30 DataConsumerSendResponse(data_consumer::SendResponse),
        31 DataConsumerSetSubchannelsResponse(data_consumer::SetSubchannelsResponse),
        32 DataConsumerAddSubchannelResponse(data_consumer::AddSubchannelResponse),
        33 DataConsumerRemoveSubchannelResponse(data_consumer::RemoveSubchannelResponse),
    }
}

tables! {
    /// The answer to the request `id`: accepted with or without a body, or refused with a class of error and a reason.
    Response<'a> {
        0 id: u32,
        1 accepted: bool,
        2 body: Body<'a>,
        4 error: Option<Str<'a>>,
        5 reason: Option<Str<'a>>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[Body::LAYOUT, <Response as Table>::LAYOUT];
