//! A publisher of VP8: frames by the clock, key frames when asked, repairs when asked, a sender report each second.

use core::time::Duration;
use std::collections::VecDeque;

use wire::Mono;

use super::{Outbox, VIDEO_CLOCK, WallClock, middle, sixteenths, ticks};
use crate::media::{Compound, Heard, Mark, PUBLISHED, PUBLISHED_RTX, Report, Rtp, Slice, is_rtcp};
use crate::random::Random;

/// What a publisher sends.
#[derive(Clone, Copy, Debug)]
pub struct Publishing {
    /// Of its video.
    pub ssrc: u32,
    /// Of its retransmissions; without, it sends none.
    pub rtx_ssrc: Option<u32>,
    /// Without retransmissions and headers.
    pub bits_per_second: u32,
    /// How often the camera looks.
    pub frames_per_second: u32,
    /// The number of its first packet.
    pub first_sequence: u16,
    /// Its chance.
    pub seed: u64,
}

/// The publisher.
#[derive(Debug)]
pub struct Publisher {
    publishing: Publishing,
    clock: WallClock,
    random: Random,
    began: Mono,
    next_frame: Mono,
    next_report: Mono,
    frame: u32,
    key_frame_is_wanted: bool,
    sequence: u16,
    rtx_sequence: u16,
    pieces: u32,
    octets: u32,
    /// What may be asked for again, with its number.
    history: VecDeque<(u16, Vec<u8>)>,
    /// The last reference time of a receiver that is not answered yet, and when it came.
    reference: Option<(u32, u32, Mono)>,
}

impl Publisher {
    /// A publisher that begins now, with a key frame.
    #[must_use]
    pub fn new(publishing: Publishing, now: Mono) -> Self {
        Self {
            publishing,
            clock: WallClock::of(publishing.seed),
            random: Random::of(publishing.seed, u64::from(publishing.ssrc)),
            began: now,
            next_frame: now,
            next_report: now + FIRST_REPORT,
            frame: 0,
            key_frame_is_wanted: true,
            sequence: publishing.first_sequence,
            rtx_sequence: 7,
            pieces: 0,
            octets: 0,
            history: VecDeque::new(),
            reference: None,
        }
    }

    /// Reads what is asked for.
    pub fn receive(&mut self, now: Mono, datagram: &[u8], out: &mut Outbox) {
        if !is_rtcp(datagram) {
            return;
        }
        for heard in Heard::read(datagram).unwrap_or_default() {
            match heard {
                Heard::Pli(media) | Heard::Fir(media, _) if media == self.publishing.ssrc => {
                    self.key_frame_is_wanted = true;
                }
                Heard::Nack { media, missing } if media == self.publishing.ssrc => {
                    missing.iter().for_each(|sequence| self.repair(*sequence, out));
                }
                Heard::ReferenceTime { from, ntp } => self.reference = Some((from, middle(ntp), now)),
                _ => {}
            }
        }
    }

    /// Sends the frame and the report that are due.
    pub fn wake(&mut self, now: Mono, out: &mut Outbox) {
        while self.next_frame <= now {
            self.send_frame(out);
            self.frame += 1;
            // From the beginning, so that nothing adds up.
            let nanos = u64::from(self.frame) * 1_000_000_000 / u64::from(self.publishing.frames_per_second);
            self.next_frame = self.began + Duration::from_nanos(nanos);
        }
        if self.next_report <= now {
            self.report(now, out);
            self.next_report = now + REPORT_EVERY;
        }
    }

    /// See [`super::Peer::next_wake`].
    #[must_use]
    pub fn next_wake(&self) -> Mono {
        self.next_frame.min(self.next_report)
    }

    fn send_frame(&mut self, out: &mut Outbox) {
        let Publishing { ssrc, bits_per_second, frames_per_second, .. } = self.publishing;
        let key_frame = core::mem::take(&mut self.key_frame_is_wanted);
        let mean = bits_per_second / 8 / frames_per_second;
        // A fifth more or less; a key frame is some frames long.
        let bytes = u64::from(mean) * 4 / 5 + self.random.below(u64::from(mean) * 2 / 5 + 1);
        let bytes = usize::try_from(bytes).unwrap_or(0) * if key_frame { KEY_FRAME_FACTOR } else { 1 };
        let count = bytes.div_ceil(MOST_PER_PACKET).max(1);
        let timestamp = self.timestamp(self.next_frame);
        if key_frame {
            out.notes.push(format!("key frame in {count} packets from {}", self.sequence));
        }
        for at in 0..count {
            let mark = Mark { source: ssrc, number: self.pieces };
            let (begins, picture) = (at == 0, u16::try_from(self.frame & 0x7fff).unwrap_or(0));
            // As equal as it goes, like an encoder's packetizer.
            let len = (bytes * (at + 1) / count - bytes * at / count).max(Slice::LEAST);
            let payload = Slice { mark, picture, begins, key_frame, len }.payload();
            let marker = at + 1 == count;
            let rtp = Rtp {
                payload_type: PUBLISHED,
                marker,
                sequence: self.sequence,
                timestamp,
                ssrc,
                payload: &payload,
            };
            let bytes = rtp.write();
            self.history.push_back((self.sequence, bytes.clone()));
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
            out.datagrams.push(bytes);
            self.sequence = self.sequence.wrapping_add(1);
            self.pieces += 1;
            self.octets = self.octets.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        }
    }

    /// Sends a packet again, as RFC 4588 §4 says.
    fn repair(&mut self, sequence: u16, out: &mut Outbox) {
        let Some(rtx_ssrc) = self.publishing.rtx_ssrc else { return };
        let Some((_, bytes)) = self.history.iter().rev().find(|(kept, _)| *kept == sequence) else {
            out.notes.push(format!("is asked for {sequence}, which it no longer has"));
            return;
        };
        let Some(original) = Rtp::read(bytes) else { return };
        let mut payload = sequence.to_be_bytes().to_vec();
        payload.extend(original.payload);
        let (payload_type, ssrc) = (PUBLISHED_RTX, rtx_ssrc);
        let again =
            Rtp { payload_type, ssrc, sequence: self.rtx_sequence, payload: &payload, ..original }.write();
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        out.datagrams.push(again);
    }

    fn report(&mut self, now: Mono, out: &mut Outbox) {
        let ssrc = self.publishing.ssrc;
        let report = Report {
            ssrc,
            ntp: self.clock.at(now),
            timestamp: self.timestamp(now),
            packets: self.pieces,
            octets: self.octets,
        };
        let mut compound = Compound::default().sender_report(&report).cname(ssrc, "publisher");
        if let Some((from, last, at)) = self.reference.take() {
            compound = compound.delay_since_reference(ssrc, (from, last, sixteenths(now.since(at))));
        }
        out.datagrams.push(compound.into_bytes());
    }

    fn timestamp(&self, at: Mono) -> u32 {
        FIRST_TIMESTAMP.wrapping_add(ticks(at.since(self.began), VIDEO_CLOCK))
    }
}

/// Wraps within the first minute, which a receiver must not mind.
const FIRST_TIMESTAMP: u32 = u32::MAX - 20 * VIDEO_CLOCK;
const FIRST_REPORT: Duration = Duration::from_millis(300);
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// With all headers under the 1200 bytes that every path takes.
const MOST_PER_PACKET: usize = 1_100;
const KEY_FRAME_FACTOR: usize = 4;
/// Six seconds at 1.5 Mbit/s: whoever asks later has waited too long.
const HISTORY: usize = 1_000;
