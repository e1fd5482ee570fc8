//! Routers: their transports and observers, and who consumes whom.

use crate::flat::{Layout, Str, Table, tables};
use crate::schema::{
    active_speaker_observer, audio_level_observer, common, direct_transport, pipe_transport, plain_transport,
    web_rtc_transport,
};

tables! {
    /// Everything in a router, as ids.
    DumpResponse<'a> {
        0 id: Str<'a>,
        1 transport_ids: Vec<Str<'a>>,
        2 rtp_observer_ids: Vec<Str<'a>>,
        3 map_producer_id_consumer_ids: Vec<common::StringStringArray<'a>>,
        4 map_consumer_id_producer_id: Vec<common::StringString<'a>>,
        5 map_producer_id_observer_ids: Vec<common::StringStringArray<'a>>,
        6 map_data_producer_id_data_consumer_ids: Vec<common::StringStringArray<'a>>,
        7 map_data_consumer_id_data_producer_id: Vec<common::StringString<'a>>,
    }

    CreatePipeTransportRequest<'a> {
        0 transport_id: Str<'a>,
        1 options: pipe_transport::PipeTransportOptions<'a>,
    }

    CreatePlainTransportRequest<'a> {
        0 transport_id: Str<'a>,
        1 options: plain_transport::PlainTransportOptions<'a>,
    }

    CreateWebRtcTransportRequest<'a> {
        0 transport_id: Str<'a>,
        1 options: web_rtc_transport::WebRtcTransportOptions<'a>,
    }

    CreateDirectTransportRequest<'a> {
        0 transport_id: Str<'a>,
        1 options: direct_transport::DirectTransportOptions,
    }

    CreateAudioLevelObserverRequest<'a> {
        0 rtp_observer_id: Str<'a>,
        1 options: audio_level_observer::AudioLevelObserverOptions,
    }

    CreateActiveSpeakerObserverRequest<'a> {
        0 rtp_observer_id: Str<'a>,
        1 options: active_speaker_observer::ActiveSpeakerObserverOptions,
    }

    CloseTransportRequest<'a> {
        0 transport_id: Str<'a>,
    }

    CloseRtpObserverRequest<'a> {
        0 rtp_observer_id: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <DumpResponse as Table>::LAYOUT,
    <CreatePipeTransportRequest as Table>::LAYOUT,
    <CreatePlainTransportRequest as Table>::LAYOUT,
    <CreateWebRtcTransportRequest as Table>::LAYOUT,
    <CreateDirectTransportRequest as Table>::LAYOUT,
    <CreateAudioLevelObserverRequest as Table>::LAYOUT,
    <CreateActiveSpeakerObserverRequest as Table>::LAYOUT,
    <CloseTransportRequest as Table>::LAYOUT,
    <CloseRtpObserverRequest as Table>::LAYOUT,
];
