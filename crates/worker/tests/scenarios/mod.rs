//! Scenarios in JavaScript: real mediasoup in Node on our binary. Each is played once with one shard and once with every
//! router's transports spread over three, and has to end the same.

use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Shards {
    One,
    Three,
}

/// Plays `name` of `file`, a path in `tests` without its ending, with these variables more.
pub(crate) fn play(file: &str, name: &str, shards: Shards, more: &[(&str, PathBuf)]) {
    let mut node = Command::new("node");
    node.arg(tests().join("media/main.js")).args([&format!("../{file}"), name]);
    node.env("MEDIASOUP_WORKER_BIN", env!("CARGO_BIN_EXE_shardcast-worker"));
    let (count, spread) = match shards {
        Shards::One => ("1", "home"),
        Shards::Three => ("3", "in-turn"),
    };
    node.env("SHARDCAST_SHARDS", count).env("SHARDCAST_SPREAD", spread);
    node.envs(more.iter().map(|(variable, value)| (variable, value)));
    // What a contributor's shell sets for applications changes what the package does.
    for variable in ["MEDIASOUP_VERSION", "MEDIASOUP_USE_VALGRIND", "DEBUG"] {
        node.env_remove(variable);
    }
    let output = node.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file} {name} with {shards:?}: {}\n{said}", output.status);
}

/// The bad network of the crate `sim`: where `cargo xtask test` says that it is, or built as whoever runs these tests
/// builds. Cargo names what it has built to the tests of the same package only.
pub(crate) fn shim() -> PathBuf {
    if let Some(built) = std::env::var_os("SHARDCAST_TEST_SHIM") {
        return built.into();
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "sim", "--bin", "shim", "--quiet", "--message-format", "json"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let messages = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut built = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    built.next().unwrap()
}

/// A scenario that nobody names would pass by not being played.
pub(crate) fn compare(file: &str, named: &[&str]) {
    let list = format!("Object.keys(require('./{file}.js')).join()");
    let output = Command::new("node").args(["-p", &list]).current_dir(tests()).output().unwrap();
    let written = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(written.trim().split(',').collect::<Vec<_>>(), named, "{said}");
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Every scenario twice. Whoever uses this has a `play` and a `compare` of its own.
macro_rules! scenarios {
    ($file:ident: $($(#[$ignored:meta])? $name:ident),+ $(,)?) => {
        mod $file {
            #[test]
            fn is_played_as_a_whole() {
                crate::compare(stringify!($file), &[$(stringify!($name)),+]);
            }
            mod one_shard {
                $(#[test] $(#[$ignored])? fn $name() {
                    crate::play(stringify!($file), stringify!($name), crate::Shards::One);
                })+
            }
            mod three_shards {
                $(#[test] $(#[$ignored])? fn $name() {
                    crate::play(stringify!($file), stringify!($name), crate::Shards::Three);
                })+
            }
        }
    };
}
