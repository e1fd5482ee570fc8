//! Where a transport or a WebRtcServer listens.

use serde::{Deserialize, Serialize};

use super::TransportProtocol;

/// An address to bind, and how to announce it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListenInfo {
    /// UDP or TCP.
    pub protocol: TransportProtocol,
    /// The address to bind.
    pub ip: Box<str>,
    /// What candidates and tuples say instead: an address or a host name.
    #[serde(default, alias = "announcedIp", skip_serializing_if = "Option::is_none")]
    pub announced_address: Option<Box<str>>,
    /// Whether candidates name the bound address too, after the announced one.
    #[serde(default)]
    pub expose_internal_ip: bool,
    /// The port, when there is no range; 0 takes one from the worker's range.
    #[serde(default)]
    pub port: u16,
    /// The ports to choose from; both ends zero for none.
    #[serde(default)]
    pub port_range: PortRange,
    /// How the socket behaves.
    #[serde(default)]
    pub flags: SocketFlags,
    /// Bytes for the kernel's send buffer; 0 leaves it.
    #[serde(default)]
    pub send_buffer_size: u32,
    /// Bytes for the kernel's receive buffer; 0 leaves it.
    #[serde(default)]
    pub recv_buffer_size: u32,
}

/// Ports to choose from, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortRange {
    /// The lowest.
    pub min: u16,
    /// The highest.
    pub max: u16,
}

/// How a socket behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SocketFlags {
    /// No IPv4 on an IPv6 socket.
    pub ipv6_only: bool,
    /// Several sockets on one address and port.
    pub udp_reuse_port: bool,
}

impl ListenInfo {
    /// A socket of that protocol on that address, on a port of the worker's range, announced as it is.
    pub fn new(protocol: TransportProtocol, ip: impl Into<Box<str>>) -> Self {
        Self {
            protocol,
            ip: ip.into(),
            announced_address: None,
            expose_internal_ip: false,
            port: 0,
            port_range: PortRange::default(),
            flags: SocketFlags::default(),
            send_buffer_size: 0,
            recv_buffer_size: 0,
        }
    }

    /// A UDP socket on that address.
    pub fn udp(ip: impl Into<Box<str>>) -> Self {
        Self::new(TransportProtocol::Udp, ip)
    }

    /// A TCP listener on that address.
    pub fn tcp(ip: impl Into<Box<str>>) -> Self {
        Self::new(TransportProtocol::Tcp, ip)
    }
}

impl PortRange {
    /// The range, unless it is the empty one.
    pub const fn given(self) -> Option<Self> {
        if self.min != 0 && self.max != 0 { Some(self) } else { None }
    }
}
