//! The worker and its WebRtcServers.

use serde::{Deserialize, Serialize};

use crate::id::{RouterId, TransportId, WebRtcServerId};

/// Everything there is, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorkerDump {
    /// The process.
    pub pid: u32,
    /// Its WebRtcServers.
    pub web_rtc_server_ids: Vec<WebRtcServerId>,
    /// Its routers.
    pub router_ids: Vec<RouterId>,
    /// Who can be addressed over the channel.
    pub channel_message_handlers: ChannelMessageHandlers,
}

/// Ids of everything that can be addressed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChannelMessageHandlers {
    /// By requests.
    pub channel_request_handlers: Vec<Box<str>>,
    /// By notifications.
    pub channel_notification_handlers: Vec<Box<str>>,
}

/// What `getrusage` says; times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "see getrusage(2)")]
pub struct WorkerResourceUsage {
    pub ru_utime: u64,
    pub ru_stime: u64,
    pub ru_maxrss: u64,
    pub ru_ixrss: u64,
    pub ru_idrss: u64,
    pub ru_isrss: u64,
    pub ru_minflt: u64,
    pub ru_majflt: u64,
    pub ru_nswap: u64,
    pub ru_inblock: u64,
    pub ru_oublock: u64,
    pub ru_msgsnd: u64,
    pub ru_msgrcv: u64,
    pub ru_nsignals: u64,
    pub ru_nvcsw: u64,
    pub ru_nivcsw: u64,
}

/// Sockets that several WebRTC transports share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebRtcServerDump {
    /// Its name.
    pub id: WebRtcServerId,
    /// UDP sockets.
    pub udp_sockets: Vec<IpPort>,
    /// TCP listeners.
    pub tcp_servers: Vec<IpPort>,
    /// The transports that use it.
    pub web_rtc_transport_ids: Vec<TransportId>,
    /// Their ufrags; two of a transport whose ICE restart is not over.
    pub local_ice_username_fragments: Vec<IceUserNameFragment>,
}

/// Where a socket is bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IpPort {
    /// The address.
    pub ip: Box<str>,
    /// The port.
    pub port: u16,
}

/// Whose ufrag it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct IceUserNameFragment {
    /// The ufrag.
    pub local_ice_username_fragment: Box<str>,
    /// The transport.
    pub web_rtc_transport_id: TransportId,
}
