//! Transports whose peer is the application itself, through this channel.

use crate::flat::{Layout, Raw, Table, tables};
use crate::schema::transport;

tables! {
    DirectTransportOptions {
        0 base: transport::Options,
    }

    DumpResponse<'a> {
        0 base: transport::Dump<'a>,
    }

    GetStatsResponse<'a> {
        0 base: transport::Stats<'a>,
    }

    RtcpNotification<'a> {
        0 data: Raw<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <DirectTransportOptions as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <RtcpNotification as Table>::LAYOUT,
];
