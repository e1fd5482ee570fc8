//! Fuzz targets of every parser that runs before authentication, as functions and as libFuzzer binaries.
//!
//! A target takes any bytes and panics only when a promise of the code under test is broken: that is what
//! libFuzzer, the corpus replay and the mutation smoke look for.

#![forbid(unsafe_code)]

mod codec_payload;
mod dtls_handshake;
mod ice_framing;
mod input;
mod receive_stream;
mod rtcp_compound;
mod rtcp_transport_feedback;
mod rtp_rewrite;
mod rtp_rtx;
mod rtp_view;
pub mod seeds;
mod send_stream;
mod srtp_unprotect;
mod stun;

pub use codec_payload::codec_payload;
pub use dtls_handshake::dtls_handshake;
pub use ice_framing::ice_framing;
pub use receive_stream::receive_stream;
pub use rtcp_compound::rtcp_compound;
pub use rtcp_transport_feedback::rtcp_transport_feedback;
pub use rtp_rewrite::rtp_rewrite;
pub use rtp_rtx::rtp_rtx;
pub use rtp_view::rtp_view;
pub use send_stream::send_stream;
pub use srtp_unprotect::srtp_unprotect;
pub use stun::stun;

/// One entry that takes bytes from anybody.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the target, of its binary and of its corpus directory.
    pub name: &'static str,
    /// The target itself.
    pub run: fn(&[u8]),
    /// What its corpus begins with: names and bytes.
    pub seeds: fn() -> Vec<(&'static str, Vec<u8>)>,
}

/// All targets; a dozen at most, so that a smoke over all of them stays short.
pub const TARGETS: &[Target] = &[
    Target { name: "rtp_view", run: rtp_view, seeds: seeds::rtp_view },
    Target { name: "rtp_rewrite", run: rtp_rewrite, seeds: seeds::rtp_rewrite },
    Target { name: "rtp_rtx", run: rtp_rtx, seeds: seeds::rtp_rtx },
    Target { name: "rtcp_compound", run: rtcp_compound, seeds: seeds::rtcp_compound },
    Target {
        name: "rtcp_transport_feedback",
        run: rtcp_transport_feedback,
        seeds: seeds::rtcp_transport_feedback,
    },
    Target { name: "codec_payload", run: codec_payload, seeds: seeds::codec_payload },
    Target { name: "stun", run: stun, seeds: seeds::stun },
    Target { name: "ice_framing", run: ice_framing, seeds: seeds::ice_framing },
    Target { name: "receive_stream", run: receive_stream, seeds: seeds::receive_stream },
    Target { name: "send_stream", run: send_stream, seeds: seeds::send_stream },
    Target { name: "dtls_handshake", run: dtls_handshake, seeds: seeds::dtls_handshake },
    Target { name: "srtp_unprotect", run: srtp_unprotect, seeds: seeds::srtp_unprotect },
];
