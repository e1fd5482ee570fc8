//! Requests to a router.

use model::reply::Refusal;
use shardcast::request::{
    AudioLevelObserverOptions, Listen, PipeTransportOptions, PlainTransportOptions, RouterRequest,
    SctpOptions, TransportOptions, WebRtcTransportOptions,
};

use super::mismatch;
use crate::schema::request::{Body, Method};
use crate::schema::{pipe_transport, plain_transport, transport, web_rtc_transport};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<RouterRequest, Refusal> {
    Ok(match (method, body) {
        (Method::RouterDump, _) => RouterRequest::Dump,
        (
            Method::RouterCreateWebrtctransport | Method::RouterCreateWebrtctransportWithServer,
            Body::RouterCreateWebRtcTransportRequest(body),
        ) => {
            let options = web_rtc(body.options).ok_or_else(|| mismatch(method))?;
            RouterRequest::CreateWebRtcTransport((&*body.transport_id).into(), Box::new(options))
        }
        (Method::RouterCreatePlaintransport, Body::RouterCreatePlainTransportRequest(body)) => {
            let options = plain(body.options);
            RouterRequest::CreatePlainTransport((&*body.transport_id).into(), Box::new(options))
        }
        (Method::RouterCreatePipetransport, Body::RouterCreatePipeTransportRequest(body)) => {
            let options = pipe(body.options);
            RouterRequest::CreatePipeTransport((&*body.transport_id).into(), Box::new(options))
        }
        (Method::RouterCreateDirecttransport, Body::RouterCreateDirectTransportRequest(body)) => {
            let options = base(&body.options.base);
            RouterRequest::CreateDirectTransport((&*body.transport_id).into(), Box::new(options))
        }
        (Method::RouterCloseTransport, Body::RouterCloseTransportRequest(body)) => {
            RouterRequest::CloseTransport((&*body.transport_id).into())
        }
        (Method::RouterCreateActivespeakerobserver, Body::RouterCreateActiveSpeakerObserverRequest(body)) => {
            RouterRequest::CreateActiveSpeakerObserver {
                id: (&*body.rtp_observer_id).into(),
                interval_ms: body.options.interval,
            }
        }
        (Method::RouterCreateAudiolevelobserver, Body::RouterCreateAudioLevelObserverRequest(body)) => {
            let options = AudioLevelObserverOptions {
                max_entries: body.options.max_entries,
                threshold_dbov: body.options.threshold,
                interval_ms: body.options.interval,
            };
            RouterRequest::CreateAudioLevelObserver((&*body.rtp_observer_id).into(), options)
        }
        (Method::RouterCloseRtpobserver, Body::RouterCloseRtpObserverRequest(body)) => {
            RouterRequest::CloseRtpObserver((&*body.rtp_observer_id).into())
        }
        (method, _) => return Err(mismatch(method)),
    })
}

/// Nothing when it says nowhere to listen.
fn web_rtc(from: web_rtc_transport::WebRtcTransportOptions<'_>) -> Option<WebRtcTransportOptions> {
    let listen = match from.listen {
        web_rtc_transport::Listen::None => return None,
        web_rtc_transport::Listen::ListenIndividual(listen) => {
            Listen::Individual(listen.listen_infos.into_iter().map(Into::into).collect())
        }
        web_rtc_transport::Listen::ListenServer(server) => {
            Listen::Server((&*server.web_rtc_server_id).into())
        }
    };
    Some(WebRtcTransportOptions {
        base: base(&from.base),
        listen,
        enable_udp: from.enable_udp,
        enable_tcp: from.enable_tcp,
        prefer_udp: from.prefer_udp,
        prefer_tcp: from.prefer_tcp,
        ice_consent_timeout_s: from.ice_consent_timeout,
    })
}

fn plain(from: plain_transport::PlainTransportOptions<'_>) -> PlainTransportOptions {
    let suite = from.srtp_crypto_suite.unwrap_or_default();
    PlainTransportOptions {
        base: base(&from.base),
        listen_info: from.listen_info.into(),
        rtcp_listen_info: from.rtcp_listen_info.map(Into::into),
        rtcp_mux: from.rtcp_mux,
        comedia: from.comedia,
        srtp: from.enable_srtp.then(|| suite.into()),
    }
}

fn pipe(from: pipe_transport::PipeTransportOptions<'_>) -> PipeTransportOptions {
    PipeTransportOptions {
        base: base(&from.base),
        listen_info: from.listen_info.into(),
        enable_rtx: from.enable_rtx,
        enable_srtp: from.enable_srtp,
    }
}

fn base(from: &transport::Options) -> TransportOptions {
    TransportOptions {
        initial_available_outgoing_bitrate: from.initial_available_outgoing_bitrate,
        enable_sctp: from.enable_sctp,
        max_send_message_size: from.max_send_message_size,
        max_receive_message_size: from.max_receive_message_size,
        sctp: SctpOptions {
            send_buffer_size: from.sctp_send_buffer_size,
            per_stream_send_queue_limit: from.sctp_per_stream_send_queue_limit,
            max_receiver_window_buffer_size: from.sctp_max_receiver_window_buffer_size,
            default_stream_buffered_amount_low_threshold: from
                .sctp_default_stream_buffered_amount_low_threshold,
            is_data_channel: from.is_data_channel,
        },
    }
}
