//! One SSRC's outbound state: which indices were sealed, and what their tags looked like.

use super::SealError;
use crate::cipher::Proof;
use crate::window::{IndexWindow, Use, WINDOW};
use std::num::NonZeroU32;

/// Whether packets of a stream may be sealed a second time, bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reseal {
    /// Never: the stream retransmits by RTX, or not at all. Costs nothing.
    Never,
    /// The tags of the last 1024 indices are kept (8 KiB a stream), and a repetition whose tag differs is
    /// not released.
    Proven,
}

// In the order of use: what a packet in order touches stands in one line.
#[derive(Debug)]
#[repr(C)]
pub(super) struct OutboundStream {
    pub(super) ssrc: u32,
    pub(super) generation: NonZeroU32,
    proofs: Option<Box<[Proof]>>,
    window: IndexWindow,
}

// With what a table has before it: one cache line.
const _: () = assert!(8 + OutboundStream::IN_ORDER_BYTES <= 64);

impl OutboundStream {
    /// What a packet touches whose index is the next: the beginning of the window ends it.
    pub(super) const IN_ORDER_BYTES: usize = core::mem::offset_of!(Self, window) + 16;

    pub(super) fn new(ssrc: u32, generation: NonZeroU32, next: u64, reseal: Reseal) -> Self {
        let proofs = match reseal {
            Reseal::Never => None,
            Reseal::Proven => Some(vec![0; PROOFS].into_boxed_slice()),
        };
        let window = if next == 0 { IndexWindow::new() } else { IndexWindow::used_below(next) };
        Self { ssrc, generation, proofs, window }
    }

    /// One above the highest index sealed; zero while none was.
    pub(super) fn next(&self) -> u64 {
        self.window.next()
    }

    /// Takes `index` for a fresh seal. It is used up from here on, whatever becomes of the seal.
    #[inline]
    pub(super) fn take(&mut self, index: u64) -> Result<(), SealError> {
        match self.window.look(index) {
            Use::Fresh => {
                self.window.mark(index);
                Ok(())
            }
            Use::Used => Err(SealError::IndexUsed),
            Use::TooOld => Err(SealError::IndexTooOld),
        }
    }

    /// The proof a repetition of `index` has to show.
    pub(super) fn proof(&self, index: u64) -> Result<Proof, SealError> {
        let proofs = self.proofs.as_deref().ok_or(SealError::ResealNotKept)?;
        match self.window.look(index) {
            // Within the window a used index owns its place: the next to own it is 1024 higher.
            Use::Used => proofs.get(place(index)).copied().ok_or(SealError::ResealNotKept),
            Use::Fresh => Err(SealError::NeverSealed),
            Use::TooOld => Err(SealError::IndexTooOld),
        }
    }

    #[inline]
    pub(super) fn keep(&mut self, index: u64, proof: Proof) {
        if let Some(room) = self.proofs.as_deref_mut().and_then(|proofs| proofs.get_mut(place(index))) {
            *room = proof;
        }
    }
}

#[inline]
fn place(index: u64) -> usize {
    // The remainder is below 1024 and fits every usize.
    usize::try_from(index % WINDOW).unwrap_or(0)
}

const PROOFS: usize = 1024;
const _: () = assert!(PROOFS as u64 == WINDOW);
