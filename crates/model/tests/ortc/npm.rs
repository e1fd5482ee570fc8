//! The npm package, in a Node of its own. The worker's tests pin and install it; this uses the same folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the package makes of each case.
pub(crate) fn negotiate<'a>(tasks: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ortc/peer.js");
    let mut node = Command::new("node")
        .arg(peer)
        .arg(package())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is there");
    let input: String = tasks.map(|task| format!("{task}\n")).collect();
    // The peer reads everything before it writes anything.
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the peer failed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The folder with the package in it, installed on first use from the lock file beside it.
fn package() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/tests/npm").canonicalize().unwrap();
    let modules = folder.join("node_modules");
    // Tests run in processes of their own; the first one installs, the others wait for it.
    let lock_file = File::open(folder.join("package-lock.json")).unwrap();
    lock_file.lock().unwrap();
    if !modules.join("mediasoup/package.json").is_file() {
        let npm =
            Command::new("npm").args(["ci", "--ignore-scripts", "--silent"]).current_dir(&folder).status();
        assert!(
            npm.is_ok_and(|status| status.success()),
            "`npm ci` in {} failed: is npm there?",
            folder.display()
        );
    }
    modules
}
