//! The sending direction.

mod error;
mod stream;

pub use error::SealError;
pub use stream::Reseal;

use crate::cipher::{Address, Cipher, Plaintext, Proof, RTCP_CLEAR_LEN, Refused};
use crate::index::PacketIndex;
use crate::kdf::Protocol;
use crate::key::{KeyError, KeyMaterial};
use crate::streams::Streams;
use crate::suite::Suite;
use std::collections::BTreeMap;
use std::mem::offset_of;
use std::num::NonZeroU32;
use std::ops::Range;
use stream::OutboundStream;
use wire::Ssrc;

/// Seals RTP and RTCP under one master key, for many SSRCs.
///
/// The caller owns rollover counters and says which index a packet has; the sealer sees to it that no
/// (SSRC, index) is ever sealed with two different byte strings, as either cipher would then give the
/// plaintexts away (RFC 3711 §9.1, RFC 7714 §8.4).
// What sealing RTP looks at comes first, together.
#[derive(Debug)]
#[repr(C)]
pub struct Sealer {
    rtp: Cipher,
    streams: Streams<OutboundStream>,
    suite: Suite,
    rtcp: Cipher,
    /// Of removed SSRCs that sealed something.
    retired: BTreeMap<u32, Highest>,
    max_ssrcs: usize,
    generation: NonZeroU32,
    streams_refused: u64,
    rtcp_next: u32,
}

/// The highest index sealed, in the bytes that it has: there may be very many.
#[derive(Debug, Clone, Copy)]
struct Highest([u8; 6]);

/// A stream of a [`Sealer`]: dense, and worthless once the stream was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHandle {
    slot: u32,
    generation: NonZeroU32,
}

impl Sealer {
    /// The bytes at the beginning that sealing RTP looks at: only to tell the core that they will be used soon.
    pub const RTP_BYTES: usize = offset_of!(Self, streams) + Streams::<OutboundStream>::ENTRIES_BYTES;
    /// The SSRCs that may be in use at once.
    pub const MAX_STREAMS: usize = 16_384;
    /// The SSRCs that one key may seal for in its life, in use or removed. None of them can be forgotten, for it might
    /// come again and begin with an index that was used; nor may a new one begin above all that was used, for who
    /// hears it takes its first packet to have no rollovers behind it (RFC 3711 §3.3.1). So the bound is far away, a new
    /// SSRC each second for twelve days, and what is removed costs about 16 bytes.
    pub const MAX_SSRCS: usize = 1 << 20;

    /// A sealer without streams, for as long as the key lives. It takes the key: a second sealer would not know
    /// which indices the first has used, and an RTCP packet of either would meet one of the other.
    ///
    /// ```compile_fail,E0382
    /// # use srtp::{KeyMaterial, Sealer, Suite};
    /// let material = KeyMaterial::new(Suite::AeadAes128Gcm, &[1; 16], &[2; 12])?;
    /// let first = Sealer::new(material)?;
    /// let second = Sealer::new(material)?;
    /// # Ok::<(), srtp::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// When the cryptographic library refuses the keys.
    pub fn new(material: KeyMaterial) -> Result<Self, KeyError> {
        Self::with_max_ssrcs(material, Self::MAX_SSRCS)
    }

    /// A sealer whose key may seal for at most `max_ssrcs` SSRCs in its life.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_max_ssrcs(material: KeyMaterial, max_ssrcs: usize) -> Result<Self, KeyError> {
        Ok(Self {
            rtp: Cipher::new(&material, Protocol::Rtp)?,
            streams: Streams::new(),
            suite: material.suite(),
            rtcp: Cipher::new(&material, Protocol::Rtcp)?,
            retired: BTreeMap::new(),
            max_ssrcs,
            generation: NonZeroU32::MIN,
            streams_refused: 0,
            rtcp_next: 0,
        })
    }

    /// Bytes at the beginning of [`Self::memory_of`] that a seal in order uses.
    pub const IN_ORDER_BYTES: usize = OutboundStream::IN_ORDER_BYTES;

    /// What a seal of that stream changes: only to tell the core that it will be used soon.
    #[inline]
    pub fn memory_of(&self, stream: StreamHandle) -> Option<&(impl Sized + use<>)> {
        self.streams.place(stream.slot as usize)
    }

    /// The suite sealed with.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Bytes that sealing adds to an RTP packet: that of the suite, told by what sealing has at hand anyway.
    #[inline]
    pub fn rtp_overhead(&self) -> usize {
        self.rtp.rtp_overhead()
    }

    /// Begins a stream. An SSRC that was removed before continues above its highest index.
    ///
    /// # Errors
    /// [`SealError::StreamExists`], and [`SealError::TooManyStreams`] (counted) at [`Self::MAX_STREAMS`] in use, or
    /// for one more than the key may seal for.
    pub fn add_stream(&mut self, ssrc: impl Into<Ssrc>, reseal: Reseal) -> Result<StreamHandle, SealError> {
        let Ssrc(ssrc) = ssrc.into();
        if self.streams.find(ssrc).is_some() {
            return Err(SealError::StreamExists);
        }
        let returning = self.retired.get(&ssrc).copied();
        let is_one_more = returning.is_none() && self.streams.len() + self.retired.len() >= self.max_ssrcs;
        if is_one_more || self.streams.len() >= Self::MAX_STREAMS {
            self.streams_refused += 1;
            return Err(SealError::TooManyStreams);
        }
        self.retired.remove(&ssrc);
        self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let next = returning.map_or(0, |highest| highest.value() + 1);
        let stream = OutboundStream::new(ssrc, self.generation, next, reseal);
        // Slots are fewer than the streams in use ever were.
        let slot = u32::try_from(self.streams.insert(ssrc, stream)).unwrap_or(u32::MAX);
        Ok(StreamHandle { slot, generation: self.generation })
    }

    /// Ends a stream; `false` if it had ended. Its highest index stays known as long as the key lives.
    pub fn remove_stream(&mut self, stream: StreamHandle) -> bool {
        let Ok(ended) = live(&mut self.streams, stream) else { return false };
        let (ssrc, next) = (ended.ssrc, ended.next());
        self.streams.remove(ssrc);
        if let Some(highest) = next.checked_sub(1) {
            self.retired.insert(ssrc, Highest::of(highest));
        }
        true
    }

    /// How often [`Self::add_stream`] refused because of its bound.
    pub fn streams_refused(&self) -> u64 {
        self.streams_refused
    }

    /// The highest index sealed for `ssrc` under this key, whether its stream still exists or not.
    pub fn highest_index(&self, ssrc: impl Into<Ssrc>) -> Option<PacketIndex> {
        let Ssrc(ssrc) = ssrc.into();
        let highest = match self.streams.find(ssrc).and_then(|slot| self.streams.entry(slot)) {
            Some(stream) => stream.next().checked_sub(1)?,
            None => self.retired.get(&ssrc)?.value(),
        };
        PacketIndex::new(highest)
    }

    /// Seals a packet whose header stands in `out` and whose payload stands elsewhere, in one pass. Returns
    /// the length of the sealed packet.
    ///
    /// # Errors
    /// Every error leaves the index as it was, except [`SealError::Refused`]. Nothing of `out` may be sent.
    #[inline]
    pub fn seal_rtp(
        &mut self,
        stream: StreamHandle,
        index: PacketIndex,
        out: &mut [u8],
        text: Plaintext<'_>,
    ) -> Result<usize, SealError> {
        let body_len = text.payload.len() + text.padding.len();
        let stream = live(&mut self.streams, stream)?;
        let out = room(out, text.header_len, body_len, &self.rtp)?;
        let at = address(stream, index, out, text.header_len)?;
        stream.take(at.index)?;
        let proof = self.rtp.seal_rtp(at, out, text)?;
        stream.keep(at.index, proof);
        Ok(out.len())
    }

    /// Seals a packet that stands in `out` whole: the header up to `body.start`, the plaintext (padding
    /// included) in `body`. Returns the length of the sealed packet.
    ///
    /// # Errors
    /// As [`Self::seal_rtp`].
    #[inline]
    pub fn seal_rtp_in_place(
        &mut self,
        stream: StreamHandle,
        index: PacketIndex,
        out: &mut [u8],
        body: Range<usize>,
    ) -> Result<usize, SealError> {
        let stream = live(&mut self.streams, stream)?;
        let out = room(out, body.start, len_of(&body)?, &self.rtp)?;
        let at = address(stream, index, out, body.start)?;
        stream.take(at.index)?;
        let proof = self.rtp.seal_rtp_in_place(at, out, body.start)?;
        stream.keep(at.index, proof);
        Ok(out.len())
    }

    /// Seals a packet again, for a retransmission without RTX: header, payload and padding must be the very
    /// bytes of the first time. The tag proves it; what cannot be proven is wiped and not released.
    ///
    /// # Errors
    /// [`SealError::ResealNotKept`] when the stream was not added with [`Reseal::Proven`],
    /// [`SealError::NeverSealed`], [`SealError::IndexTooOld`] and [`SealError::NotIdentical`].
    pub fn reseal_rtp(
        &mut self,
        stream: StreamHandle,
        index: PacketIndex,
        out: &mut [u8],
        text: Plaintext<'_>,
    ) -> Result<usize, SealError> {
        let body_len = text.payload.len() + text.padding.len();
        let stream = live(&mut self.streams, stream)?;
        let out = room(out, text.header_len, body_len, &self.rtp)?;
        let at = address(stream, index, out, text.header_len)?;
        let expected = stream.proof(at.index)?;
        let proof = self.rtp.seal_rtp(at, out, text);
        release(out, expected, proof)
    }

    /// [`Self::reseal_rtp`] for a packet that stands in `out` whole.
    ///
    /// # Errors
    /// As [`Self::reseal_rtp`].
    pub fn reseal_rtp_in_place(
        &mut self,
        stream: StreamHandle,
        index: PacketIndex,
        out: &mut [u8],
        body: Range<usize>,
    ) -> Result<usize, SealError> {
        let stream = live(&mut self.streams, stream)?;
        let out = room(out, body.start, len_of(&body)?, &self.rtp)?;
        let at = address(stream, index, out, body.start)?;
        let expected = stream.proof(at.index)?;
        let proof = self.rtp.seal_rtp_in_place(at, out, body.start);
        release(out, expected, proof)
    }

    /// Seals a compound RTCP packet into `out`, under the key's next RTCP index. Returns the length of the
    /// sealed packet.
    ///
    /// # Errors
    /// [`SealError::ShortRtcp`], [`SealError::TooLong`], [`SealError::NoRoom`], and
    /// [`SealError::RtcpIndexExhausted`] after 2^31 packets.
    pub fn seal_rtcp(&mut self, packet: &[u8], out: &mut [u8]) -> Result<usize, SealError> {
        let clear = packet.first_chunk::<RTCP_CLEAR_LEN>().ok_or(SealError::ShortRtcp)?;
        let [_, _, _, _, ssrc @ ..] = *clear;
        let needed = packet.len().saturating_add(self.suite.rtcp_overhead());
        if needed > LONGEST {
            return Err(SealError::TooLong);
        }
        let out = out.get_mut(..needed).ok_or(SealError::NoRoom { needed })?;
        // RFC 3711 §3.4: zero first, one more for each packet. One count serves every SSRC of the key: to a
        // receiver, which keeps a list for each, the others' indices look like packets lost on the way.
        let index = self.rtcp_next;
        if index > RTCP_INDEX_MAX {
            return Err(SealError::RtcpIndexExhausted);
        }
        self.rtcp_next += 1;
        let at = Address { ssrc: u32::from_be_bytes(ssrc), index: u64::from(index) };
        self.rtcp.seal_rtcp(at, packet, out)?;
        Ok(needed)
    }
}

impl Highest {
    /// An index has 48 bits (RFC 3711 §3.3.1).
    const fn of(index: u64) -> Self {
        let [_, _, bytes @ ..] = index.to_be_bytes();
        Self(bytes)
    }

    const fn value(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

#[inline]
fn live(
    streams: &mut Streams<OutboundStream>,
    handle: StreamHandle,
) -> Result<&mut OutboundStream, SealError> {
    match streams.entry_mut(handle.slot as usize) {
        Some(stream) if stream.generation == handle.generation => Ok(stream),
        _ => Err(SealError::UnknownStream),
    }
}

/// The bytes of a body that stands in the output.
#[inline]
fn len_of(body: &Range<usize>) -> Result<usize, SealError> {
    body.end.checked_sub(body.start).ok_or(SealError::BodyReversed)
}

/// The part of `out` the sealed packet fills.
#[inline]
fn room<'a>(
    out: &'a mut [u8],
    header_len: usize,
    body_len: usize,
    cipher: &Cipher,
) -> Result<&'a mut [u8], SealError> {
    let needed = header_len.saturating_add(body_len).saturating_add(cipher.rtp_overhead());
    if needed > LONGEST {
        return Err(SealError::TooLong);
    }
    out.get_mut(..needed).ok_or(SealError::NoRoom { needed })
}

/// The packet's address, once the header agrees with it: a receiver reads both numbers there.
#[inline]
fn address(
    stream: &OutboundStream,
    index: PacketIndex,
    packet: &[u8],
    header_len: usize,
) -> Result<Address, SealError> {
    let header = packet.get(..header_len).and_then(<[u8]>::first_chunk);
    let [_, _, s0, s1, _, _, _, _, a, b, c, d] = *header.ok_or(SealError::HeaderMismatch)?;
    if u32::from_be_bytes([a, b, c, d]) != stream.ssrc || u16::from_be_bytes([s0, s1]) != index.sequence() {
        return Err(SealError::HeaderMismatch);
    }
    Ok(Address { ssrc: stream.ssrc, index: index.value() })
}

fn release(out: &mut [u8], expected: Proof, proof: Result<Proof, Refused>) -> Result<usize, SealError> {
    match proof {
        Ok(proof) if proof == expected => Ok(out.len()),
        outcome => {
            out.fill(0);
            Err(outcome.map_or(SealError::Refused, |_| SealError::NotIdentical))
        }
    }
}

impl From<Refused> for SealError {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// No datagram has more bytes. RFC 3711 §4.1.1: a packet takes at most 2^16 blocks of the keystream, 1 MiB; what
/// would stand behind them is sealed with the keystream of another index.
const LONGEST: usize = 65_535;
/// The last index a key may seal RTCP with (RFC 3711 §9.2).
const RTCP_INDEX_MAX: u32 = (1 << 31) - 1;

#[cfg(test)]
mod tests;
