//! What each subscriber was sent, so that two worlds can be compared: one shard and several forward the same packets.

use std::collections::BTreeMap;

use crate::media::digest;
use crate::sight::{Content, Sight};

/// The transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// By peer and SSRC, in order.
    sent: BTreeMap<(usize, u32), Vec<Entry>>,
}

/// Number, time and content of a packet.
type Entry = (u16, u32, u64);

impl Transcript {
    /// Sees something.
    pub fn see(&mut self, sight: &Sight<'_>) {
        let Sight::Out(who, packet, _) = sight else { return };
        let Content::Rtp(rtp, _) = &packet.content else { return };
        let entry = (rtp.sequence, rtp.timestamp, digest(rtp.payload) ^ u64::from(rtp.marker));
        self.sent.entry((*who, rtp.ssrc)).or_default().push(entry);
    }

    /// Packets in all.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.sent.values().map(Vec::len).sum()
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
