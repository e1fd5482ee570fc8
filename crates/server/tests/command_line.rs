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

#[test]
fn a_configuration_is_checked_and_what_is_wrong_is_told_with_its_line() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/shardcast.toml");
    let output = shardcast(&["check-config", shipped]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("right: listens on 127.0.0.1:8480"));
    let path = std::env::temp_dir().join(format!("shardcast-wrong-{}.toml", std::process::id()));
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:1\"\n[rtc]\nshards = -1\n").expect("a file");
    let output = shardcast(&["check-config", &path.display().to_string()]);
    std::fs::remove_file(&path).expect("it was there");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(".toml:4: ") && said.contains("shards = -1"), "{said}");
    assert_eq!(shardcast(&["check-config", "/nowhere.toml"]).status.code(), Some(1));
}

#[test]
fn the_doctor_looks_at_everything_and_says_how_to_mend_it() {
    let output = shardcast(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout);
    for what in [
        "kernel",
        "io_uring",
        "I/O driver",
        "Max open files",
        "net.core.rmem_max",
        "control API",
        "RTC ports",
    ] {
        assert!(said.contains(&format!(" {what}: ")), "{what} in {said}");
    }
}
