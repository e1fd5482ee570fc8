//! The state of an SCTP association.

use crate::flat::{Layout, Table, enums, tables};

enums! {
    SctpState {
        0 New,
        1 Connecting,
        2 Connected,
        3 Failed,
        4 Closed,
    }
}

tables! {
    SctpNegotiatedCapabilities {
        0 negotiated_max_outbound_streams: u16,
        1 negotiated_max_inbound_streams: u16,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[SctpState::LAYOUT, <SctpNegotiatedCapabilities as Table>::LAYOUT];
