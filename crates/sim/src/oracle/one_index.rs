//! Under one key an (SSRC, index) is sealed with exactly one byte string, ever (RFC 3711 §9.1, RFC 7714 §8.1).
//!
//! Decrypts nothing and asks nobody: the index is estimated from the sequence number as RFC 3711 §3.3.1 and appendix A
//! tell a receiver, over the packets in the order in which they leave, of which this observer misses none. Of SRTCP the
//! index stands in the packet (RFC 3711 §3.4).

use std::collections::HashMap;

use super::{Verdict, Wrong};
use crate::media::{digest, is_rtcp};
use crate::sight::Sight;

/// The oracle.
#[derive(Debug, Default)]
pub struct OneIndex {
    /// By peer, whose key it is, and SSRC.
    streams: HashMap<(usize, u32), Stream>,
    reports: HashMap<(usize, u32), u64>,
    sealed: usize,
    wrong: Wrong,
}

#[derive(Debug, Default)]
struct Stream {
    highest: u64,
    strings: HashMap<u64, u64>,
}

impl OneIndex {
    /// Sees something.
    pub fn see(&mut self, sight: &Sight<'_>) {
        match sight {
            Sight::Out(who, packet, _) => match packet.sealed {
                Some(bytes) if is_rtcp(bytes) => self.report(*who, bytes, packet.plain.len()),
                Some(bytes) => self.media(*who, bytes),
                None => {}
            },
            // Whether anybody can open it makes no difference.
            Sight::Unopened(who, bytes) if !is_rtcp(bytes) => self.media(*who, bytes),
            _ => {}
        }
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let figures = vec![format!("{} packets sealed, {} streams", self.sealed, self.streams.len())];
        Verdict { oracle: "one index", wrong: self.wrong.clone(), figures }
    }
}

impl OneIndex {
    fn report(&mut self, who: usize, bytes: &[u8], plain_len: usize) {
        self.sealed += 1;
        let Some(index) = srtcp_index(bytes, plain_len) else { return };
        let string = digest(bytes);
        if self.reports.insert((who, index), string).is_some_and(|before| before != string) {
            self.wrong.add(|| format!("peer {who}: the SRTCP index {index} seals two packets"));
        }
    }

    fn media(&mut self, who: usize, bytes: &[u8]) {
        self.sealed += 1;
        let Some([_, _, s0, s1, _, _, _, _, c0, c1, c2, c3]) = bytes.first_chunk::<12>() else { return };
        let sequence = u16::from_be_bytes([*s0, *s1]);
        let ssrc = u32::from_be_bytes([*c0, *c1, *c2, *c3]);
        let is_new = !self.streams.contains_key(&(who, ssrc));
        let stream = self.streams.entry((who, ssrc)).or_default();
        let index =
            if is_new { u64::from(sequence) + FIRST_ROUND } else { estimate(stream.highest, sequence) };
        stream.highest = stream.highest.max(index);
        let string = digest(bytes);
        if stream.strings.insert(index, string).is_some_and(|before| before != string) {
            self.wrong.add(|| format!("peer {who}: index {sequence} of {ssrc} seals two packets"));
        }
    }
}

/// RFC 3711 appendix A: the index closest to the highest so far.
fn estimate(highest: u64, sequence: u16) -> u64 {
    let [.., a, b] = highest.to_be_bytes();
    let ahead = sequence.wrapping_sub(u16::from_be_bytes([a, b])).cast_signed();
    highest.saturating_add_signed(i64::from(ahead))
}

/// RFC 3711 §3.4: the word behind the encrypted part, with the flag E on top; behind it, the tag of suites that
/// authenticate apart. With GCM (RFC 7714 §9) the tag is inside and the word comes last.
fn srtcp_index(bytes: &[u8], plain_len: usize) -> Option<u32> {
    let overhead = bytes.len().checked_sub(plain_len)?;
    let at = if overhead == GCM_OVERHEAD { bytes.len() - 4 } else { plain_len };
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word) & 0x7fff_ffff)
}

/// A packet that was numbered before the first and comes later has an index, too.
const FIRST_ROUND: u64 = 1 << 16;
/// A tag of 16 bytes, and the word.
const GCM_OVERHEAD: usize = 20;
