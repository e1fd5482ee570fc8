//! The streams that a transport sends, each under an SSRC of its own.
//!
//! A place here outlives no stream: entries of the queue name senders by their place, and are gone before it is given
//! to another. SSRCs are found by a binary search, those of retransmissions too, so that no two streams share one.

use model::rtp::MediaKind;
use srtp::{PacketIndex, SealError};
use wire::Ssrc;

use super::{Kind, Sender, Transport};

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
    senders: Vec<Option<Sender>>,
    vacant: Vec<u32>,
    /// Sorted by SSRC.
    ssrcs: Vec<(Ssrc, Use)>,
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
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.senders.push(None);
            // Fewer than SRTP allows for a key, and so far below 2^32.
            u32::try_from(self.senders.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        let index = SenderIndex(index);
        if let Some(place) = self.senders.get_mut(index.0 as usize) {
            *place = Some(sender);
        }
        self.note(ssrc, Use::Media(index));
        if let Some(rtx) = rtx {
            self.note(rtx, Use::Rtx(index));
        }
        index
    }

    pub(crate) fn remove(&mut self, index: SenderIndex) -> Option<Sender> {
        let sender = self.senders.get_mut(index.0 as usize)?.take()?;
        self.vacant.push(index.0);
        for ssrc in sender.ssrcs() {
            if let Ok(place) = self.place(ssrc) {
                self.ssrcs.remove(place);
            }
        }
        Some(sender)
    }

    #[inline]
    pub(crate) fn get(&self, index: SenderIndex) -> Option<&Sender> {
        self.senders.get(index.0 as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: SenderIndex) -> Option<&mut Sender> {
        self.senders.get_mut(index.0 as usize)?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sender> {
        self.senders.iter().flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Sender> {
        self.senders.iter_mut().flatten()
    }

    /// What an SSRC is used for.
    pub(crate) fn find(&self, ssrc: Ssrc) -> Option<Use> {
        let place = self.place(ssrc).ok()?;
        self.ssrcs.get(place).map(|(_, used)| *used)
    }

    fn note(&mut self, ssrc: Ssrc, used: Use) {
        if let Err(place) = self.place(ssrc) {
            self.ssrcs.insert(place, (ssrc, used));
        }
    }

    fn place(&self, ssrc: Ssrc) -> Result<usize, usize> {
        self.ssrcs.binary_search_by_key(&ssrc, |(known, _)| *known)
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

    /// Nobody wanted an authentic packet of that SSRC.
    pub(crate) fn stray(&mut self, ssrc: Ssrc) {
        let oldest = self.srtp.as_mut().and_then(|srtp| srtp.stray(ssrc));
        // One that has found its producer since is no stray.
        if let Some(oldest) = oldest.filter(|oldest| self.inside.listener.known(*oldest).is_none()) {
            self.forget(&[oldest]);
        }
    }
}
