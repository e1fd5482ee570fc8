//! Nothing that a peer sends makes the agent allocate, whether it knows the password or not.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use allocation_counter::measure;
use ice::{Agent, Credentials, Tuple, Verdict};
use wire::Mono;
use wire::stun::{Builder, Message, TransactionId};

fn request(password: &str) -> Vec<u8> {
    let mut out = [0; 200];
    let mut builder = Builder::request(&mut out, TransactionId([1; 12])).unwrap();
    builder.username(b"local:remote").unwrap();
    builder.priority(1).unwrap();
    builder.use_candidate().unwrap();
    builder.integrity(&Credentials::new("", password)).unwrap();
    let len = builder.fingerprint().unwrap();
    out[..len].to_vec()
}

#[test]
fn requests_allocate_nothing() {
    let requests = [request("right"), request("wrong"), vec![0; 20], vec![7; 300]];
    let mut agent = Agent::new(Credentials::new("local", "right"), None);
    let mut granted = 0;
    let counted = measure(|| {
        for port in 1..=100 {
            let from = Tuple { local: 0u8, remote: ([192, 0, 2, 1], port).into() };
            for request in &requests {
                let Ok(message) = Message::parse(request) else { continue };
                let outcome = agent.handle(Mono::ZERO, from, &message, &mut [0; 200]);
                granted += u32::from(outcome.verdict == Verdict::Granted);
            }
        }
    });
    assert_eq!((counted.count_total, granted), (0, 100));
}

#[test]
fn the_count_sees_an_allocation() {
    assert!(measure(|| drop(request("right"))).count_total > 0);
}
