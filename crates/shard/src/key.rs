//! Names that shards have for each other and for what crosses between them. What a shard owns has the names that
//! control gave it: those are in `model`.

pub use model::command::Epoch;
use model::key::ShardIndex;
pub use model::key::TransportKey;

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

impl From<ShardIndex> for ShardId {
    fn from(shard: ShardIndex) -> Self {
        Self(shard.0)
    }
}

/// A stream of packets from one shard to another, numbered by the shard it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);
