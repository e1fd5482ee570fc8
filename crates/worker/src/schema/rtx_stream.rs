//! The retransmission stream beside an RTP stream.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    /// What is known of a retransmission stream. `rrid` is written even when empty.
    Params<'a> {
        0 ssrc: u32,
        1 payload_type: u8,
        2 mime_type: Str<'a>,
        3 clock_rate: u32,
        4 rrid: Option<Str<'a>>,
        5 cname: Str<'a>,
    }

    RtxDump<'a> {
        0 params: Params<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[<Params as Table>::LAYOUT, <RtxDump as Table>::LAYOUT];
