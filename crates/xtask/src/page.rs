//! `cargo xtask page`: the one file of the demo call that comes from npm, made of what its lock file pins.
//!
//! It is committed, so that `cargo run` needs no npm; the step `server` holds that it is what comes out.

use std::fs;
use std::path::Path;

use crate::command::{is_installed, program_in, run};

/// Writes it.
///
/// # Errors
/// What is missing, or went wrong.
pub(crate) fn main(root: &Path) -> Result<bool, String> {
    build(root, &[]).map(|()| true)
}

/// Holds that what is committed is what comes out.
///
/// # Errors
/// What is missing, or that it is not.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    build(root, &["--check"])
}

fn build(root: &Path, arguments: &[&str]) -> Result<(), String> {
    for program in ["node", "npm"] {
        if !is_installed(program) {
            return Err(format!("{program} is missing: the page's library is built with it"));
        }
    }
    let client = root.join("crates/server/page/client");
    install(&client)?;
    run(program_in(Path::new("node"), &client).arg("build.js").args(arguments))
}

/// What the lock file pins, unless it is there already. A registry that does not answer is asked once more.
fn install(client: &Path) -> Result<(), String> {
    let say = |error: std::io::Error| format!("{}: {error}", client.display());
    let wanted = fs::read_to_string(client.join("package-lock.json")).map_err(say)?;
    let stamp = client.join("node_modules/.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let words = ["ci", "--ignore-scripts", "--silent", "--prefer-offline", "--fetch-retries", "5"];
    let install = || run(program_in(Path::new("npm"), client).args(words));
    install().or_else(|_| install())?;
    fs::write(&stamp, wanted).map_err(say)
}
