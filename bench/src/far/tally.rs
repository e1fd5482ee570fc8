//! What the sinks got in one slice, and whether it is what a receiver could use: every packet's size, SSRC and
//! sequence are checked, and some peers' packets are opened and compared with what the source sent.

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use crate::case::{
    AUDIO_BYTES, Case, PAYLOAD_TYPE_OUT, PAYLOAD_TYPE_RTX, Peer, RTP_HEADER, STREAMS_PER_ROOM, Shape,
    consumer_of,
};

/// One slice as the far end saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Packets the sources sent.
    pub(crate) sent: u64,
    /// Bursts they came in.
    pub(crate) bursts: u64,
    /// CPU of the far end.
    pub(crate) cpu_ns: u64,
    /// Packets the sinks got.
    pub(crate) received: u64,
    /// Packets missing or out of order inside a stream.
    pub(crate) gaps: u64,
    /// Packets that no receiver could use.
    pub(crate) bad: u64,
    /// RTCP packets among what they got, which nobody counts.
    pub(crate) rtcp: u64,
    /// Packets that were sent again, which nobody counts either.
    pub(crate) again: u64,
    /// Packets whose transport-wide number was another than that of the one before, and the same.
    pub(crate) numbered: u64,
    pub(crate) unnumbered: u64,
    /// Transport-wide feedback that sources got.
    pub(crate) told: u64,
    /// Trains seen whole by the sinks that ask for them, and the packets in those.
    pub(crate) runs: u64,
    pub(crate) in_runs: u64,
    /// Packets opened and compared.
    pub(crate) opened: u64,
    /// What was wrong with the first bad one.
    pub(crate) complaint: Option<String>,
}

/// The sinks of all peers towards one subject.
#[derive(Debug)]
pub(super) struct Sinks {
    tally: Tally,
    receives: Vec<bool>,
    expected: Vec<Option<u16>>,
    lengths: [usize; 2],
    /// Most bytes that a subject may add to a header.
    room: usize,
    /// Workers report whenever they please, in the floor's slices too.
    hears_workers: bool,
    case: Case,
    checkers: Vec<Option<Checker>>,
}

impl Sinks {
    /// `subject` 0 is the floor, whose packets are sealed but not SRTP. A foreign subject may add header extensions
    /// and send RTCP.
    pub(super) fn new(case: &Case, subject: usize, foreign: bool) -> Self {
        let peers = case.peers();
        let stride = (peers.len() / CHECKED_PEERS).max(1);
        let checker = |index: usize| {
            let checked = peers[index].receives && (index + 1).is_multiple_of(stride);
            checked
                .then(|| if subject == 0 { Checker::floor(case, index) } else { Checker::srtp(case, index) })
        };
        let tag = case.suite.tag_len();
        Self {
            tally: Tally::default(),
            receives: peers.iter().map(|peer| peer.receives).collect(),
            expected: vec![None; peers.len() * STREAMS_PER_ROOM],
            lengths: match case.shape {
                Shape::Fan => [case.bytes + tag; 2],
                Shape::Meeting => [case.bytes + tag, AUDIO_BYTES + tag],
            },
            room: if foreign && subject > 0 { EXTENSION_ROOM } else { 0 },
            hears_workers: foreign,
            case: *case,
            checkers: (0..peers.len()).map(checker).collect(),
        }
    }

    /// The subject has chosen these keys, by peer.
    pub(super) fn set_keys(&mut self, keys: &[Vec<u8>]) {
        for (peer, (checker, key)) in self.checkers.iter_mut().zip(keys).enumerate() {
            if let Some(checker) = checker {
                *checker = Checker::with_key(&self.case, peer, key);
            }
        }
    }

    pub(super) fn begin(&mut self) {
        self.tally = Tally::default();
        self.expected.fill(None);
    }

    pub(super) fn receives(&self, peer: usize) -> bool {
        self.receives.get(peer).copied().unwrap_or(false)
    }

    pub(super) fn received(&self) -> u64 {
        self.tally.received
    }

    /// A train came of so many packets.
    pub(super) fn take_train(&mut self, packets: u64) {
        if packets > 0 {
            self.tally.runs += 1;
            self.tally.in_runs += packets;
        }
    }

    /// A datagram came. Whether it is one of those that are counted.
    pub(super) fn take(&mut self, peer: usize, datagram: &[u8]) -> bool {
        let second = datagram.get(1).copied().filter(|_| self.hears_workers).unwrap_or(0);
        if RTCP_TYPES.contains(&second) {
            self.tally.rtcp += 1;
            return false;
        }
        if second & 0x7F == PAYLOAD_TYPE_RTX {
            self.tally.again += 1;
            return false;
        }
        self.tally.received += 1;
        if let Err(complaint) = self.examine(peer, datagram) {
            self.tally.bad += 1;
            self.tally.complaint.get_or_insert(complaint);
        }
        true
    }

    /// `sent` are the sources' packets and bursts.
    pub(super) fn finish(&mut self, sent: (u64, u64)) -> Tally {
        (self.tally.sent, self.tally.bursts) = sent;
        core::mem::take(&mut self.tally)
    }

    fn examine(&mut self, peer: usize, datagram: &[u8]) -> Result<(), String> {
        if !self.lengths.iter().any(|&len| (len..=len + self.room).contains(&datagram.len())) {
            return Err(format!("{} bytes, expected {:?}", datagram.len(), self.lengths));
        }
        let Some(&[first, second, high, low, _, _, _, _, a, b, c, d]) = datagram.first_chunk::<RTP_HEADER>()
        else {
            return Err("shorter than an RTP header".to_owned());
        };
        if first >> 6 != 2 || second & 0x7F != PAYLOAD_TYPE_OUT {
            return Err(format!("not RTP of payload type {PAYLOAD_TYPE_OUT}: {first:#04x} {second:#04x}"));
        }
        let ssrc = u32::from_be_bytes([a, b, c, d]);
        let Some((to, slot)) = consumer_of(ssrc).filter(|(to, _)| *to == peer) else {
            return Err(format!("SSRC {ssrc:#010x} at peer {peer}, which it is not for"));
        };
        let sequence = u16::from_be_bytes([high, low]);
        let expected = &mut self.expected[to * STREAMS_PER_ROOM + slot];
        if expected.is_some_and(|expected| expected != sequence) {
            self.tally.gaps += 1;
        }
        *expected = Some(sequence.wrapping_add(1));
        match self.checkers.get_mut(peer) {
            Some(Some(checker)) => {
                self.tally.opened += 1;
                checker.open(datagram, slot)
            }
            _ => Ok(()),
        }
    }
}

/// Peers who see in which runs packets were sent.
pub(super) fn witnesses(peers: &[Peer]) -> Vec<usize> {
    let receiving = peers.iter().enumerate().filter(|(_, peer)| peer.receives).map(|(number, _)| number);
    receiving.clone().take(receiving.count().div_ceil(PEERS_PER_WITNESS)).collect()
}

/// Peers whose every packet is opened: spread over the room, few enough for the far end's core.
const CHECKED_PEERS: usize = 4;
/// A sink that takes trains whole is cheaper to send to, for the floor as for the others: few do.
const PEERS_PER_WITNESS: usize = 50;
/// A block of header extensions, were it of all the kinds that a worker writes by itself.
const EXTENSION_ROOM: usize = 64;
/// Second bytes that tell RTCP from RTP on one port (RFC 5761 §4).
const RTCP_TYPES: core::ops::RangeInclusive<u8> = 192..=223;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Sockets, Spread, consumer_ssrc, payload_pattern};
    use crate::suite::Suite;

    fn clear_fan() -> Case {
        Case {
            shape: Shape::Fan,
            shards: 1,
            rooms: 1,
            consumers: 3,
            bytes: 100,
            burst: 1,
            suite: Suite::Clear,
            sockets: Sockets::Connected,
            spread: Spread::Even,
        }
    }

    fn packet(peer: usize, sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, PAYLOAD_TYPE_OUT];
        packet.extend(sequence.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(consumer_ssrc(peer, 0).to_be_bytes());
        packet.extend(payload_pattern(0, 0, 100));
        packet
    }

    #[test]
    fn good_packets_pass_and_each_kind_of_garbage_is_named() {
        let mut sinks = Sinks::new(&clear_fan(), 1, false);
        sinks.begin();
        sinks.take(1, &packet(1, 7));
        sinks.take(1, &packet(1, 8));
        let tally = sinks.finish((2, 1));
        assert_eq!((tally.received, tally.bad, tally.gaps, tally.opened), (2, 0, 0, 2));

        let mut wrong_payload = packet(1, 9);
        wrong_payload[50] ^= 1;
        let mut wrong_type = packet(1, 9);
        wrong_type[1] = 96;
        for (peer, bytes) in
            [(1, wrong_payload), (1, wrong_type), (2, packet(1, 9)), (1, packet(1, 9)[..99].to_vec())]
        {
            sinks.begin();
            sinks.take(peer, &bytes);
            let tally = sinks.finish((1, 1));
            assert_eq!(tally.bad, 1, "{bytes:?}");
            assert!(tally.complaint.is_some());
        }
    }

    #[test]
    fn a_missing_packet_is_a_gap() {
        let mut sinks = Sinks::new(&clear_fan(), 1, false);
        sinks.begin();
        sinks.take(2, &packet(2, u16::MAX));
        sinks.take(2, &packet(2, 0));
        sinks.take(2, &packet(2, 2));
        assert_eq!(sinks.finish((3, 1)).gaps, 1);
    }

    #[test]
    fn a_foreign_subject_may_add_extensions_and_rtcp_but_no_other_payload() {
        let extended = |payload_bytes: usize| {
            let plain = packet(1, 7);
            let (header, payload) = plain.split_at(RTP_HEADER);
            let extension = [0xBE, 0xDE, 0, 1, 0x10, 0x30, 0, 0];
            let mut packet = [header, &extension, &payload[..payload_bytes]].concat();
            packet[0] |= 0x10;
            packet
        };
        let report = [0x80, 200, 0, 1, 0, 0, 0, 0];
        let again = [0x80, PAYLOAD_TYPE_RTX, 0, 1, 0, 0, 0, 0];
        for (subject, foreign, bytes, bad, uncounted) in [
            (1, true, extended(88), 0, 0),
            (1, true, extended(80), 1, 0),
            (1, false, extended(88), 1, 0),
            (1, true, report.to_vec(), 0, 1),
            (1, true, again.to_vec(), 0, 1),
            (1, false, report.to_vec(), 1, 0),
            (0, true, report.to_vec(), 0, 1),
            (0, true, extended(88), 1, 0),
        ] {
            let mut sinks = Sinks::new(&clear_fan(), subject, foreign);
            sinks.begin();
            assert_eq!(sinks.take(1, &bytes), uncounted == 0);
            let tally = sinks.finish((1, 1));
            assert_eq!((tally.bad, tally.rtcp + tally.again), (bad, uncounted), "{foreign} {tally:?}");
        }
    }

    #[test]
    fn a_key_frame_is_what_was_sent_and_another_frame_is_not() {
        let mut sinks = Sinks::new(&clear_fan(), 1, false);
        for (kind, bad) in [(crate::case::VP8_KEY_FRAME, 0), (0x03, 1)] {
            sinks.begin();
            let mut frame = packet(1, 7);
            frame[RTP_HEADER + crate::case::VP8_FRAME_KIND] = kind;
            sinks.take(1, &frame);
            assert_eq!(sinks.finish((1, 1)).bad, bad);
        }
    }
}
