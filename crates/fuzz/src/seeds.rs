//! What the corpus of each target begins with: small inputs, one for every form that the target knows.
//!
//! `cargo run -p fuzz --example seeds` writes them to `corpus/`; a test holds the committed files to them. Inputs
//! that fuzzing found are added beside them by hand.

mod dtls;
mod ice;
mod receive;
mod send;

use wire::rtcp::{
    App, Builder, Bye, CNAME, DlrrReport, Fir, FirItem, Nack, NackItem, Pli, ReceiverReport, Remb,
    ReportBlock, Sdes, SdesChunk, SdesItem, SenderInfo, SenderReport, TransportCc, WritePacket, Xr, XrBlock,
};
use wire::{Ntp, Ssrc};

pub use dtls::dtls_handshake;
pub use ice::{ice_framing, stun};
pub use receive::receive_stream;
pub use send::send_stream;

type Seeds = Vec<(&'static str, Vec<u8>)>;

/// Headers of every form.
pub fn rtp_view() -> Seeds {
    let with = |first: u8, rest: &[&[u8]]| {
        let fixed: &[u8] = &[first, 0xe0, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 2];
        [&[fixed][..], rest].concat().concat()
    };
    vec![
        ("bare", with(0x80, &[b"payload"])),
        ("csrcs", with(0x82, &[&[0, 0, 0, 3, 0, 0, 0, 4], b"payload"])),
        ("padding", with(0xa0, &[b"payload", &[0, 0, 3]])),
        ("padding-only", with(0xa0, &[&[0, 0, 0, 4]])),
        ("one-byte", with(0x90, &[ONE_BYTE, b"payload"])),
        ("one-byte-id-15", with(0x90, &[&[0xbe, 0xde, 0, 2, 0x10, 5, 0xf0, 1, 0x20, 6, 0, 0]])),
        ("one-byte-id-0-with-length", with(0x90, &[&[0xbe, 0xde, 0, 1, 0x10, 5, 0x03, 1]])),
        ("two-byte", with(0x90, &[TWO_BYTE, b"payload"])),
        ("two-byte-too-long", with(0x90, &[&[0x10, 0, 0, 1, 7, 9, 1, 2]])),
        ("unknown-profile", with(0x90, &[&[0xab, 0xcd, 0, 1, 1, 2, 3, 4]])),
        ("everything", with(0xb1, &[&[0, 0, 0, 3], ONE_BYTE, b"payload", &[0, 2]])),
    ]
}

/// Instructions, then a packet.
pub fn rtp_rewrite() -> Seeds {
    let job = |mid: &[u8], two_byte: u8, reserved: [u8; 3], copies: &[[u8; 2]], values: &[u8]| {
        let mut data = vec![101, 1, 0xff, 0xfe, 0, 0, 0, 9, 0, 0, 0, 8, 0];
        data.push(u8::try_from(mid.len()).unwrap_or_default());
        data.extend(mid);
        data.push(two_byte);
        data.extend(reserved);
        data.push(u8::try_from(copies.len()).unwrap_or_default());
        data.extend(copies.concat());
        data.extend(values);
        data
    };
    let packet = |extension: &[u8]| {
        [&[0x91, 0xe0, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], extension, b"payload"].concat()
    };
    let copies = [[1, 3], [2, 4], [3, 5], [4, 6], [5, 7], [200, 9]];
    vec![
        ("bare", job(b"", 0, [0; 3], &[], &[0])),
        ("reserved", [job(b"mid0", 0, [1, 2, 3], &[], &[0]), packet(ONE_BYTE)].concat()),
        ("copied", [job(b"", 0, [0; 3], &copies, &[0]), packet(ONE_BYTE)].concat()),
        ("two-byte-left-out", [job(b"0", 0, [1, 2, 3], &copies, &[0]), packet(TWO_BYTE)].concat()),
        ("two-byte", [job(b"0", 1, [1, 2, 3], &copies, &[0]), packet(TWO_BYTE)].concat()),
        ("high-ids", [job(b"12345678", 1, [15, 200, 255], &copies, &[0]), packet(ONE_BYTE)].concat()),
        ("values", [job(b"0", 0, [1, 2, 3], &copies, &[2, 4, 1, 9, 10, 0]), packet(ONE_BYTE)].concat()),
        ("same-ids", [job(b"0", 0, [4, 4, 4], &copies, &[1, 4, 1, 9]), packet(ONE_BYTE)].concat()),
    ]
}

/// The other stream, then a packet.
pub fn rtp_rtx() -> Seeds {
    let stream: &[u8] = &[97, 0x01, 0xf4, 0, 0, 0, 8];
    rtp_view().into_iter().map(|(name, packet)| (name, [stream, &packet].concat())).collect()
}

/// One packet of every type, and compounds.
pub fn rtcp_compound() -> Seeds {
    let (sender, media) = (Ssrc(0x1122_3344), Ssrc(0x5566_7788));
    let report = ReportBlock { ssrc: media, fraction_lost: 9, cumulative_lost: -1, ..ReportBlock::default() };
    let info =
        SenderInfo { ntp: Ntp(0xb44d_b705_2000_0000), rtp_timestamp: 1, packet_count: 2, octet_count: 3 };
    let items = [SdesItem { kind: CNAME, text: b"someone" }, SdesItem { kind: 7, text: b"" }];
    let chunks = [SdesChunk { ssrc: sender, items: &items }, SdesChunk { ssrc: media, items: &[] }];
    let answers =
        [DlrrReport { ssrc: media, last_receiver_report: 0xb705_2000, delay_since_last_receiver_report: 7 }];
    let sr = SenderReport { ssrc: sender, info, reports: &[report] };
    let rr = ReceiverReport { ssrc: sender, reports: &[report, report] };
    let sdes = Sdes { chunks: &chunks };
    let nack = Nack { sender, media, items: &[NackItem { first: 65_535, following: 0x8001 }] };
    let xr =
        Xr { ssrc: sender, blocks: &[XrBlock::ReceiverReferenceTime(info.ntp), XrBlock::Dlrr(&answers)] };
    let padded = vec![0xa1, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4];
    vec![
        ("sender-report", written(&[&sr])),
        ("receiver-report", written(&[&rr])),
        ("sdes", written(&[&sdes])),
        ("bye", written(&[&Bye { sources: &[sender, media], reason: b"over" }])),
        ("app", written(&[&App { subtype: 1, ssrc: sender, name: *b"test", data: b"data" }])),
        ("xr", written(&[&xr])),
        ("pli", written(&[&Pli { sender, media }])),
        ("fir", written(&[&Fir { sender, items: &[FirItem { ssrc: media, sequence: 3 }] }])),
        ("nack", written(&[&nack])),
        ("remb", written(&[&Remb { sender, bits_per_second: 8_927_168, streams: &[media] }])),
        ("transport-feedback", written(&[&feedback(&[Some(1), None, Some(-1), Some(300), Some(2)])])),
        ("compound", written(&[&sr, &sdes, &nack, &Pli { sender, media }])),
        ("padded", padded),
        ("unknown", vec![0x80, 210, 0, 1, 1, 2, 3, 4]),
    ]
}

/// Bodies to read (first byte even) and statuses to write (odd).
pub fn rtcp_transport_feedback() -> Seeds {
    let body = |statuses: &[Option<i16>]| {
        let packet = written(&[&feedback(statuses)]);
        [&[0], packet.get(4..).unwrap_or_default()].concat()
    };
    let mut lossy = vec![None; 5000];
    lossy.push(Some(4));
    vec![
        ("read-small", body(&[Some(1); 20])),
        ("read-large", body(&[Some(-1); 9])),
        ("read-one-bit", body(&[Some(1), None, Some(2), None, Some(3), None, None, Some(4), None])),
        ("read-two-bit", body(&[Some(1), None, Some(300), None, Some(-3)])),
        ("read-lossy", body(&lossy)),
        ("write-runs", vec![1, 0xff, 0xf0, 0, 1, 2, 3, 4, 128, 200, 1, 20, 9, 2, 15, 0x80, 0, 0, 3]),
        (
            "write-mixed",
            vec![1, 0, 5, 0, 0, 0, 0, 1, 1, 1, 7, 0, 1, 2, 2, 0xff, 0xff, 1, 6, 8, 0, 9, 1, 1, 1],
        ),
    ]
}

/// The codec, then a payload or the value of an extension.
pub fn codec_payload() -> Seeds {
    let of = |codec: u8, payload: &[u8]| [&[codec], payload].concat();
    vec![
        ("vp8-key", of(0, &[0x90, 0x80, 0xa8, 0xac, 0x70, 0x14, 0x00, 0x9d, 0x01, 0x2a])),
        ("vp8-everything", of(0, &[0xb0, 0xf0, 0xff, 0xfe, 0xab, 0xdf, 0x55])),
        ("vp8-bare", of(0, &[0x10, 0x10])),
        ("vp9-key", of(1, &[0x8e, 0xc9, 0x72, 0x18, 0, 160, 0, 120, 1, 4, 1, 0x80])),
        ("vp9-layers", of(1, &[0xac, 0x11, 0x03, 0x07, 0xaa])),
        ("vp9-references", of(1, &[0xf8, 0x01, 0x20, 0x03, 0x04, 0xaa])),
        ("h264-parameters", of(2, &[0x67, 0x42, 0xc0, 0x0a])),
        ("h264-aggregate", of(2, &[0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68, 0, 3, 0x65, 0x88, 0x80])),
        ("h264-fragment", of(2, &[0x7c, 0x85, 0x88, 0x80])),
        ("av1-key", of(3, &[0x28, 3, 0x08, 0, 0, 0x30, 1, 2])),
        ("av1-fragment", of(3, &[0xc0, 2, 0x30, 1, 0x82, 0, 0x34, 0x48])),
        ("dependency-delta", of(4, &[0xc5, 0x12, 0x34])),
        ("dependency-key", of(4, &[0x80, 0, 1, 0x80, 0x01, 0x1e, 0xa8])),
        ("opus-pause", of(5, &[0x78])),
        ("opus-two-frames", of(5, &[0x7a, 0])),
    ]
}

/// Suite, kind, tampering, then what is sealed.
pub fn srtp_unprotect() -> Seeds {
    let rtp = |suite: u8, at: u8, change: u8, cut: u8| {
        [&[suite, 0, 0xff, 0xfe, 0, 0, 0, 9, 0, at, change, cut], &b"some payload to seal"[..]].concat()
    };
    let rtcp = |suite: u8, at: u8, change: u8, cut: u8| {
        [&[suite, 1, 0, at, change, cut], &written(&[&ReceiverReport { ssrc: Ssrc(9), reports: &[] }])[..]]
            .concat()
    };
    vec![
        ("rtp-gcm-128", rtp(0, 20, 1, 0)),
        ("rtp-gcm-256", rtp(1, 2, 0x80, 0)),
        ("rtp-sha1-80", rtp(2, 8, 1, 0)),
        ("rtp-sha1-32", rtp(3, 30, 0, 1)),
        ("rtcp-gcm-128", rtcp(0, 5, 1, 0)),
        ("rtcp-gcm-256", rtcp(1, 24, 0x80, 0)),
        ("rtcp-sha1-80", rtcp(2, 9, 1, 0)),
        ("rtcp-sha1-32", rtcp(3, 11, 0, 1)),
        ("raw", [&[0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0x90, 0, 0, 1], &[7; 40][..]].concat()),
    ]
}

fn feedback(delta_ticks: &[Option<i16>]) -> TransportCc<'_> {
    TransportCc {
        sender: Ssrc(1),
        media: Ssrc(2),
        base_sequence: 65_530,
        reference_64_millis: 0x01_0203,
        feedback_count: 4,
        delta_ticks,
    }
}

fn written(packets: &[&dyn WritePacket]) -> Vec<u8> {
    let mut out = [0; 1024];
    let mut builder = Builder::new(&mut out);
    for packet in packets {
        builder.push(*packet).expect("seeds are small");
    }
    builder.written().to_vec()
}

const ONE_BYTE: &[u8] =
    &[0xbe, 0xde, 0, 4, 0x10, 0x85, 0x22, 1, 2, 3, 0, 0x31, 7, 8, 0x42, 0, 0x30, 0x40, 0, 0];
const TWO_BYTE: &[u8] = &[
    0x10, 0, 0, 7, 1, 1, 0x85, 0, 2, 0, 200, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    17, 18, 19,
];
