//! `bench micro`: the parts of the packet path by themselves. CPU time of this thread, the median of many batches;
//! the spread beside it says how quiet the machine was.

mod lanes;
mod packet;
mod protection;
mod tables;

use std::io;

use serde::Serialize;

use crate::args::Options;
use crate::case::{float, u64_of};
use crate::machine::Machine;
use crate::os;
use crate::out;
use crate::row::median;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    name: String,
    median_ns: f64,
    fastest_ns: f64,
    slowest_ns: f64,
}

/// Runs what the filter selects.
pub(crate) fn main(options: &Options) -> io::Result<()> {
    let machine = Machine::read(options.cores);
    let list = options.list;
    if let Some((core, _)) = options.cores {
        os::pin_to_core(core)?;
    }
    out::line(&machine.describe());
    out::line(&format!("{:<44} {:>9} {:>9} {:>9}", "ns per operation", "median", "fastest", "slowest"));
    let mut bench = Bench { filter: options.filter.clone(), list, rows: Vec::new() };
    packet::all(&mut bench)?;
    protection::all(&mut bench)?;
    tables::all(&mut bench)?;
    lanes::all(&mut bench, options.cores)?;
    match &options.json {
        Some(path) => out::json(path, &serde_json::json!({ "machine": machine, "rows": bench.rows })),
        None => Ok(()),
    }
}

/// Takes the samples and prints the rows.
struct Bench {
    filter: Vec<String>,
    list: bool,
    rows: Vec<Row>,
}

impl Bench {
    /// Times `once`, as often in a batch as a millisecond holds.
    fn each(&mut self, name: &str, mut once: impl FnMut()) -> io::Result<()> {
        let mut calls = 1;
        if self.wants(name) && !self.list {
            while cpu_ns_of(|| (0..calls).for_each(|_| once()))? < BATCH_NS && calls < MOST_CALLS {
                calls *= 2;
            }
        }
        self.batches(name, calls, || cpu_ns_of(|| (0..calls).for_each(|_| once())))
    }

    /// Takes batches that measure themselves: `batch` says how long `operations` took.
    fn batches(
        &mut self,
        name: &str,
        operations: usize,
        mut batch: impl FnMut() -> io::Result<u64>,
    ) -> io::Result<()> {
        if !self.wants(name) {
            return Ok(());
        }
        if self.list {
            out::line(&name);
            return Ok(());
        }
        let mut samples = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            samples.push(float(batch()?) / float(u64_of(operations)));
        }
        let fastest_ns = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest_ns = samples.iter().copied().fold(0.0, f64::max);
        let row = Row { name: name.to_owned(), median_ns: median(samples), fastest_ns, slowest_ns };
        out::line(&format!(
            "{:<44} {:>9.1} {:>9.1} {:>9.1}",
            row.name, row.median_ns, row.fastest_ns, row.slowest_ns
        ));
        self.rows.push(row);
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.filter.iter().all(|word| name.contains(word))
    }
}

/// CPU that this thread spends in `work`.
fn cpu_ns_of(work: impl FnOnce()) -> io::Result<u64> {
    let before = os::thread_cpu_ns()?;
    work();
    Ok(os::thread_cpu_ns()? - before)
}

/// Something of ours that should not fail did.
fn broken(what: impl core::fmt::Debug) -> io::Error {
    io::Error::other(format!("{what:?}"))
}

/// Far above the two clock reads around it.
const BATCH_NS: u64 = 1_000_000;
const MOST_CALLS: usize = 1 << 24;
/// Odd, so that there is a middle one.
const BATCHES: usize = 31;
