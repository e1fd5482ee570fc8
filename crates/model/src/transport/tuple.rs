//! The two ends of a flow.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What carries the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TransportProtocol {
    /// One packet per datagram.
    #[default]
    Udp,
    /// Packets framed by RFC 4571.
    Tcp,
}

/// Local and remote end of a transport, as users see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportTuple {
    /// The announced address if there is one, else the socket's.
    pub local_address: Box<str>,
    /// The socket's port.
    pub local_port: u16,
    /// The peer, once known.
    pub remote_ip: Option<Box<str>>,
    /// The peer's port, once known.
    pub remote_port: Option<u16>,
    /// UDP or TCP.
    pub protocol: TransportProtocol,
}

// By hand, because the local address is written twice: `localIp` is its older name.
impl Serialize for TransportTuple {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("TransportTuple", 6)?;
        out.serialize_field("localIp", &self.local_address)?;
        out.serialize_field("localAddress", &self.local_address)?;
        out.serialize_field("localPort", &self.local_port)?;
        match &self.remote_ip {
            Some(ip) => out.serialize_field("remoteIp", ip)?,
            None => out.skip_field("remoteIp")?,
        }
        match &self.remote_port {
            Some(port) => out.serialize_field("remotePort", port)?,
            None => out.skip_field("remotePort")?,
        }
        out.serialize_field("protocol", &self.protocol)?;
        out.end()
    }
}

impl<'de> Deserialize<'de> for TransportTuple {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Written {
            local_ip: Option<Box<str>>,
            local_address: Option<Box<str>>,
            local_port: u16,
            remote_ip: Option<Box<str>>,
            remote_port: Option<u16>,
            protocol: TransportProtocol,
        }
        let written = Written::deserialize(deserializer)?;
        Ok(Self {
            local_address: written
                .local_address
                .or(written.local_ip)
                .ok_or_else(|| D::Error::missing_field("localAddress"))?,
            local_port: written.local_port,
            remote_ip: written.remote_ip,
            remote_port: written.remote_port,
            protocol: written.protocol,
        })
    }
}
