//! The hot functions, each run a given number of times, for `cargo xtask instructions` to count under valgrind.
//!
//! `instructions --list` prints a line per workload: its name and, where most of it is somebody else's code, the
//! workload that runs that code alone and is to be subtracted. `instructions NAME CALLS` runs one. What a workload
//! prepares costs the same for every number of calls, so that two runs of different length isolate the function.

use std::hint::black_box;
use std::io::Write as _;
use std::process::ExitCode;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use net::lane::ring;
use net::{Pool, PoolSizing};
use shard::Timers;
use srtp::{KeyMaterial, Opener, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle, Suite};
use wire::rtp::{ExtensionId, ExtensionMap, HeaderPlan, Layout, Mid, Stamp, View};
use wire::{Mono, PayloadType, Ssrc};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            let listed = WORKLOADS.iter().filter(|workload| workload.counted);
            let lines: String =
                listed.map(|workload| format!("{} {}\n", workload.name, workload.floor)).collect();
            exit(std::io::stdout().write_all(lines.as_bytes()).is_ok())
        }
        [name, calls] => {
            let workload = WORKLOADS.iter().find(|workload| workload.name == *name);
            let calls = calls.parse::<u16>();
            let (Some(workload), Ok(calls)) = (workload, calls) else { return ExitCode::FAILURE };
            (workload.run)(calls);
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

fn exit(fine: bool) -> ExitCode {
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Workload {
    name: &'static str,
    /// What is subtracted, or nothing.
    floor: &'static str,
    /// Has a baseline of its own.
    counted: bool,
    run: fn(u16),
}

const fn counted(name: &'static str, run: fn(u16)) -> Workload {
    Workload { name, floor: "", counted: true, run }
}

const fn above(name: &'static str, floor: &'static str, run: fn(u16)) -> Workload {
    Workload { name, floor, counted: true, run }
}

const fn floor(name: &'static str, run: fn(u16)) -> Workload {
    Workload { name, floor: "", counted: false, run }
}

const WORKLOADS: &[Workload] = &[
    counted("rtp_parse", rtp_parse),
    counted("rtp_parse_sealed", rtp_parse_sealed),
    counted("rtp_prepare", rtp_prepare),
    counted("rtp_stamp", rtp_stamp),
    above("srtp_seal_160", "gcm_seal_160", |calls| seal(calls, 160)),
    above("srtp_seal_1200", "gcm_seal_1200", |calls| seal(calls, 1200)),
    above("srtp_open_160", "gcm_open_160", |calls| open(calls, 160)),
    above("srtp_open_1200", "gcm_open_1200", |calls| open(calls, 1200)),
    counted("pool_fill_release", pool_fill_release),
    counted("ring_16", ring_16),
    counted("timer_arm_cancel", timer_arm_cancel),
    counted("timer_arm_fire", timer_arm_fire),
    floor("gcm_seal_160", |calls| gcm_seal(calls, 160)),
    floor("gcm_seal_1200", |calls| gcm_seal(calls, 1200)),
    floor("gcm_open_160", |calls| gcm_open(calls, 160)),
    floor("gcm_open_1200", |calls| gcm_open(calls, 1200)),
];

fn rtp_parse(calls: u16) {
    let packet = packet(1200);
    for _ in 0..calls {
        let view = View::parse(black_box(&packet)).expect("a packet");
        for element in view.elements() {
            black_box(element.data);
        }
        black_box(view.payload());
    }
}

fn rtp_parse_sealed(calls: u16) {
    let packet = packet(1200);
    for _ in 0..calls {
        black_box(Layout::parse_sealed(black_box(&packet)).expect("a packet"));
    }
}

fn rtp_prepare(calls: u16) {
    let packet = packet(1200);
    let view = View::parse(&packet).expect("a packet");
    let map = extension_map();
    let mut plan = HeaderPlan::new();
    for _ in 0..calls {
        plan.prepare(black_box(&view), black_box(&map), &[]).expect("short elements");
        black_box(&plan);
    }
}

fn rtp_stamp(calls: u16) {
    let packet = packet(1200);
    let mut plan = HeaderPlan::new();
    plan.prepare(&View::parse(&packet).expect("a packet"), &extension_map(), &[]).expect("short elements");
    let mut out = [0; 256];
    for sequence in 0..calls {
        let stamp = Stamp {
            payload_type: PayloadType::new(96).expect("seven bits"),
            marker: true,
            sequence,
            timestamp: 90_000,
            ssrc: Ssrc(7),
            padding: false,
            mid: Mid::new(b"12"),
        };
        black_box(plan.stamp(black_box(&stamp), &mut out).expect("room"));
        black_box(&out);
    }
}

fn seal(calls: u16, len: usize) {
    let mut subject = Subject::new(len);
    for sequence in 0..calls {
        black_box(subject.seal(sequence));
    }
}

fn open(calls: u16, len: usize) {
    let mut subject = Subject::new(len);
    let mut opener = Opener::new(&key()).expect("a key");
    let mut plain = vec![0; len + 64];
    for sequence in 0..calls {
        let sealed_len = subject.seal(sequence);
        let sealed = subject.sealed.get(..sealed_len).unwrap_or_default();
        black_box(opener.open_rtp(black_box(sealed), HEADER_LEN, &mut plain).expect("authentic"));
    }
}

fn gcm_seal(calls: u16, len: usize) {
    let floor = Floor::new(len);
    let mut out = vec![0; len + 64];
    for _ in 0..calls {
        floor.seal(&mut out);
        black_box(&out);
    }
}

/// What `open` does with the opener replaced by the cipher alone.
fn gcm_open(calls: u16, len: usize) {
    let mut subject = Subject::new(len);
    let floor = Floor::new(len);
    let mut sealed = vec![0; len + TAG_LEN];
    floor.seal(&mut sealed);
    let (text, tag) = sealed.split_at(len);
    let mut plain = vec![0; len];
    for sequence in 0..calls {
        black_box(subject.seal(sequence));
        let (nonce, header) = (Nonce::assume_unique_for_key([7; 12]), Aad::from([0_u8; HEADER_LEN]));
        floor.key.open_separate_gather(nonce, header, black_box(text), tag, &mut plain).expect("authentic");
        black_box(&plain);
    }
}

fn pool_fill_release(calls: u16) {
    let mut pool = Pool::new(&PoolSizing::new().with("the workload", 0, 64)).expect("memory");
    for _ in 0..calls {
        let slot =
            pool.fill(1200, |slot| black_box(slot).get(..1200).map(<[u8]>::len)).expect("a vacant slot");
        black_box(pool.bytes(slot).map(<[u8]>::len));
        pool.release(black_box(slot));
    }
}

fn ring_16(calls: u16) {
    let (mut producer, mut consumer) = ring::<u64>(64);
    for _ in 0..calls {
        for value in 0..16 {
            producer.push(black_box(value)).expect("room");
        }
        producer.publish();
        consumer.batch(16).for_each(|value| {
            black_box(value);
        });
    }
}

fn timer_arm_cancel(calls: u16) {
    let mut timers = crowded_timers();
    for call in 0..calls {
        let key = timers.arm(Mono::from_nanos(u64::from(call) * 50_000), 0);
        black_box(timers.cancel(black_box(key)));
    }
}

fn timer_arm_fire(calls: u16) {
    let mut timers = crowded_timers();
    for call in 0..calls {
        let now = Mono::from_nanos(u64::from(call) * 1_000_000);
        timers.arm(now, 0);
        black_box(timers.pop_due(Mono::from_nanos(now.as_nanos() + 900_000)));
    }
}

/// A thousand timers that never fire while a workload runs.
fn crowded_timers() -> Timers<u32> {
    let mut timers = Timers::with_capacity(2048);
    for index in 0..1000 {
        timers.arm(Mono::from_nanos(1_000_000_000_000 + u64::from(index) * 1_000_000), index);
    }
    timers
}

/// A sender of packets with a payload of one length.
struct Subject {
    sealer: Sealer,
    stream: StreamHandle,
    payload: Vec<u8>,
    sealed: Vec<u8>,
}

impl Subject {
    fn new(len: usize) -> Self {
        let mut sealer = Sealer::new(key()).expect("a key");
        let stream = sealer.add_stream(7, Reseal::Never).expect("the first stream");
        Self { sealer, stream, payload: vec![3; len], sealed: vec![0; len + 64] }
    }

    fn seal(&mut self, sequence: u16) -> usize {
        let [high, low] = sequence.to_be_bytes();
        let header = [0x80, 96, high, low, 0, 0, 0, 0, 0, 0, 0, 7];
        if let Some(start) = self.sealed.first_chunk_mut() {
            *start = header;
        }
        let text = Plaintext { header_len: HEADER_LEN, payload: &self.payload, padding: &[] };
        let index = PacketIndex::from_parts(0, sequence);
        self.sealer.seal_rtp(self.stream, index, &mut self.sealed, black_box(text)).expect("a fresh index")
    }
}

/// The cipher alone, as aws-lc-rs offers it.
struct Floor {
    key: LessSafeKey,
    payload: Vec<u8>,
}

impl Floor {
    fn new(len: usize) -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[1; 16]).expect("a key"));
        Self { key, payload: vec![3; len] }
    }

    /// The way that `srtp` goes: out of place, from a payload that stays as it is.
    fn seal(&self, out: &mut [u8]) {
        let (nonce, header) = (Nonce::assume_unique_for_key([7; 12]), Aad::from([0_u8; HEADER_LEN]));
        let (text, rest) = out.split_at_mut(self.payload.len());
        let tag = rest.get_mut(..TAG_LEN).unwrap_or_default();
        let payload = black_box(self.payload.as_slice());
        self.key.seal_out_of_place_scatter(nonce, header, payload, text, &[], tag).expect("room");
    }
}

fn key() -> KeyMaterial {
    KeyMaterial::new(Suite::AeadAes128Gcm, &[1; 16], &[2; 12]).expect("lengths of the suite")
}

fn extension_map() -> ExtensionMap {
    let id = |value| ExtensionId::new(value).expect("not zero");
    ExtensionMap::new()
        .copy(id(4), id(1))
        .reserve_mid(id(2))
        .reserve_abs_send_time(id(3))
        .reserve_transport_sequence(id(5))
}

/// A packet as a browser sends it: four one-byte elements (RFC 8285 §4.2), then the payload.
fn packet(payload_len: usize) -> Vec<u8> {
    let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0xBE, 0xDE, 0, 4];
    packet.extend([0x10, 0x80, 0x22, 1, 2, 3, 0x31, 0, 9, 0x41, b'1', b'2', 0, 0, 0, 0]);
    packet.resize(packet.len() + payload_len, 3);
    packet
}

/// The header that sealing workloads write: no extension.
const HEADER_LEN: usize = 12;
/// Of AES-GCM as SRTP uses it (RFC 7714 §14.2).
const TAG_LEN: usize = 16;
