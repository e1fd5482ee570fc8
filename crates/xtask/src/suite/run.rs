//! One test file of the suite, run by jest in a Node of its own.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::package::Package;
use super::processes::Mark;
use crate::command::program_in;

/// What is tested, and how much of it.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) package: &'a Package,
    pub(super) worker: &'a Path,
    /// jest's pattern for the full names of tests.
    pub(super) only: Option<&'a str>,
}

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) passed: bool,
    /// The first line of why it did not.
    pub(super) why: String,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileRun {
    pub(super) file: String,
    pub(super) tests: Vec<Test>,
    /// Tests that the file contains and jest says nothing about.
    pub(super) missing: usize,
    /// What went wrong beside the tests: a limit, a worker that stayed.
    pub(super) trouble: Option<String>,
}

impl FileRun {
    /// Runs it for at most so long, and leaves no process behind.
    ///
    /// # Errors
    /// When Node cannot be started or the file not be read.
    pub(super) fn of(subject: &Subject<'_>, name: &str, limit: Duration) -> Result<Self, String> {
        let file = subject.package.test_file(name);
        let source = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let results = subject.package.folder().join("results.json");
        let _ = fs::remove_file(&results);
        let mark = Mark::new();
        let mut command = jest(subject, &file, &results)?;
        mark.put_on(&mut command);
        let on_time = limit > Duration::ZERO && ends_within(&mut command, limit)?;
        let stayed = mark.end_all(if on_time { GRACE } else { Duration::ZERO });
        let trouble = match (on_time, stayed) {
            (false, _) => Some(format!("no end within {} s", limit.as_secs())),
            (true, 0) => None,
            (true, stayed) => {
                Some(format!("{stayed} workers outlived Node by more than {} s", GRACE.as_secs()))
            }
        };
        let tests = fs::read_to_string(&results).ok().map(|text| read_results(&text)).unwrap_or_default();
        // Those that a pattern left out are no results either.
        let expected = if subject.only.is_some() && on_time { 0 } else { tests_in(&source) };
        Ok(Self { file: name.to_owned(), missing: expected.saturating_sub(tests.len()), tests, trouble })
    }

    /// Whether nothing is wrong with it but that tests took longer than jest waits for one, of those that `counts` says
    /// matter: what a machine does that is busy for a moment.
    pub(super) fn is_only_late(&self, counts: impl Fn(&Test) -> bool) -> bool {
        let mut failed = self.tests.iter().filter(|test| !test.passed && counts(test)).peekable();
        let any = failed.peek().is_some();
        any && self.missing == 0 && self.trouble.is_none() && failed.all(|test| test.why.contains(LATE))
    }

    pub(super) fn passed(&self) -> u64 {
        self.tests.iter().map(|test| u64::from(test.passed)).sum()
    }
}

fn jest(subject: &Subject<'_>, file: &Path, results: &Path) -> Result<Command, String> {
    let folder = subject.package.folder();
    let log = folder.join("jest.log");
    let log = File::create(&log).and_then(|out| Ok((out.try_clone()?, out)));
    let (out, err) = log.map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = program_in(Path::new("node"), folder);
    command.args(["node_modules/jest/bin/jest.js", "--rootDir", "mediasoup"]);
    command.args(["--config", "jest.config.json", "--ci", "--runInBand", "--forceExit", "--json"]);
    command.arg("--outputFile").arg(results).arg("--runTestsByPath").arg(file);
    if let Some(only) = subject.only {
        command.args(["--testNamePattern", only]);
    }
    // What a contributor's shell sets for applications changes what the tests see.
    command.env_remove("MEDIASOUP_VERSION").env_remove("MEDIASOUP_USE_VALGRIND").env_remove("DEBUG");
    command.env("MEDIASOUP_WORKER_BIN", subject.worker).stdout(out).stderr(err);
    Ok(command)
}

/// Whether it ended by itself. Its success does not matter: what passed is in its results.
fn ends_within(command: &mut Command, limit: Duration) -> Result<bool, String> {
    let mut child = command.spawn().map_err(|error| format!("node could not be started: {error}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return Ok(true),
            Ok(None) if Instant::now() < end => thread::sleep(LOOK_EVERY),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(false);
            }
        }
    }
}

/// Every test of these files is a call of `test` that begins a line.
fn tests_in(source: &str) -> usize {
    source.lines().filter(|line| line.trim_start().starts_with("test(")).count()
}

fn read_results(text: &str) -> Vec<Test> {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let files = json.get("testResults").and_then(Value::as_array).into_iter().flatten();
    let results = files.filter_map(|file| file.get("assertionResults")?.as_array()).flatten();
    let word = |result: &Value, key: &str| result.get(key).and_then(Value::as_str).map(str::to_owned);
    let tests = results.filter_map(|result| {
        let status = word(result, "status")?;
        // What a pattern leaves out is listed as pending.
        (status != "pending").then(|| Test {
            name: word(result, "fullName").unwrap_or_default(),
            passed: status == "passed",
            why: first_line(result.get("failureMessages").and_then(|all| all.get(0)?.as_str())),
        })
    });
    tests.collect()
}

fn first_line(message: Option<&str>) -> String {
    let message = crate::test::without_colours(message.unwrap_or_default());
    message.lines().next().unwrap_or_default().to_owned()
}

/// What jest says of a test that it waited five seconds for.
const LATE: &str = "thrown: \"Exceeded timeout";
/// For the workers of a Node that has ended, to see that it has.
const GRACE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_where_they_begin_a_line() {
        assert_eq!(tests_in("test('a', () => {\n  test('b', x);\n latest('c');\n// test('d')\n"), 2);
    }

    #[test]
    fn only_what_is_late_and_nothing_else_is_late() {
        let test = |passed, why: &str| Test { name: why.into(), passed, why: why.into() };
        let ran = |tests: &[Test], missing| FileRun {
            file: "f".into(),
            tests: tests.to_vec(),
            missing,
            trouble: None,
        };
        let late = test(false, "thrown: \"Exceeded timeout of 5000 ms for a test.");
        let hook = test(false, "Error: thrown: \"Exceeded timeout of 5000 ms for a hook.");
        let wrong = test(false, "expected 1");
        assert!(ran(&[late.clone(), hook, test(true, "")], 0).is_only_late(|_| true));
        assert!(!ran(&[late.clone(), wrong.clone()], 0).is_only_late(|_| true));
        assert!(ran(&[late.clone(), wrong.clone()], 0).is_only_late(|test| test.why != "expected 1"));
        assert!(!ran(&[wrong], 0).is_only_late(|_| true));
        assert!(!ran(&[late], 1).is_only_late(|_| true));
        assert!(!ran(&[test(true, "")], 0).is_only_late(|_| true));
    }

    #[test]
    fn the_results_of_jest_are_read() {
        let text = r#"{"testResults": [{"assertionResults": [
            {"fullName": "a", "status": "passed", "failureMessages": []},
            {"fullName": "b", "status": "failed", "failureMessages": ["\u001b[31mno\u001b[39m\n at x"]},
            {"fullName": "c", "status": "pending", "failureMessages": []}]}]}"#;
        let test = |name: &str, passed, why: &str| Test { name: name.into(), passed, why: why.into() };
        assert_eq!(read_results(text), [test("a", true, ""), test("b", false, "no")]);
        assert_eq!(read_results("{"), []);
    }
}
