//! What happened, in a form that a person can read: every step, every loss and what follows from it, and packets in full
//! for those who ask.

use std::fmt::Write as _;

use model::event::{ConsumerEvent, Event, ProducerEvent};
use wire::Mono;

use crate::media::{Heard, Piece, Rtp};
use crate::network::Passage;
use crate::sight::{Content, Packet, Sight};

/// How much of it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing.
    #[default]
    Nothing,
    /// Steps, events, requests, repairs and losses.
    Turns,
    /// Every packet at both ends of its path.
    Packets,
}

/// The timeline.
#[derive(Debug, Default)]
pub struct Timeline {
    detail: Detail,
    /// Only this peer, and steps.
    only: Option<usize>,
    lines: Vec<String>,
    left_out: usize,
}

impl Timeline {
    /// A timeline that keeps so much, of everybody or of one peer.
    #[must_use]
    pub const fn new(detail: Detail, only: Option<usize>) -> Self {
        Self { detail, only, lines: Vec::new(), left_out: 0 }
    }

    /// The lines, in order.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Lines that found no room.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Sees something.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        if self.detail == Detail::Nothing {
            return;
        }
        let whole = self.detail == Detail::Packets;
        let (who, line) = match sight {
            Sight::Step(description) => (None, Some(format!("== {description}"))),
            Sight::Publishes(who, video) => (Some(*who), Some(format!("publishes {}", video.ssrc))),
            Sight::Subscribes(who, of, watching) => {
                (Some(*who), Some(format!("subscribes to {of} as {}", watching.ssrc)))
            }
            Sight::Hostile(who) => (Some(*who), Some("is hostile".to_owned())),
            Sight::Serves(who, true) => (Some(*who), Some("is served".to_owned())),
            Sight::Serves(who, false) => (Some(*who), Some("is served no more".to_owned())),
            Sight::Note(who, note) => (Some(*who), Some((*note).to_owned())),
            Sight::Unopened(who, _) => (Some(*who), Some("is sent what nobody can open".to_owned())),
            Sight::Event(who, event) => (*who, told(event)),
            Sight::Up(who, packet, passage) => (Some(*who), path("-> ", packet, Some(passage), whole)),
            Sight::In(who, packet) => (Some(*who), whole.then(|| path("->|", packet, None, true)).flatten()),
            Sight::Out(who, packet, passage) => (Some(*who), path("|<-", packet, Some(passage), whole)),
            Sight::Down(who, packet) => {
                (Some(*who), whole.then(|| path("<- ", packet, None, true)).flatten())
            }
        };
        let Some(line) = line else { return };
        if self.only.is_some() && who.is_some() && who != self.only {
            return;
        }
        if self.lines.len() >= MOST_LINES {
            self.left_out += 1;
            return;
        }
        let who = who.map_or_else(|| "     ".to_owned(), |who| format!("{who:5}"));
        self.lines.push(format!("{:>12.3} ms {who}  {line}", millis(now)));
    }
}

/// A packet on its way; nothing if it is of no interest.
fn path(arrow: &str, packet: &Packet<'_>, passage: Option<&Passage>, whole: bool) -> Option<String> {
    let fate = match passage {
        Some(Passage::Lost(cause)) => format!("  LOST ({cause:?})"),
        Some(Passage::Arrives { again: Some(_), .. }) => "  twice".to_owned(),
        _ => String::new(),
    };
    let is_turn = !fate.is_empty();
    let text = match &packet.content {
        Content::Rtp(rtp, piece) => {
            let is_rtx = piece.is_some_and(|piece| piece.is_rtx);
            (whole || is_turn || is_rtx).then(|| rtp_text(rtp, piece.as_ref()))
        }
        Content::Rtcp(Ok(heard)) => rtcp_text(heard, whole || is_turn),
        Content::Rtcp(Err(why)) => Some(format!("RTCP that cannot be read: {why}")),
        Content::Unknown => Some(format!("{} bytes of something", packet.plain.len())),
    }?;
    Some(format!("{arrow} {text}{fate}"))
}

fn rtp_text(rtp: &Rtp<'_>, piece: Option<&Piece>) -> String {
    let mut text = format!("{} #{}", rtp.ssrc, rtp.sequence);
    if let Some(piece) = piece {
        if piece.is_rtx {
            let _ = write!(text, " repairs #{}", piece.sequence);
        }
        let _ = write!(text, " (piece {})", piece.mark.number);
        text.push_str(if piece.begins_key_frame { " key frame" } else { "" });
    }
    text
}

fn rtcp_text(heard: &[Heard], whole: bool) -> Option<String> {
    let mut text = String::new();
    for heard in heard {
        let _ = match heard {
            Heard::Nack { media, missing } => write!(text, "NACK {media} {missing:?}; "),
            Heard::Pli(media) => write!(text, "PLI {media}; "),
            Heard::Fir(media, number) => write!(text, "FIR {media} ({number}); "),
            Heard::Remb(rate) => write!(text, "REMB {rate}; "),
            Heard::SenderReport(report) if whole => write!(
                text,
                "SR {} ntp {:.6} ts {} packets {} octets {}; ",
                report.ssrc,
                seconds(report.ntp),
                report.timestamp,
                report.packets,
                report.octets
            ),
            Heard::Block { block, .. } if whole => write!(
                text,
                "RR {} lost {} ({}/256) highest {} jitter {}; ",
                block.ssrc, block.lost, block.fraction_lost, block.highest, block.jitter
            ),
            other if whole => write!(text, "{other:?}; "),
            _ => Ok(()),
        };
    }
    (!text.is_empty()).then(|| text.trim_end_matches("; ").to_owned())
}

fn told(event: &Event) -> Option<String> {
    match event {
        Event::Producer(_, ProducerEvent::Score(scores)) => {
            let scores: Vec<_> = scores.iter().map(|score| score.score).collect();
            Some(format!("producer score {scores:?}"))
        }
        Event::Consumer(_, ConsumerEvent::Score(score)) => {
            Some(format!("consumer score {} (producer {})", score.score, score.producer_score))
        }
        other => Some(format!("{other:?}")),
    }
}

/// Milliseconds since the origin.
#[expect(clippy::cast_precision_loss, reason = "for a reader")]
fn millis(at: Mono) -> f64 {
    at.as_nanos() as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "for a reader")]
fn seconds(ntp: u64) -> f64 {
    ntp as f64 / 4_294_967_296.0
}

/// Some hundred megabytes of text: a minute of packets of a room of ten.
const MOST_LINES: usize = 2_000_000;
