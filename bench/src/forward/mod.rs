//! `bench forward`: the matrix, each case with the floor and all hosts in turn, slice by slice.

mod cross;
mod device;
pub(crate) mod flood;
pub(crate) mod limits;
mod matrix;
pub(crate) mod run;
mod subject;

use std::io;

use serde::Serialize;

use crate::args::Options;
use crate::case::{Case, Sockets};
use crate::machine::Machine;
use crate::out;
use crate::row::Row;
use crate::verdict::Verdict;

use self::run::Run;

/// Runs the bench of that name.
pub(crate) fn main(kind: &str, options: &Options) -> io::Result<Vec<Verdict>> {
    let none = |()| Vec::new();
    match kind {
        "" => matrix_of(options),
        "cross" => cross::main(options),
        "device" => device::main(options),
        "flood" => flood::main(options).map(none),
        _ => Err(io::Error::other(format!("there is no bench forward {kind}; try --help"))),
    }
}

/// Runs what the options select. Rows that do not count are printed and said to be so; garbage at the sinks
/// is an error.
fn matrix_of(options: &Options) -> io::Result<Vec<Verdict>> {
    let cases = select(options);
    if options.list {
        cases.iter().for_each(out::line);
        return Ok(Vec::new());
    }
    if cases.is_empty() {
        return Err(io::Error::other("no case matches the filter; --list shows them all"));
    }
    let mut machine = Machine::read(options.cores);
    let mut rows = Vec::new();
    for (done, case) in cases.iter().enumerate() {
        out::progress(&format!("{} of {}: {case}", done + 1, cases.len()));
        let mut run = Run::start(case, &options.hosts, options)?;
        if machine.sink_receive_buffer.is_none() {
            machine.sink_receive_buffer = Some(run.receive_buffer());
            out::line(&machine.describe());
            out::line(&Row::heading());
        }
        for row in run.measure(options)? {
            out::line(&row);
            rows.push(row);
        }
    }
    let verdicts = limits::verdicts(&rows);
    verdicts.iter().for_each(out::line);
    let invalid = rows.iter().filter(|row| row.invalid.is_some()).count();
    if invalid > 0 {
        out::line(&format!("{invalid} of {} rows do not count; their notes say why", rows.len()));
    }
    if let Some(path) = &options.json {
        out::json(path, &Report { machine: &machine, rows: &rows, verdicts: &verdicts })?;
    }
    Ok(verdicts)
}

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    rows: &'a [Row],
    verdicts: &'a [Verdict],
}

fn select(options: &Options) -> Vec<Case> {
    let cases = if options.quick { matrix::quick() } else { matrix::full() };
    let named = |case: &Case| {
        let name = case.to_string();
        options.filter.iter().all(|word| name.split(' ').any(|part| part == word))
    };
    // The shared socket is an extra: only by name.
    let wanted = |case: &Case| case.sockets == Sockets::Connected || !options.filter.is_empty();
    cases.into_iter().filter(|case| named(case) && wanted(case)).collect()
}
