//! Why nothing was sealed.

/// Why nothing was sealed. All but the two named exhaustion are the caller's misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Misuse: the handle's stream was removed, or never was this sealer's.
    #[error("no stream has that handle")]
    UnknownStream,
    /// Misuse: the SSRC already has a stream.
    #[error("the SSRC already has a stream")]
    StreamExists,
    /// Misuse: SSRC or sequence number in the header are not the stream's and the index's, or the header is
    /// shorter than its fixed part.
    #[error("the header does not carry the stream's SSRC and the index's sequence number")]
    HeaderMismatch,
    /// Misuse: the body ends before it begins.
    #[error("the body ends before it begins")]
    BodyReversed,
    /// Misuse: the sealed packet would be longer than any datagram.
    #[error("the sealed packet would be longer than any datagram")]
    TooLong,
    /// Misuse: the output is too short.
    #[error("the sealed packet needs {needed} bytes")]
    NoRoom {
        /// Bytes the sealed packet takes.
        needed: usize,
    },
    /// Misuse: the index was sealed before; sealing other bytes under it would give both away.
    #[error("the index was sealed before")]
    IndexUsed,
    /// Misuse: the index is 1024 or more below the highest; whether it was sealed is no longer known.
    #[error("the index is too far below the highest sealed")]
    IndexTooOld,
    /// Misuse: a repetition of something that was not sealed a first time.
    #[error("the index was never sealed")]
    NeverSealed,
    /// Misuse: the stream keeps no proofs for repetitions.
    #[error("the stream was not added for resealing")]
    ResealNotKept,
    /// Misuse: a repetition that differs from the first time. The output was wiped.
    #[error("the packet differs from the one sealed under this index")]
    NotIdentical,
    /// Misuse: no compound RTCP packet is that short.
    #[error("the RTCP packet is shorter than its fixed header")]
    ShortRtcp,
    /// Exhausted: the key has seen as many SSRCs as it may.
    #[error("the key has seen too many SSRCs")]
    TooManyStreams,
    /// Exhausted: the key has sealed 2^31 RTCP packets (RFC 3711 §9.2).
    #[error("the key has no RTCP index left")]
    RtcpIndexExhausted,
    /// The cryptographic library refused. The index is used up.
    #[error("the cryptographic library refused to seal")]
    Refused,
}
