//! Everything of one shard: transports, producers and what stands for producers of other shards, consumers, and the
//! packets of the tick.
//!
//! A packet goes down in one pass: its transport opens it, the listener names the producer, the producer makes a
//! [`crate::Packet`] of it, and each consumer's decision to forward is an entry in the queue of its transport. Nothing
//! is written before the flush and nothing calls back.
//!
//! Invariants: source and consumers know each other by key, both ways, or not at all; closing leaves neither keys nor
//! queue entries behind (docs/closures.md); references to slots that were taken are given back, each once.
//!
//! Names and sockets are elsewhere. One instance per shard serves all rooms of that shard: rooms share nothing but
//! tables.

mod closing;
mod consuming;
mod data;
mod departing;
mod fan_out;
mod half_open;
mod handshakes;
mod hearing;
mod holding;
mod ice;
mod key_frames;
mod losses;
mod producing;
mod receiver_reports;
mod receiving;
mod repeating;
mod report;
mod reports;
mod rtcp;
mod sender_reports;
mod source;
mod stored;
mod tick;
mod timing;
mod traces;
mod transports;

use std::collections::VecDeque;

use model::key::{ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, TransportKey};

use wire::{Mono, Ntp};

pub use closing::{Closed, Closing};
pub use departing::STEPS_AHEAD;
pub use source::Feed;
pub(crate) use tick::{InFlight, Moment, Tick};

use crate::consumer::Consumer;
use crate::data::{DataConsumer, DataSource};
use crate::io::Outputs;
use crate::slots::Slots;
use crate::transport::{DropCounters, Listing, Transport};
use half_open::HalfOpen;
pub(crate) use half_open::Origin;
use handshakes::Handshaking;
use holding::Holding;
use source::Source;
use stored::Stored;

/// See the module. `S` names the slot that holds a packet.
#[derive(Debug)]
pub struct Sfu<S> {
    levelling: bool,
    transports: Slots<TransportKey, Transport>,
    sources: Slots<ProducerKey, Source>,
    consumers: Slots<ConsumerKey, Consuming>,
    data_sources: Slots<DataProducerKey, DataSource>,
    data_consumers: Slots<DataConsumerKey, DataConsumer>,
    tick: Tick<S>,
    holding: Holding<S>,
    stored: Stored<S>,
    /// Counts ticks; wraps.
    now_tick: u32,
    /// The time of this tick.
    now: Mono,
    /// Transports that the host was told to flush, in that order, with the tick in which it was.
    listed: VecDeque<(TransportKey, u32)>,
    /// How many of them were not flushed yet.
    waiting: usize,
    counters: Counters,
    /// Of all transports, also those that are gone, and of packets from other shards.
    drops: DropCounters,
    /// Where RTCP is opened to.
    scratch: Box<[u8]>,
    ntp_at_zero: Ntp,
    /// What DTLS is done with, if it is.
    handshaking: Option<Box<Handshaking>>,
    /// Transports whose handshakes wait, the first being the next.
    handshakes: VecDeque<TransportKey>,
    half_open: HalfOpen,
    /// Of packets to ask for, deltas to give feedback with, and producers to tell the scores of: kept for their memory.
    numbers: Vec<u16>,
    deltas: Vec<Option<i16>>,
    rescored: Vec<ProducerKey>,
    /// What the next packet without a packet id is called.
    next_packet_id: u32,
}

/// How large the tables may become, and what is optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Transports.
    pub transports: usize,
    /// Producers, with those that stand for others.
    pub producers: usize,
    /// Consumers.
    pub consumers: usize,
    /// Data producers, with those that stand for others.
    pub data_producers: usize,
    /// Data consumers.
    pub data_consumers: usize,
    /// Packets kept for being asked for again. More than that, and the oldest go first.
    pub stored_packets: usize,
    /// Whether runs of video are levelled by padding.
    pub levelling: bool,
    /// What a wall clock shows at [`wire::Mono::ZERO`]: the one anchor of time on the wire. All shards have the same.
    pub ntp_at_zero: Ntp,
}

impl Default for Config {
    /// As many transports as a shard has room for, and what they may well hold.
    fn default() -> Self {
        Self {
            transports: 8_192,
            producers: 65_536,
            consumers: 1 << 20,
            data_producers: 65_536,
            data_consumers: 1 << 20,
            stored_packets: STORED_PACKETS,
            levelling: false,
            ntp_at_zero: Ntp::default(),
        }
    }
}

/// Since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Copies that were queued.
    pub forwarded: u64,
    /// Copies that their consumer did not want, or could not place.
    pub declined: u64,
    /// Copies that found their transport's queue full.
    pub queue_full: u64,
    /// Packets that found too many others in flight.
    pub tick_full: u64,
    /// Copies given up because nobody flushed their transport.
    pub stale: u64,
    /// Copies and RTCP that could not be written or sealed.
    pub unsealed: u64,
    /// Compound RTCP packets that found too many others waiting for the flush of their transport.
    pub rtcp_full: u64,
    /// Answers of ICE, and datagrams of DTLS, that found too many others waiting for the flush of their transport.
    pub answers_full: u64,
    /// Compound packets that were read.
    pub rtcp_received: u64,
    /// Copies that were queued once more, because somebody missed them.
    pub repeated: u64,
    /// Copies that somebody missed and that were gone, or could not go yet.
    pub not_repeated: u64,
    /// Packets that were missing, and asked for.
    pub missing: u64,
    /// Key frames that peers of producers were asked for.
    pub key_frames_asked: u64,
    /// Key frames that peers of consumers asked for.
    pub key_frames_wanted: u64,
    /// Requests of ICE that were refused, by the code of the answer: what is no proper request,
    pub ice_bad_request: u64,
    /// what was made without our password,
    pub ice_unauthenticated: u64,
    /// what has to be understood and is not,
    pub ice_unknown_attribute: u64,
    /// and what takes itself for the controlled end.
    pub ice_role_conflict: u64,
    /// DTLS handshakes that brought keys.
    pub handshakes: u64,
    /// DTLS handshakes that did not.
    pub handshakes_failed: u64,
    /// Times that a DTLS handshake was put off because its address has as many under way as it may.
    pub handshakes_put_off: u64,
}

#[derive(Debug)]
#[repr(C)]
struct Consuming {
    transport: TransportKey,
    consumer: Consumer,
    producer: ProducerKey,
    /// Its place in the producer's list, so that it is found there without a walk.
    at_producer: usize,
    at_transport: usize,
}

impl<S: Copy> Sfu<S> {
    /// Nobody is there.
    pub fn new(config: Config) -> Self {
        Self {
            levelling: config.levelling,
            transports: Slots::new(config.transports),
            sources: Slots::new(config.producers),
            consumers: Slots::new(config.consumers),
            data_sources: Slots::new(config.data_producers),
            data_consumers: Slots::new(config.data_consumers),
            tick: Tick::new(),
            holding: Holding::new(),
            stored: Stored::new(config.producers, config.stored_packets),
            now_tick: 0,
            now: Mono::ZERO,
            listed: VecDeque::new(),
            waiting: 0,
            counters: Counters::default(),
            drops: DropCounters::new(),
            scratch: vec![0; RTCP_LIMIT].into(),
            ntp_at_zero: config.ntp_at_zero,
            handshaking: None,
            handshakes: VecDeque::new(),
            half_open: HalfOpen::default(),
            numbers: Vec::new(),
            deltas: Vec::new(),
            rescored: Vec::new(),
            next_packet_id: 0,
        }
    }

    /// Says what time it is in the tick that begins. What comes with a time of its own says so too; commands, which do
    /// not, are executed at the time that was said last.
    pub const fn begin_tick(&mut self, now: Mono) {
        self.now = now;
    }

    /// What happened so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// What was dropped so far on its way in, wherever it came.
    pub const fn dropped(&self) -> &DropCounters {
        &self.drops
    }

    /// Packets that are held until their copies are sent.
    pub const fn in_flight(&self) -> usize {
        self.tick.in_flight()
    }

    /// Packets that are kept for being asked for again.
    pub const fn stored(&self) -> usize {
        self.stored.held()
    }

    /// Whether nothing is left of anybody.
    pub fn is_empty(&self) -> bool {
        let tables = [
            self.transports.len(),
            self.sources.len(),
            self.consumers.len(),
            self.data_sources.len(),
            self.data_consumers.len(),
            self.listed.len(),
        ];
        tables == [0; 6] && self.tick.is_empty() && self.holding.is_empty() && self.stored.held() == 0
    }

    /// Tells the host to flush a transport, once.
    fn list(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let Some(transport) = self.transports.get_mut(key) else { return };
        transport.has_more = true;
        if transport.listing == Listing::Idle {
            transport.listing = Listing::Listed(self.now_tick);
            self.listed.push_back((key, self.now_tick));
            self.waiting = self.waiting.saturating_add(1);
            out.flushes.push(key);
        }
    }
}

impl<S: Copy> Default for Sfu<S> {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

/// Two seconds of a hundred streams of 3 Mbit/s, or of two hundred of half of that. A host whose pool is smaller says so.
const STORED_PACKETS: usize = 65_536;
/// The longest RTCP that is read. Compound packets are bounded by the path; direct transports take 1600 bytes.
const RTCP_LIMIT: usize = 2_048;
