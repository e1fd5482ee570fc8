//! Which output number a packet gets: contiguous where packets are taken out, in place where they come late.
//!
//! Input numbers above the highest so far move the output on by as much. A number that is *closed up* moves it by
//! nothing, so that its neighbours become neighbours. A late packet counts back from the highest, over what was
//! closed up in between, and so lands where it would have been in time.
//!
//! Invariants: no output number is given twice; of two inputs of one run the later has the greater output; what is
//! closed up, given, or further back than [`WINDOW`] gets none. Numbers have 48 bits, which is the index of the
//! outgoing packet under SRTP; at their end there are no more.

#[cfg(test)]
mod tests;

use srtp::PacketIndex;

use super::DropReason;

/// See the module.
#[derive(Debug)]
pub(super) struct SequenceMap {
    /// The highest input number.
    head: u64,
    /// The output number of `head`, or of the next open number below it.
    head_output: u64,
    /// Numbers below are before this run or before the last time it was joined.
    floor: u64,
    closed: Window,
    given: Window,
    joint: Joint,
}

/// How the next packet follows the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    /// At its distance.
    Following,
    /// Directly, wherever it comes from: numbers start over.
    Fresh,
    /// Directly, with all in between closed up: numbers go on after a break.
    Resuming,
}

impl SequenceMap {
    /// A map whose first output is `first`.
    pub(super) const fn starting_at(first: PacketIndex) -> Self {
        Self {
            head: 0,
            // Zero is handed over as one below by wrapping, and comes back by wrapping.
            head_output: first.value().wrapping_sub(1),
            floor: 0,
            closed: Window::new(),
            given: Window::new(),
            joint: Joint::Fresh,
        }
    }

    /// The next packet is of another run: it follows directly, whatever its number.
    pub(super) const fn restart(&mut self) {
        self.joint = Joint::Fresh;
    }

    /// Packets were left out: the next one above the highest follows it directly.
    pub(super) fn resume(&mut self) {
        if self.joint == Joint::Following {
            self.joint = Joint::Resuming;
        }
    }

    /// Whether an input of this run is above the highest.
    pub(super) fn is_ahead(&self, input: u64) -> bool {
        self.joint == Joint::Fresh || input > self.head
    }

    /// Takes a packet out. Its place closes up if nothing after it was mapped.
    pub(super) fn close(&mut self, input: u64) {
        if self.joint == Joint::Following && input > self.head {
            let gap = input.saturating_sub(self.head).saturating_sub(1);
            self.advance(input, gap);
            self.closed.set(input);
        }
    }

    /// The output number of a packet, given once.
    #[inline]
    pub(super) fn map(&mut self, input: u64) -> Result<PacketIndex, DropReason> {
        let output = match self.joint {
            Joint::Following if input > self.head => self.follow(input)?,
            Joint::Resuming if input > self.head => self.follow_directly(input)?,
            Joint::Following | Joint::Resuming => self.look_back(input)?,
            Joint::Fresh => self.begin(input)?,
        };
        self.given.set(input);
        Ok(output)
    }

    #[inline]
    fn follow(&mut self, input: u64) -> Result<PacketIndex, DropReason> {
        let by = input.saturating_sub(self.head);
        let output = self.ahead(by)?;
        self.advance(input, by);
        Ok(output)
    }

    fn follow_directly(&mut self, input: u64) -> Result<PacketIndex, DropReason> {
        let output = self.ahead(1)?;
        let before = self.head;
        self.advance(input, 1);
        // Beyond the window nothing is looked up again.
        let oldest = input.saturating_sub(WINDOW).max(before);
        self.closed.set_all(oldest.saturating_add(1), input.saturating_sub(1));
        self.joint = Joint::Following;
        Ok(output)
    }

    fn begin(&mut self, input: u64) -> Result<PacketIndex, DropReason> {
        let output = self.ahead(1)?;
        (self.closed, self.given) = (Window::new(), Window::new());
        (self.head, self.floor, self.head_output) = (input, input, output.value());
        self.joint = Joint::Following;
        Ok(output)
    }

    fn look_back(&self, input: u64) -> Result<PacketIndex, DropReason> {
        if input < self.floor || self.head.saturating_sub(input) >= WINDOW {
            return Err(DropReason::TooLate);
        }
        if self.given.has(input) {
            return Err(DropReason::Duplicate);
        }
        if self.closed.has(input) {
            return Err(DropReason::ClosedUp);
        }
        let distance = self.head.saturating_sub(input);
        let open = distance.saturating_sub(self.closed.count(input.saturating_add(1), self.head));
        let output = self.head_output.checked_sub(open).and_then(PacketIndex::new);
        output.ok_or(DropReason::TooLate)
    }

    fn ahead(&self, by: u64) -> Result<PacketIndex, DropReason> {
        PacketIndex::new(self.head_output.wrapping_add(by)).ok_or(DropReason::Exhausted)
    }

    /// Moves the head, with `open` numbers more up to and including it.
    #[inline]
    fn advance(&mut self, head: u64, open: u64) {
        self.closed.slide(self.head, head);
        self.given.slide(self.head, head);
        self.head = head;
        self.head_output = self.head_output.wrapping_add(open);
    }
}

/// A bit for each of the last [`WINDOW`] input numbers.
#[derive(Clone, Copy, Debug)]
struct Window {
    words: [u64; WORDS],
}

impl Window {
    const fn new() -> Self {
        Self { words: [0; WORDS] }
    }

    fn set(&mut self, number: u64) {
        if let Some(word) = self.words.get_mut(word_of(number)) {
            *word |= bit_of(number);
        }
    }

    fn has(&self, number: u64) -> bool {
        self.words.get(word_of(number)).is_some_and(|word| word & bit_of(number) != 0)
    }

    /// How many of the numbers from `first` to `last` are set; both within the window.
    fn count(&self, first: u64, last: u64) -> u64 {
        let ones = |(at, mask): (usize, u64)| self.words.get(at).map_or(0, |word| (word & mask).count_ones());
        parts(first, last).map(|part| u64::from(ones(part))).fold(0, u64::saturating_add)
    }

    /// Sets the numbers from `first` to `last`; both within the window.
    fn set_all(&mut self, first: u64, last: u64) {
        for (at, mask) in parts(first, last) {
            if let Some(word) = self.words.get_mut(at) {
                *word |= mask;
            }
        }
    }

    /// Clears the numbers after `head` up to `new`, which take the places of the oldest.
    #[inline]
    fn slide(&mut self, head: u64, new: u64) {
        if new.saturating_sub(head) >= WINDOW {
            *self = Self::new();
            return;
        }
        for (at, mask) in parts(head.saturating_add(1), new) {
            if let Some(word) = self.words.get_mut(at) {
                *word &= !mask;
            }
        }
    }
}

/// The words that hold the numbers from `first` to `last`, and the bits in each. Word by word, because a remote
/// chooses how far its numbers leap.
#[inline]
fn parts(first: u64, last: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut next = first;
    core::iter::from_fn(move || {
        let number = Some(next).filter(|number| *number <= last)?;
        let end = last.min(number | 63);
        next = end.saturating_add(1);
        Some((word_of(number), u64::MAX << (number & 63) & u64::MAX >> (63 ^ (end & 63))))
    })
}

#[inline]
fn word_of(number: u64) -> usize {
    let [.., high, low] = (number >> 6).to_be_bytes();
    usize::from(u16::from_be_bytes([high, low])) % WORDS
}

#[inline]
const fn bit_of(number: u64) -> u64 {
    1 << (number & 63)
}

/// How far back a late packet is still placed: two seconds of the highest video rates, and as far as SRTP seals.
pub(super) const WINDOW: u64 = 1024;
const WORDS: usize = 16;
