//! What a counter of a shard is to who reads it. Each says so where it is declared, and nowhere else.

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterKind {
    /// It only grows.
    Total,
    /// How much there is now.
    Level,
    /// How much was dropped since the start.
    Drop(DropClass),
}

impl CounterKind {
    pub(crate) const fn is_level(self) -> bool {
        matches!(self, Self::Level)
    }
}

/// Why it is worth knowing that something was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropClass {
    /// Somebody should have had it. There was no room for it, here or in the kernel, or we broke.
    Loss,
    /// Nobody misses it: nobody wants it now, it came twice, it is of something that is closed or not open yet, or of
    /// a protocol that is not spoken. A healthy call has some.
    Policy,
    /// It is not what a peer sends that is who it says it is: nobody knows its sender, or it proves nothing. Who has just
    /// been sent away is taken for one for as long as it does not know.
    Hostile,
}

impl DropClass {
    /// Its name in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Policy => "policy",
            Self::Hostile => "hostile",
        }
    }
}

/// The kind that is meant by a word in a declaration, or by none.
macro_rules! kind {
    () => {
        $crate::counter_kind::CounterKind::Total
    };
    (level) => {
        $crate::counter_kind::CounterKind::Level
    };
    (loss) => {
        $crate::counter_kind::CounterKind::Drop($crate::counter_kind::DropClass::Loss)
    };
    (policy) => {
        $crate::counter_kind::CounterKind::Drop($crate::counter_kind::DropClass::Policy)
    };
    (hostile) => {
        $crate::counter_kind::CounterKind::Drop($crate::counter_kind::DropClass::Hostile)
    };
}
pub(crate) use kind;
