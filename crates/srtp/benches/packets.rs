//! Nanoseconds per packet: sealing and opening, beside the bare call into aws-lc-rs they stand on.
//!
//! `cargo bench -p srtp` prints medians. Streams of one key are walked round-robin, as a transport does.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use srtp::{KeyMaterial, Opener, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle, Suite};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    println!("{:<26} {:>6} {:>8} {:>8} {:>9} {:>8}", "suite", "bytes", "streams", "bare", "seal", "open");
    for suite in Suite::ALL {
        for payload_len in [1200, 160] {
            for streams in [1, 200] {
                row(suite, payload_len, streams);
            }
        }
    }
    for payload_len in [1200, 160] {
        let proven = seal(Suite::AeadAes128Gcm, payload_len, 200, Reseal::Proven);
        println!("AEAD_AES_128_GCM, proofs kept, 200 streams of {payload_len}: seal {proven:.0}");
    }
}

fn row(suite: Suite, payload_len: usize, streams: u32) {
    let bare = bare(suite, payload_len).map_or_else(|| "-".to_owned(), |ns| format!("{ns:.0}"));
    let seal = seal(suite, payload_len, streams, Reseal::Never);
    let open = open(suite, payload_len, streams);
    println!("{:<26} {payload_len:>6} {streams:>8} {bare:>8} {seal:>9.0} {open:>8.0}", suite.name());
}

/// One `seal_out_of_place_scatter`, with the nonce that changes and nothing else.
fn bare(suite: Suite, payload_len: usize) -> Option<f64> {
    let algorithm = match suite {
        Suite::AeadAes128Gcm => &AES_128_GCM,
        Suite::AeadAes256Gcm => &AES_256_GCM,
        Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => return None,
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, &vec![7; suite.key_len()]).unwrap());
    let payload = vec![1_u8; payload_len];
    let mut out = header(0, 0);
    let mut nonce = [0_u8; 12];
    Some(median(|step| {
        nonce[4..].copy_from_slice(&step.to_be_bytes());
        let (head, rest) = out.split_at_mut(HEADER_LEN);
        let (body, tail) = rest.split_at_mut(payload_len);
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_out_of_place_scatter(
            nonce,
            Aad::from(&*head),
            black_box(&payload),
            body,
            &[],
            &mut tail[..16],
        )
        .unwrap();
        black_box(&mut out);
    }))
}

fn seal(suite: Suite, payload_len: usize, streams: u32, reseal: Reseal) -> f64 {
    let mut sealer = Sealer::new(material(suite)).unwrap();
    let handles = handles(&mut sealer, streams, reseal);
    let payload = vec![1_u8; payload_len];
    let mut out = header(0, 0);
    let mut turn = Turn::new(streams);
    median(|_| {
        let (ssrc, index) = turn.take();
        write_header(&mut out, ssrc, index);
        let text = Plaintext { header_len: HEADER_LEN, payload: black_box(&payload), padding: &[] };
        let handle = handles[usize::try_from(ssrc).unwrap()];
        black_box(sealer.seal_rtp(handle, index, &mut out, text).unwrap());
        black_box(&mut out);
    })
}

fn open(suite: Suite, payload_len: usize, streams: u32) -> f64 {
    let mut sealer = Sealer::new(material(suite)).unwrap();
    let handles = handles(&mut sealer, streams, Reseal::Never);
    let mut opener = Opener::new(&material(suite)).unwrap();
    let payload = vec![1_u8; payload_len];
    let mut out = vec![0_u8; 1600];
    let mut batch = vec![header(0, 0); BATCH];
    let mut lengths = vec![0; BATCH];
    let mut turn = Turn::new(streams);
    let mut laps: Vec<f64> = (0..LAPS)
        .map(|_| {
            for (sealed, length) in batch.iter_mut().zip(&mut lengths) {
                let (ssrc, index) = turn.take();
                write_header(sealed, ssrc, index);
                let text = Plaintext { header_len: HEADER_LEN, payload: &payload, padding: &[] };
                *length =
                    sealer.seal_rtp(handles[usize::try_from(ssrc).unwrap()], index, sealed, text).unwrap();
            }
            let start = Instant::now();
            for (sealed, length) in batch.iter().zip(&lengths) {
                black_box(opener.open_rtp(black_box(&sealed[..*length]), HEADER_LEN, &mut out).unwrap());
            }
            start.elapsed().as_secs_f64() * 1e9 / BATCH as f64
        })
        .collect();
    middle(&mut laps)
}

fn handles(sealer: &mut Sealer, streams: u32, reseal: Reseal) -> Vec<StreamHandle> {
    (0..streams).map(|ssrc| sealer.add_stream(ssrc, reseal).unwrap()).collect()
}

/// Who sends next, and what: each stream in turn. Counted, not divided, as the division would be measured too.
struct Turn {
    streams: u32,
    ssrc: u32,
    index: PacketIndex,
}

impl Turn {
    fn new(streams: u32) -> Self {
        Self { streams, ssrc: 0, index: PacketIndex::from_parts(0, 0) }
    }

    fn take(&mut self) -> (u32, PacketIndex) {
        let taken = (self.ssrc, self.index);
        self.ssrc += 1;
        if self.ssrc == self.streams {
            self.ssrc = 0;
            self.index = self.index.next().unwrap();
        }
        taken
    }
}

fn header(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = vec![0_u8; 1600];
    out[0] = 0x80;
    out[2..4].copy_from_slice(&sequence.to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
    out
}

fn write_header(out: &mut [u8], ssrc: u32, index: PacketIndex) {
    out[2..4].copy_from_slice(&index.sequence().to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

fn material(suite: Suite) -> KeyMaterial {
    KeyMaterial::new(suite, &vec![7; suite.key_len()], &vec![9; suite.salt_len()]).unwrap()
}

fn median(mut packet: impl FnMut(u64)) -> f64 {
    let mut step = 0;
    let mut laps: Vec<f64> = (0..LAPS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..BATCH {
                packet(step);
                step += 1;
            }
            start.elapsed().as_secs_f64() * 1e9 / BATCH as f64
        })
        .collect();
    middle(&mut laps)
}

fn middle(laps: &mut [f64]) -> f64 {
    laps.sort_by(f64::total_cmp);
    laps[laps.len() / 2]
}

/// The fixed header alone.
const HEADER_LEN: usize = 12;
const BATCH: usize = 500;
const LAPS: usize = 101;
