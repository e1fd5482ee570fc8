//! Names of what a shard owns: dense indices, with a generation where a name can outlive its bearer.

/// A shard of this process. Dense: control numbers them from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

impl ShardId {
    /// Position in tables by shard.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A transport of one shard. The generation makes a stale key harmless: it names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl TransportKey {
    /// Position in the shard's tables by transport: dense, so that an engine may keep its own beside them.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// Which transport of that position this is.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

/// A stream of packets from one shard to another, numbered by the shard it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// A span in the life of a stream: pause, resume, close and layer changes begin a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
