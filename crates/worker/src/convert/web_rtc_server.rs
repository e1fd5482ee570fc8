//! WebRtcServers.

use model::dump::{IceUserNameFragment, IpPort, WebRtcServerDump};

use super::list;
use crate::schema::web_rtc_server as schema;

impl<'a> From<&'a WebRtcServerDump> for schema::DumpResponse<'a> {
    fn from(from: &'a WebRtcServerDump) -> Self {
        Self {
            id: from.id.as_str().into(),
            udp_sockets: list(&from.udp_sockets),
            tcp_servers: list(&from.tcp_servers),
            web_rtc_transport_ids: from.web_rtc_transport_ids.iter().map(|id| id.as_str().into()).collect(),
            local_ice_username_fragments: list(&from.local_ice_username_fragments),
        }
    }
}

impl<'a> From<&'a IpPort> for schema::IpPort<'a> {
    fn from(from: &'a IpPort) -> Self {
        Self { ip: (&*from.ip).into(), port: from.port }
    }
}

impl<'a> From<&'a IceUserNameFragment> for schema::IceUserNameFragment<'a> {
    fn from(from: &'a IceUserNameFragment) -> Self {
        Self {
            local_ice_username_fragment: (&*from.local_ice_username_fragment).into(),
            web_rtc_transport_id: from.web_rtc_transport_id.as_str().into(),
        }
    }
}
