//! `cargo xtask fuzz-smoke`: every fuzz target for a short while, with libFuzzer's coverage feedback.
//!
//! The coverage flags are rustc's own, and the targets use no `unsafe` that a sanitizer would watch, so the pinned
//! stable toolchain is enough. `crates/fuzz/README.md` has the command lines for a long run under nightly with
//! AddressSanitizer; over the committed corpus the same targets run as ordinary tests.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::command::{Tool, capture, is_installed, program_in, run, run_and_listen};
use crate::test::Outcome;

/// Builds all targets and runs each for so many seconds.
pub(crate) fn smoke(root: &Path, target: &Path, seconds: u32) -> Outcome {
    if !is_installed("c++") {
        return Outcome::Skipped { reason: "libFuzzer needs a C++ compiler: apt-get install g++".to_owned() };
    }
    match smoke_all(root, target, seconds) {
        Ok(runs) => Outcome::Passed { note: Some(format!("{} targets, {seconds} s each", runs)) },
        Err(reason) => Outcome::Failed { reason },
    }
}

/// The command by itself.
///
/// # Errors
/// When the arguments make no sense, or a target found something.
pub(crate) fn main(root: &Path, target: &Path, arguments: &[String]) -> Result<bool, String> {
    let seconds = match arguments {
        [] => SMOKE_SECONDS,
        [flag, number] if flag == "--seconds" => {
            // To libFuzzer none at all means for ever.
            let seconds = number.parse().ok().filter(|&seconds| seconds > 0);
            seconds.ok_or_else(|| format!("--seconds wants a number above 0, `{number}` is none"))?
        }
        [other, ..] => return Err(format!("`{other}` is no argument of fuzz-smoke; --seconds N is")),
    };
    match smoke(root, target, seconds) {
        Outcome::Passed { note } => {
            println!("nothing found: {}", note.unwrap_or_default());
            Ok(true)
        }
        Outcome::Skipped { reason } | Outcome::Failed { reason } => Err(reason),
    }
}

fn smoke_all(root: &Path, target: &Path, seconds: u32) -> Result<usize, String> {
    let host = host(&capture(Tool::Cargo.command(root).args(["version", "--verbose"]))?)?;
    let target = target.join("fuzz");
    let mut build = Tool::Cargo.command(root);
    // With a target named, even the host's own, the flags stay away from build scripts.
    build.args(["build", "--locked", "--profile", "sim", "--target", &host, "-p", "fuzz"]);
    build.args(["--features", "libfuzzer", "--bins"]);
    build.env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &target);
    run(&mut build)?;
    let names = names(&root.join(TARGETS))?;
    let binaries = target.join(&host).join("sim");
    let mut found = Vec::new();
    // Each keeps one core busy, and does not care which.
    for names in names.chunks(AT_ONCE) {
        let runs: Vec<_> = thread::scope(|scope| {
            let mut running = Vec::new();
            for name in names {
                let fuzz = fuzz(root, &target, name, &binaries.join(name), seconds);
                running.push(scope.spawn(move || run_and_listen(&mut fuzz?)));
            }
            running.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for (name, run) in names.iter().zip(runs) {
            let heard = run.map_err(|_| format!("{name}: nobody heard it"))??;
            if let Err(why) = heard.result {
                println!("{name} found something ({why}); its input lies in {}/{name}-*", target.display());
                found.push(name.as_str());
            }
        }
    }
    if found.is_empty() { Ok(names.len()) } else { Err(format!("findings in {}", found.join(", "))) }
}

/// What runs a target over its committed corpus and what it has found before.
fn fuzz(root: &Path, target: &Path, name: &str, binary: &Path, seconds: u32) -> Result<Command, String> {
    let grown = target.join("corpus").join(name);
    fs::create_dir_all(&grown).map_err(|error| format!("{}: {error}", grown.display()))?;
    let mut fuzz = program_in(binary, root);
    fuzz.arg(format!("-max_total_time={seconds}")).args(["-max_len=2048", "-verbosity=0"]);
    fuzz.arg(format!("-artifact_prefix={}/{name}-", target.display())).arg(&grown);
    let committed = root.join("crates/fuzz/corpus").join(name);
    if committed.is_dir() {
        fuzz.arg(committed);
    }
    Ok(fuzz)
}

/// The targets, by the files that are their binaries.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let say = |error| format!("{}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(say)? {
        let path = entry.map_err(say)?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    if names.is_empty() { Err(format!("{}: no target", folder.display())) } else { Ok(names) }
}

fn host(version: &str) -> Result<String, String> {
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(|host| host.trim().to_owned())
        .ok_or_else(|| "cargo does not say on which host it runs".to_owned())
}

const TARGETS: &str = "crates/fuzz/fuzz_targets";
/// What libFuzzer looks at: counters at every edge, their addresses, and the operands of comparisons.
const COVERAGE: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";
/// As many as small machines have cores.
const AT_ONCE: usize = 2;
/// Long enough to find what is shallow (about a million inputs), short enough for every run of the tests.
pub(crate) const SMOKE_SECONDS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read() {
        assert_eq!(
            host("cargo 1.95.0\nhost: x86_64-unknown-linux-gnu\nos: x\n").as_deref(),
            Ok("x86_64-unknown-linux-gnu")
        );
        assert!(host("cargo 1.95.0\n").is_err());
    }

    #[test]
    fn the_arguments_are_read() {
        let main = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            main(Path::new("/"), Path::new("/"), &arguments).expect_err("no sense")
        };
        assert!(main(&["--seconds", "soon"]).contains("`soon`"));
        assert!(main(&["--seconds", "0"]).contains("`0`"));
        assert!(main(&["--second"]).contains("`--second`"));
    }
}
