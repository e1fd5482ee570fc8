//! Data producers: messages in.

use crate::flat::{Layout, Raw, Str, Table, enums, tables};
use crate::schema::sctp_parameters;

enums! {
    Type {
        0 Sctp,
        1 Direct,
    }
}

tables! {
    DumpResponse<'a> {
        0 id: Str<'a>,
        1 r#type: Type,
        2 sctp_stream_parameters: Option<sctp_parameters::SctpStreamParameters>,
        3 label: Str<'a>,
        4 protocol: Str<'a>,
        5 paused: bool,
    }

    GetStatsResponse<'a> {
        0 timestamp: u64,
        1 label: Str<'a>,
        2 protocol: Str<'a>,
        3 messages_received: u64,
        4 bytes_received: u64,
        5 buffered_amount: u32,
    }

    /// A message from the application. `ppid` says whether it is text or binary, and whether it is empty.
    SendNotification<'a> {
        0 ppid: u32,
        1 data: Raw<'a>,
        2 subchannels: Option<Vec<u16>>,
        3 required_subchannel: Option<u16>,
        4 ignored_subchannel: Option<u16>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    Type::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <SendNotification as Table>::LAYOUT,
];
