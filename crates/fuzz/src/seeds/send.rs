//! Scripts of a receiver for a send stream.

use wire::Ssrc;
use wire::rtcp::{Builder, Nack, NackItem, ReceiverReport, ReportBlock, WritePacket};

use super::Seeds;

/// Flags and the last number before the first, then steps: a kind, some milliseconds, and what the kind asks for.
pub fn send_stream() -> Seeds {
    let script = |flags: u8, before: u16, steps: &[Vec<u8>]| {
        [&[flags][..], &before.to_be_bytes(), &steps.concat()].concat()
    };
    let send = |ms: u8| vec![0, ms];
    let leap = |ms: u8, missing: u16| [&[3, ms][..], &missing.to_be_bytes()].concat();
    let restart = vec![4, 1];
    let nack = |ms: u8, first: u16, following: u16| {
        hear(ms, &Nack { sender: Ssrc(1), media: Ssrc(2), items: &[NackItem { first, following }] })
    };
    let report = |ms: u8, block: ReportBlock| {
        hear(ms, &ReceiverReport { ssrc: Ssrc(1), reports: &[ReportBlock { ssrc: Ssrc(2), ..block }] })
    };
    let block =
        |last_sender_report: u32, delay_since_last_sender_report: u32, cumulative_lost: i32| ReportBlock {
            last_sender_report,
            delay_since_last_sender_report,
            cumulative_lost,
            ..ReportBlock::default()
        };
    vec![
        ("repaired", script(0, 9, &[send(6), send(6), send(6), nack(40, 11, 1), nack(9, 11, 1)])),
        ("rollover", script(2, 65_534, &[send(1), send(1), send(1), nack(9, 65_535, 3), nack(99, 0, 1)])),
        ("everything", script(0, 9, &[send(1), nack(9, 0, 0xffff), nack(9, 17, 0xffff), nack(0xff, 9, 1)])),
        ("leaps", script(0, 9, &[leap(1, 2_999), leap(1, 2_999), send(1), nack(9, 3_009, 3), leap(9, 0)])),
        ("restarted", script(1, 9, &[send(1), send(1), restart, send(1), nack(9, 10, 7), nack(99, 12, 0)])),
        ("late", script(1, 9, &[send(1), vec![0xe0, 99], nack(9, 10, 1)])),
        (
            "near",
            script(0, 9, &[send(1), report(9, block(0x3a00_0001, 0, 3)), nack(1, 10, 0), nack(6, 10, 0)]),
        ),
        (
            "wild",
            script(0, 9, &[report(9, block(1, u32::MAX, i32::MIN)), report(9, block(u32::MAX, 1, i32::MAX))]),
        ),
    ]
}

fn hear(ms: u8, packet: &impl WritePacket) -> Vec<u8> {
    let mut out = [0; 64];
    let mut builder = Builder::new(&mut out);
    // They are shorter.
    let _ = builder.push(packet);
    let len = u8::try_from(builder.len()).unwrap_or_default();
    [&[5, ms, len][..], builder.written()].concat()
}
