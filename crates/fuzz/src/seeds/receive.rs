//! Scripts of a sender for a receive stream.

use wire::rtcp::{Builder, SenderInfo, SenderReport};
use wire::{Ntp, Ssrc};

use super::Seeds;

/// Flags and the first number, then steps: a kind, some milliseconds, and what the kind asks for.
pub fn receive_stream() -> Seeds {
    let script = |flags: u8, first: u16, steps: &[Vec<u8>]| {
        [&[flags][..], &first.to_be_bytes(), &steps.concat()].concat()
    };
    let media = |ms: u8, sequence: u16| {
        let timestamp = u32::from(sequence).wrapping_mul(3_000);
        [&[0, ms][..], &sequence.to_be_bytes(), &timestamp.to_be_bytes()].concat()
    };
    let rtx = |ms: u8, sequence: u16, original: u16| {
        let [a, b] = sequence.to_be_bytes();
        let [c, d] = original.to_be_bytes();
        vec![2, ms, 18, 0x80, 97, a, b, 0, 0, 0, 1, 0, 0, 0, 3, c, d, 1, 2, 3, 4]
    };
    let report = |ms: u8, ntp: u64, rtp_timestamp: u32| {
        let info = SenderInfo { ntp: Ntp(ntp), rtp_timestamp, ..SenderInfo::default() };
        let mut out = [0; 28];
        // It has exactly that length.
        let _ = Builder::new(&mut out).push(&SenderReport { ssrc: Ssrc(2), info, reports: &[] });
        [&[3, ms, 28][..], &out].concat()
    };
    let wide = |ms: u8, number: u16| [&[4, ms][..], &number.to_be_bytes()].concat();
    vec![
        ("repaired", script(5, 65_534, &[media(5, 0), media(12, 1), rtx(40, 7, 65_535), rtx(1, 8, 65_535)])),
        ("loop", script(5, 100, &[rtx(1, 50, 100), rtx(1, 51, 51), rtx(1, 52, 103), media(9, 101)])),
        ("probe", script(5, 1, &[vec![2, 1, 12, 0x80, 97, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3]])),
        ("restart", script(5, 1, &[media(5, 9), media(5, 40_000), media(5, 40_001), media(5, 40_003)])),
        ("overflow", script(1, 1, &[media(5, 900), media(5, 1_800), media(5, 2_700), media(50, 5_699)])),
        (
            "scored",
            script(5, 1, &[media(9, 4), report(99, 7 << 32, 900), media(9, 9), report(99, 9 << 32, 9_000)]),
        ),
        (
            "wild-clock",
            script(5, 1, &[report(9, u64::MAX, 1 << 31), media(9, 2), report(9, 1 << 63, 0), media(9, 3)]),
        ),
        ("silent", script(7, 1, &[vec![0xe7, 99], media(9, 2), vec![5, 0], vec![0xe6, 255], media(9, 7)])),
        ("wide", script(0, 1, &[wide(1, 65_534), wide(1, 1), wide(99, 0), wide(99, 40_000), wide(0xff, 9)])),
    ]
}
