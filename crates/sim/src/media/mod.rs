//! What peers say on the wire, written and read apart from the code they examine.
//!
//! RTP and everything that peers write are done here from the RFCs; RTCP of the SFU is read by another project's crate.
//! Every media packet carries in its last bytes whose it is and which, so that an observer knows it again however its
//! header was rewritten.

mod feedback;
mod heard;
mod rtp;
mod vp8;

pub use feedback::{Block, Compound, Report};
pub use heard::Heard;
pub use rtp::{Rtp, is_rtcp};
pub use vp8::{Mark, Slice};

/// VP8 as publishers send it.
pub const PUBLISHED: u8 = 96;
/// Retransmissions as publishers send them.
pub const PUBLISHED_RTX: u8 = 97;
/// VP8 inside the router and as subscribers get it.
pub const CONSUMED: u8 = 101;
/// Retransmissions as subscribers get them.
pub const CONSUMED_RTX: u8 = 102;

/// One packet's way of carrying a piece of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which piece of whose media.
    pub mark: Mark,
    /// Its number in the stream it belongs to: for a retransmission the original's (RFC 4588 §4).
    pub sequence: u16,
    /// Whether this is a retransmission in a stream of its own.
    pub is_rtx: bool,
    /// Whether it begins a key frame.
    pub begins_key_frame: bool,
    /// What the payload hashes to.
    pub digest: u64,
}

impl Piece {
    /// The piece that a packet carries, if it carries one.
    #[must_use]
    pub fn of(rtp: &Rtp<'_>) -> Option<Self> {
        let is_rtx = matches!(rtp.payload_type, PUBLISHED_RTX | CONSUMED_RTX);
        let (sequence, payload) = if is_rtx { rtp.original()? } else { (rtp.sequence, rtp.payload) };
        let mark = Mark::read(payload)?;
        let begins_key_frame = vp8::begins_key_frame(payload);
        Some(Self { mark, sequence, is_rtx, begins_key_frame, digest: digest(payload) })
    }
}

/// A hash for telling contents apart (FNV-1a, eight bytes at a time), the same on every run.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(mix(hash, bytes.len() as u64), |hash, byte| mix(hash, u64::from(*byte)))
}
