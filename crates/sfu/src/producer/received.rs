//! What a producer's streams say of themselves to whom they are received from: reports, requests for packets, scores.

use core::time::Duration;

use wire::rtcp::{ReportBlock, SenderInfo};
use wire::{Mono, Ssrc};

use super::Producer;
use super::stream::{Membership, Stream, known};

/// What a report of a sender changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is of a stream of media. Whether its score is another now.
    Media(bool),
    /// It is of retransmissions.
    Rtx,
}

impl Producer {
    /// Takes a report of the sender of one of its streams.
    pub(crate) fn heard(&mut self, now: Mono, ssrc: Ssrc, info: &SenderInfo) -> Option<Heard> {
        match known(&self.encodings, ssrc)? {
            Membership::Media(at) => Some(Heard::Media(self.stream_mut(at)?.receive.heard(now, info))),
            Membership::Rtx(at) => {
                self.stream_mut(at)?.receive.heard_of_rtx(now, info);
                Some(Heard::Rtx)
            }
        }
    }

    /// What receiver reports say of its streams now, each of which said something else a report ago. With in-band FEC
    /// `worst` stands for the loss: the sender is to repair for whom it fares worst with.
    pub(crate) fn report(&mut self, now: Mono, worst: u8, push: &mut impl FnMut(ReportBlock)) {
        for encoding in &mut self.encodings {
            let Some(stream) = &mut encoding.stream else { continue };
            let mut block = stream.receive.report(stream.ssrc, now);
            if encoding.described.use_in_band_fec {
                block.fraction_lost = block.fraction_lost.max(worst);
            }
            push(block);
            if let Some(ssrc) = stream.rtx_ssrc
                && let Some(block) = stream.receive.rtx_report(ssrc, now)
            {
                push(block);
            }
        }
    }

    /// Adds to `out` the packets of an encoding that are to be asked for now. The stream that they are of.
    pub(crate) fn poll_nacks(
        &mut self,
        encoding: usize,
        (now, round_trip): (Mono, Option<Duration>),
        out: &mut Vec<u16>,
    ) -> Option<Ssrc> {
        let stream = self.stream_mut(encoding)?;
        stream.receive.poll_nacks(now, round_trip, out);
        Some(stream.ssrc)
    }

    /// When packets of an encoding are to be asked for.
    pub(crate) fn nacks_at(&self, encoding: usize) -> Option<Mono> {
        self.encodings.get(encoding)?.stream.as_ref()?.receive.nacks_at()
    }

    /// Looks which streams fell silent. Whether a score is another now.
    pub(crate) fn check_silence(&mut self, now: Mono) -> bool {
        let streams = self.encodings.iter_mut().filter_map(|encoding| encoding.stream.as_mut());
        streams.fold(false, |changed, stream| stream.receive.check_silence(now) | changed)
    }

    /// When the next one may have.
    pub(crate) fn silent_at(&self) -> Option<Mono> {
        let streams = self.encodings.iter().filter_map(|encoding| encoding.stream.as_ref());
        streams.filter_map(|stream| stream.receive.silent_at()).min()
    }

    /// How each of its streams does; 0 for one that has not appeared.
    pub(crate) fn stream_scores(&self) -> impl Iterator<Item = u8> {
        let streams = self.encodings.iter().map(|encoding| encoding.stream.as_ref());
        streams.map(|stream| stream.map_or(0, |stream| stream.receive.score()))
    }

    pub(super) fn stream_mut(&mut self, encoding: usize) -> Option<&mut Stream> {
        self.encodings.get_mut(encoding)?.stream.as_mut()
    }
}
