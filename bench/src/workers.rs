//! `bench workers`: what applications that start a worker per core pay for it. Sixteen workers with one room each and
//! one worker with sixteen rooms take turns with the same media.

use std::io;

use crate::args::Options;
use crate::case::{Case, Shape, Sockets, Spread};
use crate::channel::{Subject, Worker};
use crate::machine::Machine;
use crate::out;
use crate::row::Row;
use crate::suite::Suite;
use crate::verdict::Verdict;
use crate::worker::Run;

pub(crate) fn main(options: &Options) -> io::Result<Vec<Verdict>> {
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    out::line(&Row::heading());
    // Where workers run is their own matter and the scheduler's: it is what the bench is about.
    let options = &Options { cores: None, ..options.clone() };
    let mut rows = Vec::new();
    let (mut ratios, mut verdicts) = (Vec::new(), Vec::new());
    for subject in Subject::chosen(options)? {
        out::progress(&format!("{}: {ROOMS} workers against one", subject.name));
        let (pair, by) = pair(&subject, options)?;
        pair.iter().for_each(out::line);
        let invalid = pair.iter().find_map(|row| row.invalid.as_deref());
        let what = format!("{}: {ROOMS} workers by one worker, CPU per packet", subject.name);
        let verdict = Verdict::unless(invalid, what, (by, MOST));
        out::line(&verdict);
        verdicts.push(verdict);
        ratios.push(serde_json::json!({ "subject": subject.name, "many_by_one": by }));
        rows.extend(pair);
    }
    if let Some(path) = &options.json {
        let report = serde_json::json!({
            "machine": machine, "rows": rows, "ratios": ratios, "verdicts": verdicts
        });
        out::json(path, &report)?;
    }
    Ok(verdicts)
}

/// The rows of the many and of the one, and what a packet costs of those by that of this.
fn pair(subject: &Subject, options: &Options) -> io::Result<(Vec<Row>, f64)> {
    let named = |count: usize| Subject { name: format!("{count}x {}", subject.name), ..subject.clone() };
    let mut counts = [ROOMS, 1].into_iter();
    let subjects = [named(ROOMS), named(1)];
    let mut run = Run::start_with(&CASE, &subjects, options, |subject| {
        (0..counts.next().unwrap_or(1)).map(|_| Worker::start(subject, None)).collect()
    })?;
    let rows = run.measure(options)?;
    Ok((rows, run.by(1).first().copied().unwrap_or(f64::NAN)))
}

const ROOMS: usize = 16;
/// Many may cost so much more than one.
const MOST: f64 = 1.1;
const CASE: Case = Case {
    shape: Shape::Fan,
    shards: 1,
    rooms: ROOMS,
    consumers: 10,
    bytes: 1200,
    burst: 5,
    suite: Suite::Gcm128,
    sockets: Sockets::Connected,
    spread: Spread::Even,
};
