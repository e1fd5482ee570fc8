//! Transports of bare RTP, or SRTP with keys given by hand.

use crate::flat::{Layout, Str, Table, tables};
use crate::schema::{srtp_parameters, transport};

tables! {
    PlainTransportOptions<'a> {
        0 base: transport::Options,
        1 listen_info: transport::ListenInfo<'a>,
        2 rtcp_listen_info: Option<transport::ListenInfo<'a>>,
        3 rtcp_mux: bool,
        4 comedia: bool,
        5 enable_srtp: bool,
        6 srtp_crypto_suite: Option<srtp_parameters::SrtpCryptoSuite>,
    }

    ConnectRequest<'a> {
        0 ip: Option<Str<'a>>,
        1 port: Option<u16>,
        2 rtcp_port: Option<u16>,
        3 srtp_parameters: Option<srtp_parameters::SrtpParameters<'a>>,
    }

    ConnectResponse<'a> {
        0 tuple: Option<transport::Tuple<'a>>,
        1 rtcp_tuple: Option<transport::Tuple<'a>>,
        2 srtp_parameters: Option<srtp_parameters::SrtpParameters<'a>>,
    }

    DumpResponse<'a> {
        0 base: transport::Dump<'a>,
        1 rtcp_mux: bool,
        2 comedia: bool,
        3 tuple: transport::Tuple<'a>,
        4 rtcp_tuple: Option<transport::Tuple<'a>>,
        5 srtp_parameters: Option<srtp_parameters::SrtpParameters<'a>>,
    }

    GetStatsResponse<'a> {
        0 base: transport::Stats<'a>,
        1 rtcp_mux: bool,
        2 comedia: bool,
        3 tuple: transport::Tuple<'a>,
        4 rtcp_tuple: Option<transport::Tuple<'a>>,
    }

    TupleNotification<'a> {
        0 tuple: transport::Tuple<'a>,
    }

    RtcpTupleNotification<'a> {
        0 tuple: transport::Tuple<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <PlainTransportOptions as Table>::LAYOUT,
    <ConnectRequest as Table>::LAYOUT,
    <ConnectResponse as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <TupleNotification as Table>::LAYOUT,
    <RtcpTupleNotification as Table>::LAYOUT,
];
