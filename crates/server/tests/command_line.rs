//! The binary as a user meets it.

use std::process::{Command, Output};

fn shardcast(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shardcast")).args(arguments).output().expect("the binary starts")
}

#[test]
fn it_says_how_it_would_use_the_machine() {
    let output = shardcast(&["--machine"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for needle in ["shards: up to ", "kernel: ", "I/O driver: "] {
        assert!(text.contains(needle), "{needle} in {text}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    assert!(String::from_utf8_lossy(&shardcast(&["--help"]).stdout).contains("usage: shardcast"));
    assert_eq!(
        shardcast(&["--version"]).stdout,
        format!("shardcast {}\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
}

#[test]
fn an_unknown_argument_ends_with_2_and_a_sentence() {
    let output = shardcast(&["--lisen"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--lisen` is not an argument"));
}
