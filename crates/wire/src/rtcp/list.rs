//! Items of one size that lie one after another in a packet.

use core::fmt;
use core::marker::PhantomData;

use crate::{NoRoom, Ssrc, Writer};

/// Something that takes `N` bytes in a packet.
pub trait Item<const N: usize>: Sized {
    /// Reads it.
    fn read(bytes: &[u8; N]) -> Self;

    /// Appends it.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom>;
}

/// Items still in their packet, read on demand.
pub struct List<'a, T, const N: usize> {
    chunks: &'a [[u8; N]],
    item: PhantomData<T>,
}

impl<'a, T: Item<N>, const N: usize> List<'a, T, N> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The items, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + use<'a, T, N> {
        self.chunks.iter().map(T::read)
    }

    /// All of `bytes`; `None` when they are no whole number of items.
    pub(super) fn whole(bytes: &'a [u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<N>();
        rest.is_empty().then_some(Self { chunks, item: PhantomData })
    }

    /// The first `count` items of `bytes`, and the bytes behind them.
    pub(super) fn counted(bytes: &'a [u8], count: usize) -> Option<(Self, &'a [u8])> {
        let (items, rest) = bytes.split_at_checked(count.checked_mul(N)?)?;
        Some((Self::whole(items)?, rest))
    }
}

// By hand: the derives would ask the same of `T`.
impl<T, const N: usize> Clone for List<'_, T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for List<'_, T, N> {}

impl<T: Item<N> + fmt::Debug, const N: usize> fmt::Debug for List<'_, T, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// Appends all of `items`.
pub(super) fn write_all<T: Item<N>, const N: usize>(out: &mut Writer<'_>, items: &[T]) -> Result<(), NoRoom> {
    items.iter().try_for_each(|item| item.write(out))
}

impl Item<4> for Ssrc {
    fn read(bytes: &[u8; 4]) -> Self {
        Self(u32::from_be_bytes(*bytes))
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        out.put_u32(self.0)
    }
}
