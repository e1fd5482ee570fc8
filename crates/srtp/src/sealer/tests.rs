use super::{Reseal, SealError, Sealer};
use crate::{KeyMaterial, Opener, PacketIndex, Plaintext, Suite};

const SSRC: u32 = 0x0102_0304;

fn material(suite: Suite) -> KeyMaterial {
    let bytes: Vec<u8> = (1..=64).collect();
    KeyMaterial::from_inline(suite, &bytes[..suite.key_len() + suite.salt_len()]).unwrap()
}

fn packet(index: PacketIndex) -> [u8; 300] {
    let mut out = [0; 300];
    out[0] = 0x80;
    out[2..4].copy_from_slice(&index.sequence().to_be_bytes());
    out[8..12].copy_from_slice(&SSRC.to_be_bytes());
    out
}

fn text(payload: &[u8]) -> Plaintext<'_> {
    Plaintext { header_len: 12, payload, padding: &[] }
}

fn index(value: u64) -> PacketIndex {
    PacketIndex::new(value).unwrap()
}

fn seal(
    sealer: &mut Sealer,
    stream: super::StreamHandle,
    at: u64,
    payload: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut out = packet(index(at));
    let len = sealer.seal_rtp(stream, index(at), &mut out, text(payload))?;
    Ok(out[..len].to_vec())
}

#[test]
fn what_is_sealed_opens_with_and_without_padding_and_in_place() {
    for suite in SUITES {
        let mut sealer = Sealer::new(material(suite)).unwrap();
        let mut opener = Opener::new(&material(suite)).unwrap();
        let stream = sealer.add_stream(SSRC, Reseal::Never).unwrap();
        let mut opened = [0; 300];
        for (at, padding) in [(10, &[][..]), (11, &[1][..]), (12, &[0, 0, 3][..]), (13, &[0; 40][..])] {
            let mut out = packet(index(at));
            let text = Plaintext { header_len: 12, payload: b"a payload of no length to speak of", padding };
            let len = sealer.seal_rtp(stream, index(at), &mut out, text).unwrap();
            assert_eq!(len, 12 + 34 + padding.len() + suite.rtp_overhead());
            let found = opener.open_rtp(&out[..len], 12, &mut opened).unwrap();
            assert_eq!((found.index, found.len), (index(at), 12 + 34 + padding.len()));
            assert_eq!(opened[..12], out[..12]);
            assert_eq!(opened[12..46], *text.payload);
            assert_eq!(&opened[46..found.len], padding);
        }
        let mut apart = packet(index(20));
        let mut whole = apart;
        whole[12..18].copy_from_slice(b"abcdef");
        let mut other = Sealer::new(material(suite)).unwrap();
        let other_stream = other.add_stream(SSRC, Reseal::Never).unwrap();
        let len = sealer.seal_rtp(stream, index(20), &mut apart, text(b"abcdef")).unwrap();
        assert_eq!(other.seal_rtp_in_place(other_stream, index(20), &mut whole, 12..18), Ok(len));
        assert_eq!(apart[..len], whole[..len], "{suite:?}");
    }
}

#[test]
fn an_index_is_sealed_once() {
    let mut sealer = Sealer::new(material(SUITES[0])).unwrap();
    let stream = sealer.add_stream(SSRC, Reseal::Never).unwrap();
    for at in [70_000, 70_002, 70_001, 68_977 + 2, 71_000] {
        assert!(seal(&mut sealer, stream, at, b"once").is_ok(), "{at}");
        assert_eq!(seal(&mut sealer, stream, at, b"twice"), Err(SealError::IndexUsed), "{at}");
    }
    assert_eq!(seal(&mut sealer, stream, 71_000 - 1024, b"late"), Err(SealError::IndexTooOld));
    assert!(seal(&mut sealer, stream, 71_000 - 1023, b"reordered").is_ok());
}

#[test]
fn the_highest_index_outlives_its_stream() {
    let mut sealer = Sealer::new(material(SUITES[0])).unwrap();
    let first = sealer.add_stream(SSRC, Reseal::Proven).unwrap();
    assert_eq!(sealer.add_stream(SSRC, Reseal::Never), Err(SealError::StreamExists));
    seal(&mut sealer, first, 500, b"x").unwrap();
    assert!(sealer.remove_stream(first));
    assert!(!sealer.remove_stream(first));
    assert_eq!(seal(&mut sealer, first, 501, b"x"), Err(SealError::UnknownStream));
    assert_eq!(sealer.highest_index(SSRC), Some(index(500)));

    let second = sealer.add_stream(SSRC, Reseal::Proven).unwrap();
    assert_eq!(seal(&mut sealer, first, 501, b"x"), Err(SealError::UnknownStream));
    for at in [500, 499, 1] {
        assert_eq!(seal(&mut sealer, second, at, b"y"), Err(SealError::IndexUsed), "{at}");
    }
    let mut out = packet(index(500));
    let again = sealer.reseal_rtp(second, index(500), &mut out, text(b"x"));
    assert_eq!(again, Err(SealError::NotIdentical), "the proofs went with the stream");
    assert!(seal(&mut sealer, second, 501, b"y").is_ok());
}

#[test]
fn a_repetition_is_released_only_when_identical() {
    for suite in SUITES {
        let mut sealer = Sealer::new(material(suite)).unwrap();
        let stream = sealer.add_stream(SSRC, Reseal::Proven).unwrap();
        let first = seal(&mut sealer, stream, 7, b"the payload").unwrap();
        let mut out = packet(index(7));
        let len = sealer.reseal_rtp(stream, index(7), &mut out, text(b"the payload")).unwrap();
        assert_eq!(out[..len], first);

        let mut out = packet(index(7));
        out[12..23].copy_from_slice(b"the payload");
        assert_eq!(sealer.reseal_rtp_in_place(stream, index(7), &mut out, 12..23), Ok(len));
        assert_eq!(out[..len], first);

        let mut out = packet(index(7));
        let other = sealer.reseal_rtp(stream, index(7), &mut out, text(b"the Payload"));
        assert_eq!(other, Err(SealError::NotIdentical));
        assert!(out.iter().all(|&byte| byte == 0), "nothing of it can leak");

        let mut out = packet(index(7));
        out[1] = 0x80; // the marker bit
        let other = sealer.reseal_rtp(stream, index(7), &mut out, text(b"the payload"));
        assert_eq!(other, Err(SealError::NotIdentical));

        let mut out = packet(index(8));
        assert_eq!(sealer.reseal_rtp(stream, index(8), &mut out, text(b"x")), Err(SealError::NeverSealed));
        seal(&mut sealer, stream, 7 + 1024, b"far ahead").unwrap();
        let mut out = packet(index(7));
        let old = sealer.reseal_rtp(stream, index(7), &mut out, text(b"the payload"));
        assert_eq!(old, Err(SealError::IndexTooOld));
    }
}

#[test]
fn misuse_is_refused_and_uses_no_index() {
    let mut sealer = Sealer::new(material(SUITES[0])).unwrap();
    let stream = sealer.add_stream(SSRC, Reseal::Never).unwrap();
    let mut out = packet(index(5));
    assert_eq!(sealer.seal_rtp(stream, index(6), &mut out, text(b"")), Err(SealError::HeaderMismatch));
    out[11] ^= 1;
    assert_eq!(sealer.seal_rtp(stream, index(5), &mut out, text(b"")), Err(SealError::HeaderMismatch));
    out[11] ^= 1;
    let short = sealer.seal_rtp(stream, index(5), &mut out[..30], text(b"abc"));
    assert_eq!(short, Err(SealError::NoRoom { needed: 12 + 3 + 16 }));
    #[expect(clippy::reversed_empty_ranges, reason = "the misuse under test")]
    let reversed = sealer.seal_rtp_in_place(stream, index(5), &mut out, 40..12);
    assert_eq!(reversed, Err(SealError::BodyReversed), "or all of the packet would be clear, as a header");
    let headless = Plaintext { header_len: 11, payload: b"abc", padding: &[] };
    assert_eq!(sealer.seal_rtp(stream, index(5), &mut out, headless), Err(SealError::HeaderMismatch));
    let headless = sealer.seal_rtp_in_place(stream, index(5), &mut out, 0..20);
    assert_eq!(headless, Err(SealError::HeaderMismatch));
    let mut out = packet(index(5));
    assert_eq!(sealer.reseal_rtp(stream, index(5), &mut out, text(b"")), Err(SealError::ResealNotKept));
    assert!(sealer.seal_rtp(stream, index(5), &mut out, text(b"")).is_ok());
}

#[test]
fn nothing_longer_than_a_datagram_is_sealed() {
    for suite in SUITES {
        let mut sealer = Sealer::new(material(suite)).unwrap();
        let stream = sealer.add_stream(SSRC, Reseal::Proven).unwrap();
        let mut out = vec![0; 1 << 21];
        out[..12].copy_from_slice(&packet(index(5))[..12]);
        let longest = 65_535 - 12 - suite.rtp_overhead();
        // 2^16 blocks of AES-CM and one more: that one is the first of another index.
        let payload = vec![0; (1 << 20) + 16];
        for len in [payload.len(), longest + 1] {
            let sealed = sealer.seal_rtp(stream, index(5), &mut out, text(&payload[..len]));
            assert_eq!(sealed, Err(SealError::TooLong), "{suite:?} {len}");
            let sealed = sealer.seal_rtp_in_place(stream, index(5), &mut out, 12..12 + len);
            assert_eq!(sealed, Err(SealError::TooLong), "{suite:?} {len}");
        }
        assert_eq!(sealer.seal_rtp(stream, index(5), &mut out, text(&payload[..longest])), Ok(65_535));
        assert_eq!(sealer.seal_rtcp(&payload, &mut out), Err(SealError::TooLong));
    }
}

#[test]
fn the_table_of_ssrcs_is_bounded() {
    let mut sealer = Sealer::with_max_ssrcs(material(SUITES[0]), 100).unwrap();
    let kept = sealer.add_stream(SSRC, Reseal::Never).unwrap();
    for ssrc in 0..99 {
        let stream = sealer.add_stream(ssrc, Reseal::Never).unwrap();
        let mut out = packet(index(1));
        out[8..12].copy_from_slice(&ssrc.to_be_bytes());
        sealer.seal_rtp(stream, index(1), &mut out, text(b"")).unwrap();
        assert!(sealer.remove_stream(stream));
    }
    assert_eq!(sealer.add_stream(u32::MAX, Reseal::Never), Err(SealError::TooManyStreams));
    assert_eq!(sealer.streams_refused(), 1);
    assert!(sealer.add_stream(3, Reseal::Never).is_ok(), "an SSRC the key knows may come back");
    // A stream that sealed nothing leaves nothing behind.
    assert!(sealer.remove_stream(kept));
    assert!(sealer.add_stream(u32::MAX, Reseal::Never).is_ok());
}

#[test]
fn more_ssrcs_come_and_go_than_may_be_in_use_and_none_is_forgotten() {
    let mut sealer = Sealer::new(material(SUITES[0])).unwrap();
    let all = u32::try_from(Sealer::MAX_STREAMS).unwrap() + 2;
    let last = PacketIndex::from_parts(u32::MAX, u16::MAX);
    for ssrc in 0..all {
        let highest = if ssrc == 1 { last } else { index(u64::from(ssrc) + 1) };
        let stream = sealer.add_stream(ssrc, Reseal::Never).unwrap();
        let mut out = packet(highest);
        out[8..12].copy_from_slice(&ssrc.to_be_bytes());
        sealer.seal_rtp(stream, highest, &mut out, text(b"")).unwrap();
        assert!(sealer.remove_stream(stream));
    }
    assert_eq!(sealer.highest_index(0_u32), Some(index(1)));
    assert_eq!(sealer.highest_index(1_u32), Some(last));
    let stream = sealer.add_stream(all - 1, Reseal::Never).unwrap();
    let mut out = packet(index(u64::from(all)));
    out[8..12].copy_from_slice(&(all - 1).to_be_bytes());
    assert_eq!(
        sealer.seal_rtp(stream, index(u64::from(all)), &mut out, text(b"")),
        Err(SealError::IndexUsed),
        "what it sealed before it was removed"
    );
    // So many at once are too many, whatever the key may see.
    let streams = (0..).map_while(|ssrc| sealer.add_stream(ssrc, Reseal::Never).ok());
    assert_eq!(streams.count(), Sealer::MAX_STREAMS - 1);
}

#[test]
fn rtcp_indices_count_up_over_all_ssrcs_and_end() {
    for suite in SUITES {
        let mut sealer = Sealer::new(material(suite)).unwrap();
        let mut opener = Opener::new(&material(suite)).unwrap();
        let (mut out, mut opened) = ([0; 60], [0; 60]);
        for expected in 0..4_u8 {
            let report = [0x80, 201, 0, 1, 0, 0, 0, expected % 2];
            let len = sealer.seal_rtcp(&report, &mut out).unwrap();
            assert_eq!(len, report.len() + suite.rtcp_overhead());
            assert_eq!(opener.open_rtcp(&out[..len], &mut opened).unwrap().index, u32::from(expected));
        }
        let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
        assert_eq!(sealer.seal_rtcp(&report[..7], &mut out), Err(SealError::ShortRtcp));
        let needed = report.len() + suite.rtcp_overhead();
        let short = sealer.seal_rtcp(&report, &mut out[..needed - 1]);
        assert_eq!(short, Err(SealError::NoRoom { needed }));

        sealer.rtcp_next = (1 << 31) - 1;
        assert_eq!(sealer.seal_rtcp(&report, &mut out), Ok(needed));
        assert_eq!(opener.open_rtcp(&out[..needed], &mut opened).unwrap().index, (1 << 31) - 1);
        assert_eq!(sealer.seal_rtcp(&report, &mut out), Err(SealError::RtcpIndexExhausted));
    }
}

const SUITES: [Suite; 4] = Suite::ALL;
