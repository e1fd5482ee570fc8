//! Browsers at both ends: Chromium pages with mediasoup-client, which talk through real mediasoup in Node and our binary.
//!
//! Each scenario is JavaScript in `browser/`. They need Chromium, so they are ignored by default: `cargo xtask test --only
//! browser` installs it, runs them, and shows what they recorded.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod npm;
#[macro_use]
mod scenarios;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use scenarios::Shards;

fn play(file: &str, name: &str, shards: Shards) {
    install();
    let records = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let mut more = vec![("SHARDCAST_TEST_RECORDS", records), ("SHARDCAST_TEST_LIMIT_MS", LIMIT_MS.into())];
    if BEHIND_A_BAD_NETWORK.contains(&file) {
        more.push(("SHARDCAST_TEST_SHIM", scenarios::shim()));
    }
    // Two pages that encode and decode want both cores of a small machine.
    let alone = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser.lock")).unwrap();
    alone.lock().unwrap();
    scenarios::play(&format!("browser/{file}"), name, shards, &more);
}

fn compare(file: &str, named: &[&str]) {
    install();
    scenarios::compare(&format!("browser/{file}"), named);
}

fn install() {
    npm::package();
    npm::install("browser");
}

/// In which every look is looked again, on a machine that is slow: below what `.config/nextest.toml` gives it.
const LIMIT_MS: &str = "400000";

/// The files of scenarios that start the shim.
const BEHIND_A_BAD_NETWORK: &[&str] = &["last_mile"];

scenarios! {
    codecs:
    #[ignore = "needs Chromium"]
    all_of_them_over_udp,
    #[ignore = "needs Chromium"]
    all_of_them_over_tcp,
    #[ignore = "needs Chromium"]
    all_of_them_through_a_server,
    #[ignore = "needs Chromium"]
    all_of_them_through_a_server_over_tcp,
    #[ignore = "needs Chromium"]
    with_the_worker_as_the_client_of_dtls,
}

scenarios! {
    changes:
    #[ignore = "needs Chromium"]
    the_sender_pauses_over_udp,
    #[ignore = "needs Chromium"]
    the_receiver_pauses_over_udp,
    #[ignore = "needs Chromium"]
    ice_restarts_over_udp,
    #[ignore = "needs Chromium"]
    a_track_is_replaced_over_udp,
    #[ignore = "needs Chromium"]
    either_side_closes_over_udp,
    #[ignore = "needs Chromium"]
    the_sender_pauses_over_tcp,
    #[ignore = "needs Chromium"]
    the_receiver_pauses_over_tcp,
    #[ignore = "needs Chromium"]
    ice_restarts_over_tcp,
    #[ignore = "needs Chromium"]
    a_track_is_replaced_over_tcp,
    #[ignore = "needs Chromium"]
    either_side_closes_over_tcp,
    #[ignore = "needs Chromium"]
    the_sender_pauses_through_a_server,
    #[ignore = "needs Chromium"]
    the_receiver_pauses_through_a_server,
    #[ignore = "needs Chromium"]
    ice_restarts_through_a_server,
    #[ignore = "needs Chromium"]
    a_track_is_replaced_through_a_server,
    #[ignore = "needs Chromium"]
    either_side_closes_through_a_server,
}

scenarios! {
    last_mile:
    #[ignore = "needs Chromium"]
    loss_is_repaired,
}

scenarios! {
    werift:
    sound_and_pictures_both_ways,
}

#[test]
fn judgement_finds_what_is_wrong() {
    let judgement = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/judgement.js");
    let output = Command::new("node").arg("--test").arg(judgement).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
