//! What a shard did so far, read by other threads without a lock.
//!
//! The shard counts in a plain struct and copies it, in the publish phase of a tick, into a block of
//! atomics under a sequence number (a seqlock): odd while the copy is being made, so that a reader can tell a
//! torn snapshot and take another. Single relaxed atomics would be simpler, and a share of busy time or a
//! mean run computed from two different ticks would lie. The writer never waits; a copy is some hundred plain
//! stores into lines that stay in its cache until somebody looks. Eighty lines are touched all the same, which is more
//! than a tick for one datagram needs besides: so not every tick copies (`ShardConfig::counters_interval`). Readers retry, and give up after
//! [`READ_ATTEMPTS`].

use core::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::Arc;

use net::DriverCounters;

use crate::counter_kind::{CounterKind, kind};
use crate::histogram::Histogram;

/// Declares a struct of counters that can be laid out as words and read back. What is no total says what it is: a `level`,
/// or what was dropped, and why that is worth knowing.
macro_rules! counters {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident $(: $kind:ident)?,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$doc])* pub $field: u64,)* }

        impl $name {
            fn store(&self, words: &mut Words<'_>) {
                $(words.store(self.$field);)*
            }

            fn load(words: &mut Words<'_>) -> Self {
                Self { $($field: words.load(),)* }
            }

            /// The same once nothing is left: what was counted stays.
            pub(crate) const fn without_levels(self) -> Self {
                Self { $($field: if kind!($($kind)?).is_level() { 0 } else { self.$field },)* }
            }

            /// Names, kinds and values, for metrics.
            pub fn each(&self, mut visit: impl FnMut(&'static str, CounterKind, u64)) {
                $(visit(stringify!($field), kind!($($kind)?), self.$field);)*
            }
        }
    };
}

counters! {
    /// Totals since the shard started, and some levels of now.
    Totals {
        /// Ticks run.
        ticks,
        /// Time spent in ticks, and in submitting what they sent.
        busy_nanos,
        /// Time spent waiting.
        idle_nanos,
        /// Commands executed.
        commands,
        /// Replies handed to control.
        replies,
        /// Events handed to control.
        events,
        /// Events given back to the engine because control is behind.
        events_refused,
        /// Packets for direct transports that were dropped because control is behind.
        events_dropped,
        /// Messages of the application that were refused because control or another shard is behind.
        messages_refused,
        /// Timers fired.
        timers_fired,
        /// Batches received and demultiplexed.
        batches,
        /// Datagrams in them.
        datagrams,
        /// Datagrams of peers that nobody knows, dropped.
        dropped_unknown: hostile,
        /// Datagrams that arrived while no engine was there to take them.
        dropped_no_engine: loss,
        /// Packets handed to other shards.
        handed_over,
        /// Packets not handed over because the ring to the shard was full, or it holds as many as can come home.
        dropped_ring_full: loss,
        /// Packets not handed over because the shard is not a neighbour.
        dropped_no_neighbour: loss,
        /// Packets from other shards given to the engine.
        crossed,
        /// Packets from other shards discarded because their epoch had ended, or their stream is not
        /// expected.
        dropped_epoch: policy,
        /// Packets from other shards discarded because no more can be borrowed.
        dropped_borrowed_full: loss,
        /// Datagrams of shared ports handed to the shards of their transports; each is copied once.
        strays_handed_over,
        /// Datagrams of shared ports not handed over, because the ring to the shard was full or there was no memory.
        dropped_strays: loss,
        /// Datagrams of shared ports taken from other shards.
        strays_taken,
        /// Binding requests on shared ports that name nobody, dropped.
        dropped_unknown_ufrag: hostile,
        /// Times that a tuple was not bound to whose it is, because another transport has it or there is no room.
        tuples_refused,
        /// Facts sent to other shards.
        facts_sent,
        /// Facts that a later one of the same entity stands for.
        facts_coalesced,
        /// Facts received from other shards.
        facts_received,
        /// Requests of ICE refused as no proper request (400),
        ice_bad_request,
        /// as made without our password (401),
        ice_unauthenticated,
        /// for something in them that is not understood (420),
        ice_unknown_attribute,
        /// or as of an agent that takes itself for the controlled end (487).
        ice_role_conflict,
        /// Transports whose handshakes wait for their turn now.
        handshakes_waiting: level,
        /// Transports flushed.
        flushes,
        /// DTLS handshakes that brought keys.
        handshakes,
        /// DTLS handshakes that did not.
        handshakes_failed,
        /// Times that a DTLS handshake was put off because its address has as many under way as it may.
        handshakes_put_off,
        /// DTLS handshakes that have begun and not ended, now.
        handshakes_half_open: level,
        /// TCP connections now.
        tcp_connections: level,
        /// TCP connections accepted.
        tcp_accepted,
        /// TCP connections turned away because there are as many as there may be.
        tcp_refused,
        /// TCP connections handed to the shards of their transports.
        tcp_handed_over,
        /// TCP connections closed because they could not go to the shards of their transports, or were not taken there.
        tcp_not_handed_over,
        /// Times that there was no descriptor for a TCP connection.
        tcp_starved,
        /// TCP connections closed because they proved to be nobody's.
        tcp_silent,
        /// TCP connections closed because they sent what nobody can mean.
        tcp_misbehaved,
        /// TCP connections closed because they took nothing for too long.
        tcp_stalled,
        /// Frames dropped because their TCP connection was too slow.
        tcp_frames_dropped,
        /// Panics of the engine that were contained.
        panics,
        /// Times that the thread let the allocator have what it kept at hand, because a crowd had left.
        memory_let_go,
        /// Transports open now.
        transports: level,
        /// Timers armed now.
        timers_armed: level,
        /// Commands accepted and not answered yet.
        replies_owed: level,
        /// Facts waiting for room in a ring, now.
        facts_waiting: level,
        /// Packets borrowed from other shards now.
        borrowed: level,
        /// Pool slots in use now.
        pool_in_use: level,
        /// Most pool slots ever in use.
        pool_high_water: level,
        /// Requests the pool could not serve.
        pool_exhausted,
        /// Pool slots that have memory now.
        pool_present: level,
        /// Times the pool grew in the middle of a tick.
        pool_late,
        /// Times the kernel had no memory for the pool.
        pool_refused,
        /// Copies queued for consumers.
        forwarded,
        /// Copies that their consumer did not want, or could not place.
        declined,
        /// Copies that found their transport's queue full.
        dropped_queue_full: loss,
        /// Copies given up because nobody flushed their transport.
        dropped_stale: loss,
        /// Copies and RTCP that could not be written or sealed.
        dropped_unsealed: loss,
        /// Compound RTCP packets that found too many others waiting for the flush of their transport: a peer whose
        /// transport-wide numbers leap with each packet is due a report about each. Whatever is said is said again.
        dropped_rtcp_full: policy,
        /// Answers of ICE, and datagrams of DTLS, that found too many others waiting for the flush of their transport: who asks
        /// so often asks again.
        dropped_answers_full: policy,
        /// Compound RTCP packets read.
        rtcp_received,
        /// Copies queued once more because somebody missed them.
        repeated,
        /// Copies that somebody missed and that were gone, or could not go yet.
        not_repeated,
        /// Packets that were missing, and asked for.
        missing,
        /// Key frames that peers of producers were asked for.
        key_frames_asked,
        /// Key frames that peers of consumers asked for.
        key_frames_wanted,
        /// Packets dropped, the reason being that there is no such transport.
        dropped_unknown_transport: policy,
        /// Packets dropped, the reason being that its transport does not speak that protocol now.
        dropped_unsupported: policy,
        /// Packets dropped, the reason being that its transport's peer, or the keys, are not known yet.
        dropped_not_connected: policy,
        /// Packets dropped, the reason being that it is not from its transport's peer.
        dropped_unknown_flow: hostile,
        /// Packets dropped, the reason being that it is no RTP or RTCP.
        dropped_malformed: hostile,
        /// Packets dropped, the reason being that it is not authentic under the peer's key.
        dropped_unauthentic: hostile,
        /// Packets dropped, the reason being that it was received before, or comes too late to tell.
        dropped_replayed: policy,
        /// Packets dropped, the reason being that there was no memory for it.
        dropped_no_slot: loss,
        /// Packets dropped, the reason being that no producer is meant by it.
        dropped_unknown_producer: policy,
        /// Packets dropped, the reason being that its producer has no stream for it.
        dropped_not_of_producer: policy,
        /// Packets dropped, the reason being that it repairs nothing that is missing.
        dropped_repair: policy,
        /// Packets dropped, the reason being that its producer is paused.
        dropped_paused: policy,
        /// Packets dropped, the reason being that its epoch had ended.
        dropped_ended_epoch: policy,
        /// Packets dropped, the reason being that no consumer wants it.
        dropped_no_taker: policy,
        /// Packets dropped, the reason being that its header extensions are too long.
        dropped_oversized: loss,
        /// Packets dropped, the reason being that too many packets were in flight.
        dropped_tick_full: loss,
        /// Packets dropped, the reason being that ICE refused them.
        dropped_refused_by_ice: hostile,
        /// Packets dropped, the reason being that nobody waits for that answer.
        dropped_unanswered: policy,
        /// Packets dropped, the reason being that too many handshakes wait. Who means it sends them again, and who
        /// repeats what a peer said, in its name, fills the queue of its handshake.
        dropped_handshakes_full: policy,
    }
}

/// Everything a shard counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Totals and levels.
    pub totals: Totals,
    /// What the driver counts.
    pub driver: DriverCounters,
    /// Lengths of ticks in nanoseconds.
    pub tick_nanos: Histogram<TICK_BUCKETS>,
    /// Datagrams in a receive batch.
    pub batch_datagrams: Histogram<RUN_BUCKETS>,
    /// Datagrams in a run sent.
    pub run_datagrams: Histogram<RUN_BUCKETS>,
}

/// The block that the shard publishes into.
#[derive(Debug)]
pub(crate) struct Publisher {
    shared: Arc<Shared>,
}

impl Publisher {
    pub(crate) fn new() -> (Self, CountersReader) {
        let words = core::array::from_fn(|_| AtomicU64::new(0));
        let shared = Arc::new(Shared { sequence: AtomicU64::new(0), words });
        (Self { shared: Arc::clone(&shared) }, CountersReader { shared })
    }

    pub(crate) fn publish(&self, counters: &Counters) {
        let Shared { sequence, words } = &*self.shared;
        let before = sequence.load(Ordering::Relaxed);
        sequence.store(before + 1, Ordering::Relaxed);
        // The odd number must be seen by whoever sees any of the words that follow.
        fence(Ordering::Release);
        let mut words = Words { words: words.iter() };
        counters.totals.store(&mut words);
        store_driver(&counters.driver, &mut words);
        words.store_all(&counters.tick_nanos.buckets);
        words.store_all(&counters.batch_datagrams.buckets);
        words.store_all(&counters.run_datagrams.buckets);
        sequence.store(before + 2, Ordering::Release);
    }
}

/// Reads a shard's counters from any thread.
#[derive(Clone, Debug)]
pub struct CountersReader {
    shared: Arc<Shared>,
}

impl CountersReader {
    /// What the shard published last. `None` when the shard published during every attempt; then ask again.
    #[must_use]
    pub fn read(&self) -> Option<Counters> {
        let Shared { sequence, words } = &*self.shared;
        for attempt in 0..READ_ATTEMPTS {
            let before = sequence.load(Ordering::Acquire);
            let mut words = Words { words: words.iter() };
            let counters = Counters {
                totals: Totals::load(&mut words),
                driver: load_driver(&mut words),
                tick_nanos: Histogram { buckets: words.load_all() },
                batch_datagrams: Histogram { buckets: words.load_all() },
                run_datagrams: Histogram { buckets: words.load_all() },
            };
            // The words must be read before the number is read again.
            fence(Ordering::Acquire);
            if before % 2 == 0 && sequence.load(Ordering::Relaxed) == before {
                return Some(counters);
            }
            if attempt < READ_SPINS {
                core::hint::spin_loop();
            } else {
                // Its thread has lost its core in the middle of a copy, maybe to this one.
                std::thread::yield_now();
            }
        }
        None
    }
}

#[derive(Debug)]
struct Shared {
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

struct Words<'a> {
    words: core::slice::Iter<'a, AtomicU64>,
}

impl Words<'_> {
    fn store(&mut self, value: u64) {
        if let Some(word) = self.words.next() {
            word.store(value, Ordering::Relaxed);
        }
    }

    fn load(&mut self) -> u64 {
        self.words.next().map_or(0, |word| word.load(Ordering::Relaxed))
    }

    fn store_all(&mut self, values: &[u64]) {
        values.iter().for_each(|&value| self.store(value));
    }

    fn load_all<const N: usize>(&mut self) -> [u64; N] {
        core::array::from_fn(|_| self.load())
    }
}

/// One pass over the driver's counters for both directions, so that no field can be forgotten in one of them.
macro_rules! driver_fields {
    ($visit:ident) => {
        $visit! {
            received_datagrams, received_bytes, received_batches, sent_datagrams, sent_bytes, sent_runs,
            dropped_would_block: loss, dropped_refused: policy, dropped_error: loss, dropped_no_socket: loss, dropped_truncated: loss,
            receive_errors, receive_starved, gso_disabled, stream_received_bytes, stream_sent_bytes, waits, wakes,
            syscalls
        }
    };
}

macro_rules! store_fields {
    ($($field:ident $(: $kind:ident)?),*) => {
        fn store_driver(counters: &DriverCounters, words: &mut Words<'_>) {
            let DriverCounters { $($field),* } = counters;
            $(words.store(*$field);)*
        }
    };
}
driver_fields!(store_fields);

macro_rules! load_fields {
    ($($field:ident $(: $kind:ident)?),*) => {
        fn load_driver(words: &mut Words<'_>) -> DriverCounters {
            DriverCounters { $($field: words.load()),* }
        }
    };
}
driver_fields!(load_fields);

macro_rules! visit_fields {
    ($($field:ident $(: $kind:ident)?),*) => {
        fn visit_driver(counters: &DriverCounters, visit: &mut impl FnMut(&'static str, CounterKind, u64)) {
            let DriverCounters { $($field),* } = counters;
            $(visit(stringify!($field), kind!($($kind)?), *$field);)*
        }
    };
}
driver_fields!(visit_fields);

impl Counters {
    /// Names, kinds and values of all single numbers, for metrics.
    pub fn each(&self, mut visit: impl FnMut(&'static str, CounterKind, u64)) {
        self.totals.each(&mut visit);
        visit_driver(&self.driver, &mut visit);
    }
}

/// Ticks from under a microsecond to over half a second.
pub const TICK_BUCKETS: usize = 30;
/// Batches and runs from 1 to 64, and beyond.
pub const RUN_BUCKETS: usize = 9;
/// Everything above in words. A test holds it to that.
const WORDS: usize = size_of::<Counters>() / size_of::<u64>();
/// A copy takes about 0.1 us and ticks are rarely shorter than a few: one retry is already rare.
const READ_SPINS: u32 = 64;
/// A publisher that has lost its core in the middle of a copy has it again after a turn of each that wants it as well. Who
/// asks is control, which must not stand still for longer: then the caller asks again, or does without.
const READ_ATTEMPTS: u32 = READ_SPINS + 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter_kind::DropClass;

    #[test]
    fn a_reader_sees_what_was_published() {
        let (publisher, reader) = Publisher::new();
        assert_eq!(reader.read(), Some(Counters::default()));
        let mut counters = Counters::default();
        counters.totals.ticks = 1;
        counters.totals.pool_exhausted = 2;
        counters.driver.received_datagrams = 3;
        counters.driver.syscalls = 4;
        counters.tick_nanos.record(5);
        counters.run_datagrams.record(1_000);
        publisher.publish(&counters);
        assert_eq!(reader.read(), Some(counters));
    }

    #[test]
    fn what_is_named_a_drop_has_a_class_and_nothing_else_has() {
        let (mut drops, mut levels, mut losses) = (0, 0, Vec::new());
        Counters::default().each(|name, kind, _| {
            let is_drop = matches!(kind, CounterKind::Drop(_));
            assert_eq!(is_drop, name.starts_with("dropped_"), "{name}");
            drops += usize::from(is_drop);
            losses.extend((kind == CounterKind::Drop(DropClass::Loss)).then_some(name));
            levels += usize::from(kind == CounterKind::Level);
        });
        assert!(drops > 30 && levels > 10, "{drops}, {levels}");
        // What a peer can raise alone is nobody's loss: an alert on it would be theirs to ring.
        let theirs = ["dropped_handshakes_full", "dropped_answers_full", "dropped_rtcp_full"];
        assert!(
            losses.contains(&"dropped_queue_full") && !losses.iter().any(|name| theirs.contains(name)),
            "{losses:?}"
        );
    }

    #[test]
    fn a_reader_never_sees_half_a_publication() {
        let (publisher, reader) = Publisher::new();
        let writer = std::thread::spawn(move || {
            let mut counters = Counters::default();
            for round in 1..=20_000 {
                counters.totals.ticks = round;
                counters.run_datagrams.buckets[RUN_BUCKETS - 1] = round;
                publisher.publish(&counters);
            }
        });
        let mut last = 0;
        while last < 20_000 {
            // `None` is no error while the writer does nothing but publish.
            if let Some(counters) = reader.read() {
                assert_eq!(counters.totals.ticks, counters.run_datagrams.buckets[RUN_BUCKETS - 1]);
                assert!(counters.totals.ticks >= last);
                last = counters.totals.ticks;
            }
        }
        writer.join().unwrap();
    }
}
