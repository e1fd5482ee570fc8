//! What was sent, and what was asked for and sent again, counted. Bytes on the wire and their rate are counted where they
//! are written.

/// Media packets that were sent, those that were sent again not counted. Every packet changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub packets: u64,
    /// Their bytes without headers and padding, as sender reports say them (RFC 3550 §6.4.1).
    pub octets: u64,
}

/// What a receiver asked for, and what it was sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Packets that went again, each time.
    pub retransmitted: u64,
    /// Packets that went again, each once.
    pub repaired: u64,
    /// NACKs, and the numbers in them.
    pub nacks: u64,
    /// Numbers in NACKs.
    pub nacked: u64,
}

impl Tally {
    /// A media packet was sent.
    #[inline]
    pub fn send(&mut self, payload_len: usize) {
        self.packets = self.packets.saturating_add(1);
        self.octets = self.octets.saturating_add(u64::try_from(payload_len).unwrap_or(u64::MAX));
    }
}

impl Repeats {
    /// A packet was sent again, perhaps for the first time.
    pub const fn repeat(&mut self, first: bool) {
        self.retransmitted = self.retransmitted.saturating_add(1);
        if first {
            self.repaired = self.repaired.saturating_add(1);
        }
    }

    /// A NACK with so many numbers came.
    pub fn hear_nack(&mut self, numbers: usize) {
        self.nacks = self.nacks.saturating_add(1);
        self.nacked = self.nacked.saturating_add(u64::try_from(numbers).unwrap_or(u64::MAX));
    }
}
