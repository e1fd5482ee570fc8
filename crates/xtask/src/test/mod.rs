//! `cargo xtask test`: everything a contributor must pass, cheap steps first.
//!
//! A step that cannot run on this machine is skipped with its reason in the table; it never passes by not running.
//! All steps run even after one failed, so that one run shows everything there is to repair.

mod report;
mod steps;
mod tally;

use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) use self::report::Outcome;
use self::report::Report;
use self::steps::STEPS;
pub(crate) use self::tally::{Tally, without_colours};

/// What a step gets to know.
#[derive(Debug)]
pub(crate) struct Context {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Where builds go; steps with flags of their own use folders inside.
    pub(crate) target: PathBuf,
}

/// One thing that is checked.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Context) -> (Outcome, Tally),
}

/// Runs the steps that the arguments ask for; true when none failed.
///
/// # Errors
/// When the arguments make no sense.
pub(crate) fn main(root: &Path, target: PathBuf, arguments: &[String]) -> Result<bool, String> {
    let Some(steps) = select(arguments)? else {
        for step in STEPS {
            println!("{:<14} {}", step.name, step.about);
        }
        return Ok(true);
    };
    let context = Context { root: root.to_path_buf(), target };
    let mut report = Report::default();
    for step in steps {
        println!("\n==== {}: {}", step.name, step.about);
        let start = Instant::now();
        let (outcome, tally) = (step.run)(&context);
        if let Outcome::Failed { reason } = &outcome {
            println!("---- {} FAILED: {reason}", step.name);
        }
        let took = start.elapsed();
        println!("---- {}: {:.1} s", step.name, took.as_secs_f64());
        report.add(step.name, outcome, took, tally);
    }
    println!("\n{}", report.table());
    println!("{}", report.summary());
    Ok(report.failed_steps() == 0)
}

/// The steps asked for, or nothing for `--list`.
fn select(arguments: &[String]) -> Result<Option<Vec<&'static Step>>, String> {
    let mut only = Vec::new();
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--list" => return Ok(None),
            "--only" => {
                let name = arguments.next().ok_or("--only wants the name of a step")?;
                let step = STEPS.iter().find(|step| step.name == name);
                let names = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
                only.push(step.ok_or_else(|| format!("there is no step `{name}`; there are {}", names()))?);
            }
            other => return Err(format!("`{other}` is no argument of test; --only STEP and --list are")),
        }
    }
    Ok(Some(if only.is_empty() { STEPS.iter().collect() } else { only }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Result<Option<Vec<&'static str>>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Ok(select(&arguments)?.map(|steps| steps.iter().map(|step| step.name).collect()))
    }

    #[test]
    fn without_arguments_every_step_runs() {
        assert_eq!(names(&[]).map(|steps| steps.map(|steps| steps.len())), Ok(Some(STEPS.len())));
    }

    #[test]
    fn only_takes_steps_by_name_and_names_them_when_it_cannot() {
        assert_eq!(names(&["--only", "tidy", "--only", "fmt"]), Ok(Some(vec!["tidy", "fmt"])));
        assert_eq!(names(&["--list"]), Ok(None));
        let why = names(&["--only", "tydi"]).expect_err("no such step");
        assert!(why.contains("`tydi`") && why.contains("tidy"), "{why}");
        assert!(names(&["--only"]).is_err() && names(&["fast"]).is_err());
    }
}
