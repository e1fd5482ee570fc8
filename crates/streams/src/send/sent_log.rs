//! What one receiver was sent, by its own numbers: which packet of the source each was, what makes it the same packet
//! again bit by bit, and when it last went.
//!
//! A ring by the low bits of the outgoing index. It grows, by twice, when it would forget what its receiver can still
//! ask for, up to [`LIMIT`]; a stream of 1.5 Mbit/s takes 512 entries of 24 bytes.
//!
//! Each of hundreds of consumers has a ring on pages of its own, and between two packets the others and the kernel drive
//! both its lines and the translation of its address out of the core. So what was sent last stands in the log itself,
//! beside what every packet touches anyway, and moves to the ring [`LATEST`] at a time.
//!
//! What may go again is decided here: nothing twice within a round trip, since the first may still be on its way, and
//! not more in all than was sent, so that a receiver that asks for everything at once and for ever at most doubles its
//! own stream.

#[cfg(test)]
mod tests;

use core::mem::offset_of;
use core::time::Duration;

use wire::Mono;
use wire::seq::Serial;

use super::Keeping;

/// See the module.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct SentLog {
    /// One above the highest index.
    end: u64,
    /// How many packets may go again, and the most of which that is ever so: what can be asked for at a time is what is
    /// in the log.
    credit: u16,
    most_credit: u16,
    /// For how long an entry is worth keeping.
    keeping: Keeping,
    /// How many of the latest wait.
    waiting: u8,
    /// What was sent last, in the order in which it went, until all of it moves to its places.
    latest: [Option<Sent>; LATEST],
    // Not a vector: whether there is a log at all would be told by its capacity, far behind, and not by `keeping`.
    entries: Box<[Option<Sent>]>,
}

/// A packet that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The low bits of its index.
    index: u32,
    /// What its header said.
    pub timestamp: u32,
    /// When it last went.
    at: Moment,
    // Field by field, with no gaps between.
    source_sequence: u16,
    source_run: u16,
    transport_sequence: u16,
    abs_send_time: [u8; 3],
    padding: u8,
    encoding: u8,
    repeated: Repeated,
}

/// What was written into a packet as it left, and makes it the same again bit by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The transport-wide sequence number; zero where its receiver knows of none.
    pub transport_sequence: u16,
    /// The abs-send-time.
    pub abs_send_time: [u8; 3],
    /// Bytes of padding that were added.
    pub padding: u8,
}

/// A packet of the source, as far as it takes to find it in a [`super::Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The end of its sequence number.
    pub sequence: u16,
    /// The end of the number of its run.
    pub run: u16,
    /// Which encoding.
    pub encoding: u8,
}

/// Why a packet does not go again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was never sent, or so long ago that nobody knows.
    Unknown,
    /// It was sent again less than a round trip ago.
    TooSoon,
    /// As much was sent again as was sent.
    Spent,
}

/// Whether a packet was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeated {
    Not,
    Yes,
}

/// Time in units of 2^16 ns, which wraps every three days: only short distances mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment(u32);

impl SentLog {
    /// Bytes at the beginning that every packet changes. It also writes one place of those behind, of the latest.
    pub const HEAD_BYTES: usize = offset_of!(Self, latest);

    /// Nothing was sent, and nothing is allocated.
    pub fn new(keeping: Keeping) -> Self {
        Self {
            end: 0,
            credit: LEAST_CREDIT,
            most_credit: LEAST_CREDIT,
            keeping,
            waiting: 0,
            latest: [None; LATEST],
            entries: Box::default(),
        }
    }

    /// A packet was sent under `index`, saying `timestamp` and what was written.
    #[inline]
    pub fn record(&mut self, now: Mono, (index, timestamp): (u64, u32), origin: Origin, written: Written) {
        let at = Moment::at(now);
        let sent = Sent {
            index: low(index),
            timestamp,
            at,
            source_sequence: origin.sequence,
            source_run: origin.run,
            transport_sequence: written.transport_sequence,
            abs_send_time: written.abs_send_time,
            padding: written.padding,
            encoding: origin.encoding,
            repeated: Repeated::Not,
        };
        if let Some(room) = self.latest.get_mut(usize::from(self.waiting)) {
            *room = Some(sent);
        }
        self.waiting = self.waiting.saturating_add(1);
        if usize::from(self.waiting) >= LATEST {
            self.settle(at);
        }
        self.end = self.end.max(index.saturating_add(1));
        self.credit = self.credit.saturating_add(1).min(self.most_credit);
    }

    /// What was sent under the sequence number, if it may go again now. The round-trip time may be unknown.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn ask(&self, now: Mono, round_trip: Option<Duration>, sequence: u16) -> Result<Sent, Refused> {
        let sent = *self.find(sequence).ok_or(Refused::Unknown)?;
        let round_trip = round_trip.unwrap_or(ROUND_TRIP).clamp(ROUND_TRIP_LEAST, ROUND_TRIP_MOST);
        if sent.repeated == Repeated::Yes && !sent.at.is_older_than(Moment::of(round_trip), Moment::at(now)) {
            return Err(Refused::TooSoon);
        }
        if self.credit == 0 { Err(Refused::Spent) } else { Ok(sent) }
    }

    /// It goes again now. Whether for the first time.
    pub fn repeat(&mut self, now: Mono, sequence: u16) -> bool {
        let Some(index) = self.index(sequence).map(low) else { return false };
        let place = self.place(index);
        let mut places = self.latest.iter_mut().chain(self.entries.get_mut(place)).flatten();
        let Some(sent) = places.find(|sent| sent.index == index) else { return false };
        let first = sent.repeated == Repeated::Not;
        (sent.at, sent.repeated) = (Moment::at(now), Repeated::Yes);
        self.credit = self.credit.saturating_sub(1);
        first
    }

    /// The index under which a packet with that sequence number was sent.
    pub fn index(&self, sequence: u16) -> Option<u64> {
        let newest = self.end.checked_sub(1)?;
        let back = u64::from(low16(newest).wrapping_sub(sequence));
        newest.checked_sub(back)
    }

    /// The memory of the ring that [`Self::record`] will use from an index on for so many packets, to be fetched before:
    /// none unless one of them is the last that fits beside those that wait.
    #[inline]
    pub fn memory_ahead(&self, index: u64, packets: usize) -> &[Option<Sent>] {
        let moving = packets.saturating_add(usize::from(self.waiting));
        if moving < LATEST {
            return &[];
        }
        let oldest = self.latest.first().copied().flatten().map_or(low(index), |sent| sent.index);
        let place = self.place(oldest);
        let end = place.saturating_add(moving).min(self.entries.len());
        self.entries.get(place..end).unwrap_or_default()
    }

    /// Bytes of memory beside itself.
    pub const fn memory(&self) -> usize {
        self.entries.len().saturating_mul(size_of::<Option<Sent>>())
    }

    fn find(&self, sequence: u16) -> Option<&Sent> {
        let index = low(self.index(sequence)?);
        let mut places = self.latest.iter().chain(self.entries.get(self.place(index))).flatten();
        places.find(|sent| sent.index == index)
    }

    /// Moves what was sent last to its places.
    fn settle(&mut self, now: Moment) {
        self.waiting = 0;
        for sent in core::mem::replace(&mut self.latest, [None; LATEST]).into_iter().flatten() {
            let mut place = self.place(sent.index);
            while self.is_wanted(place, now) && self.grow() {
                place = self.place(sent.index);
            }
            if let Some(entry) = self.entries.get_mut(place) {
                // Of two that meet in a full log, the newer stays.
                if entry.is_none_or(|other| sent.index.offset_from(other.index) >= 0) {
                    *entry = Some(sent);
                }
            }
        }
    }

    /// Whether something stands there that may still be asked for; or there is no such place.
    #[inline]
    fn is_wanted(&self, place: usize, now: Moment) -> bool {
        match self.entries.get(place) {
            None => true,
            Some(None) => false,
            Some(Some(other)) => !other.at.is_older_than(Moment::of(self.keeping.duration()), now),
        }
    }

    /// Doubles the room. False when there is no more.
    #[cold]
    fn grow(&mut self) -> bool {
        let places = self.entries.len().saturating_mul(2).max(LEAST);
        if places > LIMIT {
            return false;
        }
        self.most_credit = u16::try_from(places).unwrap_or(u16::MAX).max(LEAST_CREDIT);
        let before = core::mem::replace(&mut self.entries, vec![None; places].into_boxed_slice());
        for sent in before.into_iter().flatten() {
            let place = self.place(sent.index);
            if let Some(entry) = self.entries.get_mut(place) {
                *entry = Some(sent);
            }
        }
        true
    }

    #[inline]
    fn place(&self, index: u32) -> usize {
        // Places are fewer than 2^16, so that the low bits suffice.
        usize::from(low16(u64::from(index))) & self.entries.len().wrapping_sub(1)
    }
}

impl Sent {
    /// Which packet of the source it was.
    pub const fn origin(&self) -> Origin {
        Origin { sequence: self.source_sequence, run: self.source_run, encoding: self.encoding }
    }

    /// What was written into it.
    pub const fn written(&self) -> Written {
        let Self { transport_sequence, abs_send_time, padding, .. } = *self;
        Written { transport_sequence, abs_send_time, padding }
    }
}

impl Moment {
    fn at(now: Mono) -> Self {
        Self(low(now.as_nanos() >> UNIT_BITS))
    }

    fn of(duration: Duration) -> Self {
        Self(low(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX) >> UNIT_BITS))
    }

    /// Whether more than `by` has passed between this and `now`. The units being what they are, never too early.
    const fn is_older_than(self, by: Self, now: Self) -> bool {
        now.0.wrapping_sub(self.0) > by.0.saturating_add(1)
    }
}

const fn low(index: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = index.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

const fn low16(index: u64) -> u16 {
    let [.., high, low] = index.to_be_bytes();
    u16::from_be_bytes([high, low])
}

const UNIT_BITS: u32 = 16;
/// Three lines' worth. With more the detour through the log would cost what it saves.
const LATEST: usize = 8;
/// A second of audio, roughly, in packets of 20 ms.
const LEAST: usize = 64;
/// More than a store keeps.
const LIMIT: usize = 4_096;
/// As long as nobody knows: what the protocol asks again after.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// A receiver may say anything. Below, nobody waits for a packet; above, nobody has any use for it.
const ROUND_TRIP_LEAST: Duration = Duration::from_millis(5);
const ROUND_TRIP_MOST: Duration = Duration::from_secs(1);
/// What a stream may send again right away.
const LEAST_CREDIT: u16 = 64;
