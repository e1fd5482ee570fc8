//! Sockets that many WebRTC transports share.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    IpPort<'a> {
        0 ip: Str<'a>,
        1 port: u16,
    }

    IceUserNameFragment<'a> {
        0 local_ice_username_fragment: Str<'a>,
        1 web_rtc_transport_id: Str<'a>,
    }

    DumpResponse<'a> {
        0 id: Str<'a>,
        1 udp_sockets: Vec<IpPort<'a>>,
        2 tcp_servers: Vec<IpPort<'a>>,
        3 web_rtc_transport_ids: Vec<Str<'a>>,
        4 local_ice_username_fragments: Vec<IceUserNameFragment<'a>>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] =
    &[<IpPort as Table>::LAYOUT, <IceUserNameFragment as Table>::LAYOUT, <DumpResponse as Table>::LAYOUT];
