//! Our SRTP against webrtc-srtp, both ways, over networks that lose, repeat and reorder.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use srtp::{KeyMaterial, OpenError, Opener, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle, Suite};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

/// What one of our packets is made of, and its plain bytes.
struct Packet {
    ssrc: u32,
    index: PacketIndex,
    header_len: usize,
    padding_len: usize,
    bytes: Vec<u8>,
}

/// Several senders, each with its own counter and its own start.
struct Source {
    random: Random,
    next: Vec<PacketIndex>,
}

impl Source {
    fn new(seed: u64) -> Self {
        let starts = [(0, 0), (0, 5), (0, 32_767), (0, 32_768), (0, 65_530)];
        let next = starts.map(|(roc, sequence)| PacketIndex::from_parts(roc, sequence)).to_vec();
        Self { random: Random(seed), next }
    }

    fn packet(&mut self) -> Packet {
        let stream = self.random.below(self.next.len());
        // A sender's own gaps now and then are long, so that a run of a few thousand packets wraps often.
        let jump = if self.random.below(8) == 0 { 1 + self.random.below(20_000) } else { 1 };
        let index = self.next[stream];
        let after = index.value() + u64::try_from(jump).unwrap();
        self.next[stream] = PacketIndex::new(after).unwrap();
        self.with(0x1000 + u32::try_from(stream).unwrap(), index)
    }

    fn with(&mut self, ssrc: u32, index: PacketIndex) -> Packet {
        let csrcs = self.random.below(3);
        let extension_words = self.random.below(4);
        let payload_len = [0, 1, 15, 16, 17, 160, 1200][self.random.below(7)];
        let padding_len = [0, 0, 1, 7, 255][self.random.below(5)];
        let mut bytes = vec![0x80 | u8::try_from(csrcs).unwrap(), 96];
        bytes[0] |= if padding_len > 0 { 0x20 } else { 0 };
        bytes[0] |= if extension_words > 0 { 0x10 } else { 0 };
        bytes.extend(index.sequence().to_be_bytes());
        bytes.extend(self.random.bytes(4));
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend(self.random.bytes(4 * csrcs));
        if extension_words > 0 {
            bytes.extend([0xbe, 0xde, 0, u8::try_from(extension_words).unwrap()]);
            for _ in 0..extension_words {
                bytes.push(0x12);
                bytes.extend(self.random.bytes(3));
            }
        }
        let header_len = bytes.len();
        bytes.extend(self.random.bytes(payload_len));
        bytes.extend(self.random.bytes(padding_len));
        if let (Some(last), 1..) = (bytes.last_mut(), padding_len) {
            *last = u8::try_from(padding_len).unwrap();
        }
        Packet { ssrc, index, header_len, padding_len, bytes }
    }
}

/// A network that holds a few items back and lets them out in any order, loses some and repeats others.
struct Network<T> {
    held: Vec<T>,
}

impl<T: Clone> Network<T> {
    fn pass(&mut self, item: T, random: &mut Random) -> Vec<T> {
        match random.below(20) {
            0 => {}
            1 => self.held.extend([item.clone(), item]),
            _ => self.held.push(item),
        }
        let mut out = Vec::new();
        while self.held.len() > 20 || (!self.held.is_empty() && random.below(3) == 0) {
            let at = random.below(self.held.len());
            out.push(self.held.swap_remove(at));
        }
        out
    }
}

struct Ours {
    sealer: Sealer,
    streams: Vec<(u32, StreamHandle)>,
}

impl Ours {
    fn new(material: KeyMaterial) -> Self {
        Self { sealer: Sealer::new(material).unwrap(), streams: Vec::new() }
    }

    fn seal(&mut self, packet: &Packet, in_place: bool) -> Vec<u8> {
        let known = self.streams.iter().find(|(ssrc, _)| *ssrc == packet.ssrc).map(|(_, handle)| *handle);
        let handle = known.unwrap_or_else(|| {
            let handle = self.sealer.add_stream(packet.ssrc, Reseal::Never).unwrap();
            self.streams.push((packet.ssrc, handle));
            handle
        });
        let mut out = vec![0xee; packet.bytes.len() + srtp::MAX_RTP_OVERHEAD];
        let header_len = packet.header_len;
        let len = if in_place {
            out[..packet.bytes.len()].copy_from_slice(&packet.bytes);
            let body = header_len..packet.bytes.len();
            self.sealer.seal_rtp_in_place(handle, packet.index, &mut out, body).unwrap()
        } else {
            out[..header_len].copy_from_slice(&packet.bytes[..header_len]);
            let body = &packet.bytes[header_len..];
            let (payload, padding) = body.split_at(body.len() - packet.padding_len);
            let text = Plaintext { header_len, payload, padding };
            self.sealer.seal_rtp(handle, packet.index, &mut out, text).unwrap()
        };
        out.truncate(len);
        out
    }
}

/// Sealing is a function of key, index and bytes: both libraries give the same, in order and with wraps.
#[test]
fn both_seal_the_same_bytes() {
    for (suite, profile) in SUITES {
        let (material, mut theirs) = keys(suite, profile);
        let mut ours = Ours::new(material);
        let mut source = Source::new(1);
        for turn in 0..TURNS {
            let packet = source.packet();
            let expected = theirs.encrypt_rtp(&packet.bytes).unwrap();
            assert_eq!(ours.seal(&packet, turn % 3 == 0), expected, "{suite:?} {turn}");
        }
        assert!(source.next.iter().all(|next| next.roc() >= 2), "every sender wrapped several times");
    }
}

#[test]
fn theirs_opens_what_we_seal() {
    for (suite, profile) in SUITES {
        let (material, mut theirs) = keys(suite, profile);
        let mut ours = Ours::new(material);
        let mut source = Source::new(2);
        let mut network = Network { held: Vec::new() };
        let mut opened = 0;
        for _ in 0..TURNS {
            let packet = source.packet();
            let sealed = ours.seal(&packet, false);
            for (sealed, plain) in network.pass((sealed, packet.bytes), &mut source.random) {
                // Their replay list knows sequence numbers, not indices, and refuses more than ours.
                if let Ok(found) = theirs.decrypt_rtp(&sealed) {
                    assert_eq!(found, plain, "{suite:?}");
                    opened += 1;
                }
            }
        }
        assert!(opened > TURNS / 2, "{suite:?}: {opened}");
    }
}

#[test]
fn we_open_what_theirs_seals() {
    for (suite, profile) in SUITES {
        let (material, mut theirs) = keys(suite, profile);
        let mut opener = Opener::new(&material).unwrap();
        let mut source = Source::new(3);
        let mut network = Network { held: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut highest: BTreeMap<u32, PacketIndex> = BTreeMap::new();
        let mut out = vec![0; 2000];
        for _ in 0..TURNS {
            let packet = source.packet();
            let sealed = theirs.encrypt_rtp(&packet.bytes).unwrap().to_vec();
            for (sealed, packet) in network.pass((sealed, Rc::new(packet)), &mut source.random) {
                let outcome = opener.open_rtp(&sealed, packet.header_len, &mut out);
                let id = (packet.ssrc, packet.index);
                match expectation(highest.get(&packet.ssrc).copied(), packet.index, seen.contains(&id)) {
                    Some(Err(error)) => assert_eq!(outcome, Err(error), "{suite:?} {id:?}"),
                    Some(Ok(())) => assert!(outcome.is_ok(), "{suite:?} {id:?} {outcome:?}"),
                    None => {}
                }
                if let Ok(opened) = outcome {
                    assert_eq!(opened.index, packet.index, "{suite:?}");
                    assert_eq!(out[..opened.len], packet.bytes, "{suite:?}");
                    assert!(seen.insert(id), "{suite:?}: a replay was opened");
                    let top = highest.entry(packet.ssrc).or_insert(packet.index);
                    *top = packet.index.max(*top);
                }
            }
        }
        assert!(seen.len() > TURNS * 3 / 4, "{suite:?} {}", seen.len());
        assert!(highest.values().all(|top| top.roc() >= 2), "{suite:?} {highest:?}");
    }
}

/// What must become of an index, where RFC 3711 leaves no doubt.
fn expectation(top: Option<PacketIndex>, index: PacketIndex, seen: bool) -> Option<Result<(), OpenError>> {
    let Some(top) = top else {
        return Some(if index.roc() == 0 { Ok(()) } else { Err(OpenError::Unauthentic) });
    };
    if top.value().abs_diff(index.value()) >= 32_768 {
        // Half a rollover away or more: the receiver cannot tell in which round the packet was sent.
        return None;
    }
    match top.value().saturating_sub(index.value()) {
        0..1024 if seen => Some(Err(OpenError::Replayed)),
        0..1024 => Some(Ok(())),
        _ => Some(Err(OpenError::TooOld)),
    }
}

#[test]
fn rtcp_both_ways() {
    for (suite, profile) in SUITES {
        let (material, mut theirs) = keys(suite, profile);
        let mut opener = Opener::new(&material).unwrap();
        let mut sealer = Sealer::new(material).unwrap();
        let (_, mut their_opener) = keys(suite, profile);
        let mut random = Random(4);
        let mut network = Network { held: Vec::new() };
        let mut out = vec![0; 2000];
        let mut replays = 0;
        for turn in 0..1500_u32 {
            let mut packet = vec![0x80, 201, 0, 1];
            packet.extend((turn % 3).to_be_bytes());
            let words = random.below(40);
            packet.extend(random.bytes(4 * words));
            let len = sealer.seal_rtcp(&packet, &mut out).unwrap();
            assert_eq!(their_opener.decrypt_rtcp(&out[..len]).unwrap(), packet, "{suite:?}");

            let sealed = theirs.encrypt_rtcp(&packet).unwrap();
            for (sealed, plain) in network.pass((sealed, packet), &mut random) {
                match opener.open_rtcp(&sealed, &mut out) {
                    Ok(opened) => {
                        assert_eq!(out[..opened.len], plain, "{suite:?}");
                        assert!(opened.encrypted);
                    }
                    Err(error) => {
                        assert_eq!(error, OpenError::Replayed);
                        replays += 1;
                    }
                }
            }
        }
        assert!((10..200).contains(&replays), "{suite:?}: {replays}");
    }
}

fn keys(suite: Suite, profile: ProtectionProfile) -> (KeyMaterial, Context) {
    let mut random = Random(99);
    let key = random.bytes(suite.key_len());
    let salt = random.bytes(suite.salt_len());
    let replay = (Some(srtp_replay_protection(1024)), Some(srtcp_replay_protection(1024)));
    let theirs = Context::new(&key, &salt, profile, replay.0, replay.1).unwrap();
    (KeyMaterial::new(suite, &key, &salt).unwrap(), theirs)
}

/// splitmix64: enough to vary packets by a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_be_bytes()[0]).collect()
    }
}

/// Packets per suite and test: enough for every one of five senders to wrap more than once.
const TURNS: usize = 1500;
const SUITES: [(Suite, ProtectionProfile); 4] = [
    (Suite::AeadAes128Gcm, ProtectionProfile::AeadAes128Gcm),
    (Suite::AeadAes256Gcm, ProtectionProfile::AeadAes256Gcm),
    (Suite::AesCm128HmacSha1_80, ProtectionProfile::Aes128CmHmacSha1_80),
    (Suite::AesCm128HmacSha1_32, ProtectionProfile::Aes128CmHmacSha1_32),
];
