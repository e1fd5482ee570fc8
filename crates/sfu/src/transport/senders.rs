//! The streams that a transport sends, each under an SSRC of its own.
//!
//! A place here outlives no stream: entries of the queue name senders by their place, and are gone before it is given
//! to another. SSRCs are found by a binary search, those of retransmissions too, so that no two streams share one.

use model::rtp::MediaKind;
use srtp::{PacketIndex, SealError};
use streams::Rate;
use wire::{Mono, Ssrc};

use super::{Kind, Sender, Transport};
use crate::slots::give_back;

/// A sender's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderIndex(pub(crate) u32);

impl SenderIndex {
    /// Before a transport gave one.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Senders {
    senders: Vec<Seat>,
    // Apart, because no packet that leaves looks at it.
    register: Box<Register>,
}

/// Who is where.
#[derive(Clone, Debug, Default)]
struct Register {
    /// Places that somebody left.
    vacant: Vec<u32>,
    /// Sorted by SSRC.
    ssrcs: Vec<(Ssrc, Use)>,
    /// What those sent who are gone.
    departed: Rate,
}

/// Begins a cache line, with what tells whether somebody is there; behind that is what a sender has first.
#[derive(Clone, Debug)]
#[repr(u32, align(64))]
#[expect(
    clippy::large_enum_variant,
    reason = "a place for one: behind a pointer it would be a line more for every packet"
)]
enum Seat {
    Vacant,
    Taken(Sender),
}

/// What an SSRC is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The media of that sender.
    Media(SenderIndex),
    /// The retransmissions of that sender's media.
    Rtx(SenderIndex),
}

impl Senders {
    /// The first of `ssrcs` that is taken.
    pub(crate) fn taken(&self, ssrcs: impl IntoIterator<Item = Ssrc>) -> Option<Ssrc> {
        ssrcs.into_iter().find(|ssrc| self.place(*ssrc).is_ok())
    }

    /// A sender whose SSRCs are not taken.
    pub(crate) fn add(&mut self, sender: Sender) -> SenderIndex {
        let (ssrc, rtx) = (sender.ssrc, sender.rtx.map(|rtx| rtx.ssrc));
        let index = self.place_again().unwrap_or_else(|| {
            self.senders.push(Seat::Vacant);
            // Fewer than SRTP allows for a key, and so far below 2^32.
            u32::try_from(self.senders.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        let index = SenderIndex(index);
        if let Some(place) = self.senders.get_mut(index.0 as usize) {
            *place = Seat::Taken(sender);
        }
        self.note(ssrc, Use::Media(index));
        if let Some(rtx) = rtx {
            self.note(rtx, Use::Rtx(index));
        }
        index
    }

    pub(crate) fn remove(&mut self, index: SenderIndex) -> Option<Sender> {
        let seat = self.senders.get_mut(index.0 as usize)?;
        let Seat::Taken(sender) = core::mem::replace(seat, Seat::Vacant) else { return None };
        self.register.departed.absorb(sender.bytes.clone());
        self.register.vacant.push(index.0);
        for ssrc in sender.ssrcs() {
            if let Ok(place) = self.place(ssrc) {
                self.register.ssrcs.remove(place);
            }
        }
        self.shrink();
        Some(sender)
    }

    /// A place that somebody left.
    fn place_again(&mut self) -> Option<u32> {
        loop {
            let place = self.register.vacant.pop()?;
            // Places at the end were given up with those who left them, and may have been taken since.
            if let Some(Seat::Vacant) = self.senders.get(place as usize) {
                return Some(place);
            }
        }
    }

    /// Transports stay where many consumers come and go.
    fn shrink(&mut self) {
        while matches!(self.senders.last(), Some(Seat::Vacant)) {
            self.senders.pop();
        }
        if self.senders.is_empty() {
            self.register.vacant.clear();
        }
        give_back(&mut self.senders, KEPT);
        give_back(&mut self.register.vacant, KEPT);
        give_back(&mut self.register.ssrcs, KEPT);
    }

    #[inline]
    pub(crate) fn get(&self, index: SenderIndex) -> Option<&Sender> {
        self.senders.get(index.0 as usize)?.sender()
    }

    /// Where the first one is, unread: most transports send one or two streams.
    #[inline]
    pub(crate) fn first_place(&self) -> Option<&(impl Sized + use<>)> {
        self.senders.first()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: SenderIndex) -> Option<&mut Sender> {
        self.senders.get_mut(index.0 as usize)?.sender_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sender> {
        self.senders.iter().filter_map(Seat::sender)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Sender> {
        self.senders.iter_mut().filter_map(Seat::sender_mut)
    }

    /// Bytes of media that were sent, those of streams included that are gone, and bits per second.
    pub(crate) fn sent(&self, now: Mono) -> (u64, u64) {
        Rate::sum(
            core::iter::once(&self.register.departed).chain(self.iter().map(|sender| &sender.bytes)),
            now,
        )
    }

    /// What an SSRC is used for.
    pub(crate) fn find(&self, ssrc: Ssrc) -> Option<Use> {
        let place = self.place(ssrc).ok()?;
        self.register.ssrcs.get(place).map(|(_, used)| *used)
    }

    fn note(&mut self, ssrc: Ssrc, used: Use) {
        if let Err(place) = self.place(ssrc) {
            self.register.ssrcs.insert(place, (ssrc, used));
        }
    }

    fn place(&self, ssrc: Ssrc) -> Result<usize, usize> {
        self.register.ssrcs.binary_search_by_key(&ssrc, |(known, _)| *known)
    }
}

impl Seat {
    #[inline]
    const fn sender(&self) -> Option<&Sender> {
        match self {
            Self::Vacant => None,
            Self::Taken(sender) => Some(sender),
        }
    }

    #[inline]
    const fn sender_mut(&mut self) -> Option<&mut Sender> {
        match self {
            Self::Vacant => None,
            Self::Taken(sender) => Some(sender),
        }
    }
}

impl Transport {
    /// Takes up a stream whose SSRCs are not taken, in a consumer's name.
    pub(crate) fn begin(&mut self, mut sender: Sender) -> Result<SenderIndex, SealError> {
        if let Some(contexts) = self.srtp.as_mut().and_then(|srtp| srtp.contexts()) {
            sender.handle = Some(contexts.sealer.add_stream(sender.ssrc, sender.reseal())?);
        }
        sender.paddable = sender.kind == MediaKind::Video && self.kind != Kind::Pipe && !self.is_direct();
        Ok(self.senders.add(sender))
    }

    /// Ends a stream. The highest index of its SSRC stays known as long as the key.
    pub(crate) fn end(&mut self, index: SenderIndex) {
        let Some(sender) = self.senders.remove(index) else { return };
        let Some(contexts) = self.srtp.as_mut().and_then(|srtp| srtp.contexts()) else { return };
        for handle in sender.handle.into_iter().chain(sender.rtx.and_then(|rtx| rtx.handle)) {
            contexts.sealer.remove_stream(handle);
        }
    }

    /// With which index the stream of an SSRC has to begin, if the key has seen the SSRC.
    pub(crate) fn next_index(&self, ssrc: Ssrc) -> Option<PacketIndex> {
        self.srtp.as_ref()?.ready()?.sealer.highest_index(ssrc)?.next()
    }

    /// There are keys now: takes up the streams that were waiting for them. One that finds no place under its key is
    /// not sent, and counted.
    pub(super) fn begin_streams(&mut self) {
        let Some(contexts) = self.srtp.as_mut().and_then(|srtp| srtp.contexts()) else { return };
        for sender in self.senders.iter_mut() {
            sender.handle = contexts.sealer.add_stream(sender.ssrc, sender.reseal()).ok();
        }
    }

    /// Forgets SSRCs of a producer that is gone, so that they may come back with counters anew.
    pub(crate) fn forget(&mut self, ssrcs: &[Ssrc]) {
        if let Some(contexts) = self.srtp.as_mut().and_then(|srtp| srtp.contexts()) {
            ssrcs.iter().for_each(|ssrc| contexts.opener.forget(*ssrc));
        }
    }

    /// Authentic RTCP came from that SSRC.
    pub(super) fn heard_from(&mut self, ssrc: Ssrc) {
        let is_noted = self.srtp.as_ref().is_some_and(|srtp| srtp.is_newest_stray(ssrc));
        if !is_noted && self.inside.listener.known(ssrc).is_none() {
            self.stray(ssrc);
        }
    }

    /// Nobody wanted an authentic packet of that SSRC.
    pub(crate) fn stray(&mut self, ssrc: Ssrc) {
        let oldest = self.srtp.as_mut().and_then(|srtp| srtp.stray(ssrc));
        // One that has found its producer since is no stray.
        if let Some(oldest) = oldest.filter(|oldest| self.inside.listener.known(*oldest).is_none()) {
            self.forget(&[oldest]);
        }
    }
}

/// Streams that a transport keeps room for: what a peer in a small meeting gets.
const KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use model::key::ConsumerKey;

    fn sender(ssrc: u32) -> Sender {
        let ssrcs = (Ssrc(ssrc), Some(Ssrc(ssrc + 1_000_000)));
        let start = &mut |_| PacketIndex::from_parts(0, 0);
        Sender::new(ConsumerKey::new(ssrc, 0), (MediaKind::Audio, 0), ssrcs, (None, None), start)
    }

    #[test]
    fn no_place_is_given_twice_whoever_leaves_in_which_order() {
        let mut senders = Senders::default();
        let mut live: Vec<(SenderIndex, u32)> = Vec::new();
        let mut dice = 1_u32;
        for ssrc in 0..4_000 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Crowds come and go.
            let leaves = usize::try_from(dice >> 24).unwrap() * if ssrc / 500 % 2 == 0 { 1 } else { 3 } > 300;
            if leaves && !live.is_empty() {
                let (index, ssrc) = live.swap_remove(usize::try_from(dice >> 8).unwrap() % live.len());
                assert_eq!(senders.remove(index).map(|sender| sender.ssrc), Some(Ssrc(ssrc)));
            } else {
                let index = senders.add(sender(ssrc));
                assert!(live.iter().all(|(other, _)| *other != index));
                live.push((index, ssrc));
            }
            assert!(live.iter().all(|(index, ssrc)| senders.get(*index).unwrap().ssrc == Ssrc(*ssrc)));
            assert_eq!(senders.iter_mut().count(), live.len());
        }
    }

    #[test]
    fn a_crowd_that_left_takes_its_memory_with_it() {
        let mut senders = Senders::default();
        let places: Vec<_> = (0..1_000).map(|ssrc| senders.add(sender(ssrc))).collect();
        assert!(places.into_iter().all(|place| senders.remove(place).is_some()));
        let Senders { senders, register } = senders;
        let Register { vacant, ssrcs, .. } = *register;
        assert!([senders.capacity(), vacant.capacity(), ssrcs.capacity()].iter().all(|room| *room <= KEPT));
    }
}
