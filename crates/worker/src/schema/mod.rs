//! The tables of the channel, one module each namespace: our wording of the layout that npm mediasoup 3.27.1 uses.
//!
//! A line `3 body: Body` puts the field `body` at slot 3 of its table. Names of fields, enums and their numbers are
//! the contract and are the same everywhere; a test compares each with the accessors of the installed npm package.
//! A required field is a bare type, an optional one an `Option`: absent and zero differ then.

pub mod active_speaker_observer;
pub mod audio_level_observer;
pub mod common;
pub mod consumer;
pub mod data_consumer;
pub mod data_producer;
pub mod direct_transport;
pub mod log;
pub mod message;
pub mod notification;
pub mod pipe_transport;
pub mod plain_transport;
pub mod producer;
pub mod request;
pub mod response;
pub mod router;
pub mod rtp_observer;
pub mod rtp_packet;
pub mod rtp_parameters;
pub mod rtp_stream;
pub mod rtx_stream;
pub mod sctp_association;
pub mod sctp_parameters;
pub mod srtp_parameters;
pub mod transport;
pub mod web_rtc_server;
pub mod web_rtc_transport;
pub mod worker;

use crate::flat::Layout;

/// Every module and what it declares.
pub const LAYOUTS: &[(&str, &[Layout])] = &[
    ("active_speaker_observer", active_speaker_observer::LAYOUTS),
    ("audio_level_observer", audio_level_observer::LAYOUTS),
    ("common", common::LAYOUTS),
    ("consumer", consumer::LAYOUTS),
    ("data_consumer", data_consumer::LAYOUTS),
    ("data_producer", data_producer::LAYOUTS),
    ("direct_transport", direct_transport::LAYOUTS),
    ("log", log::LAYOUTS),
    ("message", message::LAYOUTS),
    ("notification", notification::LAYOUTS),
    ("pipe_transport", pipe_transport::LAYOUTS),
    ("plain_transport", plain_transport::LAYOUTS),
    ("producer", producer::LAYOUTS),
    ("request", request::LAYOUTS),
    ("response", response::LAYOUTS),
    ("router", router::LAYOUTS),
    ("rtp_observer", rtp_observer::LAYOUTS),
    ("rtp_packet", rtp_packet::LAYOUTS),
    ("rtp_parameters", rtp_parameters::LAYOUTS),
    ("rtp_stream", rtp_stream::LAYOUTS),
    ("rtx_stream", rtx_stream::LAYOUTS),
    ("sctp_association", sctp_association::LAYOUTS),
    ("sctp_parameters", sctp_parameters::LAYOUTS),
    ("srtp_parameters", srtp_parameters::LAYOUTS),
    ("transport", transport::LAYOUTS),
    ("web_rtc_server", web_rtc_server::LAYOUTS),
    ("web_rtc_transport", web_rtc_transport::LAYOUTS),
    ("worker", worker::LAYOUTS),
];
