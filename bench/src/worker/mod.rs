//! `bench worker`: whole workers, driven over their channel, against the floor and beside each other; and what they
//! use when nobody does anything.

mod feedback;
mod idle;
mod matrix;
mod promises;
mod run;
mod settling;
mod web_rtc;

use std::io;

use serde::Serialize;

use crate::args::Options;
use crate::case::Case;
use crate::channel::Subject;
use crate::machine::Machine;
use crate::out;
use crate::row::Row;
use crate::verdict::Verdict;

use self::idle::Idle;
pub(crate) use self::run::Run;

/// Runs what the options select.
pub(crate) fn main(options: &Options) -> io::Result<Vec<Verdict>> {
    let cases = select(options);
    let idles = options.filter.is_empty() || options.filter.iter().any(|word| word == IDLE);
    if options.list {
        cases.iter().for_each(out::line);
        out::line(&IDLE);
        return Ok(Vec::new());
    }
    if cases.is_empty() && !idles {
        return Err(io::Error::other("no case matches the filter; --list shows them all"));
    }
    let subjects = Subject::chosen(options)?;
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    if options.feedback {
        let (rows, extras, verdicts) = feedback::measure(&cases, &subjects, options)?;
        let report = serde_json::json!({
            "machine": machine, "rows": rows, "feedback": extras, "verdicts": verdicts
        });
        return written(options, &report).map(|()| verdicts);
    }
    if options.web_rtc {
        let (rows, quotients, verdicts) = web_rtc::measure(&cases, &subjects, options)?;
        let report = serde_json::json!({
            "machine": machine, "rows": rows, "web_rtc": quotients, "verdicts": verdicts
        });
        return written(options, &report).map(|()| verdicts);
    }
    let rows = forward(&cases, &subjects, options)?;
    let idle = if idles { idle::measure(&subjects, options)? } else { Vec::new() };
    let verdicts = promises::verdicts(&rows, &idle, &subjects);
    verdicts.iter().for_each(out::line);
    let invalid = rows.iter().filter(|row| row.invalid.is_some()).count();
    if invalid > 0 {
        out::line(&format!("{invalid} of {} rows do not count; their notes say why", rows.len()));
    }
    let report = Report { machine: &machine, rows: &rows, idle: &idle, verdicts: &verdicts };
    written(options, &report).map(|()| verdicts)
}

/// Writes a report where one is wanted.
fn written(options: &Options, report: &impl Serialize) -> io::Result<()> {
    options.json.as_ref().map_or(Ok(()), |path| out::json(path, report))
}

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    rows: &'a [Row],
    idle: &'a [Idle],
    verdicts: &'a [Verdict],
}

fn forward(cases: &[Case], subjects: &[Subject], options: &Options) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (done, case) in cases.iter().enumerate() {
        out::progress(&format!("{} of {}: {case}", done + 1, cases.len()));
        if rows.is_empty() {
            out::line(&Row::heading());
        }
        for row in Run::start(case, subjects, options)?.measure(options)? {
            out::line(&row);
            rows.push(row);
        }
    }
    Ok(rows)
}

fn select(options: &Options) -> Vec<Case> {
    let cases = if options.quick { matrix::quick() } else { matrix::full() };
    let named = |case: &Case| {
        let name = case.to_string();
        options.filter.iter().all(|word| name.split(' ').any(|part| part == word))
    };
    cases.into_iter().filter(named).collect()
}

/// What `--filter` selects the idle rows with.
const IDLE: &str = "idle";
