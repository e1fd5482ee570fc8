//! What becomes of a producer's header extensions on their way to a set of consumers.

use super::ExtensionId;

/// Which elements are copied and under what id, and which are reserved for each consumer to fill.
///
/// Elements it does not name are left out. It changes with negotiation, not with packets.
#[derive(Clone, Debug)]
pub struct ExtensionMap {
    targets: [Option<ExtensionId>; 256],
    pub(super) mid: Option<ExtensionId>,
    pub(super) abs_send_time: Option<ExtensionId>,
    pub(super) transport_sequence: Option<ExtensionId>,
    pub(super) two_byte: bool,
}

impl ExtensionMap {
    /// Copies nothing, reserves nothing, and never uses the two-byte form.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            targets: [None; 256],
            mid: None,
            abs_send_time: None,
            transport_sequence: None,
            two_byte: false,
        }
    }

    /// Copies elements with the id `from` under the id `to`.
    #[must_use]
    pub const fn copy(mut self, from: ExtensionId, to: ExtensionId) -> Self {
        if let Some(target) = self.targets.as_mut_slice().split_at_mut(from.value() as usize).1.first_mut() {
            *target = Some(to);
        }
        self
    }

    /// Reserves room for a MID of up to eight bytes.
    #[must_use]
    pub const fn reserve_mid(mut self, id: ExtensionId) -> Self {
        self.mid = Some(id);
        self
    }

    /// Reserves an abs-send-time, to be written when the packet leaves.
    #[must_use]
    pub const fn reserve_abs_send_time(mut self, id: ExtensionId) -> Self {
        self.abs_send_time = Some(id);
        self
    }

    /// Reserves a transport-wide sequence number, to be written when the packet leaves.
    #[must_use]
    pub const fn reserve_transport_sequence(mut self, id: ExtensionId) -> Self {
        self.transport_sequence = Some(id);
        self
    }

    /// Allows the two-byte form where an element needs it. Only for receivers that negotiated
    /// `extmap-allow-mixed` (RFC 8285 §6); otherwise such elements are left out.
    #[must_use]
    pub const fn allow_two_byte(mut self) -> Self {
        self.two_byte = true;
        self
    }

    #[inline]
    pub(super) fn target(&self, from: ExtensionId) -> Option<ExtensionId> {
        self.targets.get(usize::from(from.value())).copied().flatten()
    }
}

impl Default for ExtensionMap {
    fn default() -> Self {
        Self::new()
    }
}
