//! A packet as traces show it.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    Dump<'a> {
        0 payload_type: u8,
        1 sequence_number: u16,
        2 timestamp: u32,
        3 marker: bool,
        4 ssrc: u32,
        5 is_key_frame: bool,
        6 size: u64,
        7 payload_size: u64,
        8 spatial_layer: u8,
        9 temporal_layer: u8,
        10 mid: Option<Str<'a>>,
        11 rid: Option<Str<'a>>,
        12 rrid: Option<Str<'a>>,
        13 wide_sequence_number: Option<u16>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[<Dump as Table>::LAYOUT];
