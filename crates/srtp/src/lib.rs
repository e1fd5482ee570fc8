//! SRTP and SRTCP for shardcast: seal out of place from shared plaintext, open into a pool slot.
//!
//! Owns: key derivation, the ciphers of a direction, the index window of every SSRC sealed or opened
//! under a key. One [`Sealer`] and one [`Opener`] per DTLS association or pair of SDES keys.
//!
//! Invariants:
//! - under one key an (SSRC, index) is sealed with exactly one byte string, ever: a fresh seal of a used
//!   index is refused, and a repetition is released only after its tag proved it identical;
//! - a packet that fails authentication changes nothing, the table of SSRCs included;
//! - a warm seal or open allocates nothing, and no input makes one panic.
//!
//! On purpose it does not parse RTP (the caller hands over the header's length), know about MKI, re-keying,
//! ROC signalling or key negotiation, or hold a sealed packet. It lives on the core of its transport.

#![forbid(unsafe_code)]

mod cipher;
mod index;
mod kdf;
mod key;
mod opener;
mod sealer;
mod streams;
mod suite;
mod window;

pub use cipher::Plaintext;
pub use index::PacketIndex;
pub use key::{KeyError, KeyMaterial};
pub use opener::{OpenError, Opened, OpenedRtcp, Opener};
pub use sealer::{Reseal, SealError, Sealer, StreamHandle};
pub use suite::Suite;

/// The most bytes any suite adds to an RTP packet.
pub const MAX_RTP_OVERHEAD: usize = 16;
/// The most bytes any suite adds to a compound RTCP packet.
pub const MAX_RTCP_OVERHEAD: usize = 20;
