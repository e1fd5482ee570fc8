//! RTP streams, received and sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Ssrc;
use crate::rtp::{MediaKind, MimeType};

/// One stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RtpStreamStats {
    /// What both directions have.
    #[serde(flatten)]
    pub counters: RtpStreamCounters,
    /// Which direction, and what it has.
    #[serde(flatten)]
    pub kind: RtpStreamKindStats,
}

/// What both directions have. Packets and bytes are of RTP, repaired ones included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it all")]
pub struct RtpStreamCounters {
    /// Milliseconds of the monotonic clock.
    pub timestamp: u64,
    pub ssrc: Ssrc,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtx_ssrc: Option<Ssrc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<Box<str>>,
    pub kind: MediaKind,
    pub mime_type: MimeType,
    /// Less than none if packets came twice (RFC 3550 §6.4.1).
    pub packets_lost: i32,
    /// Of 256, since the last report.
    pub fraction_lost: u8,
    /// In ticks of the RTP clock.
    pub jitter: u32,
    pub packets_discarded: u64,
    pub packets_retransmitted: u64,
    pub packets_repaired: u64,
    pub nack_count: u64,
    pub nack_packet_count: u64,
    pub pli_count: u64,
    pub fir_count: u64,
    /// Milliseconds; 0 is unknown.
    pub round_trip_time: f32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rtx_packets_discarded: u64,
    /// 0 to 10.
    pub score: u8,
    pub packet_count: u64,
    pub byte_count: u64,
    /// Bits per second.
    pub bitrate: u64,
}

/// Which direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum RtpStreamKindStats {
    /// To us.
    #[serde(rename = "inbound-rtp")]
    Inbound {
        /// Bits per second up to and with each layer, by `spatial.temporal`; empty without layers.
        bitrate_by_layer: BTreeMap<Box<str>, u64>,
    },
    /// From us.
    #[serde(rename = "outbound-rtp")]
    Outbound {},
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
