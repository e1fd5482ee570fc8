//! What the SFU and the shard that hosts it hand each other: datagrams in, runs of datagrams out, and values that say
//! what else is to be done.
//!
//! Calls go down only. What a call led to stands in [`Outputs`] afterwards, in order; the host does it and clears the
//! list. A *flow* is all that is known of the network here: our end, as the host names it, and a remote address.

use core::fmt;
use std::net::{IpAddr, SocketAddr};

use ice::Tuple;
use model::command::{DataMessage, Epoch};
use model::event::Event;
use model::key::{DataProducerKey, ProducerKey, ShardIndex, TransportKey};
use wire::Mono;

use crate::packet::Stamp;

/// Where packets are kept: the shard's pool, and what it borrowed from others.
pub trait Packets {
    /// Names a packet. A copy of the name is not another reference.
    type Slot: Copy + fmt::Debug;

    /// Lets `filler` write a packet of at most `max_len` bytes and say how long it is. One reference comes back;
    /// nothing if there is no room, or `filler` said nothing.
    fn fill(&mut self, max_len: usize, filler: impl FnOnce(&mut [u8]) -> Option<usize>)
    -> Option<Self::Slot>;

    /// The bytes; nothing once the last reference is gone, or who lent them.
    fn bytes(&self, slot: Self::Slot) -> Option<&[u8]>;

    /// Adds a reference. False if there is none left to add to.
    fn retain(&mut self, slot: Self::Slot) -> bool;

    /// Drops a reference.
    fn release(&mut self, slot: Self::Slot);

    /// Whether room for what is received becomes short, so that who keeps packets for later should let some go, the
    /// oldest first. Does not change within a tick; even then there is room for what the tick can bring.
    fn is_short(&self) -> bool {
        false
    }

    /// A hint for the core: this memory, not what it points to, will be used soon.
    #[inline]
    fn prefetch<T: ?Sized>(&self, what: &T) {
        self.prefetch_start(what, size_of_val(what));
    }

    /// The same of its first bytes, where what is used stands first: each line that is asked for in vain delays others.
    #[inline]
    fn prefetch_start<T: ?Sized>(&self, what: &T, bytes: usize) {
        let _ = (what, bytes);
    }
}

/// Where a transport's datagrams leave. Made by the host for one flush of one transport, whose sockets it knows.
pub trait Depart {
    /// Contiguous memory for a run of up to `len` bytes. What is not sent is reserved again.
    fn reserve(&mut self, len: usize) -> &mut [u8];

    /// Sends the first bytes of what was reserved last.
    fn send(&mut self, departing: Departing);

    /// Most datagrams in a run: 1 where the path takes no runs.
    fn max_segments(&self) -> usize {
        MAX_SEGMENTS
    }
}

/// A run of datagrams to one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departing {
    /// Our end.
    pub local: Local,
    /// The peer.
    pub to: SocketAddr,
    /// Bytes of the run.
    pub len: usize,
    /// Size of every datagram but the last, which may be shorter.
    pub segment_size: usize,
    /// Whether it answers somebody, who need not be where media go.
    pub is_answer: bool,
}

/// Our end of a flow, as the host names it: a UDP socket, or one TCP connection. A *place* is that of a socket, or of the
/// listener that accepted the connection, among those that [`crate::Sfu::open_transport`] was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Local {
    /// A UDP socket.
    Socket {
        /// Which.
        place: u8,
        /// The address that the peer talks to, where the socket is bound to all.
        ip: Option<IpAddr>,
    },
    /// A TCP connection. Each [`Departing`] by it is a run of packets, which the host frames (RFC 4571).
    Connection {
        /// Whose.
        place: u8,
        /// Which of the host's. Not to be given again while somebody may remember it.
        connection: ConnectionKey,
    },
}

/// Which of a host's TCP connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    /// Its place.
    pub index: u32,
    /// Which of those that were there.
    pub generation: u32,
}

impl Local {
    /// The first socket: of a transport without ICE the one for RTP, and for RTCP too unless there is another.
    pub const RTP: Self = Self::Socket { place: 0, ip: None };
    /// The second: where RTCP has a socket of its own, that one.
    pub const RTCP: Self = Self::Socket { place: 1, ip: None };

    /// Which of the sockets and listeners.
    pub const fn place(self) -> u8 {
        match self {
            Self::Socket { place, .. } | Self::Connection { place, .. } => place,
        }
    }
}

/// A datagram that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Our end.
    pub local: Local,
    /// From whom.
    pub from: SocketAddr,
    /// When the kernel received it.
    pub received: Mono,
    /// What.
    pub bytes: &'a [u8],
}

impl Datagram<'_> {
    /// Both ends.
    #[inline]
    pub(crate) const fn tuple(&self) -> Tuple<Local> {
        Tuple { local: self.local, remote: self.from }
    }
}

/// What a call works with beside the SFU itself.
#[derive(Debug)]
pub struct Io<'a, P: Packets> {
    /// The time of this tick.
    pub now: Mono,
    /// Where packets are kept.
    pub packets: &'a mut P,
    /// What is to be done.
    pub out: &'a mut Outputs<P::Slot>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<S> {
    /// Transports to be flushed in this tick, each said once until it is. Apart, because a packet to hundreds of consumers
    /// says hundreds of them.
    pub flushes: Vec<TransportKey>,
    /// All else, in order.
    pub others: Vec<Output<S>>,
}

impl<S> Outputs<S> {
    /// Nothing.
    pub const fn new() -> Self {
        Self { flushes: Vec::new(), others: Vec::new() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.flushes.is_empty() && self.others.is_empty()
    }

    /// Forgets it all.
    pub fn clear(&mut self) {
        self.flushes.clear();
        self.others.clear();
    }

    pub(crate) fn push(&mut self, output: Output<S>) {
        self.others.push(output);
    }
}

impl<S> Default for Outputs<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Extend<Output<S>> for Outputs<S> {
    fn extend<T: IntoIterator<Item = Output<S>>>(&mut self, outputs: T) {
        self.others.extend(outputs);
    }
}

/// Something that the host is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<S> {
    /// Tell control.
    Event(Event),
    /// From now on datagrams of this flow are the transport's: it was connected, its peer was learned, or proved to ICE
    /// that the flow is its own.
    Bind {
        /// Whose flow.
        transport: TransportKey,
        /// Our end.
        local: Local,
        /// The peer.
        remote: SocketAddr,
    },
    /// From now on they are nobody's.
    Unbind {
        /// Whose flow it was.
        transport: TransportKey,
        /// Our end.
        local: Local,
        /// The peer.
        remote: SocketAddr,
    },
    /// From now on nobody means the transport by this ufrag: its peer has used the one that came after it.
    ForgetUfrag {
        /// Whose it was.
        transport: TransportKey,
        /// The ufrag.
        ufrag: Box<str>,
    },
    /// The transport's peer stays at this address and has no other: a socket of the transport's own may be connected to
    /// it, if that can be undone. Without a peer, it is to hear everybody again.
    Settle {
        /// Whose socket.
        transport: TransportKey,
        /// Which.
        local: Local,
        /// The peer.
        peer: Option<SocketAddr>,
    },
    /// Hand a packet to another shard, then drop one reference to it.
    HandOver(HandOver<S>),
    /// Hand a message to another shard. Messages are not lost.
    HandOverMessage {
        /// Which shard.
        shard: ShardIndex,
        /// What stands for the data producer there.
        replica: DataProducerKey,
        /// The message.
        message: Box<DataMessage>,
    },
    /// Call [`crate::Sfu::timeout`] at or after this time. It replaces what was said of this transport before.
    Arm {
        /// Whose timer.
        transport: TransportKey,
        /// When.
        at: Mono,
    },
    /// Tell a shard how the streams of a producer do, in the order of its encodings, 0 for one that has not appeared:
    /// [`crate::Sfu::set_replica_scores`] there. The newest is enough.
    Scores {
        /// Which shard.
        shard: ShardIndex,
        /// What stands for the producer there.
        replica: ProducerKey,
        /// Of each stream.
        scores: Box<[u8]>,
    },
    /// Tell the producer's shard the worst loss among its consumers here, of 256:
    /// [`crate::Sfu::set_remote_loss`] there. The newest is enough.
    Loss {
        /// Which shard.
        shard: ShardIndex,
        /// The producer there.
        producer: ProducerKey,
        /// Packets lost of 256.
        fraction: u8,
    },
    /// Ask the producer, which is on another shard, for a key frame: [`crate::Sfu::request_key_frame`] there.
    RequestKeyFrame {
        /// Which shard.
        shard: ShardIndex,
        /// The producer there.
        producer: ProducerKey,
        /// Which of its encodings.
        encoding: u8,
    },
}

/// A packet for another shard, to be given to [`crate::Sfu::crossed`] there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandOver<S> {
    /// The producer it is of, here.
    pub producer: ProducerKey,
    /// Which shard.
    pub shard: ShardIndex,
    /// What stands for the producer there.
    pub replica: ProducerKey,
    /// In which epoch of the producer it was received.
    pub epoch: Epoch,
    /// What its producer says about it.
    pub stamp: Stamp,
    /// Its bytes, with one reference that goes with this value.
    pub slot: S,
}

/// What became of something that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was of use.
    Taken,
    /// It was not, and was counted under its reason.
    Dropped(crate::transport::DropReason),
}

/// The kernel's limit since UDP GSO exists.
pub const MAX_SEGMENTS: usize = 64;
/// The largest payload of one datagram over IPv4, which bounds a run.
pub const MAX_RUN_BYTES: usize = 65_507;
