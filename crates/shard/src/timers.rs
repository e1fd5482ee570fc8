//! Deadlines of one shard: a hierarchical wheel.
//!
//! Owned by the shard's [`Context`](crate::Context); everything here runs on the shard's core. Invariants: a
//! timer fires once, never early, at most [`RESOLUTION`] late once somebody asks; timers fire in the order of
//! their deadlines, those of one deadline in the order they were armed; a key of a fired or cancelled timer
//! names nothing. What it does not do: read a clock, call anybody, or bound how many timers exist (each
//! entity of an engine owns a fixed number, so that bound is the engine's).
//!
//! The structure was chosen by `benches/timers.rs` (ns per operation, 10,000 timers armed, delays of 1 ms to
//! 10 s, everything that a cancelled entry costs later included):
//!
//! | | arm + cancel | re-arm | arm + fire | nothing due |
//! |---|---|---|---|---|
//! | this wheel | 17 | 20 | 58 | 2.6 |
//! | std `BinaryHeap`, stale entries left until they surface | 326 | 42 | 221 | 1.7 |
//! | binary heap with positions, stale entries taken out | 73 | 54 | 365 | 0.5 |
//!
//! Eight levels of 64 slots; a timer lies at the level of the highest digit (base 64) in which its tick
//! differs from the current one, so it moves down at most seven times in its life. Lists are intrusive and
//! doubly linked: cancel and re-arm are O(1) and allocate nothing.

use core::cmp::Reverse;
use core::time::Duration;

use wire::Mono;

/// Names one armed timer. Of no use once that has fired or was cancelled, and harmless then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    index: u32,
    generation: u32,
}

/// Timers that carry a `T` each.
#[derive(Debug)]
pub struct Timers<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    armed: usize,
    /// The tick up to which everything has been taken out of the wheel.
    current: u64,
    sequence: u64,
    occupied: [u64; LEVELS],
    slots: Vec<List>,
    /// Expired and not yet popped, the next one last.
    due: Vec<Due>,
}

impl<T: Copy> Timers<T> {
    /// No timers, and memory for `capacity` of them.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: Vec::with_capacity(capacity),
            free: NIL,
            armed: 0,
            current: 0,
            sequence: 0,
            occupied: [0; LEVELS],
            slots: vec![List::EMPTY; LEVELS * SLOTS],
            due: Vec::with_capacity(capacity),
        }
    }

    /// Number of armed timers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.armed
    }

    /// Whether none is armed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// Arms a timer. A deadline that has passed fires with the next resolution step, never in the same one:
    /// so a timer that arms itself anew without delay cannot hold up a tick.
    pub fn arm(&mut self, at: Mono, value: T) -> TimerKey {
        let index = if let Some(entry) = self.entries.get_mut(self.free as usize) {
            let index = self.free;
            self.free = entry.next;
            entry.value = value;
            index
        } else {
            self.entries.push(Entry::new(value));
            u32::try_from(self.entries.len() - 1).unwrap_or(NIL)
        };
        self.armed += 1;
        self.link(index, at);
        TimerKey { index, generation: self.entry(index).generation }
    }

    /// Moves an armed timer to another deadline, as if armed now. False for a key that names nothing.
    pub fn rearm(&mut self, key: TimerKey, at: Mono) -> bool {
        let found = self.find(key);
        if found {
            self.unlink(key.index);
            self.link(key.index, at);
        }
        found
    }

    /// Disarms a timer and returns what it carried. Nothing for a key that names nothing.
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        self.find(key).then(|| {
            self.unlink(key.index);
            self.release(key.index)
        })
    }

    /// The next timer whose deadline has passed at `now`, disarmed.
    pub fn pop_due(&mut self, now: Mono) -> Option<T> {
        loop {
            while let Some(due) = self.due.pop() {
                let entry = self.entry(due.index);
                // A cancelled or re-armed timer leaves its mark behind here; the sequence tells.
                if entry.place == DUE && entry.sequence == due.sequence {
                    return Some(self.release(due.index));
                }
            }
            self.expire_one_slot(now.as_nanos() >> RESOLUTION_BITS)?;
        }
    }

    /// When to ask `pop_due` again: not later than the earliest deadline, rounded up to the resolution. It
    /// can be earlier, when a far timer has to move down a level.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        if !self.due.is_empty() {
            return Some(Mono::from_nanos(self.current << RESOLUTION_BITS));
        }
        self.next_slot().map(|(_, _, tick)| Mono::from_nanos(tick << RESOLUTION_BITS))
    }

    /// Disarms everything. Keys from before stay harmless.
    pub fn clear(&mut self) {
        self.due.clear();
        self.slots.fill(List::EMPTY);
        self.occupied = [0; LEVELS];
        for index in 0..u32::try_from(self.entries.len()).unwrap_or(NIL) {
            if self.entry(index).place != FREE {
                self.release(index);
            }
        }
    }

    /// Takes the earliest slot out of the wheel, if its time has come, and spreads it: what is due to `due`,
    /// the rest to lower levels. `None` when nothing is left before `now_tick`.
    fn expire_one_slot(&mut self, now_tick: u64) -> Option<()> {
        let next = self.next_slot().filter(|&(_, _, tick)| tick <= now_tick);
        let Some((level, slot, tick)) = next else {
            self.current = self.current.max(now_tick);
            return None;
        };
        self.current = tick;
        let list = core::mem::replace(&mut self.slots[level * SLOTS + slot], List::EMPTY);
        self.occupied[level] &= !(1 << slot);
        let mut index = list.head;
        while index != NIL {
            let entry = self.entry_mut(index);
            let (following, at, sequence) = (entry.next, entry.deadline, entry.sequence);
            if entry.tick == tick {
                entry.place = DUE;
                self.due.push(Due { deadline: at, sequence, index });
            } else {
                self.place(index);
            }
            index = following;
        }
        // Latest first, because `pop_due` takes from the end.
        self.due.sort_unstable_by_key(|due| Reverse((due.deadline, due.sequence)));
        Some(())
    }

    /// The earliest occupied slot: the lowest level holds what comes first, because all of it lies before the
    /// next slot of the level above.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.occupied.iter().position(|&bits| bits != 0)?;
        let slot = self.occupied[level].trailing_zeros();
        let shift = level_shift(level);
        let above = self.current >> shift >> DIGIT_BITS << DIGIT_BITS << shift;
        Some((level, slot as usize, above | u64::from(slot) << shift))
    }

    fn link(&mut self, index: u32, at: Mono) {
        // Rounded up, so that no timer fires early; and after the current tick, which is already out of the
        // wheel.
        let tick = at.as_nanos().div_ceil(1 << RESOLUTION_BITS).max(self.current + 1).min(LAST_TICK);
        self.sequence += 1;
        let sequence = self.sequence;
        let entry = self.entry_mut(index);
        (entry.deadline, entry.tick, entry.sequence) = (at, tick, sequence);
        self.place(index);
    }

    /// Puts an entry at the end of the list of its slot.
    fn place(&mut self, index: u32) {
        let tick = self.entry(index).tick;
        // The tick is 48 bits wide, so the level is below LEVELS; the digit it differs in is the level's.
        let level = ((63 - ((tick ^ self.current) | 1).leading_zeros()) / DIGIT_BITS) as usize;
        let slot = usize::try_from(tick >> level_shift(level) & DIGIT_MASK).unwrap_or(0);
        let place = level * SLOTS + slot;
        let last = core::mem::replace(&mut self.slots[place].tail, index);
        if last == NIL {
            self.slots[place].head = index;
            self.occupied[level] |= 1 << slot;
        } else {
            self.entry_mut(last).next = index;
        }
        let entry = self.entry_mut(index);
        (entry.previous, entry.next) = (last, NIL);
        entry.place = u16::try_from(place).unwrap_or(FREE);
    }

    fn unlink(&mut self, index: u32) {
        let &Entry { place, previous, next, .. } = self.entry(index);
        if place == DUE {
            return;
        }
        let place = usize::from(place);
        if previous == NIL {
            self.slots[place].head = next;
        } else {
            self.entry_mut(previous).next = next;
        }
        if next == NIL {
            self.slots[place].tail = previous;
        } else {
            self.entry_mut(next).previous = previous;
        }
        if self.slots[place].head == NIL {
            self.occupied[place / SLOTS] &= !(1 << (place % SLOTS));
        }
    }

    fn release(&mut self, index: u32) -> T {
        let free = core::mem::replace(&mut self.free, index);
        self.armed -= 1;
        let entry = self.entry_mut(index);
        (entry.next, entry.place) = (free, FREE);
        entry.generation = entry.generation.wrapping_add(1);
        entry.value
    }

    fn find(&self, key: TimerKey) -> bool {
        let entry = self.entries.get(key.index as usize);
        entry.is_some_and(|entry| entry.generation == key.generation && entry.place != FREE)
    }

    fn entry(&self, index: u32) -> &Entry<T> {
        &self.entries[index as usize]
    }

    fn entry_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }
}

#[derive(Debug)]
struct Entry<T> {
    deadline: Mono,
    tick: u64,
    sequence: u64,
    previous: u32,
    next: u32,
    generation: u32,
    /// Level and slot in one number, or DUE, or FREE.
    place: u16,
    value: T,
}

impl<T> Entry<T> {
    const fn new(value: T) -> Self {
        let (previous, next) = (NIL, NIL);
        Self { deadline: Mono::ZERO, tick: 0, sequence: 0, previous, next, generation: 0, place: FREE, value }
    }
}

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
}

impl List {
    const EMPTY: Self = Self { head: NIL, tail: NIL };
}

#[derive(Clone, Copy, Debug)]
struct Due {
    deadline: Mono,
    sequence: u64,
    index: u32,
}

const fn level_shift(level: usize) -> u32 {
    // Levels are fewer than ten.
    #[expect(clippy::cast_possible_truncation, reason = "levels are counted on two hands")]
    let level = level as u32;
    level * DIGIT_BITS
}

/// Steps of 65.5 us: under the 100 us that pacing and NACK timing can tell apart, and a shift instead of a
/// division.
const RESOLUTION_BITS: u32 = 16;
/// How late a timer can fire.
pub const RESOLUTION: Duration = Duration::from_nanos(1 << RESOLUTION_BITS);
/// One machine word of occupancy per level.
const DIGIT_BITS: u32 = 6;
const DIGIT_MASK: u64 = 63;
const SLOTS: usize = 64;
/// 8 * 6 bits are the 48 bits that 64-bit nanoseconds leave after the resolution: nothing overflows the
/// wheel.
const LEVELS: usize = 8;
const LAST_TICK: u64 = (1 << 48) - 1;
const NIL: u32 = u32::MAX;
const DUE: u16 = u16::MAX - 1;
const FREE: u16 = u16::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: u64) -> Mono {
        Mono::from_nanos(micros * 1_000)
    }

    #[test]
    fn a_timer_fires_once_and_never_early() {
        let mut timers = Timers::with_capacity(4);
        timers.arm(at(1_000), 'a');
        assert_eq!(timers.pop_due(at(999)), None);
        let look = timers.next_deadline().unwrap();
        assert!(look >= at(1_000) && look.since(at(1_000)) <= RESOLUTION, "{look:?}");
        assert_eq!(timers.pop_due(look), Some('a'));
        assert_eq!(timers.pop_due(at(1_000_000)), None);
        assert_eq!(timers.next_deadline(), None);
    }

    #[test]
    fn keys_of_fired_and_cancelled_timers_name_nothing() {
        let mut timers = Timers::with_capacity(4);
        let fired = timers.arm(at(10), 1);
        let cancelled = timers.arm(at(10), 2);
        assert_eq!(timers.cancel(cancelled), Some(2));
        assert_eq!(timers.pop_due(at(1_000)), Some(1));
        let reused = timers.arm(at(5_000), 3);
        assert!(!timers.rearm(fired, at(1)) && !timers.rearm(cancelled, at(1)));
        assert_eq!((timers.cancel(fired), timers.cancel(cancelled)), (None, None));
        assert_eq!(timers.cancel(reused), Some(3));
    }

    #[test]
    fn a_timer_that_arms_itself_anew_does_not_hold_up_the_tick() {
        let mut timers = Timers::with_capacity(1);
        let now = at(500);
        timers.arm(now, ());
        let mut fired = 0;
        while timers.pop_due(now).is_some() {
            timers.arm(now, ());
            fired += 1;
            assert!(fired < 100);
        }
        assert_eq!(timers.len(), 1, "it waits for a later tick");
    }

    #[test]
    fn a_deadline_at_the_end_of_time_is_kept() {
        let mut timers = Timers::with_capacity(1);
        timers.arm(Mono::NEVER, ());
        assert_eq!(timers.pop_due(at(1 << 40)), None);
        assert_eq!(timers.len(), 1);
    }

    /// What the wheel must be indistinguishable from: a sorted list.
    #[derive(Default)]
    struct Model {
        armed: Vec<(u64, Mono, u64, u32)>,
        current: u64,
        sequence: u64,
    }

    impl Model {
        fn arm(&mut self, at: Mono, value: u32) {
            self.sequence += 1;
            let tick = at.as_nanos().div_ceil(1 << RESOLUTION_BITS).max(self.current + 1);
            self.armed.push((tick, at, self.sequence, value));
            self.armed.sort_unstable();
        }

        fn disarm(&mut self, value: u32) -> bool {
            let before = self.armed.len();
            self.armed.retain(|entry| entry.3 != value);
            before != self.armed.len()
        }

        fn pop_due(&mut self, now: Mono) -> Option<u32> {
            let now_tick = now.as_nanos() >> RESOLUTION_BITS;
            let due = self.armed.first().is_some_and(|entry| entry.0 <= now_tick);
            if !due {
                self.current = self.current.max(now_tick);
                return None;
            }
            let (tick, _, _, value) = self.armed.remove(0);
            self.current = self.current.max(tick);
            Some(value)
        }
    }

    #[derive(Clone, Debug)]
    enum Operation {
        Arm(u64),
        Rearm(usize, u64),
        Cancel(usize),
        Pop(u64, usize),
        Clear,
    }

    fn delay() -> impl Strategy<Value = u64> {
        // Every level of the wheel, and many ties.
        (0u32..44, 0u64..8).prop_map(|(bits, offset)| (1 << bits) + offset * 9_000)
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            8 => delay().prop_map(Operation::Arm),
            3 => (any::<usize>(), delay()).prop_map(|(which, by)| Operation::Rearm(which, by)),
            3 => any::<usize>().prop_map(Operation::Cancel),
            6 => (delay(), 0usize..6).prop_map(|(by, count)| Operation::Pop(by, count)),
            1 => Just(Operation::Clear),
        ]
    }

    proptest! {
        #[test]
        fn the_wheel_is_a_sorted_list(operations in prop::collection::vec(operation(), 1..200)) {
            let (mut timers, mut model) = (Timers::with_capacity(0), Model::default());
            let mut keys: Vec<TimerKey> = Vec::new();
            let mut now = 0u64;
            for operation in operations {
                match operation {
                    Operation::Arm(by) => {
                        let value = u32::try_from(keys.len()).unwrap();
                        let at = Mono::from_nanos(now.saturating_sub(100_000) + by);
                        keys.push(timers.arm(at, value));
                        model.arm(at, value);
                    }
                    Operation::Rearm(which, by) if !keys.is_empty() => {
                        let which = which % keys.len();
                        let value = u32::try_from(which).unwrap();
                        let at = Mono::from_nanos(now + by);
                        let was = model.disarm(value);
                        prop_assert_eq!(timers.rearm(keys[which], at), was);
                        if was {
                            model.arm(at, value);
                        }
                    }
                    Operation::Cancel(which) if !keys.is_empty() => {
                        let which = which % keys.len();
                        let value = u32::try_from(which).unwrap();
                        let was = model.disarm(value);
                        prop_assert_eq!(timers.cancel(keys[which]), was.then_some(value));
                    }
                    Operation::Pop(by, count) => {
                        now = now.saturating_add(by);
                        for _ in 0..count {
                            let expected = model.pop_due(Mono::from_nanos(now));
                            prop_assert_eq!(timers.pop_due(Mono::from_nanos(now)), expected);
                            if expected.is_none() {
                                break;
                            }
                        }
                    }
                    Operation::Clear => {
                        timers.clear();
                        model.armed.clear();
                    }
                    Operation::Rearm(..) | Operation::Cancel(_) => {}
                }
                prop_assert_eq!(timers.len(), model.armed.len());
                if let Some(first) = model.armed.first() {
                    // Never later than the model's first, so that no wait oversleeps.
                    let look = timers.next_deadline().unwrap();
                    prop_assert!(look.as_nanos() >> RESOLUTION_BITS <= first.0.max(model.current));
                }
            }
        }
    }
}
