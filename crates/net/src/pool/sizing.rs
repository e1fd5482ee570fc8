//! How large a pool is, and why: a sum of named reasons, so that nobody tunes one unexplained number.

use core::fmt;

use super::{SlotClass, TAIL_ROOM};

/// Sum of what needs slots at the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSizing {
    reasons: Vec<SizingReason>,
}

/// One holder of slots, at its worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizingReason {
    /// Who holds them.
    pub name: &'static str,
    /// Small slots it holds at most.
    pub small: u32,
    /// Large slots it holds at most.
    pub large: u32,
}

impl PoolSizing {
    /// No reason yet: a pool of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { reasons: Vec::new() }
    }

    /// With one reason more.
    #[must_use]
    pub fn with(mut self, name: &'static str, small: u32, large: u32) -> Self {
        self.reasons.push(SizingReason { name, small, large });
        self
    }

    /// The reasons, as they were given.
    #[must_use]
    pub fn reasons(&self) -> &[SizingReason] {
        &self.reasons
    }

    /// Memory that such a pool maps.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let bytes =
            |slots: u32, class: SlotClass| u64::from(slots) * (class.payload_bytes() + TAIL_ROOM) as u64;
        let [small, large] = self.slots();
        bytes(small, SlotClass::Small) + bytes(large, SlotClass::Large)
    }

    /// Slots by class, the small ones first.
    pub(super) fn slots(&self) -> [u32; SlotClass::COUNT] {
        self.reasons.iter().fold([0, 0], |[small, large], reason| {
            [small.saturating_add(reason.small), large.saturating_add(reason.large)]
        })
    }
}

impl fmt::Display for PoolSizing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reason in &self.reasons {
            writeln!(f, "{}: {} small, {} large", reason.name, reason.small, reason.large)?;
        }
        let [small, large] = self.slots();
        write!(f, "in all: {small} small, {large} large, {} bytes", self.memory_bytes())
    }
}
