//! Everything a contributor runs: `cargo xtask test`, `tidy`, `suite`, `sim`, `fuzz-smoke`, `page`, `bench` and `instructions`.
//!
//! Owns how the project is checked, so that a person, an editor and CI run the same thing. It uses no crate of the
//! workspace: it must build and explain itself when nothing else does.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its streams")]

mod api;
mod command;
mod fuzz;
mod instructions;
mod nightly;
mod packages;
mod page;
mod suite;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::{Tool, capture};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<bool, String> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(true);
    };
    if matches!(command.as_str(), "help" | "--help" | "-h")
        || rest.iter().any(|word| word == "--help") && !matches!(command.as_str(), "bench" | "sim")
    {
        print!("{HELP}");
        return Ok(true);
    }
    let root = root()?;
    match command.as_str() {
        "test" => test::main(&root, target(&root)?, rest),
        "tidy" if rest.is_empty() => tidy_alone(&root),
        "suite" => suite::main(&root, &target(&root)?, rest),
        "fuzz-smoke" => fuzz::main(&root, &target(&root)?, rest),
        "instructions" => instructions::main(&root, &target(&root)?, rest),
        "page" if rest.is_empty() => page::main(&root),
        "bench" => bench(&root, rest),
        "sim" => command::run(sim(&root).args(rest)).map(|()| true),
        other => Err(format!("`{other}` is no command; `cargo xtask help` lists them")),
    }
}

fn tidy_alone(root: &Path) -> Result<bool, String> {
    let findings = tidy::check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| !finding.warning).count();
    println!("{errors} errors, {} warnings", findings.len() - errors);
    Ok(errors == 0)
}

fn bench(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let name = arguments.first().map_or("", String::as_str);
    if matches!(name, "worker" | "workers" | "control" | "garbage") {
        // What is measured by default lies beside the bench.
        let build = ["build", "--release", "--package", "shardcast-worker"];
        command::run(Tool::Cargo.command(root).args(build))?;
    }
    let mut command = Tool::Cargo.command(root);
    command.args(["run", "--release", "--package", "shardcast-bench", "--bin", "shardcast-bench"]);
    if arguments.iter().any(|word| word.split(',').any(|host| host == "glommio")) {
        command.args(["--features", "host-glommio"]);
    }
    command::run(command.arg("--").args(arguments)).map(|()| true)
}

/// What plays rooms in virtual time; arguments are its own.
fn sim(root: &Path) -> std::process::Command {
    let mut command = Tool::Cargo.command(root);
    command.args(["run", "--profile", "sim", "--locked", "--package", "sim", "--bin", "sim", "--"]);
    command
}

/// Builds what the tests of all crates run, as the step `test` has it built: of a package alone, cargo would build half
/// again with fewer features.
fn build_tested(root: &Path) -> Result<(), String> {
    let build = ["test", "--workspace", "--no-run", "--locked", "--quiet"];
    command::run(Tool::Cargo.command(root).args(build))
}

/// The workspace's folder: where cargo found this crate when it was built, wherever we are run from.
fn root() -> Result<PathBuf, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .filter(|root| root.join("Cargo.lock").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is no longer inside a workspace", here.display()))
}

/// Where cargo builds, whoever configured it.
fn target(root: &Path) -> Result<PathBuf, String> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let metadata = capture(Tool::Cargo.command(root).args(arguments))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    target.map(PathBuf::from).ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

const HELP: &str = "\
cargo xtask COMMAND

  test [--only STEP]… [--list]   everything a change must pass; --list names the steps
  tidy                           only the rules of the house: directions, sizes, homes, documents
  suite [--worker PATH] [--only REGEX]
                                 the tests that the npm package mediasoup carries, against a worker
  sim --plan NAME [--seed N] …   rooms in virtual time: plays a plan and prints its timeline; `sim --list`
                                 names the plans, `sim --help` the options
  fuzz-smoke [--seconds N]       every fuzz target for N seconds each
  page                           what the demo call takes from npm, anew from its lock file
  bench NAME …                   a benchmark, built for release; `bench --help` lists them
  instructions [--bless]         instruction counts of hot functions against bench/instructions.json
";
