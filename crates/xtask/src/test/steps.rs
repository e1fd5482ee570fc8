//! The steps of `cargo xtask test`, in the order in which they run.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::tally::Tally;
use super::{Context, Outcome, Step};
use crate::command::{Tool, is_installed, program_in, run, run_and_listen, run_for};
use crate::nightly::Nightly;
use crate::{api, build_tested, fuzz, instructions, packages, page, sim, suite, tidy};

pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the code is formatted", run: fmt },
    Step { name: "tidy", about: "crate directions, sizes, homes of things, documents", run: run_tidy },
    Step { name: "clippy", about: "no lint fires in any target", run: clippy },
    Step { name: "deny", about: "licences, sources, duplicates and advisories of dependencies", run: deny },
    Step { name: "test", about: "all tests of all crates", run: test },
    Step { name: "sim", about: "rooms in virtual time, every plan", run: run_sim },
    Step { name: "suite", about: "the tests of the npm package, against our worker", run: run_suite },
    Step { name: "media", about: "real encoders and decoders through the worker", run: media },
    Step { name: "browser", about: "calls of Chromium's pages through the worker", run: browser },
    Step { name: "load", about: "the load generator against the server's binary", run: load },
    Step { name: "api", about: "the control API against its OpenAPI document", run: run_api },
    Step { name: "server", about: "the server before a real Prometheus and a real browser", run: server },
    Step { name: "glommio", about: "lints and tests of the host behind a feature", run: glommio },
    Step { name: "doctest", about: "the examples in the documentation", run: doctest },
    Step { name: "doc", about: "the documentation builds without a warning", run: doc },
    Step { name: "loom", about: "the lanes between threads, in every interleaving", run: loom },
    Step {
        name: "instructions",
        about: "hot functions against their committed instruction counts",
        run: count,
    },
    Step { name: "fuzz-smoke", about: "a short run of every fuzz target", run: fuzz_smoke },
    Step {
        name: "miri",
        about: "pool and lanes under an interpreter that knows undefined behaviour",
        run: miri,
    },
];

fn fmt(context: &Context) -> (Outcome, Tally) {
    plain(cargo(context, &["fmt", "--all", "--check"]))
}

fn run_tidy(context: &Context) -> (Outcome, Tally) {
    let outcome = match tidy::check(&context.root) {
        Err(reason) => Outcome::Failed { reason },
        Ok(findings) => {
            for finding in &findings {
                println!("{finding}");
            }
            let warnings = findings.iter().filter(|finding| finding.warning).count();
            match findings.len() - warnings {
                0 if warnings == 0 => Outcome::passed(),
                0 => Outcome::Passed { note: Some(format!("{warnings} warnings")) },
                errors => Outcome::Failed { reason: format!("{errors} findings") },
            }
        }
    };
    (outcome, Tally::default())
}

fn clippy(context: &Context) -> (Outcome, Tally) {
    let all = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    let result = run(&mut cargo(context, &all));
    // Together they have the features that any of them asks for; who builds one of these has its own alone.
    let alone = |package| run(&mut cargo(context, &["check", "--locked", "--package", package]));
    let result = result.and_then(|()| alone("shardcast-worker")).and_then(|()| alone("shardcast-server"));
    (Outcome::from_result(result), Tally::default())
}

fn deny(context: &Context) -> (Outcome, Tally) {
    if let Err(reason) = packages::need_from_cargo(&context.root, "deny", DENY_VERSION, 3) {
        return (Outcome::Skipped { reason }, Tally::default());
    }
    let fetched = run_for(&mut cargo(context, &["deny", "fetch", "db"]), ADVISORY_LIMIT);
    let checks: &[&str] = match fetched {
        Ok(()) => &["advisories", "bans", "licenses", "sources"],
        Err(_) => &["bans", "licenses", "sources"],
    };
    let mut command = cargo(context, &["deny", "check", "--hide-inclusion-graph"]);
    let result = run(command.args(checks));
    let outcome = match (result, fetched) {
        (Err(reason), _) => Outcome::Failed { reason },
        (Ok(()), Ok(())) => Outcome::passed(),
        (Ok(()), Err(why)) => Outcome::Passed { note: Some(format!("without advisories: {why}")) },
    };
    (outcome, Tally::default())
}

fn test(context: &Context) -> (Outcome, Tally) {
    // A peer of `dtls` in its tests. Where it can not be installed they say so themselves.
    if let Err(reason) = packages::need_from_apt(&context.root, "openssl", "openssl") {
        println!("{reason}");
    }
    if has_nextest() {
        return tested(cargo(context, &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]));
    }
    println!("cargo-nextest is not installed: cargo's own runner does it, one crate after another");
    // Not `--all-targets`: that would run the benches.
    let everything = ["test", "--workspace", "--lib", "--bins", "--tests", "--locked", "--no-fail-fast"];
    tested(cargo(context, &everything))
}

fn run_sim(context: &Context) -> (Outcome, Tally) {
    let mut command = sim(&context.root);
    command.args(["--all", "--quiet"]);
    plain(command)
}

fn run_suite(context: &Context) -> (Outcome, Tally) {
    suite::check(&context.root, &context.target)
}

fn media(context: &Context) -> (Outcome, Tally) {
    let root = &context.root;
    let ready = packages::need_gstreamer(root)
        .and_then(|()| packages::need_gstreamer_bindings(root))
        .and_then(|()| packages::need_from_apt(root, "ffmpeg", "ffmpeg"))
        .and_then(|()| packages::need_python(root));
    if let Err(reason) = ready {
        return (Outcome::Skipped { reason }, Tally::default());
    }
    ignored_tests(context, &[("shardcast-worker", "media"), ("dtls", "gstreamer")])
}

fn browser(context: &Context) -> (Outcome, Tally) {
    if let Err(reason) = packages::need_from_apt(&context.root, "chromium", "chromium") {
        return (Outcome::Skipped { reason }, Tally::default());
    }
    let records = context.target.join("tmp/browser");
    // What an earlier run recorded is not this one's.
    if records.exists()
        && let Err(error) = std::fs::remove_dir_all(&records)
    {
        return (Outcome::Failed { reason: format!("{}: {error}", records.display()) }, Tally::default());
    }
    let (outcome, tally) = ignored_tests(context, &[("shardcast-worker", "browser")]);
    let mut report = program_in(Path::new("node"), &context.root);
    report.arg("crates/worker/tests/browser/report.js").arg(records);
    match (outcome, run(&mut report)) {
        (Outcome::Passed { .. }, Err(reason)) => (Outcome::Failed { reason }, tally),
        (outcome, _) => (outcome, tally),
    }
}

/// Tests, by package and binary, that need what only a step of their own installs. They are built with all others, as
/// [`build_tested`] says why, and told where the programs are that other packages have.
fn ignored_tests(context: &Context, of: &[(&str, &str)]) -> (Outcome, Tally) {
    if let Err(reason) = build_tested(&context.root) {
        return (Outcome::Failed { reason }, Tally::default());
    }
    let mut command = if has_nextest() {
        let these: Vec<_> =
            of.iter().map(|(package, test)| format!("binary_id({package}::{test})")).collect();
        let mut command = cargo(context, &["nextest", "run", "--workspace", "--locked"]);
        command.args(["--run-ignored", "only", "--filterset", &these.join(" | ")]);
        command
    } else {
        let mut command = cargo(context, &["test", "--workspace", "--locked"]);
        for (_, test) in of {
            command.args(["--test", test]);
        }
        command.args(["--", "--ignored"]);
        command
    };
    let built = context.target.join("debug");
    command.env("SHARDCAST_TEST_SHIM", built.join("shim"));
    command.env("SHARDCAST_TEST_SERVER", built.join("shardcast"));
    tested(command)
}

fn server(context: &Context) -> (Outcome, Tally) {
    let root = &context.root;
    // It brings promtool too. Where there is an init, Debian starts it as a service, which is nothing to us.
    let ready = packages::need_from_apt(root, "promtool", "prometheus")
        .and_then(|()| packages::need_from_apt(root, "chromium", "chromium"))
        .and_then(|()| packages::need_from_apt(root, "python3", "python3"));
    if let Err(reason) = ready {
        return (Outcome::Skipped { reason }, Tally::default());
    }
    if let Err(reason) = page::check(root) {
        return (Outcome::Failed { reason }, Tally::default());
    }
    ignored_tests(context, &[("shardcast-server", "api")])
}

fn load(context: &Context) -> (Outcome, Tally) {
    ignored_tests(context, &[("shardcast-load", "rooms")])
}

fn run_api(context: &Context) -> (Outcome, Tally) {
    let outcome = match api::check(&context.root, &context.target) {
        Ok(()) => Outcome::passed(),
        Err(api::Failure::Missing(reason)) => Outcome::Skipped { reason },
        Err(api::Failure::Found(reason)) => Outcome::Failed { reason },
    };
    (outcome, Tally::default())
}

fn has_nextest() -> bool {
    is_installed("cargo-nextest")
}

fn glommio(context: &Context) -> (Outcome, Tally) {
    if lockable_bytes().is_some_and(|bytes| bytes < GLOMMIO_LOCKS_BYTES) {
        let reason = format!("glommio starts with no less than {GLOMMIO_LOCKS_BYTES} bytes of `ulimit -l`");
        return (Outcome::Skipped { reason }, Tally::default());
    }
    let packages = ["-p", "net", "-p", "shard", "--features", "shard/host-glommio", "--locked"];
    let mut lints = cargo(context, &["clippy", "--all-targets", "-p", "shardcast-bench"]);
    lints.args(["--features", "shardcast-bench/host-glommio"]).args(packages).args(["--", "-D", "warnings"]);
    if let Err(reason) = run(&mut lints) {
        return (Outcome::Failed { reason }, Tally::default());
    }
    let runner: &[&str] = if has_nextest() { &["nextest", "run"] } else { &["test", "--lib", "--tests"] };
    let mut tests = cargo(context, runner);
    tests.arg("--no-fail-fast").args(packages);
    tested(tests)
}

/// The soft limit on locked memory: the word after the three of its name. `None` where there is none.
fn lockable_bytes() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max locked memory"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

fn doctest(context: &Context) -> (Outcome, Tally) {
    tested_if_any(cargo(context, &["test", "--doc", "--workspace", "--locked"]))
}

fn doc(context: &Context) -> (Outcome, Tally) {
    let mut command = cargo(context, &["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    plain(command)
}

fn loom(context: &Context) -> (Outcome, Tally) {
    // Optimised, since a model walks through hundreds of thousands of interleavings, and with every check on.
    let mut command =
        cargo(context, &["test", "--profile", "sim", "--locked", "-p", "net", "--lib", "lane::"]);
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", context.target.join("loom"));
    tested(command)
}

fn count(context: &Context) -> (Outcome, Tally) {
    (instructions::check(&context.root, &context.target), Tally::default())
}

fn fuzz_smoke(context: &Context) -> (Outcome, Tally) {
    (fuzz::smoke(&context.root, &context.target, fuzz::SMOKE_SECONDS), Tally::default())
}

fn miri(context: &Context) -> (Outcome, Tally) {
    let ready = Nightly::find(&context.root).and_then(|nightly| {
        nightly.need(&context.root, "miri")?;
        nightly.need(&context.root, "rust-src")?;
        Ok(nightly)
    });
    let nightly = match ready {
        Ok(nightly) => nightly,
        Err(reason) => return (Outcome::Skipped { reason }, Tally::default()),
    };
    let mut command = nightly.cargo(&context.root);
    command.args(["miri", "test", "-p", "net", "--lib", "--", "pool::", "lane::"]);
    command.env("CARGO_TARGET_DIR", context.target.join("miri"));
    // The lanes read a monotonic clock and an eventfd, which miri only passes on with its isolation off.
    command.env("MIRIFLAGS", "-Zmiri-disable-isolation");
    tested(command)
}

fn cargo(context: &Context, arguments: &[&str]) -> Command {
    let mut command = Tool::Cargo.command(&context.root);
    command.args(arguments);
    command
}

fn plain(mut command: Command) -> (Outcome, Tally) {
    (Outcome::from_result(run(&mut command)), Tally::default())
}

/// Runs something that ends with a summary of tests. A runner that ran none has found nothing out, and fails.
fn tested(command: Command) -> (Outcome, Tally) {
    match tested_if_any(command) {
        (Outcome::Passed { .. }, tally) if tally.passed == 0 => {
            (Outcome::Failed { reason: "no test ran".to_owned() }, tally)
        }
        other => other,
    }
}

/// The same where it is no surprise that there is none.
fn tested_if_any(mut command: Command) -> (Outcome, Tally) {
    let heard = match run_and_listen(&mut command) {
        Ok(heard) => heard,
        Err(reason) => return (Outcome::Failed { reason }, Tally::default()),
    };
    let tally = Tally::read(&heard.text);
    let outcome = match heard.result {
        Ok(()) => Outcome::Passed { note: Some(tally.to_string()) },
        Err(why) => Outcome::Failed { reason: format!("{tally} ({why})") },
    };
    (outcome, tally)
}

/// The cargo-deny that is built where none is installed. Raised together with `deny.toml`.
const DENY_VERSION: &str = "0.20.2";
/// What glommio 0.9 insists on, and says so in words that help nobody.
const GLOMMIO_LOCKS_BYTES: u64 = 512 * 1024;
/// The advisories come from a git host, which not every machine may talk to.
const ADVISORY_LIMIT: Duration = Duration::from_secs(60);
