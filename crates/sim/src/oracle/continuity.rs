//! What a subscriber gets is what was published: contents, marker and spacing in number and time are the original's, numbers
//! close up over what it was not to get, and a retransmission repeats what was sent.

use std::collections::HashMap;

use wire::Mono;

use super::{Verdict, Wrong};
use crate::media::{Piece, Rtp};
use crate::sight::Sight;

/// The oracle.
#[derive(Debug, Default)]
pub struct Continuity {
    /// By publisher and piece.
    originals: HashMap<(usize, u32), Original>,
    sinks: HashMap<usize, Sink>,
    checked: usize,
    wrong: Wrong,
}

#[derive(Clone, Copy, Debug)]
struct Original {
    timestamp: u32,
    marker: bool,
    digest: u64,
}

#[derive(Debug, Default)]
struct Sink {
    of: usize,
    is_served: bool,
    /// What is added to a piece's number and timestamp, since the present spell began.
    offsets: Option<(u16, u32)>,
    /// The highest piece, and its number.
    highest: Option<(u32, u16)>,
    /// Numbers by piece, as they were sent.
    sent: HashMap<u32, u16>,
    last_rtx: HashMap<u32, u16>,
}

impl Continuity {
    /// Sees something.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        match sight {
            Sight::Subscribes(who, of, _) => {
                self.sinks.insert(*who, Sink { of: *of, is_served: true, ..Sink::default() });
            }
            Sight::Serves(who, is_served) => {
                if let Some(sink) = self.sinks.get_mut(who)
                    && core::mem::replace(&mut sink.is_served, *is_served) != *is_served
                {
                    sink.offsets = None;
                }
            }
            Sight::Up(who, packet, _) => {
                if let Some((rtp, piece)) = packet.piece().filter(|(_, piece)| !piece.is_rtx) {
                    let (timestamp, marker) = (rtp.timestamp, rtp.marker);
                    let original = Original { timestamp, marker, digest: piece.digest };
                    self.originals.insert((*who, piece.mark.number), original);
                }
            }
            Sight::Out(who, packet, _) => {
                let Some((rtp, piece)) = packet.piece() else { return };
                let Some(sink) = self.sinks.get_mut(who) else { return };
                self.checked += 1;
                let Some(original) = self.originals.get(&(sink.of, piece.mark.number)) else {
                    self.wrong.add(|| format!("peer {who} is sent piece {} of nobody", piece.mark.number));
                    return;
                };
                let what = sink.check(rtp, piece, original);
                if let Err(what) = what {
                    let at = now.as_nanos() / 1_000_000;
                    self.wrong.add(|| format!("peer {who}, piece {} at {at} ms: {what}", piece.mark.number));
                }
            }
            _ => {}
        }
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let figures = vec![format!("{} copies compared with their originals", self.checked)];
        Verdict { oracle: "continuity", wrong: self.wrong.clone(), figures }
    }
}

impl Sink {
    fn check(&mut self, rtp: &Rtp<'_>, piece: &Piece, original: &Original) -> Result<(), String> {
        if piece.digest != original.digest {
            return Err("its content is another".to_owned());
        }
        if rtp.marker != original.marker {
            return Err(format!("its marker is {}", rtp.marker));
        }
        let number = piece.mark.number;
        if piece.is_rtx {
            let before = self.last_rtx.insert(rtp.ssrc, rtp.sequence);
            if before.is_some_and(|before| rtp.sequence != before.wrapping_add(1)) {
                return Err(format!("retransmission {} follows {before:?}", rtp.sequence));
            }
            return match self.sent.get(&number) {
                Some(sent) if *sent == piece.sequence => Ok(()),
                sent => Err(format!("is repeated as {}, and was sent as {sent:?}", piece.sequence)),
            };
        }
        let [_, _, a, b] = number.to_be_bytes();
        let of_number = rtp.sequence.wrapping_sub(u16::from_be_bytes([a, b]));
        let of_time = rtp.timestamp.wrapping_sub(original.timestamp);
        let again = self.sent.insert(number, rtp.sequence);
        let highest = self.highest;
        if highest.is_none_or(|(highest, _)| number > highest) {
            self.highest = Some((number, rtp.sequence));
        }
        match (self.offsets, highest) {
            (Some(offsets), _) if offsets != (of_number, of_time) => {
                Err(format!("its number or time is off by {of_number}, {of_time}, others by {offsets:?}"))
            }
            // The first after a spell follows the last before it, or a gap of one says that they do not belong together.
            (None, Some((_, last))) if again.is_none() => {
                self.offsets = Some((of_number, of_time));
                let step = rtp.sequence.wrapping_sub(last);
                if (1..=2).contains(&step) {
                    Ok(())
                } else {
                    Err(format!("its number follows {last} by {step}"))
                }
            }
            _ => {
                self.offsets = Some((of_number, of_time));
                Ok(())
            }
        }
    }
}
