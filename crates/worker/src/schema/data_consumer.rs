//! Data consumers: messages out, and how much of them waits.

use crate::flat::{Layout, Raw, Str, Table, enums, tables};
use crate::schema::sctp_parameters;

enums! {
    Type {
        0 Sctp,
        1 Direct,
    }
}

tables! {
    GetBufferedAmountResponse {
        0 buffered_amount: u32,
    }

    SetBufferedAmountLowThresholdRequest {
        0 threshold: u32,
    }

    DumpResponse<'a> {
        0 id: Str<'a>,
        1 data_producer_id: Str<'a>,
        2 r#type: Type,
        3 sctp_stream_parameters: Option<sctp_parameters::SctpStreamParameters>,
        4 label: Str<'a>,
        5 protocol: Str<'a>,
        6 buffered_amount: u32,
        7 buffered_amount_low_threshold: u32,
        8 paused: bool,
        9 data_producer_paused: bool,
        10 subchannels: Vec<u16>,
    }

    GetStatsResponse<'a> {
        0 timestamp: u64,
        1 label: Str<'a>,
        2 protocol: Str<'a>,
        3 messages_sent: u64,
        4 bytes_sent: u64,
        5 buffered_amount: u32,
    }

    SendRequest<'a> {
        0 ppid: u32,
        1 data: Raw<'a>,
    }

    SendResponse {
        0 buffered_amount: u32,
    }

    SetSubchannelsRequest {
        0 subchannels: Vec<u16>,
    }

    SetSubchannelsResponse {
        0 subchannels: Vec<u16>,
    }

    AddSubchannelRequest {
        0 subchannel: u16,
    }

    AddSubchannelResponse {
        0 subchannels: Vec<u16>,
    }

    RemoveSubchannelRequest {
        0 subchannel: u16,
    }

    RemoveSubchannelResponse {
        0 subchannels: Vec<u16>,
    }

    BufferedAmountLowNotification {
        0 buffered_amount: u32,
    }

    MessageNotification<'a> {
        0 ppid: u32,
        1 data: Raw<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    Type::LAYOUT,
    <GetBufferedAmountResponse as Table>::LAYOUT,
    <SetBufferedAmountLowThresholdRequest as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <SendRequest as Table>::LAYOUT,
    <SendResponse as Table>::LAYOUT,
    <SetSubchannelsRequest as Table>::LAYOUT,
    <SetSubchannelsResponse as Table>::LAYOUT,
    <AddSubchannelRequest as Table>::LAYOUT,
    <AddSubchannelResponse as Table>::LAYOUT,
    <RemoveSubchannelRequest as Table>::LAYOUT,
    <RemoveSubchannelResponse as Table>::LAYOUT,
    <BufferedAmountLowNotification as Table>::LAYOUT,
    <MessageNotification as Table>::LAYOUT,
];
