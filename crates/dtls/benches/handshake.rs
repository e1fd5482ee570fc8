//! What a handshake costs, and the longest time for which one step of it holds a shard up.
//!
//! `cargo bench -p dtls` prints microseconds: of a whole handshake by side, and of each step by what it works through.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use dtls::{Anchor, Endpoint, Fingerprint, HashFunction, Identity, Output, Role, Room, Setup, State};
use wire::Mono;

const ROUNDS: usize = 500;

fn main() {
    let [ecdsa, rsa] = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA256];
    for (name, keys) in [
        ("ECDSA, server by dimpl", [ecdsa, ecdsa]),
        ("RSA client, ECDSA server", [rsa, ecdsa]),
        ("ECDSA client, RSA server", [ecdsa, rsa]),
        ("RSA on both sides", [rsa, rsa]),
    ] {
        println!("\n{name}");
        measure(&keys.map(identity));
    }
}

fn measure(identities: &[Identity; 2]) {
    let anchor = Anchor::new(Instant::now());
    let begun = Instant::now();
    let setups = identities.each_ref().map(|identity| Setup::new(identity, anchor).unwrap());
    println!("a setup {:>38.0} us", micros(begun.elapsed()) / 2.0);

    let mut steps: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    let mut wholes: [Vec<f64>; 2] = Default::default();
    for _ in 0..ROUNDS {
        let spent = handshake(&setups, identities);
        for (side, whole) in wholes.iter_mut().enumerate() {
            whole.push(spent.iter().filter(|step| step.0 == side).map(|step| step.2).sum());
        }
        for (side, number, micros) in spent {
            steps.entry((side, number)).or_default().push(micros);
        }
    }
    println!("{:<22} {:>8} {:>8} {:>8}", "us", "median", "p99", "longest");
    let names = ["client", "server"];
    for (name, whole) in names.into_iter().zip(&mut wholes) {
        row(&format!("{name}, whole"), whole);
    }
    for ((side, number), spent) in &mut steps {
        let what = if *number == 0 { "new".to_owned() } else { format!("datagram {number}") };
        row(&format!("{}, {what}", names.get(*side).unwrap()), spent);
    }
}

/// (side, number of the step, microseconds): making the endpoint is step 0.
fn handshake(setups: &[Setup; 2], identities: &[Identity; 2]) -> Vec<(usize, usize, f64)> {
    let mut spent = Vec::new();
    let mut room = Room::new();
    let now = Mono::from_nanos(1);
    let [one, other] = [0, 1].map(|side: usize| {
        let theirs = identities.get(1 - side).unwrap().certificate();
        let remote = Some(Fingerprint::of(HashFunction::Sha256, theirs));
        let role = if side == 0 { Role::Client } else { Role::Server };
        let begun = Instant::now();
        let mut endpoint = Endpoint::new(setups.get(side).unwrap(), role, remote, now);
        let datagrams = drain(&mut endpoint, &mut room);
        spent.push((side, 0, micros(begun.elapsed())));
        (endpoint, datagrams)
    });
    let ((client, mut flight), (server, _)) = (one, other);
    let mut endpoints = [client, server];
    let mut numbers = [0, 0];
    let mut to = 1;
    while !flight.is_empty() {
        let mut answers = Vec::new();
        for datagram in flight {
            let begun = Instant::now();
            let endpoint = endpoints.get_mut(to).unwrap();
            endpoint.handle_packet(now, &datagram);
            endpoint.step(now);
            answers.extend(drain(endpoint, &mut room));
            let number = numbers.get_mut(to).unwrap();
            *number += 1;
            spent.push((to, *number, micros(begun.elapsed())));
        }
        flight = answers;
        to = 1 - to;
    }
    assert!(endpoints.iter().all(|endpoint| endpoint.state() == State::Connected));
    spent
}

fn drain(endpoint: &mut Endpoint, room: &mut Room) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    while let Some(output) = endpoint.poll(room) {
        if let Output::Datagram(datagram) = output {
            datagrams.push(datagram.to_vec());
        } else {
            black_box(&output);
        }
    }
    datagrams
}

fn row(name: &str, spent: &mut [f64]) {
    spent.sort_by(f64::total_cmp);
    let at = |share: usize| spent.get((spent.len() - 1) * share / 100).unwrap();
    println!("{name:<22} {:>8.0} {:>8.0} {:>8.0}", at(50), at(99), at(100));
}

fn identity(algorithm: &'static rcgen::SignatureAlgorithm) -> Identity {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    Identity::new(made.der(), &key.serialize_der()).unwrap()
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}
