//! The receiving direction.

use crate::cipher::{Address, Cipher, RTCP_CLEAR_LEN, RtcpAddress};
use crate::index::PacketIndex;
use crate::kdf::Protocol;
use crate::key::{KeyError, KeyMaterial};
use crate::streams::Streams;
use crate::suite::Suite;
use crate::window::{IndexWindow, Use};
use wire::Ssrc;

/// Opens RTP and RTCP under one master key, from many SSRCs.
///
/// A packet that fails authentication changes nothing here; what it left in the output is of no meaning.
#[derive(Debug)]
pub struct Opener {
    suite: Suite,
    rtp: Cipher,
    rtp_streams: Streams<IndexWindow>,
    rtcp: Cipher,
    rtcp_streams: Streams<IndexWindow>,
    max_streams: usize,
}

/// An RTP packet was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Its index: the extended sequence number all later steps may use.
    pub index: PacketIndex,
    /// Bytes of header and plaintext now in the output.
    pub len: usize,
}

/// A compound RTCP packet was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedRtcp {
    /// Its SRTCP index.
    pub index: u32,
    /// Bytes now in the output.
    pub len: usize,
    /// The E bit: `false` when the sender authenticated the packet without encrypting it.
    pub encrypted: bool,
}

/// Why a packet was not opened, by blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Malformed: shorter than header, tag and index.
    #[error("the packet is shorter than its header and tag")]
    Malformed,
    /// Replayed: the index was opened before.
    #[error("the index was opened before")]
    Replayed,
    /// Replayed, or later than any reordering we wait for: 1024 or more below the highest index.
    #[error("the index is too far below the highest opened")]
    TooOld,
    /// Not sealed with this key, or altered, or out of step by more than half a rollover.
    #[error("the packet is not authentic")]
    Unauthentic,
    /// Exhausted: as many SSRCs as the opener may remember; a new one is not opened.
    #[error("too many SSRCs under one key")]
    TooManyStreams,
    /// Exhausted: the index would pass 48 bits.
    #[error("the key has no index left")]
    IndexExhausted,
    /// Misuse: the output is too short.
    #[error("the opened packet needs {needed} bytes")]
    NoRoom {
        /// Bytes the output must have.
        needed: usize,
    },
}

impl Opener {
    /// SSRCs remembered unless [`Self::with_max_streams`] says otherwise: a transport with hundreds of
    /// simulcast producers and their RTX, in 150 KB each for RTP and RTCP.
    pub const DEFAULT_MAX_STREAMS: usize = 1024;

    /// An opener that has seen nothing.
    ///
    /// # Errors
    /// When the cryptographic library refuses the keys.
    pub fn new(material: &KeyMaterial) -> Result<Self, KeyError> {
        Self::with_max_streams(material, Self::DEFAULT_MAX_STREAMS)
    }

    /// An opener that remembers at most `max_streams` SSRCs for RTP and as many for RTCP.
    ///
    /// # Errors
    /// When the cryptographic library refuses the keys.
    pub fn with_max_streams(material: &KeyMaterial, max_streams: usize) -> Result<Self, KeyError> {
        Ok(Self {
            suite: material.suite(),
            rtp: Cipher::new(material, Protocol::Rtp)?,
            rtp_streams: Streams::new(),
            rtcp: Cipher::new(material, Protocol::Rtcp)?,
            rtcp_streams: Streams::new(),
            max_streams,
        })
    }

    /// The suite opened with.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Opens `packet` into `out`: the header's `header_len` bytes as they are, then the plaintext, RTP
    /// padding included.
    ///
    /// # Errors
    /// [`OpenError`]; nothing but `out` has changed then.
    #[inline]
    pub fn open_rtp(
        &mut self,
        packet: &[u8],
        header_len: usize,
        out: &mut [u8],
    ) -> Result<Opened, OpenError> {
        let [_, _, s0, s1, _, _, _, _, a, b, c, d] = *packet.first_chunk().ok_or(OpenError::Malformed)?;
        let ssrc = u32::from_be_bytes([a, b, c, d]);
        let sequence = u16::from_be_bytes([s0, s1]);
        let len = packet.len().checked_sub(self.suite.rtp_overhead()).ok_or(OpenError::Malformed)?;
        if header_len < FIXED_HEADER_LEN || header_len > len {
            return Err(OpenError::Malformed);
        }
        let out = out.get_mut(..len).ok_or(OpenError::NoRoom { needed: len })?;

        let slot = self.rtp_streams.find(ssrc);
        let window = slot.and_then(|slot| self.rtp_streams.entry(slot));
        let index = expect(window, sequence)?;
        if slot.is_none() && self.rtp_streams.len() >= self.max_streams {
            return Err(OpenError::TooManyStreams);
        }
        self.rtp
            .open_rtp(Address { ssrc, index: index.value() }, packet, header_len, out)
            .map_err(|_| OpenError::Unauthentic)?;
        settle(&mut self.rtp_streams, slot, ssrc, index.value());
        Ok(Opened { index, len })
    }

    /// Opens a compound RTCP packet into `out`, which must be as long as `packet`.
    ///
    /// # Errors
    /// [`OpenError`]; nothing but `out` has changed then.
    pub fn open_rtcp(&mut self, packet: &[u8], out: &mut [u8]) -> Result<OpenedRtcp, OpenError> {
        let len = packet.len().checked_sub(self.suite.rtcp_overhead()).ok_or(OpenError::Malformed)?;
        if len < RTCP_CLEAR_LEN {
            return Err(OpenError::Malformed);
        }
        let at = rtcp_address(packet, self.suite).ok_or(OpenError::Malformed)?;
        let out = out.get_mut(..packet.len()).ok_or(OpenError::NoRoom { needed: packet.len() })?;

        let slot = self.rtcp_streams.find(at.ssrc);
        match slot.and_then(|slot| self.rtcp_streams.entry(slot)) {
            Some(window) => admit(window, u64::from(at.index()))?,
            None if self.rtcp_streams.len() >= self.max_streams => return Err(OpenError::TooManyStreams),
            None => {}
        }
        self.rtcp.open_rtcp(at, packet, out).map_err(|_| OpenError::Unauthentic)?;
        settle(&mut self.rtcp_streams, slot, at.ssrc, u64::from(at.index()));
        Ok(OpenedRtcp { index: at.index(), len, encrypted: at.encrypted() })
    }

    /// Forgets an SSRC whose producer has gone, so that it may come back with its counters anew, and so that
    /// there is room for others.
    ///
    /// What was forgotten is no longer protected from replay: until the key changes, only the owner's not
    /// wanting that SSRC any more keeps old packets out. And its counter is taken to be zero again: a sender that
    /// has rolled over and goes on with the SSRC, as one that was only muted does, is not understood any more.
    pub fn forget(&mut self, ssrc: impl Into<Ssrc>) {
        let Ssrc(ssrc) = ssrc.into();
        self.rtp_streams.remove(ssrc);
        self.rtcp_streams.remove(ssrc);
    }
}

/// The index of a packet from its sequence number, if it may be opened at all.
#[inline]
fn expect(window: Option<&IndexWindow>, sequence: u16) -> Result<PacketIndex, OpenError> {
    let Some(window) = window else {
        // RFC 3711 §3.3.1: without signalling the counter starts at zero.
        return Ok(PacketIndex::from_parts(0, sequence));
    };
    let highest = window.highest().and_then(PacketIndex::new).unwrap_or(PacketIndex::from_parts(0, 0));
    let index = highest.estimate(sequence).ok_or(OpenError::IndexExhausted)?;
    admit(window, index.value())?;
    Ok(index)
}

#[inline]
fn admit(window: &IndexWindow, index: u64) -> Result<(), OpenError> {
    match window.look(index) {
        Use::Fresh => Ok(()),
        Use::Used => Err(OpenError::Replayed),
        Use::TooOld => Err(OpenError::TooOld),
    }
}

/// Remembers an index that proved authentic (RFC 3711 §3.3, step 8 and after).
#[inline]
fn settle(streams: &mut Streams<IndexWindow>, slot: Option<usize>, ssrc: u32, index: u64) {
    let slot = slot.unwrap_or_else(|| streams.insert(ssrc, IndexWindow::new()));
    if let Some(window) = streams.entry_mut(slot) {
        window.mark(index);
    }
    streams.expect_again(ssrc, slot);
}

fn rtcp_address(packet: &[u8], suite: Suite) -> Option<RtcpAddress> {
    let [_, _, _, _, ssrc @ ..] = *packet.first_chunk::<RTCP_CLEAR_LEN>()?;
    let word_at = packet.len().checked_sub(suite.rtcp_word_from_end())?;
    let word = *packet.get(word_at..)?.first_chunk()?;
    Some(RtcpAddress { ssrc: u32::from_be_bytes(ssrc), word: u32::from_be_bytes(word) })
}

const FIXED_HEADER_LEN: usize = 12;

#[cfg(test)]
mod tests;
