//! Requests to a transport of any kind.

use model::command::BitrateLimit;
use model::reply::Refusal;
use shardcast::request::{Consume, ConsumeData, Produce, ProduceData, TransportAddress, TransportRequest};

use super::{invalid, mismatch};
use crate::convert::{given, produced, try_list, within};
use crate::schema::request::{Body, Method};
use crate::schema::{pipe_transport, plain_transport, transport};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<TransportRequest, Refusal> {
    use TransportRequest as R;
    Ok(match (method, body) {
        (Method::TransportDump, _) => R::Dump,
        (Method::TransportGetStats, _) => R::Stats,
        (Method::TransportRestartIce, _) => R::RestartIce,
        (Method::PlaintransportConnect, Body::PlainTransportConnectRequest(body)) => {
            R::ConnectPlain(Box::new(plain_peer(*body)))
        }
        (Method::PipetransportConnect, Body::PipeTransportConnectRequest(body)) => {
            R::ConnectPipe(Box::new(pipe_peer(*body)))
        }
        (Method::WebrtctransportConnect, Body::WebRtcTransportConnectRequest(body)) => {
            R::ConnectWebRtc(body.dtls_parameters.into())
        }
        (Method::TransportSetMaxIncomingBitrate, Body::TransportSetMaxIncomingBitrateRequest(body)) => {
            R::SetBitrate(BitrateLimit::MaxIncoming, body.max_incoming_bitrate)
        }
        (Method::TransportSetMaxOutgoingBitrate, Body::TransportSetMaxOutgoingBitrateRequest(body)) => {
            R::SetBitrate(BitrateLimit::MaxOutgoing, body.max_outgoing_bitrate)
        }
        (Method::TransportSetMinOutgoingBitrate, Body::TransportSetMinOutgoingBitrateRequest(body)) => {
            R::SetBitrate(BitrateLimit::MinOutgoing, body.min_outgoing_bitrate)
        }
        (Method::TransportEnableTraceEvent, Body::TransportEnableTraceEventRequest(body)) => {
            R::EnableTrace((*body).into())
        }
        (method, body) => return inside(method, body),
    })
}

/// What is made and closed inside a transport.
fn inside(method: Method, body: Body<'_>) -> Result<TransportRequest, Refusal> {
    use TransportRequest as R;
    Ok(match (method, body) {
        (Method::TransportProduce, Body::TransportProduceRequest(body)) => R::Produce(produce(*body)?),
        (Method::TransportConsume, Body::TransportConsumeRequest(body)) => R::Consume(consume(*body)?),
        (Method::TransportProduceData, Body::TransportProduceDataRequest(body)) => {
            R::ProduceData(Box::new(produce_data(*body)))
        }
        (Method::TransportConsumeData, Body::TransportConsumeDataRequest(body)) => {
            R::ConsumeData(Box::new(consume_data(*body)))
        }
        (Method::TransportCloseProducer, Body::TransportCloseProducerRequest(body)) => {
            R::CloseProducer((&*body.producer_id).into())
        }
        (Method::TransportCloseConsumer, Body::TransportCloseConsumerRequest(body)) => {
            R::CloseConsumer((&*body.consumer_id).into())
        }
        (Method::TransportCloseDataproducer, Body::TransportCloseDataProducerRequest(body)) => {
            R::CloseDataProducer((&*body.data_producer_id).into())
        }
        (Method::TransportCloseDataconsumer, Body::TransportCloseDataConsumerRequest(body)) => {
            R::CloseDataConsumer((&*body.data_consumer_id).into())
        }
        (method, _) => return Err(mismatch(method)),
    })
}

fn plain_peer(from: plain_transport::ConnectRequest<'_>) -> TransportAddress {
    TransportAddress {
        ip: given(from.ip),
        port: from.port,
        rtcp_port: from.rtcp_port,
        srtp_parameters: from.srtp_parameters.map(Into::into),
    }
}

fn pipe_peer(from: pipe_transport::ConnectRequest<'_>) -> TransportAddress {
    TransportAddress {
        ip: Some(from.ip.into()),
        port: from.port,
        rtcp_port: None,
        srtp_parameters: from.srtp_parameters.map(Into::into),
    }
}

fn produce(from: transport::ProduceRequest<'_>) -> Result<Box<Produce>, Refusal> {
    let (rtp_parameters, rtp_mapping) = produced(from.rtp_parameters, from.rtp_mapping).map_err(invalid)?;
    Ok(Box::new(Produce {
        id: (&*from.producer_id).into(),
        kind: from.kind.into(),
        rtp_parameters,
        rtp_mapping,
        paused: from.paused,
        key_frame_request_delay_ms: from.key_frame_request_delay,
        adds_packet_id: from.enable_mediasoup_packet_id_header_extension,
    }))
}

fn consume(from: transport::ConsumeRequest<'_>) -> Result<Box<Consume>, Refusal> {
    let rtp_parameters =
        from.rtp_parameters.try_into().map_err(|why| invalid(within("rtpParameters", why)))?;
    let consumable_encodings =
        try_list(from.consumable_rtp_encodings, "consumableRtpEncodings").map_err(invalid)?;
    Ok(Box::new(Consume {
        id: (&*from.consumer_id).into(),
        producer_id: (&*from.producer_id).into(),
        kind: from.kind.into(),
        rtp_parameters,
        consumer_type: from.r#type.into(),
        consumable_encodings,
        paused: from.paused,
        preferred_layers: from.preferred_layers.map(Into::into),
        ignore_dtx: from.ignore_dtx,
    }))
}

fn produce_data(from: transport::ProduceDataRequest<'_>) -> ProduceData {
    ProduceData {
        id: (&*from.data_producer_id).into(),
        kind: from.r#type.into(),
        sctp_stream_parameters: from.sctp_stream_parameters.map(Into::into),
        label: from.label.unwrap_or_default().into(),
        protocol: from.protocol.unwrap_or_default().into(),
        paused: from.paused,
    }
}

fn consume_data(from: transport::ConsumeDataRequest<'_>) -> ConsumeData {
    ConsumeData {
        id: (&*from.data_consumer_id).into(),
        data_producer_id: (&*from.data_producer_id).into(),
        kind: from.r#type.into(),
        sctp_stream_parameters: from.sctp_stream_parameters.map(Into::into),
        label: from.label.unwrap_or_default().into(),
        protocol: from.protocol.unwrap_or_default().into(),
        paused: from.paused,
        subchannels: from.subchannels.unwrap_or_default(),
    }
}
