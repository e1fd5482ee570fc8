//! The binary, as the application's process starts it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::process::{Command, Output};

fn start(arguments: &[&str], version: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shardcast-worker"));
    command.args(arguments).env_remove("MEDIASOUP_VERSION");
    command.envs(version.map(|version| ("MEDIASOUP_VERSION", version)));
    command.output().unwrap()
}

fn refusal(output: &Output) -> (Option<i32>, String) {
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn each_way_to_be_started_wrongly_has_its_code_and_one_line() {
    let (code, line) = refusal(&start(&[], None));
    assert_eq!((code, line.lines().count()), (Some(41), 1), "{line}");
    let (code, line) = refusal(&start(&["--logLevel=loud"], Some("3.27.1")));
    assert_eq!(code, Some(42));
    assert_eq!(line, "shardcast-worker: logLevel=loud: expected debug, warn, error or none\n");
    let (code, line) = refusal(&start(&[], Some("2.0.0")));
    assert_eq!(code, Some(42));
    assert!(line.contains("2.0.0") && line.contains("3.27.1"), "{line}");
}

#[test]
fn a_worker_that_cannot_serve_says_so_at_once() {
    let (code, line) =
        refusal(&start(&["--logLevel=error", "--rtcMinPort=10000", "--rtcMaxPort=59999"], Some("3.27.1")));
    assert_eq!((code, line.lines().count()), (Some(40), 1), "{line}");
}

#[test]
fn help_and_version_need_no_environment() {
    let help = start(&["--help"], None);
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("MEDIASOUP_WORKER_BIN"));
    let version = start(&["--version"], None);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("shardcast-worker {}\n", env!("CARGO_PKG_VERSION"))
    );
}
