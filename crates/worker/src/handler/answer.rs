//! What a request is answered.

use model::transport::IceParameters;
use shardcast::Answer;
use shardcast::answer::{Consumed, PlainConnected};

use crate::convert::list;
use crate::schema::request::Method;
use crate::schema::response::Body;
use crate::schema::{
    consumer, data_consumer, pipe_transport, plain_transport, producer, transport, web_rtc_transport,
};

/// The body of the response. Where two methods have one answer, each has a table of its own for it.
pub fn body(method: Method, answer: &Answer) -> Body<'_> {
    match answer {
        Answer::Done => Body::None,
        Answer::Worker(dump) => Body::WorkerDumpResponse(Box::new((&**dump).into())),
        Answer::WebRtcServer(dump) => Body::WebRtcServerDumpResponse(Box::new((&**dump).into())),
        Answer::Router(dump) => Body::RouterDumpResponse(Box::new((&**dump).into())),
        Answer::Transport(dump) => (&**dump).into(),
        Answer::TransportStats(stats) => (&**stats).into(),
        Answer::WebRtcConnected(role) => {
            let response = web_rtc_transport::ConnectResponse { dtls_local_role: (*role).into() };
            Body::WebRtcTransportConnectResponse(Box::new(response))
        }
        Answer::PlainConnected(connected) => plain_connected(connected),
        Answer::PipeConnected(tuple) => {
            let response = pipe_transport::ConnectResponse { tuple: (&**tuple).into() };
            Body::PipeTransportConnectResponse(Box::new(response))
        }
        Answer::IceRestarted(credentials) => ice_restarted(credentials),
        Answer::Produced(kind) => {
            Body::TransportProduceResponse(Box::new(transport::ProduceResponse { r#type: (*kind).into() }))
        }
        Answer::Producer(dump) => Body::ProducerDumpResponse(Box::new((&**dump).into())),
        Answer::StreamStats(stats) if method == Method::ConsumerGetStats => {
            Body::ConsumerGetStatsResponse(Box::new(consumer::GetStatsResponse { stats: list(stats) }))
        }
        Answer::StreamStats(stats) => {
            Body::ProducerGetStatsResponse(Box::new(producer::GetStatsResponse { stats: list(stats) }))
        }
        Answer::Consumed(consumed) => consumed_body(consumed),
        Answer::Consumer(dump) => Body::ConsumerDumpResponse(Box::new((&**dump).into())),
        Answer::PreferredLayers(layers) => {
            let response = consumer::SetPreferredLayersResponse { preferred_layers: layers.map(Into::into) };
            Body::ConsumerSetPreferredLayersResponse(Box::new(response))
        }
        Answer::Priority(priority) => {
            Body::ConsumerSetPriorityResponse(Box::new(consumer::SetPriorityResponse { priority: *priority }))
        }
        Answer::DataProducer(dump) => Body::DataProducerDumpResponse(Box::new((&**dump).into())),
        Answer::DataProducerStats(stats) => Body::DataProducerGetStatsResponse(Box::new((&**stats).into())),
        Answer::DataConsumer(dump) => Body::DataConsumerDumpResponse(Box::new((&**dump).into())),
        Answer::DataConsumerStats(stats) => Body::DataConsumerGetStatsResponse(Box::new((&**stats).into())),
        Answer::BufferedAmount(bytes) => buffered_amount(method, *bytes),
        Answer::Subchannels(subchannels) => subchannels_body(method, subchannels.clone()),
    }
}

fn plain_connected(connected: &PlainConnected) -> Body<'_> {
    Body::PlainTransportConnectResponse(Box::new(plain_transport::ConnectResponse {
        tuple: connected.tuple.as_ref().map(Into::into),
        rtcp_tuple: connected.rtcp_tuple.as_ref().map(Into::into),
        srtp_parameters: connected.srtp_parameters.as_ref().map(Into::into),
    }))
}

fn ice_restarted(credentials: &IceParameters) -> Body<'_> {
    Body::TransportRestartIceResponse(Box::new(transport::RestartIceResponse {
        username_fragment: (&*credentials.username_fragment).into(),
        password: (&*credentials.password).into(),
        ice_lite: credentials.ice_lite.unwrap_or(true),
    }))
}

fn consumed_body(consumed: &Consumed) -> Body<'_> {
    Body::TransportConsumeResponse(Box::new(transport::ConsumeResponse {
        paused: consumed.paused,
        producer_paused: consumed.producer_paused,
        score: (&consumed.score).into(),
        preferred_layers: consumed.preferred_layers.map(Into::into),
    }))
}

fn buffered_amount(method: Method, buffered_amount: u32) -> Body<'static> {
    match method {
        Method::DataconsumerSend => {
            Body::DataConsumerSendResponse(Box::new(data_consumer::SendResponse { buffered_amount }))
        }
        _ => {
            Body::DataConsumerGetBufferedAmountResponse(Box::new(data_consumer::GetBufferedAmountResponse {
                buffered_amount,
            }))
        }
    }
}

fn subchannels_body(method: Method, subchannels: Vec<u16>) -> Body<'static> {
    match method {
        Method::DataconsumerAddSubchannel => {
            let response = data_consumer::AddSubchannelResponse { subchannels };
            Body::DataConsumerAddSubchannelResponse(Box::new(response))
        }
        Method::DataconsumerRemoveSubchannel => {
            let response = data_consumer::RemoveSubchannelResponse { subchannels };
            Body::DataConsumerRemoveSubchannelResponse(Box::new(response))
        }
        _ => {
            let response = data_consumer::SetSubchannelsResponse { subchannels };
            Body::DataConsumerSetSubchannelsResponse(Box::new(response))
        }
    }
}
