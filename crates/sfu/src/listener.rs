//! Which producer of a transport a packet belongs to: by SSRC, else by MID, else by RID (RFC 9143 §9.2).
//!
//! Owns the three tables of one transport. An SSRC that was not announced is learned from the first packet that
//! carries a MID or RID, because senders stop repeating those. Tables are ordered rather than hashed: a remote
//! chooses what is looked up and learned, and can make neither slow. What is learned is bounded per producer, so
//! that a sender of ever new SSRCs forgets its own oldest and nobody else's.
//!
//! Does not know streams within a producer ([`crate::producer`] does), nor data channels.

use std::collections::{BTreeMap, VecDeque};

use model::rtp::RtpParameters;
use wire::Ssrc;

/// The tables of one transport. `P` names a producer.
#[derive(Clone, Debug)]
pub struct Listener<P> {
    /// Sorted by SSRC.
    ssrcs: Vec<(Ssrc, P)>,
    mids: BTreeMap<Box<[u8]>, P>,
    /// Those who announced the RID, the first of whom gets its packets.
    rids: BTreeMap<Box<[u8]>, Vec<P>>,
    learned: BTreeMap<P, VecDeque<Ssrc>>,
}

/// What a packet says about where it belongs. Both texts as they stand in the header extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks<'a> {
    /// The MID.
    pub mid: Option<&'a [u8]>,
    /// The RID, or the repaired RID of a retransmission.
    pub rid: Option<&'a [u8]>,
}

/// Why a producer cannot be told from those that are there. The caller is to blame: class `Error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// An SSRC of an encoding or of its RTX is taken, perhaps by another encoding of the same parameters.
    #[error("ssrc {} is already used on this transport; take another", .0.0)]
    Ssrc(Ssrc),
    /// The MID is taken.
    #[error("mid {0:?} is already used on this transport; take another")]
    Mid(Box<str>),
    /// The RID is taken and there is no MID to tell the producers apart.
    #[error("rid {0:?} is already used on this transport; give the producer a mid or another rid")]
    Rid(Box<str>),
}

impl<P: Copy + Ord> Listener<P> {
    /// Nobody is listened for.
    pub const fn new() -> Self {
        Self { ssrcs: Vec::new(), mids: BTreeMap::new(), rids: BTreeMap::new(), learned: BTreeMap::new() }
    }

    /// Listens for what `parameters` announce. A producer that is there is removed first by its owner.
    ///
    /// # Errors
    /// [`Ambiguous`], and then nothing has changed.
    pub fn add(&mut self, producer: P, parameters: &RtpParameters) -> Result<(), Ambiguous> {
        let ssrcs = self.vacant_ssrcs(parameters)?;
        let mid = parameters.mid.as_deref().filter(|mid| !mid.is_empty());
        if let Some(mid) = mid.filter(|mid| self.mids.contains_key(mid.as_bytes())) {
            return Err(Ambiguous::Mid(mid.into()));
        }
        let rids =
            || parameters.encodings.iter().filter_map(|encoding| encoding.rid.as_deref()).filter(given);
        // RFC 8852 §3.1: a RID means something within its m-section only, so a MID makes it unambiguous.
        if mid.is_none()
            && let Some(rid) = rids().find(|rid| self.rids.contains_key(rid.as_bytes()))
        {
            return Err(Ambiguous::Rid(rid.into()));
        }
        self.ssrcs.extend(ssrcs.into_iter().map(|ssrc| (ssrc, producer)));
        self.ssrcs.sort_unstable_by_key(|(ssrc, _)| *ssrc);
        if let Some(mid) = mid {
            self.mids.insert(mid.as_bytes().into(), producer);
        }
        for rid in rids() {
            self.rids.entry(rid.as_bytes().into()).or_default().push(producer);
        }
        Ok(())
    }

    /// Forgets everything about a producer.
    pub fn remove(&mut self, producer: P) {
        self.ssrcs.retain(|(_, owner)| *owner != producer);
        self.mids.retain(|_, owner| *owner != producer);
        self.rids.retain(|_, owners| {
            owners.retain(|owner| *owner != producer);
            !owners.is_empty()
        });
        self.learned.remove(&producer);
    }

    /// Whom an SSRC belongs to that was announced or learned.
    #[inline]
    pub fn known(&self, ssrc: Ssrc) -> Option<P> {
        let place = self.place(ssrc).ok()?;
        self.ssrcs.get(place).map(|(_, producer)| *producer)
    }

    /// Whom a packet of an SSRC that is not [known](Self::known) belongs to; its SSRC is known from then on. Only
    /// for packets that proved authentic.
    pub fn learn(&mut self, ssrc: Ssrc, marks: Marks<'_>) -> Option<P> {
        if let Some(known) = self.known(ssrc) {
            return Some(known);
        }
        let producer = match (marks.mid, marks.rid) {
            (Some(mid), _) => self.mids.get(mid).copied(),
            (None, Some(rid)) => self.rids.get(rid).and_then(|owners| owners.first().copied()),
            (None, None) => None,
        }?;
        let learned = self.learned.entry(producer).or_default();
        learned.push_back(ssrc);
        let oldest = if learned.len() > LEARNED_LIMIT { learned.pop_front() } else { None };
        if let Some(Ok(place)) = oldest.map(|oldest| self.place(oldest)) {
            self.ssrcs.remove(place);
        }
        if let Err(place) = self.place(ssrc) {
            self.ssrcs.insert(place, (ssrc, producer));
        }
        Some(producer)
    }

    /// Every known SSRC and whom it belongs to, in the order of SSRCs.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = (Ssrc, P)> {
        self.ssrcs.iter().copied()
    }

    /// Every MID and whom it belongs to, in their order.
    pub fn mids(&self) -> impl ExactSizeIterator<Item = (&[u8], P)> {
        self.mids.iter().map(|(mid, producer)| (&**mid, *producer))
    }

    /// Every RID and whom its packets belong to when they carry no MID, in their order.
    pub fn rids(&self) -> impl Iterator<Item = (&[u8], P)> {
        self.rids.iter().filter_map(|(rid, owners)| Some((&**rid, *owners.first()?)))
    }

    /// Whether nothing is listened for or remembered.
    pub fn is_empty(&self) -> bool {
        self.ssrcs.is_empty() && self.mids.is_empty() && self.rids.is_empty() && self.learned.is_empty()
    }

    fn vacant_ssrcs(&self, parameters: &RtpParameters) -> Result<Vec<Ssrc>, Ambiguous> {
        let mut ssrcs = Vec::new();
        for encoding in &parameters.encodings {
            for ssrc in encoding.ssrc.into_iter().chain(encoding.rtx.map(|rtx| rtx.ssrc)) {
                let ssrc = Ssrc(ssrc.0);
                if ssrcs.contains(&ssrc) || self.place(ssrc).is_ok() {
                    return Err(Ambiguous::Ssrc(ssrc));
                }
                ssrcs.push(ssrc);
            }
        }
        Ok(ssrcs)
    }

    #[inline]
    fn place(&self, ssrc: Ssrc) -> Result<usize, usize> {
        self.ssrcs.binary_search_by_key(&ssrc, |(known, _)| *known)
    }
}

impl<P: Copy + Ord> Default for Listener<P> {
    fn default() -> Self {
        Self::new()
    }
}

fn given(text: &&str) -> bool {
    !text.is_empty()
}

/// SSRCs learned per producer. A simulcast of three with RTX uses six at a time; twice that and some, so that a
/// sender that restarts its streams is not held to what it used before.
pub const LEARNED_LIMIT: usize = 16;
