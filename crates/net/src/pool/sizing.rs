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
    /// Whether so many are present before they are needed: from the start, and beside all that is in use.
    pub ahead: bool,
}

impl PoolSizing {
    /// No reason yet: a pool of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { reasons: Vec::new() }
    }

    /// With one reason more. Memory for it becomes present as it is needed.
    #[must_use]
    pub fn with(mut self, name: &'static str, small: u32, large: u32) -> Self {
        self.reasons.push(SizingReason { name, small, large, ahead: false });
        self
    }

    /// With one reason more, for what is taken too fast to wait for memory: [`Pool::grow`](super::Pool::grow) keeps as
    /// many vacant, and the pool starts with them.
    #[must_use]
    pub fn ahead(mut self, name: &'static str, small: u32, large: u32) -> Self {
        self.reasons.push(SizingReason { name, small, large, ahead: true });
        self
    }

    /// The reasons, as they were given.
    #[must_use]
    pub fn reasons(&self) -> &[SizingReason] {
        &self.reasons
    }

    /// Memory of such a pool when all of it is used.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        bytes(self.slots())
    }

    /// Memory that it starts with.
    #[must_use]
    pub fn memory_at_start_bytes(&self) -> u64 {
        bytes(self.slots_ahead())
    }

    /// Slots in all: small ones and large ones.
    #[must_use]
    pub fn slots(&self) -> [u32; SlotClass::COUNT] {
        sum(self.reasons.iter())
    }

    /// Those that are kept vacant.
    pub(super) fn slots_ahead(&self) -> [u32; SlotClass::COUNT] {
        sum(self.reasons.iter().filter(|reason| reason.ahead))
    }
}

fn sum<'a>(reasons: impl Iterator<Item = &'a SizingReason>) -> [u32; SlotClass::COUNT] {
    reasons.fold([0, 0], |[small, large], reason| {
        [small.saturating_add(reason.small), large.saturating_add(reason.large)]
    })
}

fn bytes([small, large]: [u32; SlotClass::COUNT]) -> u64 {
    let bytes = |slots: u32, class: SlotClass| u64::from(slots) * (class.payload_bytes() + TAIL_ROOM) as u64;
    bytes(small, SlotClass::Small) + bytes(large, SlotClass::Large)
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
