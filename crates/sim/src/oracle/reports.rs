//! Reports of the SFU make sense: they can be read, their clocks go forwards and at their rates, and what they count is
//! what was sent.

use core::time::Duration;
use std::collections::HashMap;

use wire::Mono;

use super::{Verdict, Wrong};
use crate::media::{Heard, Report};
use crate::sight::{Content, Packet, Sight};

/// The oracle.
#[derive(Debug, Default)]
pub struct Reports {
    /// By peer and SSRC.
    streams: HashMap<(usize, u32), Stream>,
    sender_reports: usize,
    blocks: usize,
    compounds: usize,
    wrong: Wrong,
}

/// A stream that the SFU sends to a peer.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    packets: u32,
    octets: u32,
    /// Since when it flows without a pause.
    flows_since: Option<(Mono, Mono)>,
    last: Option<(Report, Mono)>,
}

impl Reports {
    /// Sees something.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        match sight {
            Sight::Unopened(who, _) => self.wrong.add(|| format!("peer {who} is sent what no key opens")),
            Sight::Out(who, packet, _) => self.leaves(*who, packet, now),
            _ => {}
        }
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let Self { sender_reports, blocks, compounds, .. } = self;
        let figures =
            vec![format!("{compounds} compounds, {sender_reports} sender reports, {blocks} report blocks")];
        Verdict { oracle: "reports", wrong: self.wrong.clone(), figures }
    }

    fn leaves(&mut self, who: usize, packet: &Packet<'_>, now: Mono) {
        match &packet.content {
            Content::Unknown => self.wrong.add(|| format!("peer {who} is sent neither RTP nor RTCP")),
            Content::Rtp(rtp, _) => {
                let stream = self.streams.entry((who, rtp.ssrc)).or_default();
                stream.packets = stream.packets.wrapping_add(1);
                stream.octets = stream.octets.wrapping_add(u32::try_from(rtp.payload.len()).unwrap_or(0));
                let since = stream.flows_since.filter(|(_, last)| now.since(*last) < PAUSE);
                stream.flows_since = Some((since.map_or(now, |(since, _)| since), now));
            }
            Content::Rtcp(Err(why)) => self.wrong.add(|| format!("RTCP to peer {who}: {why}")),
            Content::Rtcp(Ok(said)) => {
                self.compounds += 1;
                if packet.plain.len() > MOST_BYTES {
                    self.wrong.add(|| format!("peer {who} is sent {} bytes of RTCP", packet.plain.len()));
                }
                said.iter().for_each(|heard| self.said(who, heard, said, now));
            }
        }
    }

    fn said(&mut self, who: usize, heard: &Heard, beside: &[Heard], now: Mono) {
        match heard {
            Heard::SenderReport(report) => {
                self.sender_reports += 1;
                // RFC 3550 §6.1: each compound that reports has a name for whoever sends.
                if !beside.contains(&Heard::Name(report.ssrc)) {
                    self.wrong.add(|| format!("peer {who}: a report of {} without its name", report.ssrc));
                }
                let stream = self.streams.entry((who, report.ssrc)).or_default();
                if let Err(what) = stream.judge(report, now) {
                    let at = now.as_nanos() / 1_000_000;
                    self.wrong.add(|| format!("peer {who}, report of {} at {at} ms: {what}", report.ssrc));
                }
                stream.last = Some((*report, now));
            }
            Heard::Block { .. } => self.blocks += 1,
            _ => {}
        }
    }
}

impl Stream {
    fn judge(&self, report: &Report, now: Mono) -> Result<(), String> {
        // What leaves in the same tick may be on either side of it.
        let counted = |said: u32, sent: u32, slack: u32| {
            sent.wrapping_sub(said) <= slack || said.wrapping_sub(sent) <= slack
        };
        if !counted(report.packets, self.packets, SLACK_PACKETS) {
            return Err(format!("{} packets, and {} were sent", report.packets, self.packets));
        }
        if !counted(report.octets, self.octets, SLACK_PACKETS * 1_500) {
            return Err(format!("{} octets, and {} were sent", report.octets, self.octets));
        }
        let Some((before, at)) = &self.last else { return Ok(()) };
        if report.ntp <= before.ntp {
            return Err(format!("its clock goes from {} to {}", before.ntp, report.ntp));
        }
        let elapsed = now.since(*at);
        if elapsed > MOST_APART && self.flows_since.is_some_and(|(since, _)| since <= *at) {
            return Err(format!("the last was {} ms before", elapsed.as_millis()));
        }
        let by_clock = nanos_of(report.ntp - before.ntp);
        if by_clock.abs_diff(elapsed) > CLOCK_SLACK {
            return Err(format!("its clock went {} ms in {} ms", by_clock.as_millis(), elapsed.as_millis()));
        }
        let ticks = report.timestamp.wrapping_sub(before.timestamp).cast_signed();
        let by_stream = Duration::from_micros(u64::try_from(i64::from(ticks) * 100 / 9).unwrap_or(0));
        // The peer's clock may be off by a little, and where it stands by a frame or two, at a pause by more.
        if self.flows_since.is_some_and(|(since, _)| since <= *at)
            && by_stream.abs_diff(by_clock) > STREAM_SLACK
        {
            return Err(format!(
                "its stream went {} ms in {} ms",
                by_stream.as_millis(),
                by_clock.as_millis()
            ));
        }
        Ok(())
    }
}

/// A span in NTP's format.
fn nanos_of(ntp: u64) -> Duration {
    let nanos = (u128::from(ntp) * 1_000_000_000) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// What the protocol's other worker never exceeds.
const MOST_BYTES: usize = 1_292;
/// Packets that a tick brings at most in a simulation.
const SLACK_PACKETS: u32 = 64;
/// The interval is 1 to 1.5 s.
const MOST_APART: Duration = Duration::from_millis(1_600);
const CLOCK_SLACK: Duration = Duration::from_millis(5);
const STREAM_SLACK: Duration = Duration::from_millis(40);
/// A second without a packet is a pause.
const PAUSE: Duration = Duration::from_millis(500);
