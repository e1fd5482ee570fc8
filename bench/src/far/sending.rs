//! What sources send: bursts of packets, sealed where a subject expects that, each burst in one piece.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rtp_rs::RtpPacketBuilder;
use webrtc_srtp::context::Context;

use super::Far;
use super::numbers::{EXTENSION_BYTES, ONE_BYTE_ELEMENTS, element_of};
use crate::case::{
    PAYLOAD_TYPE_IN, RTP_HEADER, Stream, VP8_FRAME_KIND, VP8_KEY_FRAME, producer_ssrc, u64_of,
};
use crate::os;

impl Far {
    /// Whole bursts leave as one, and so arrive as one where the forwarder takes GRO trains.
    pub(super) fn cut(&self, subject: usize, streams: &[Stream]) -> io::Result<()> {
        for stream in streams.iter().filter(|stream| stream.burst > 1) {
            let is_sealed = self.sealers[subject][stream.peer].is_some();
            let tag = if is_sealed { self.setup.case.suite.tag_len() } else { 0 };
            let extension = if self.numbers[subject].is_empty() { 0 } else { EXTENSION_BYTES };
            os::set_segment_size(&self.sockets[stream.peer], stream.bytes + extension + tag)?;
        }
        Ok(())
    }

    pub(super) fn send_backlog(&mut self, subject: usize, targets: &[u16], bursts: usize) -> io::Result<()> {
        let streams = self.setup.case.streams(1);
        self.cut(subject, &streams)?;
        for _ in 0..bursts {
            for (number, stream) in streams.iter().enumerate() {
                self.send_burst(subject, number, stream, targets)?;
            }
        }
        Ok(())
    }

    pub(super) fn send_burst(
        &mut self,
        subject: usize,
        number: usize,
        stream: &Stream,
        targets: &[u16],
    ) -> io::Result<u64> {
        let port = targets[stream.peer];
        if port == 0 {
            return Ok(0);
        }
        let sequence = &mut self.sequences[subject][number];
        let mut at = 0;
        for place in 0..stream.burst {
            let element = self.numbers[subject].get_mut(stream.peer).map(|number| {
                let element = element_of(*number);
                *number = number.wrapping_add(1);
                element
            });
            let pattern = &self.patterns[number];
            let mut builder = RtpPacketBuilder::new()
                .payload_type(PAYLOAD_TYPE_IN)
                .ssrc(producer_ssrc(stream.peer, stream.slot))
                .sequence((*sequence).into())
                .timestamp(u32::from(*sequence).wrapping_mul(960))
                .marked(place + 1 == stream.burst)
                .payload(pattern);
            if let Some(element) = &element {
                builder = builder.extension(ONE_BYTE_ELEMENTS, element);
            }
            let len = builder
                .build_into(&mut self.burst[at..])
                .map_err(|error| io::Error::other(format!("building an RTP packet: {error:?}")))?;
            let extension = if element.is_some() { EXTENSION_BYTES } else { 0 };
            debug_assert_eq!(len, RTP_HEADER + extension + pattern.len());
            // Consumers begin, and begin again, with a key frame.
            let is_due = core::mem::take(&mut self.key_frames_due[number]);
            if is_due || sequence.is_multiple_of(KEY_FRAME_EVERY) {
                self.burst[at + len - pattern.len() + VP8_FRAME_KIND] = VP8_KEY_FRAME;
            }
            *sequence = sequence.wrapping_add(1);
            at += match &mut self.sealers[subject][stream.peer] {
                Some(sealer) => seal(sealer, &mut self.burst, (at, len))?,
                None => len,
            };
        }
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match self.sockets[stream.peer].send_to(&self.burst[..at], &to.into()) {
            Ok(_) => Ok(u64_of(stream.burst)),
            // The source could not send: nothing was offered, so nothing is missing later.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// Seals the packet of that length at that place, and says how long it is then.
fn seal(sealer: &mut Context, burst: &mut [u8], (at, len): (usize, usize)) -> io::Result<usize> {
    let sealed = sealer.encrypt_rtp(&burst[at..at + len]).map_err(io::Error::other)?;
    let room = burst.get_mut(at..at + sealed.len()).ok_or_else(|| io::Error::other("a burst too long"))?;
    room.copy_from_slice(&sealed);
    Ok(sealed.len())
}

/// Packets between two key frames: rare, as from a camera, and never so rare that a consumer waits for long.
const KEY_FRAME_EVERY: u16 = 1024;
