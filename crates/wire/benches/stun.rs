//! Nanoseconds to read a Binding request, which is what anybody can make a server do.
//!
//! `cargo bench -p wire` prints medians: of a request as browsers send it, and of what only looks like one.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::Instant;

use wire::stun::{Builder, Message, Role, TransactionId};

fn main() {
    let request = request();
    let mut forged = request.clone();
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    println!("request of {} bytes: {:.0} ns", request.len(), measure(&request));
    println!("the same with a wrong fingerprint: {:.0} ns", measure(&forged));
    println!("its first 20 bytes: {:.0} ns", measure(request.get(..20).unwrap_or_default()));
    println!("header and noise of 1200 bytes: {:.0} ns", measure(&noise()));
}

fn measure(bytes: &[u8]) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..MESSAGES {
                let _ = black_box(Message::parse(black_box(bytes)));
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(MESSAGES)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

fn request() -> Vec<u8> {
    let mut out = [0; 300];
    let mut builder = Builder::request(&mut out, TransactionId([3; 12])).unwrap();
    builder.username(b"abcdefghabcdefghabcdefghabcdefgh:Uv+p").unwrap();
    builder.attribute(0xc057, &[0, 1, 0, 10]).unwrap();
    builder.role(Role::Controlling(9)).unwrap();
    builder.use_candidate().unwrap();
    builder.priority(0x6e7f_1eff).unwrap();
    builder.integrity(&|_: &[&[u8]]| [7; 20]).unwrap();
    let len = builder.fingerprint().unwrap();
    out.get(..len).unwrap_or_default().to_vec()
}

/// Attributes without a value that nobody knows, to the end.
fn noise() -> Vec<u8> {
    let mut out = vec![0, 1, 0x04, 0x9c, 0x21, 0x12, 0xa4, 0x42];
    out.resize(20, 3);
    while out.len() < 1_200 {
        out.extend([0xbe, 0xef, 0, 0]);
    }
    out
}

const ROUNDS: u32 = 200;
const MESSAGES: u32 = 2_000;
