use super::{OpenError, Opened, OpenedRtcp, Opener};
use crate::{KeyMaterial, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle, Suite};
use proptest::prelude::*;

const SSRC: u32 = 0x0102_0304;
const HEADER_LEN: usize = 12;

fn material(suite: Suite) -> KeyMaterial {
    let bytes: Vec<u8> = (1..=64).collect();
    KeyMaterial::from_inline(suite, &bytes[..suite.key_len() + suite.salt_len()]).unwrap()
}

struct Pair {
    sealer: Sealer,
    stream: StreamHandle,
    opener: Opener,
    out: Vec<u8>,
}

impl Pair {
    fn new(suite: Suite) -> Self {
        let mut sealer = Sealer::new(material(suite)).unwrap();
        let stream = sealer.add_stream(SSRC, Reseal::Never).unwrap();
        Self { sealer, stream, opener: Opener::new(&material(suite)).unwrap(), out: vec![0; 300] }
    }

    fn sealed(&mut self, index: u64) -> Vec<u8> {
        self.sealed_for(self.stream, SSRC, index)
    }

    fn sealed_for(&mut self, stream: StreamHandle, ssrc: u32, index: u64) -> Vec<u8> {
        let index = PacketIndex::new(index).unwrap();
        let mut out = vec![0x80, 96];
        out.extend(index.sequence().to_be_bytes());
        out.extend([0; 4]);
        out.extend(ssrc.to_be_bytes());
        out.resize(200, 0);
        let text = Plaintext { header_len: HEADER_LEN, payload: b"some plaintext", padding: &[] };
        let len = self.sealer.seal_rtp(stream, index, &mut out, text).unwrap();
        out.truncate(len);
        out
    }

    fn open(&mut self, packet: &[u8]) -> Result<u64, OpenError> {
        self.opener.open_rtp(packet, HEADER_LEN, &mut self.out).map(|Opened { index, .. }| index.value())
    }

    fn sealed_rtcp(&mut self) -> Vec<u8> {
        let mut packet = vec![0x80, 201, 0, 1];
        packet.extend(SSRC.to_be_bytes());
        packet.extend(b"report");
        let mut out = vec![0; 100];
        let len = self.sealer.seal_rtcp(&packet, &mut out).unwrap();
        out.truncate(len);
        out
    }

    fn open_rtcp(&mut self, packet: &[u8]) -> Result<OpenedRtcp, OpenError> {
        self.opener.open_rtcp(packet, &mut self.out)
    }
}

#[test]
fn each_index_opens_once_within_the_window() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        let early: Vec<_> = (60_000..62_000).map(|index| pair.sealed(index)).collect();
        assert_eq!(pair.open(&early[0]), Ok(60_000));
        assert_eq!(pair.open(&early[0]), Err(OpenError::Replayed));
        assert_eq!(pair.open(&early[1500]), Ok(61_500));
        assert_eq!(pair.open(&early[1500 - 1024]), Err(OpenError::TooOld));
        assert_eq!(pair.open(&early[1500 - 1023]), Ok(61_500 - 1023));
        assert_eq!(pair.open(&early[1500 - 1023]), Err(OpenError::Replayed));
        assert_eq!(pair.open(&early[0]), Err(OpenError::TooOld));
        assert_eq!(pair.open(&early[1999]), Ok(61_999));
    }
}

#[test]
fn an_altered_packet_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        let first = pair.sealed(500);
        let good = pair.sealed(501);
        pair.open(&first).unwrap();
        let before = format!("{:?}", pair.opener);
        for position in 0..good.len() {
            for bit in [0x01, 0x80] {
                let mut altered = good.clone();
                altered[position] ^= bit;
                let outcome = pair.open(&altered);
                // Bytes 2 and 3 are the sequence number: 500 is known already, and far steps wait for proof.
                assert!(
                    matches!(outcome, Err(OpenError::Unauthentic | OpenError::Replayed | OpenError::TooOld)),
                    "{suite:?} {position} {outcome:?}"
                );
            }
        }
        for len in 0..good.len() {
            assert!(pair.open(&good[..len]).is_err(), "{suite:?} {len}");
        }
        assert_eq!(format!("{:?}", pair.opener), before);
        assert_eq!(pair.open(&good), Ok(501));
        assert_ne!(format!("{:?}", pair.opener), before, "the comparison sees what a packet changes");
    }
}

#[test]
fn an_altered_rtcp_packet_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        let first = pair.sealed_rtcp();
        let good = pair.sealed_rtcp();
        assert_eq!(pair.open_rtcp(&first), Ok(OpenedRtcp { index: 0, len: 14, encrypted: true }));
        assert_eq!(pair.open_rtcp(&first), Err(OpenError::Replayed));
        let before = format!("{:?}", pair.opener);
        for position in 0..good.len() {
            for bit in [0x01, 0x80] {
                let mut altered = good.clone();
                altered[position] ^= bit;
                let outcome = pair.open_rtcp(&altered);
                assert!(
                    matches!(outcome, Err(OpenError::Unauthentic | OpenError::Replayed)),
                    "{suite:?} {position} {outcome:?}"
                );
            }
        }
        for len in 0..good.len() {
            assert!(pair.open_rtcp(&good[..len]).is_err(), "{suite:?} {len}");
        }
        assert_eq!(format!("{:?}", pair.opener), before);
        assert_eq!(pair.open_rtcp(&good), Ok(OpenedRtcp { index: 1, len: 14, encrypted: true }));
        assert_eq!(&pair.out[8..14], b"report");
    }
}

#[test]
fn the_table_of_ssrcs_is_bounded_and_holds_only_authentic_ones() {
    let suite = Suite::AeadAes128Gcm;
    let mut pair = Pair::new(suite);
    pair.opener = Opener::with_max_streams(&material(suite), 2).unwrap();
    let other = pair.sealer.add_stream(7, Reseal::Never).unwrap();
    let third = pair.sealer.add_stream(8, Reseal::Never).unwrap();
    for ssrc in 100_u32..200 {
        let mut forged = pair.sealed(u64::from(ssrc));
        forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
        assert_eq!(pair.open(&forged), Err(OpenError::Unauthentic));
    }
    let first = pair.sealed(1);
    assert_eq!(pair.open(&first), Ok(1));
    let packet = pair.sealed_for(other, 7, 1);
    assert_eq!(pair.open(&packet), Ok(1));
    let packet = pair.sealed_for(third, 8, 1);
    assert_eq!(pair.open(&packet), Err(OpenError::TooManyStreams));
    let second = pair.sealed(2);
    assert_eq!(pair.open(&second), Ok(2), "the known go on");
    pair.opener.forget(7);
    assert_eq!(pair.open(&packet), Ok(1));
    assert_eq!(pair.open(&first), Err(OpenError::Replayed));
    pair.opener.forget(SSRC);
    pair.opener.forget(SSRC);
    assert_eq!(pair.open(&first), Ok(1), "forgotten is forgotten, as the documentation warns");
    let report = pair.sealed_rtcp();
    assert!(pair.open_rtcp(&report).is_ok());
    assert_eq!(pair.open_rtcp(&report), Err(OpenError::Replayed));
    pair.opener.forget(SSRC);
    assert!(pair.open_rtcp(&report).is_ok(), "so are its reports");
}

#[test]
fn misuse_and_short_packets_are_told_apart() {
    let mut pair = Pair::new(Suite::AesCm128HmacSha1_80);
    let good = pair.sealed(9);
    let mut out = [0; 100];
    let needed = good.len() - 10;
    assert_eq!(
        pair.opener.open_rtp(&good, HEADER_LEN, &mut out[..needed - 1]),
        Err(OpenError::NoRoom { needed })
    );
    assert_eq!(pair.opener.open_rtp(&good, 11, &mut out), Err(OpenError::Malformed));
    assert_eq!(pair.opener.open_rtp(&good, needed + 1, &mut out), Err(OpenError::Malformed));
    assert_eq!(pair.opener.open_rtp(&good, usize::MAX, &mut out), Err(OpenError::Malformed));
    let rtcp = pair.sealed_rtcp();
    assert_eq!(
        pair.opener.open_rtcp(&rtcp, &mut out[..rtcp.len() - 1]),
        Err(OpenError::NoRoom { needed: rtcp.len() })
    );
    assert_eq!(pair.opener.open_rtcp(&rtcp[..21], &mut out), Err(OpenError::Malformed));
    assert!(pair.opener.open_rtp(&good, HEADER_LEN, &mut out).is_ok());
}

#[test]
fn the_last_index_of_a_key_opens_and_none_after_it() {
    let mut pair = Pair::new(Suite::AeadAes256Gcm);
    let last = PacketIndex::MAX.value();
    let mut near = crate::window::IndexWindow::new();
    near.mark(last - 3);
    pair.opener.rtp_streams.insert(SSRC, near);
    let packet = pair.sealed(last);
    assert_eq!(pair.open(&packet), Ok(last));
    let mut beyond = packet.clone();
    beyond[2..4].copy_from_slice(&3_u16.to_be_bytes());
    assert_eq!(pair.open(&beyond), Err(OpenError::IndexExhausted));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_and_change_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        header_len in (0_usize..120).prop_map(|len| if len == 119 { usize::MAX } else { len }),
        room in 0_usize..120,
        suite in prop::sample::select(Suite::ALL.to_vec()),
    ) {
        let mut opener = Opener::new(&material(suite)).unwrap();
        let before = format!("{opener:?}");
        let mut out = vec![0; room];
        prop_assert!(opener.open_rtp(&bytes, header_len, &mut out).is_err());
        prop_assert!(opener.open_rtcp(&bytes, &mut out).is_err());
        prop_assert_eq!(format!("{opener:?}"), before);
    }
}

#[test]
fn keys_do_not_show() {
    let pair = Pair::new(Suite::AesCm128HmacSha1_80);
    for shown in [format!("{:?}", pair.opener), format!("{:?}", pair.sealer)] {
        assert!(shown.contains("rtp: CmSha1"), "{shown}");
        assert!(!shown.contains("salt"), "{shown}");
    }
}
