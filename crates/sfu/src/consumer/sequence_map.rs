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

use core::mem::offset_of;

use srtp::PacketIndex;
use wire::Window;

use super::DropReason;

/// See the module.
// What every packet touches comes first, together.
#[derive(Debug)]
#[repr(C)]
pub(super) struct SequenceMap {
    /// The highest input number.
    head: u64,
    /// The output number of `head`, or of the next open number below it.
    head_output: u64,
    joint: Joint,
    // Both end where they were last marked: what is above was neither.
    given: Window,
    closed: Window,
    /// Numbers below are before this run or before the last time it was joined.
    floor: u64,
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
    /// Bytes at the beginning that a packet in order touches: of a window, what is before its words.
    pub(super) const IN_ORDER_BYTES: usize = offset_of!(Self, given).saturating_add(16);

    /// A map whose first output is `first`.
    pub(super) const fn starting_at(first: PacketIndex) -> Self {
        Self {
            head: 0,
            // Zero is handed over as one below by wrapping, and comes back by wrapping.
            head_output: first.value().wrapping_sub(1),
            floor: 0,
            joint: Joint::Fresh,
            given: Window::starting_at(0),
            closed: Window::starting_at(0),
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

    /// Whether an input that was mapped is the highest of its run that was.
    #[inline]
    pub(super) const fn is_newest(&self, input: u64) -> bool {
        self.given.end() == input.saturating_add(1)
    }

    /// Takes a packet out. Its place closes up if nothing after it was mapped.
    pub(super) fn close(&mut self, input: u64) {
        if self.joint == Joint::Following && input > self.head {
            let gap = input.saturating_sub(self.head).saturating_sub(1);
            self.advance(input, gap);
            self.closed.mark(input);
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
        self.given.mark(input);
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
        self.closed.mark_all(oldest.saturating_add(1), input.saturating_sub(1));
        self.joint = Joint::Following;
        Ok(output)
    }

    fn begin(&mut self, input: u64) -> Result<PacketIndex, DropReason> {
        let output = self.ahead(1)?;
        (self.closed, self.given) = (Window::starting_at(input), Window::starting_at(input));
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
    const fn advance(&mut self, head: u64, open: u64) {
        self.head = head;
        self.head_output = self.head_output.wrapping_add(open);
    }
}

/// How far back a late packet is still placed: two seconds of the highest video rates, and as far as SRTP seals.
pub(super) const WINDOW: u64 = Window::LEN;
