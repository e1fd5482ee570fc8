//! What each subscriber was sent, so that two worlds can be compared: one shard and several forward the same packets.

use std::collections::BTreeMap;

use crate::media::digest;
use crate::sight::{Content, Sight};

/// The transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// By peer and SSRC, in order.
    sent: BTreeMap<(usize, u32), Vec<Entry>>,
    /// By peer: packets of media, retransmissions, and key frames that begin.
    counts: BTreeMap<usize, (usize, usize, usize)>,
}

/// Number, time and content of a packet.
type Entry = (u16, u32, u64);

impl Transcript {
    /// Sees something.
    pub fn see(&mut self, sight: &Sight<'_>) {
        let Sight::Out(who, packet, _) = sight else { return };
        let Content::Rtp(rtp, piece) = &packet.content else { return };
        if let Some(piece) = piece {
            let (media, repairs, key_frames) = self.counts.entry(*who).or_default();
            *(if piece.is_rtx { repairs } else { media }) += 1;
            *key_frames += usize::from(piece.begins_key_frame && !piece.is_rtx);
        }
        let entry = (rtp.sequence, rtp.timestamp, digest(rtp.payload) ^ u64::from(rtp.marker));
        self.sent.entry((*who, rtp.ssrc)).or_default().push(entry);
    }

    /// Packets in all.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.sent.values().map(Vec::len).sum()
    }

    /// Packets of media and retransmissions that a peer was sent.
    #[must_use]
    pub fn sent_to(&self, who: usize) -> (usize, usize) {
        self.counts.get(&who).map_or((0, 0), |(media, repairs, _)| (*media, *repairs))
    }

    /// Key frames that a peer was sent.
    #[must_use]
    pub fn key_frames(&self, who: usize) -> usize {
        self.counts.get(&who).map_or(0, |(_, _, key_frames)| *key_frames)
    }

    /// Where two transcripts part, in words.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let streams: std::collections::BTreeSet<_> = self.sent.keys().chain(other.sent.keys()).collect();
        let nothing = Vec::new();
        streams
            .into_iter()
            .filter_map(|stream| {
                let (here, there) =
                    (self.sent.get(stream).unwrap_or(&nothing), other.sent.get(stream).unwrap_or(&nothing));
                let same = here.iter().zip(there).take_while(|(a, b)| a == b).count();
                (here != there).then(|| {
                    let (who, ssrc) = stream;
                    let next = |list: &[Entry]| list.get(same).map(|(number, ..)| *number);
                    format!(
                        "peer {who}, {ssrc}: the first {same} of {} and {} are the same, then {:?} and {:?}",
                        here.len(),
                        there.len(),
                        next(here),
                        next(there)
                    )
                })
            })
            .collect()
    }
}
