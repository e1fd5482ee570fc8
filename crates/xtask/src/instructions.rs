//! `cargo xtask instructions`: what the hot functions cost, in instructions, against a committed baseline.
//!
//! Time on a shared machine drifts by more than a regression is worth; the number of instructions does not. The
//! bench binary `instructions` runs one function a given number of times under valgrind; two runs of different
//! length leave, after subtraction, only the function itself. Where a function is mostly somebody else's code (the
//! cipher), that code alone is a workload too, and what is held is the difference: our own overhead.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command::{Tool, capture, line, program_in, run};
use crate::packages;
use crate::test::Outcome;

/// Instructions per call, by name.
type Counts = BTreeMap<String, f64>;

/// Compares with the baseline, as a step of `cargo xtask test`.
pub(crate) fn check(root: &Path, target: &Path) -> Outcome {
    if !cfg!(target_arch = "x86_64") {
        return Outcome::Skipped { reason: "the baseline is of x86-64".to_owned() };
    }
    if let Err(reason) = packages::need_from_apt(root, "valgrind", "valgrind") {
        return Outcome::Skipped { reason };
    }
    let counted =
        count_all(root, target).and_then(|counts| Ok((read_baseline(&root.join(BASELINE))?, counts)));
    let (baseline, counts) = match counted {
        Ok(both) => both,
        Err(reason) => return Outcome::Failed { reason },
    };
    let mut worse = 0;
    let mut better = 0;
    for (name, verdict) in compare(&baseline, &counts) {
        println!("{name:<28} {verdict}");
        worse += usize::from(verdict.fails());
        better += usize::from(matches!(verdict, Verdict::Better { .. }));
    }
    match (worse, better) {
        (0, 0) => Outcome::passed(),
        (0, _) => Outcome::Passed { note: Some(format!("{better} better than the baseline: {BLESS}")) },
        _ => Outcome::Failed {
            reason: format!("{worse} not as the baseline says; where that is meant: {BLESS}"),
        },
    }
}

/// Runs the gate by itself, or with `--bless` writes a new baseline.
///
/// # Errors
/// When the arguments make no sense or the counts cannot be had.
pub(crate) fn main(root: &Path, target: &Path, arguments: &[String]) -> Result<bool, String> {
    match arguments {
        [] => match check(root, target) {
            Outcome::Passed { note } => {
                println!("{}", note.unwrap_or_else(|| "as the baseline says".to_owned()));
                Ok(true)
            }
            Outcome::Skipped { reason } | Outcome::Failed { reason } => Err(reason),
        },
        [bless] if bless == "--bless" => {
            packages::need_from_apt(root, "valgrind", "valgrind")?;
            let counts = count_all(root, target)?;
            let text = serde_json::to_string_pretty(&json!({ "instructions_per_call": counts }))
                .map_err(|error| error.to_string())?;
            fs::write(root.join(BASELINE), text + "\n").map_err(|error| format!("{BASELINE}: {error}"))?;
            println!("{BASELINE} holds {} counts now; say in the commit why they changed", counts.len());
            Ok(true)
        }
        [other, ..] => Err(format!("`{other}` is no argument of instructions; --bless is")),
    }
}

/// One function's count beside what the baseline says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Same { count: f64 },
    Better { count: f64, before: f64 },
    Worse { count: f64, before: f64 },
    New { count: f64 },
    Gone { before: f64 },
}

impl Verdict {
    fn fails(self) -> bool {
        !matches!(self, Self::Same { .. } | Self::Better { .. })
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |count: f64, before: f64| (count - before) / before.max(1.0) * 100.0;
        match *self {
            Self::Same { count } => write!(f, "{count:>9.1}"),
            Self::Better { count, before } => {
                write!(f, "{count:>9.1}  better than {before:.1} ({:+.1} %)", percent(count, before))
            }
            Self::Worse { count, before } => {
                write!(f, "{count:>9.1}  WORSE than {before:.1} ({:+.1} %)", percent(count, before))
            }
            Self::New { count } => write!(f, "{count:>9.1}  NOT IN THE BASELINE"),
            Self::Gone { before } => write!(f, "     none  GONE, the baseline says {before:.1}"),
        }
    }
}

fn compare(baseline: &Counts, counts: &Counts) -> BTreeMap<String, Verdict> {
    let mut verdicts: BTreeMap<String, Verdict> =
        baseline.iter().map(|(name, &before)| (name.clone(), Verdict::Gone { before })).collect();
    for (name, &count) in counts {
        let verdict = match baseline.get(name) {
            None => Verdict::New { count },
            Some(&before) => {
                let slack = (before * TOLERANCE).max(SLACK_INSTRUCTIONS);
                if count > before + slack {
                    Verdict::Worse { count, before }
                } else if count < before - slack {
                    Verdict::Better { count, before }
                } else {
                    Verdict::Same { count }
                }
            }
        };
        verdicts.insert(name.clone(), verdict);
    }
    verdicts
}

fn read_baseline(path: &Path) -> Result<Counts, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}; {BLESS}", path.display()))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let counts = json.get("instructions_per_call").and_then(Value::as_object);
    let counts = counts.ok_or_else(|| format!("{}: no `instructions_per_call`", path.display()))?;
    let number = |(name, value): (&String, &Value)| {
        let count = value.as_f64().ok_or_else(|| format!("{}: `{name}` is no number", path.display()))?;
        Ok((name.clone(), count))
    };
    counts.iter().map(number).collect()
}

fn count_all(root: &Path, target: &Path) -> Result<Counts, String> {
    let build = ["build", "--release", "--locked", "--package", "shardcast-bench", "--bin", "instructions"];
    run(Tool::Cargo.command(root).args(build))?;
    let binary = target.join("release").join("instructions");
    let list = capture(program_in(&binary, root).arg("--list"))?;
    let mut counts = Counts::new();
    for (name, floor) in list.lines().filter_map(workload) {
        let mut count = count_one(root, target, &binary, name)?;
        if let Some(floor) = floor {
            count -= count_one(root, target, &binary, floor)?;
        }
        counts.insert(name.to_owned(), (count * 10.0).round() / 10.0);
    }
    if counts.is_empty() { Err(format!("{} lists nothing", binary.display())) } else { Ok(counts) }
}

/// A line of the list: a name, and what is subtracted from it.
fn workload(line: &str) -> Option<(&str, Option<&str>)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()))
}

fn count_one(root: &Path, target: &Path, binary: &Path, name: &str) -> Result<f64, String> {
    let short = instructions_of(root, target, binary, name, SHORT_RUN)?;
    let long = instructions_of(root, target, binary, name, 2 * SHORT_RUN)?;
    Ok(long.saturating_sub(short) as f64 / f64::from(SHORT_RUN))
}

fn instructions_of(root: &Path, target: &Path, binary: &Path, name: &str, calls: u32) -> Result<u64, String> {
    let out: PathBuf = target.join("callgrind.out");
    let mut valgrind = program_in(Path::new("valgrind"), root);
    valgrind.args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())]);
    valgrind.arg(binary).args([name, &calls.to_string()]);
    let ended = valgrind.output().map_err(|error| format!("valgrind could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    if !ended.status.success() {
        return Err(format!("{}: {}\n{said}", line(&valgrind), ended.status));
    }
    collected(&said).ok_or_else(|| format!("{}: no count in\n{said}", line(&valgrind)))
}

/// The number that callgrind reports at its end, as in `==123== Collected : 4567`.
fn collected(said: &str) -> Option<u64> {
    said.lines().rev().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

const BASELINE: &str = "bench/instructions.json";
const BLESS: &str = "cargo xtask instructions --bless";
/// Counts repeat to the instruction on one machine; another C library or processor chooses another `memcpy`.
const TOLERANCE: f64 = 0.03;
/// What the cipher takes moves by three instructions from run to run, with the alignment of its buffers; where it is
/// subtracted, that stays. For short functions it is also what may change without anybody asking why.
const SLACK_INSTRUCTIONS: f64 = 4.0;
/// Calls of the shorter run: enough to drown what differs between two starts, few enough for an interpreter.
const SHORT_RUN: u32 = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, f64)]) -> Counts {
        pairs.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
    }

    fn verdict(before: f64, count: f64) -> Verdict {
        compare(&counts(&[("a", before)]), &counts(&[("a", count)]))["a"]
    }

    #[test]
    fn three_percent_pass_and_more_is_told() {
        assert!(!verdict(1000.0, 1030.0).fails());
        assert!(verdict(1000.0, 1031.0).fails());
        assert!(matches!(verdict(1000.0, 900.0), Verdict::Better { .. }));
        assert!(!verdict(20.0, 24.0).fails() && verdict(20.0, 25.0).fails());
    }

    #[test]
    fn a_function_without_a_baseline_or_without_a_count_fails() {
        assert!(compare(&counts(&[]), &counts(&[("a", 1.0)]))["a"].fails());
        assert!(compare(&counts(&[("a", 1.0)]), &counts(&[]))["a"].fails());
    }

    #[test]
    fn what_callgrind_says_is_read() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 123456\n==7==\n"), Some(123_456));
        assert_eq!(collected("==7== \n"), None);
        assert_eq!(workload("seal_160 aead_160"), Some(("seal_160", Some("aead_160"))));
        assert_eq!(workload("parse"), Some(("parse", None)));
    }
}
