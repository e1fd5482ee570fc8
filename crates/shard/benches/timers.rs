//! Three structures for a shard's timers, on the work that a shard gives them: `cargo bench -p shard --bench
//! timers`.
//!
//! Deadlines spread over four orders of magnitude (NACK to DTLS), most timers moved or cancelled before they
//! fire.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use shard::{TimerKey, Timers};
use wire::Mono;

/// What all of them can do. A key stays good until its timer fires or is cancelled.
trait Structure {
    type Key: Copy;
    const NAME: &'static str;

    fn new() -> Self;
    fn arm(&mut self, at: Mono, value: u32) -> Self::Key;
    fn rearm(&mut self, key: Self::Key, at: Mono);
    fn cancel(&mut self, key: Self::Key);
    fn pop_due(&mut self, now: Mono) -> Option<u32>;
}

impl Structure for Timers<u32> {
    type Key = TimerKey;
    const NAME: &'static str = "hierarchical wheel";

    fn new() -> Self {
        Self::with_capacity(ARMED * 2)
    }

    fn arm(&mut self, at: Mono, value: u32) -> TimerKey {
        self.arm(at, value)
    }

    fn rearm(&mut self, key: TimerKey, at: Mono) {
        self.rearm(key, at);
    }

    fn cancel(&mut self, key: TimerKey) {
        self.cancel(key);
    }

    fn pop_due(&mut self, now: Mono) -> Option<u32> {
        self.pop_due(now)
    }
}

/// The standard heap. Cancelled and moved entries stay until they surface and turn out to be stale.
struct LazyHeap {
    heap: BinaryHeap<Reverse<(Mono, u64, u32)>>,
    /// By timer: which sequence is current, and the value.
    slots: Vec<(u64, u32)>,
    free: Vec<u32>,
    sequence: u64,
}

impl Structure for LazyHeap {
    type Key = u32;
    const NAME: &'static str = "std BinaryHeap, stale entries left in it";

    fn new() -> Self {
        let (heap, slots) = (BinaryHeap::with_capacity(ARMED * 8), Vec::with_capacity(ARMED * 2));
        Self { heap, slots, free: Vec::new(), sequence: 0 }
    }

    fn arm(&mut self, at: Mono, value: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, 0));
            u32::try_from(self.slots.len() - 1).unwrap_or(0)
        });
        self.slots[slot as usize].1 = value;
        self.rearm(slot, at);
        slot
    }

    fn rearm(&mut self, key: u32, at: Mono) {
        self.sequence += 1;
        self.slots[key as usize].0 = self.sequence;
        self.heap.push(Reverse((at, self.sequence, key)));
    }

    fn cancel(&mut self, key: u32) {
        self.slots[key as usize].0 = 0;
        self.free.push(key);
    }

    fn pop_due(&mut self, now: Mono) -> Option<u32> {
        while let Some(&Reverse((at, sequence, slot))) = self.heap.peek() {
            if at > now {
                return None;
            }
            self.heap.pop();
            let (current, value) = self.slots[slot as usize];
            if current == sequence {
                self.cancel(slot);
                return Some(value);
            }
        }
        None
    }
}

/// A binary heap that knows where each timer is, so that cancelled and moved ones leave at once, in O(log n).
struct IndexedHeap {
    heap: Vec<(Mono, u64, u32)>,
    /// By timer: position in the heap, and the value.
    slots: Vec<(u32, u32)>,
    free: Vec<u32>,
    sequence: u64,
}

impl IndexedHeap {
    fn place(&mut self, position: usize, entry: (Mono, u64, u32)) {
        self.heap[position] = entry;
        self.slots[entry.2 as usize].0 = u32::try_from(position).unwrap_or(0);
    }

    fn rise(&mut self, mut position: usize) -> usize {
        let entry = self.heap[position];
        while position > 0 && entry < self.heap[(position - 1) / 2] {
            let above = (position - 1) / 2;
            self.place(position, self.heap[above]);
            position = above;
        }
        self.place(position, entry);
        position
    }

    fn sink(&mut self, mut position: usize) {
        let entry = self.heap[position];
        loop {
            let children = position * 2 + 1..(position * 2 + 3).min(self.heap.len());
            let least = children.min_by_key(|child| self.heap[*child]);
            let Some(least) = least.filter(|least| self.heap[*least] < entry) else { break };
            self.place(position, self.heap[least]);
            position = least;
        }
        self.place(position, entry);
    }

    fn remove(&mut self, position: usize) {
        let last = self.heap.len() - 1;
        let moved = self.heap[last];
        self.heap.truncate(last);
        if position < last {
            self.place(position, moved);
            let position = self.rise(position);
            self.sink(position);
        }
    }
}

impl Structure for IndexedHeap {
    type Key = u32;
    const NAME: &'static str = "binary heap with positions";

    fn new() -> Self {
        let (heap, slots) = (Vec::with_capacity(ARMED * 2), Vec::with_capacity(ARMED * 2));
        Self { heap, slots, free: Vec::new(), sequence: 0 }
    }

    fn arm(&mut self, at: Mono, value: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, 0));
            u32::try_from(self.slots.len() - 1).unwrap_or(0)
        });
        self.slots[slot as usize].1 = value;
        self.sequence += 1;
        self.heap.push((at, self.sequence, slot));
        self.rise(self.heap.len() - 1);
        slot
    }

    fn rearm(&mut self, key: u32, at: Mono) {
        self.sequence += 1;
        let position = self.slots[key as usize].0 as usize;
        self.heap[position] = (at, self.sequence, key);
        let position = self.rise(position);
        self.sink(position);
    }

    fn cancel(&mut self, key: u32) {
        self.remove(self.slots[key as usize].0 as usize);
        self.free.push(key);
    }

    fn pop_due(&mut self, now: Mono) -> Option<u32> {
        let &(at, _, slot) = self.heap.first()?;
        (at <= now).then(|| {
            self.cancel(slot);
            self.slots[slot as usize].1
        })
    }
}

/// Delays from 1 ms to 10 s, as many in each decade.
struct Delays {
    state: u64,
}

impl Delays {
    fn bits(&mut self) -> u64 {
        // xorshift64*: Marsaglia's shifts, Vigna's multiplier.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn next(&mut self) -> Duration {
        let decade = [1_000, 10_000, 100_000, 1_000_000][usize::try_from(self.bits() >> 62).unwrap_or(0)];
        Duration::from_micros(decade + self.bits() % (decade * 9))
    }
}

fn filled<S: Structure>(delays: &mut Delays) -> (S, Vec<S::Key>) {
    let mut timers = S::new();
    let keys = (0..ARMED).map(|value| timers.arm(START + delays.next(), u32::try_from(value).unwrap_or(0)));
    let keys = keys.collect();
    (timers, keys)
}

/// Nanoseconds per operation of the fastest of some rounds, which is the one nobody disturbed.
fn fastest(mut round: impl FnMut() -> u64) -> f64 {
    let measured = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        let operations = round();
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(operations).unwrap_or(1))
    });
    measured.fold(f64::MAX, f64::min)
}

fn arm_and_cancel<S: Structure>() -> f64 {
    let mut delays = Delays { state: SEED };
    let (mut timers, _) = filled::<S>(&mut delays);
    let mut now = START;
    fastest(|| {
        for _ in 0..OPERATIONS {
            let key = timers.arm(now + delays.next(), 1);
            timers.cancel(black_box(key));
        }
        // Stale entries have to go some time; let them.
        now += Duration::from_secs(11);
        while timers.pop_due(now).is_some() {}
        for value in 0..ARMED {
            timers.arm(now + delays.next(), u32::try_from(value).unwrap_or(0));
        }
        OPERATIONS
    })
}

fn rearm<S: Structure>() -> f64 {
    let mut delays = Delays { state: SEED };
    let (mut timers, mut keys) = filled::<S>(&mut delays);
    let mut now = START;
    fastest(|| {
        for _ in 0..OPERATIONS {
            let which = usize::try_from(delays.bits() % ARMED as u64).unwrap_or(0);
            timers.rearm(keys[which], now + delays.next() + Duration::from_millis(300));
            // Time goes on at 300 ns per operation, so that stale entries surface while others are moved.
            now += Duration::from_nanos(300);
            while let Some(value) = timers.pop_due(now) {
                keys[value as usize] = timers.arm(now + delays.next(), value);
            }
        }
        OPERATIONS
    })
}

fn arm_and_fire<S: Structure>() -> f64 {
    let mut delays = Delays { state: SEED };
    let (mut timers, _) = filled::<S>(&mut delays);
    let mut now = START;
    fastest(|| {
        let mut fired = 0;
        while fired < OPERATIONS {
            now += Duration::from_micros(100);
            while let Some(value) = timers.pop_due(now) {
                timers.arm(now + delays.next(), value);
                fired += 1;
            }
        }
        fired
    })
}

fn nothing_due<S: Structure>() -> f64 {
    let mut delays = Delays { state: SEED };
    let (mut timers, _) = filled::<S>(&mut delays);
    fastest(|| {
        for _ in 0..OPERATIONS {
            black_box(timers.pop_due(black_box(START)));
        }
        OPERATIONS
    })
}

fn row<S: Structure>() {
    let figures = [arm_and_cancel::<S>(), rearm::<S>(), arm_and_fire::<S>(), nothing_due::<S>()];
    let [arm_cancel, rearm, fire, nothing] = figures;
    println!("| {:<40} | {arm_cancel:>12.1} | {rearm:>6.1} | {fire:>10.1} | {nothing:>11.1} |", S::NAME);
}

fn main() {
    println!(
        "| ns per operation, {ARMED} timers armed        | arm + cancel | re-arm | arm + fire | nothing due |"
    );
    println!("|---|---|---|---|---|");
    row::<Timers<u32>>();
    row::<LazyHeap>();
    row::<IndexedHeap>();
}

const ARMED: usize = 10_000;
const OPERATIONS: u64 = 200_000;
const ROUNDS: u32 = 7;
const SEED: u64 = 0x5eed;
const START: Mono = Mono::from_nanos(1_000_000_000_000);
