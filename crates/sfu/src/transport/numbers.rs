//! Transport-wide sequence numbers of what leaves (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2): one count of
//! all packets of a transport that carry one, retransmissions too, from 1 on.
//!
//! A number is given at the moment of sending. What goes again byte for byte keeps that of the first time, which its log
//! has; nothing estimates from feedback yet, so nobody else has to know which packet a number was.

use wire::rtp::Placeholders;
use wire::rtp::values::TransportSequence;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    last: u16,
}

impl Numbers {
    /// Writes the next number into a header that has a place for one, for a receiver that knows what it is; the others
    /// leave no gap. A number is used up, whatever becomes of the packet. Which one it was, or zero.
    #[inline]
    pub(super) fn write(&mut self, is_numbered: bool, placeholders: Placeholders, header: &mut [u8]) -> u16 {
        if !is_numbered || placeholders.transport_sequence_at.is_none() {
            return 0;
        }
        self.last = self.last.wrapping_add(1);
        placeholders.write_transport_sequence(header, TransportSequence(self.last));
        self.last
    }
}
