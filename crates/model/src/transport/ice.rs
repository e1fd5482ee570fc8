//! ICE: what a WebRTC transport announces, and how far it got (RFC 8445).

use std::fmt;

use serde::de::Error;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TransportProtocol;

/// Credentials of one side.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct IceParameters {
    /// The ufrag.
    pub username_fragment: Box<str>,
    /// The password.
    pub password: Box<str>,
    /// Whether this side only answers (RFC 8445 §2.5). Ours always does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice_lite: Option<bool>,
}

/// Without the password, which is nobody's business who reads logs.
impl fmt::Debug for IceParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username_fragment, password: _, ice_lite } = self;
        let mut shown = f.debug_struct("IceParameters");
        shown.field("username_fragment", username_fragment).field("ice_lite", ice_lite);
        shown.finish_non_exhaustive()
    }
}

/// An address at which a transport can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceCandidate {
    /// Candidates of one foundation share their base (RFC 8445 §5.1.1.3).
    pub foundation: Box<str>,
    /// Higher is tried first.
    pub priority: u32,
    /// An IP address or a host name.
    pub address: Box<str>,
    /// UDP or TCP.
    pub protocol: TransportProtocol,
    /// The port.
    pub port: u16,
    /// Where the address comes from.
    pub kind: IceCandidateType,
    /// Who opens the connection; TCP only.
    pub tcp_type: Option<IceCandidateTcpType>,
}

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum IceCandidateType {
    /// From an interface of the host. A server has no other.
    Host,
}

/// Who opens a TCP connection (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum IceCandidateTcpType {
    /// The peer does.
    Passive,
}

/// Who nominates (RFC 8445 §6.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum IceRole {
    /// The peer does: a lite agent is always controlled.
    #[default]
    Controlled,
    /// This side does.
    Controlling,
}

/// How far ICE got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum IceState {
    /// No valid request yet.
    #[default]
    New,
    /// A valid request came.
    Connected,
    /// A pair was nominated.
    Completed,
    /// The peer fell silent.
    Disconnected,
    /// The transport is closed. Front doors say so, shards do not.
    Closed,
}

// By hand, because the address is written twice: `ip` is its older name.
impl Serialize for IceCandidate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("IceCandidate", 8)?;
        out.serialize_field("foundation", &self.foundation)?;
        out.serialize_field("priority", &self.priority)?;
        out.serialize_field("ip", &self.address)?;
        out.serialize_field("address", &self.address)?;
        out.serialize_field("protocol", &self.protocol)?;
        out.serialize_field("port", &self.port)?;
        out.serialize_field("type", &self.kind)?;
        match self.tcp_type {
            Some(tcp_type) => out.serialize_field("tcpType", &tcp_type)?,
            None => out.skip_field("tcpType")?,
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for IceCandidate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Written {
            foundation: Box<str>,
            priority: u32,
            ip: Option<Box<str>>,
            address: Option<Box<str>>,
            protocol: TransportProtocol,
            port: u16,
            #[serde(rename = "type")]
            kind: IceCandidateType,
            tcp_type: Option<IceCandidateTcpType>,
        }
        let written = Written::deserialize(deserializer)?;
        Ok(Self {
            foundation: written.foundation,
            priority: written.priority,
            address: written.address.or(written.ip).ok_or_else(|| D::Error::missing_field("address"))?,
            protocol: written.protocol,
            port: written.port,
            kind: written.kind,
            tcp_type: written.tcp_type,
        })
    }
}
