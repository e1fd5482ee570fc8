//! Transports between two routers.

use crate::flat::{Layout, Str, Table, tables};
use crate::schema::{srtp_parameters, transport};

tables! {
    PipeTransportOptions<'a> {
        0 base: transport::Options,
        1 listen_info: transport::ListenInfo<'a>,
        2 enable_rtx: bool,
        3 enable_srtp: bool,
    }

    ConnectRequest<'a> {
        0 ip: Str<'a>,
        1 port: Option<u16>,
        2 srtp_parameters: Option<srtp_parameters::SrtpParameters<'a>>,
    }

    ConnectResponse<'a> {
        0 tuple: transport::Tuple<'a>,
    }

    DumpResponse<'a> {
        0 base: transport::Dump<'a>,
        1 tuple: transport::Tuple<'a>,
        2 rtx: bool,
        3 srtp_parameters: Option<srtp_parameters::SrtpParameters<'a>>,
    }

    GetStatsResponse<'a> {
        0 base: transport::Stats<'a>,
        1 tuple: transport::Tuple<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <PipeTransportOptions as Table>::LAYOUT,
    <ConnectRequest as Table>::LAYOUT,
    <ConnectResponse as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
];
