//! `cargo xtask suite`: the tests that the npm package mediasoup carries, against a worker binary.
//!
//! The package is installed from a committed lock into the build folder, and each of its test files is a run of jest
//! of its own, so that a worker that hangs costs one file. `known.json` names the tests that are known not to pass,
//! with the reason; everything else has to. The suite sends no RTP: it says nothing about media.

mod known;
mod package;
mod processes;
mod run;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::known::{Known, Verdict};
use self::package::Package;
use self::run::{FileRun, Subject};
use crate::build_tested;
use crate::command::{Tool, run};
use crate::test::{Outcome, Tally};

/// The command by itself; true when nothing failed that the list does not name.
///
/// # Errors
/// When the arguments make no sense, or the suite could not be set up.
pub(crate) fn main(root: &Path, target: &Path, arguments: &[String]) -> Result<bool, String> {
    let asked = Asked::read(arguments)?;
    let worker = match asked.worker {
        Some(path) => std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => build_worker(root, target)?,
    };
    let (verdict, _) = run_all(root, target, &worker, asked.only.as_deref())?;
    Ok(verdict.failed.is_empty())
}

/// All of it as a step of the tests. There a line of the list that is no longer true is a failure too.
pub(crate) fn check(root: &Path, target: &Path) -> (Outcome, Tally) {
    let worker = target.join("debug/shardcast-worker");
    let ran = build_tested(root).and_then(|()| run_all(root, target, &worker, None));
    let (verdict, tally) = match ran {
        Ok(ran) => ran,
        Err(reason) => return (Outcome::Failed { reason }, Tally::default()),
    };
    let outcome = if !verdict.failed.is_empty() {
        Outcome::Failed { reason: format!("{} tests, first {}", verdict.failed.len(), verdict.failed[0]) }
    } else if !verdict.repaired.is_empty() {
        Outcome::Failed { reason: format!("{LIST} names {} tests that pass", verdict.repaired.len()) }
    } else {
        Outcome::Passed { note: Some(format!("{}, {} known not to", verdict.count(), verdict.known)) }
    };
    (outcome, tally)
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    worker: Option<PathBuf>,
    only: Option<String>,
}

impl Asked {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                "--worker" => asked.worker = Some(value()?.into()),
                "--only" => asked.only = Some(value()?),
                other => {
                    return Err(format!(
                        "`{other}` is no argument of suite; --worker PATH and --only REGEX are"
                    ));
                }
            }
        }
        Ok(asked)
    }
}

/// With debug assertions and overflow checks: a control plane that is too slow with them is too slow.
fn build_worker(root: &Path, target: &Path) -> Result<PathBuf, String> {
    run(Tool::Cargo.command(root).args(["build", "--locked", "--package", "shardcast-worker"]))?;
    Ok(target.join("debug/shardcast-worker"))
}

fn run_all(
    root: &Path,
    target: &Path,
    worker: &Path,
    only: Option<&str>,
) -> Result<(Verdict, Tally), String> {
    if !worker.is_file() {
        return Err(format!("{}: no such worker", worker.display()));
    }
    let known = Known::read(&root.join(LIST))?;
    let package = Package::prepare(&root.join(HOME), &target.join("suite"))?;
    let subject = Subject { package: &package, worker, only };
    let end = Instant::now() + BUDGET;
    let mut verdict = Verdict::default();
    let mut tally = Tally::default();
    for name in package.test_files()? {
        let limit = || FILE_LIMIT.min(end.saturating_duration_since(Instant::now()));
        let mut ran = FileRun::of(&subject, &name, limit())?;
        if ran.is_only_late(|test| known.reason(&name, &test.name).is_none()) {
            println!("         {name}: tests took longer than jest waits for one; it runs once more");
            ran = FileRun::of(&subject, &name, limit())?;
        }
        for line in verdict.judge(&known, &ran) {
            println!("{line}");
        }
        tally.passed += ran.passed();
    }
    if verdict.tests == 0 {
        return Err(format!("no test of the suite matches `{}`", only.unwrap_or(".")));
    }
    tally.failed = u64::try_from(verdict.failed.len()).unwrap_or(u64::MAX);
    tally.ignored = verdict.known;
    for line in verdict.lines(&known, only.is_none()) {
        println!("{line}");
    }
    println!("{}", verdict.count());
    Ok((verdict, tally))
}

const HOME: &str = "crates/xtask/suite";
const LIST: &str = "crates/xtask/suite/known.json";
/// For the whole suite. It takes about one minute, and three on a machine that is slow; nobody waits for more than ten.
const BUDGET: Duration = Duration::from_secs(600);
/// For one file. The longest takes eight seconds; a worker that answers nothing lets every test run into its own limit.
const FILE_LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_read() {
        let read = |arguments: &[&str]| {
            Asked::read(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
        };
        let asked = read(&["--worker", "a/b", "--only", "dump"]).expect("both are known");
        assert_eq!(asked, Asked { worker: Some("a/b".into()), only: Some("dump".to_owned()) });
        assert!(read(&["--only"]).is_err_and(|why| why.contains("--only")));
        assert!(read(&["fast"]).is_err_and(|why| why.contains("`fast`")));
    }
}
