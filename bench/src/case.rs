//! What is measured: who is in which room, who sends what how often, under which keys. Every process of a run
//! derives the same picture from the same `Case`.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::suite::Suite;

/// One cell of the matrix, without the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) shape: Shape,
    pub(crate) shards: usize,
    pub(crate) rooms: usize,
    /// Consumers of each producer.
    pub(crate) consumers: usize,
    /// Size of a packet before protection, RTP header included. In a meeting, of a video packet.
    pub(crate) bytes: usize,
    /// Packets that a producer sends back to back. In a meeting, of a video frame.
    pub(crate) burst: usize,
    pub(crate) suite: Suite,
    /// Whether each transport has a connected socket, or all of a shard share one.
    pub(crate) sockets: Sockets,
    /// Where the consumers of a fan are.
    pub(crate) spread: Spread,
}

/// How rooms are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// Each room has one producer that only sends, and consumers that only receive.
    Fan,
    /// Everybody sends audio and video and receives all others of the room through one transport.
    Meeting,
}

impl Shape {
    /// Its name in rows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Meeting => "meeting",
        }
    }
}

/// On which shard a fan's consumers are, seen from their producer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Spread {
    /// On all shards in turn.
    Even,
    /// On the same.
    Home,
    /// On the next.
    Away,
}

/// Which sockets the forwarder uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sockets {
    /// One per transport, connected to its peer.
    Connected,
    /// One per shard, unconnected.
    Shared,
}

/// A peer: at the far end a socket, in the forwarder a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) room: usize,
    /// The shard its transport lives on.
    pub(crate) shard: usize,
    pub(crate) sends: bool,
    pub(crate) receives: bool,
}

/// What a peer sends: one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) peer: usize,
    /// Distinguishes the streams of one room; below [`STREAMS_PER_ROOM`].
    pub(crate) slot: usize,
    pub(crate) bytes: usize,
    pub(crate) burst: usize,
    pub(crate) interval_ns: u64,
    /// Before the first burst.
    pub(crate) phase_ns: u64,
}

impl Case {
    /// All peers, room by room; the index is the peer's number everywhere.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let per_room = self.consumers + 1;
        (0..self.rooms * per_room)
            .map(|index| {
                let (room, place) = (index / per_room, index % per_room);
                match self.shape {
                    // The first of a room sends.
                    Shape::Fan => Peer {
                        room,
                        shard: (room + self.away(place)) % self.shards,
                        sends: place == 0,
                        receives: place != 0,
                    },
                    // A small room stays on its home shard.
                    Shape::Meeting => Peer { room, shard: room % self.shards, sends: true, receives: true },
                }
            })
            .collect()
    }

    /// How many shards from its producer's a consumer is.
    fn away(&self, place: usize) -> usize {
        match self.spread {
            Spread::Even => place,
            Spread::Home => 0,
            Spread::Away => usize::from(place != 0),
        }
    }

    /// The peers that receive what `peer` sends.
    pub(crate) fn receivers_of(&self, peer: usize) -> impl Iterator<Item = usize> + use<> {
        let per_room = self.consumers + 1;
        let first = peer / per_room * per_room;
        (first..first + per_room).filter(move |&other| other != peer)
    }

    /// All streams. In a fan every producer has `interval_ns` between bursts; a meeting keeps its own time.
    pub(crate) fn streams(&self, interval_ns: u64) -> Vec<Stream> {
        let per_room = self.consumers + 1;
        let senders =
            self.peers().into_iter().enumerate().filter(|(_, peer)| peer.sends).map(|(index, _)| index);
        match self.shape {
            Shape::Fan => senders
                .map(|peer| Stream {
                    peer,
                    slot: 0,
                    bytes: self.bytes,
                    burst: self.burst,
                    interval_ns,
                    phase_ns: interval_ns * u64_of(peer / per_room) / u64_of(self.rooms),
                })
                .collect(),
            Shape::Meeting => senders
                .flat_map(|peer| {
                    let place = peer % per_room;
                    let audio = Stream {
                        peer,
                        slot: place * 2,
                        bytes: AUDIO_BYTES,
                        burst: 1,
                        interval_ns: AUDIO_INTERVAL_NS,
                        phase_ns: scatter(peer, AUDIO_INTERVAL_NS),
                    };
                    let video = Stream {
                        slot: place * 2 + 1,
                        bytes: self.bytes,
                        burst: self.burst,
                        interval_ns: VIDEO_INTERVAL_NS,
                        phase_ns: scatter(peer + 7919, VIDEO_INTERVAL_NS),
                        ..audio
                    };
                    [audio, video]
                })
                .collect(),
        }
    }

    /// Descriptors one process of this case needs, with room for its own.
    pub(crate) fn descriptors(&self) -> usize {
        self.rooms * (self.consumers + 1) + 64
    }

    /// Mean run when every burst leaves as one run to each receiver.
    pub(crate) fn nominal_run(&self) -> f64 {
        let streams = self.streams(1_000_000);
        let rate = |stream: &Stream| 1e9 / float(stream.interval_ns);
        let packets: f64 = streams.iter().map(|stream| rate(stream) * float(u64_of(stream.burst))).sum();
        packets / streams.iter().map(rate).sum::<f64>()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Fan => write!(f, "fan-{}", self.consumers)?,
            Shape::Meeting => write!(f, "meeting-{}x{}", self.rooms, self.consumers + 1)?,
        }
        write!(f, " {}B burst-{} {} {}-shard", self.bytes, self.burst, self.suite, self.shards)?;
        match self.sockets {
            Sockets::Connected => Ok(()),
            Sockets::Shared => write!(f, " shared-socket"),
        }
    }
}

/// The SSRC a stream has on its way in.
pub(crate) fn producer_ssrc(peer: usize, slot: usize) -> u32 {
    PRODUCER_SSRC | u32::try_from(peer * STREAMS_PER_ROOM + slot).unwrap_or(u32::MAX)
}

/// The SSRC under which `receiver` gets the stream of that slot in its room.
pub(crate) fn consumer_ssrc(receiver: usize, slot: usize) -> u32 {
    CONSUMER_SSRC | u32::try_from(receiver * STREAMS_PER_ROOM + slot).unwrap_or(u32::MAX)
}

/// The inverse of `consumer_ssrc`.
pub(crate) fn consumer_of(ssrc: u32) -> Option<(usize, usize)> {
    let number = usize::try_from(ssrc.checked_sub(CONSUMER_SSRC)?).ok()?;
    Some((number / STREAMS_PER_ROOM, number % STREAMS_PER_ROOM))
}

/// What a stream's payload holds: recognisable, different from stream to stream, and to an SFU the beginning of a
/// VP8 frame that is not a key frame (RFC 7741 §4.2 and §4.3).
pub(crate) fn payload_pattern(peer: usize, slot: usize, bytes: usize) -> Vec<u8> {
    let seed = (peer * STREAMS_PER_ROOM + slot) & 0xFF;
    let byte = |index: usize| match index {
        0 => VP8_START_OF_PARTITION,
        1 => VP8_INTER_FRAME,
        _ => u8::try_from((seed * 13 + index * 7 + index / 251) & 0xFF).unwrap_or(0),
    };
    (0..bytes.saturating_sub(RTP_HEADER)).map(byte).collect()
}

/// Any number of things as the 64 bits of the arithmetic around time.
pub(crate) fn u64_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A count as a float; exact far beyond what a run can count.
#[expect(clippy::cast_precision_loss, reason = "counts of a run stay below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// Spreads phases over an interval the same way in every process.
fn scatter(number: usize, interval_ns: u64) -> u64 {
    u64_of(number).wrapping_mul(0x9E37_79B9_7F4A_7C15) % interval_ns
}

/// First byte of a payload descriptor: nothing optional, the frame's first partition begins here.
const VP8_START_OF_PARTITION: u8 = 0x10;
/// First byte of a VP8 payload header, whose lowest bit says whether the frame depends on others.
const VP8_INTER_FRAME: u8 = 0x01;
/// The same in a key frame.
pub(crate) const VP8_KEY_FRAME: u8 = 0x00;
/// Where in a payload that byte is.
pub(crate) const VP8_FRAME_KIND: usize = 1;
/// Length of an RTP header without CSRCs and extensions.
pub(crate) const RTP_HEADER: usize = 12;
/// What the sources put into the payload type, and what the forwarder must put there instead.
pub(crate) const PAYLOAD_TYPE_IN: u8 = 96;
pub(crate) const PAYLOAD_TYPE_OUT: u8 = 100;
/// The same sent again.
pub(crate) const PAYLOAD_TYPE_RTX: u8 = 101;
/// Under which id packets carry their transport-wide number, inside a router too.
pub(crate) const TRANSPORT_NUMBER_ID: u8 = 5;
/// Audio and video of four peers, and room for a few more.
pub(crate) const STREAMS_PER_ROOM: usize = 16;
/// 50 packets a second.
const AUDIO_INTERVAL_NS: u64 = 20_000_000;
pub(crate) const AUDIO_BYTES: usize = 160;
/// 30 frames a second.
const VIDEO_INTERVAL_NS: u64 = 33_333_333;
const PRODUCER_SSRC: u32 = 0x1000_0000;
const CONSUMER_SSRC: u32 = 0x4000_0000;

#[cfg(test)]
mod tests;
