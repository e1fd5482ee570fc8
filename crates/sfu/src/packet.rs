//! A packet as consumers see it: in the router's numbers, whatever its producer called them.

use streams::send::Origin;
use wire::rtp::Layout;
use wire::{Ntp, PayloadType, Ssrc};

/// What decisions about one packet are made from. Its bytes are elsewhere and stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its place among the producer's encodings.
    pub encoding: usize,
    /// The mapped SSRC of that encoding.
    pub ssrc: Ssrc,
    /// The mapped payload type.
    pub payload_type: PayloadType,
    /// Which run of the stream: a sender that begins anew begins another.
    pub run: u32,
    /// The sequence number with its cycles, comparable within a run.
    pub sequence: u64,
    /// The producer's timestamp.
    pub timestamp: u32,
    /// When it was captured, in our clock.
    pub captured: Ntp,
    /// The marker bit.
    pub marker: bool,
    /// Bytes of payload, padding excluded.
    pub payload_len: usize,
    /// A key frame begins here.
    pub key_frame: bool,
    /// A pause in speech: there is nothing to hear.
    pub dtx: bool,
    /// The spatial layer, 0 where there are none.
    pub spatial_layer: u8,
    /// The temporal layer, 0 where there are none.
    pub temporal_layer: u8,
    /// What it is called from here on, if it came without a packet id and is to have one.
    pub packet_id: Option<u32>,
}

impl Packet {
    /// How it is found again where packets are kept.
    pub(crate) fn origin(&self) -> Origin {
        let [.., a, b] = self.sequence.to_be_bytes();
        let [_, _, c, d] = self.run.to_be_bytes();
        // A producer has far fewer encodings.
        let encoding = u8::try_from(self.encoding).unwrap_or(u8::MAX);
        Origin { sequence: u16::from_be_bytes([a, b]), run: u16::from_be_bytes([c, d]), encoding }
    }
}

/// What travels beside a packet's bytes to other shards, so that they decide as its own shard does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub(crate) packet: Packet,
    /// Where the parts of its bytes lie.
    pub(crate) layout: Layout,
}
