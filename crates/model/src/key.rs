//! Names that a shard uses: where an object stands in its table, and which of the table's occupants it is.
//!
//! Control gives keys away, one row of numbers per shard and kind of object; a shard only looks them up. A number is
//! used again with the next generation once the close of its last occupant was answered, so that a key of the past
//! finds nothing. Ids, which are texts, stay in control.

use std::fmt;

macro_rules! key {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// The place in the table; as low as possible, because tables are dense.
            pub index: u32,
            /// Which of the occupants of that place.
            pub generation: u32,
        }

        impl $name {
            /// The occupant of a place.
            pub const fn new(index: u32, generation: u32) -> Self {
                Self { index, generation }
            }

            /// The place, as tables are indexed.
            #[inline]
            pub const fn place(self) -> usize {
                self.index as usize
            }

            /// Who comes to the same place next.
            pub const fn next(self) -> Self {
                Self { index: self.index, generation: self.generation.wrapping_add(1) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{}", self.index, self.generation)
            }
        }
    )+};
}

key! {
    /// A WebRtcServer on a shard.
    WebRtcServerKey,
    /// A router on a shard: the router itself or its part there.
    RouterKey,
    /// A transport.
    TransportKey,
    /// A producer, or what stands for it on another shard of its router.
    ProducerKey,
    /// A consumer.
    ConsumerKey,
    /// A data producer, or what stands for it on another shard of its router.
    DataProducerKey,
    /// A data consumer.
    DataConsumerKey,
    /// An observer.
    RtpObserverKey,
}

/// Which shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardIndex(pub u16);
