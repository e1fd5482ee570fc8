//! `bench worker --feedback`: what repairs, reports and feedback cost, against forwarding alone by the same program.
//!
//! Three of each subject stand side by side: one whose media ask for nothing, one whose media ask for all there is and
//! whose receivers are silent, and one whose receivers talk as receivers do: a report each second, transport-wide
//! feedback each tenth of one, and one packet in a hundred asked for again.

use std::io;

use serde::Serialize;

use super::run::{Run, Ways};
use crate::args::Options;
use crate::case::{Case, float};
use crate::channel::{Features, Subject, Transports, Worker};
use crate::forward::limits::verdict;
use crate::out;
use crate::row::Row;

/// What one subject takes for it, on one case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Extra {
    subject: String,
    burst: usize,
    /// CPU of a packet by that of one that is only forwarded: with silent receivers, and with ones that talk.
    silent: f64,
    talking: f64,
    /// Memory more for each consumer, at 1.5 Mbit/s.
    kib_per_consumer: Option<f64>,
}

/// Rows of all, and what they come to.
pub(super) fn measure(
    cases: &[Case],
    subjects: &[Subject],
    options: &Options,
) -> io::Result<(Vec<Row>, Vec<Extra>)> {
    let (mut rows, mut extras) = (Vec::new(), Vec::new());
    for subject in subjects {
        for case in cases {
            let contenders = WAYS.map(|ways| (subject, ways));
            let start = |subject: &Subject| {
                let core = options.cores.map(|(core, _)| core);
                Ok(vec![Worker::start(&subject.clone().with("SHARDCAST_SHARDS", "1"), core)?])
            };
            let memory = if case.burst == MEMORY_BURST {
                let sizes = Run::start_as(case, &contenders, options, start)?.sizes(MEMORY_TIMES)?;
                let [bare, _, talking] = [0, 1, 2].map(|at| float(sizes.get(at).copied().unwrap_or(0)));
                Some((talking - bare) / float(crate::case::u64_of(case.consumers)))
            } else {
                None
            };
            let mut run = Run::start_as(case, &contenders, options, start)?;
            if rows.is_empty() {
                out::line(&Row::heading());
            }
            for row in run.measure(options)? {
                out::line(&row);
                rows.push(row);
            }
            if run.again(TALKING) == 0 {
                return Err(io::Error::other(format!("{}: nothing was sent again", subject.name)));
            }
            let by = run.by(0);
            let [silent, talking] = [1, 2].map(|at| by.get(at).copied().unwrap_or(f64::NAN));
            let (name, burst) = (subject.name.clone(), case.burst);
            out::line(&verdict(
                &format!("{name} at bursts of {burst}: all features and receivers that talk, by bare"),
                talking,
                MOST,
            ));
            out::line(&format!(
                "  with silent receivers {silent:.3}: those that talk add {:.3}",
                talking - silent
            ));
            if let Some(kib) = memory {
                out::line(&verdict(
                    &format!("{name}: KiB more for each consumer of 1.5 Mbit/s"),
                    kib,
                    MOST_KIB,
                ));
            }
            extras.push(Extra { subject: name, burst, silent, talking, kib_per_consumer: memory });
        }
    }
    Ok((rows, extras))
}

/// The place of the one that is asked for packets again: if none comes, it did not hear what its receivers say.
const TALKING: usize = 2;
const WAYS: [Ways; 3] = [
    Ways { suffix: "/bare", features: Features::Bare, transports: Transports::Plain, feedback: false },
    Ways { suffix: "/all", features: Features::All, transports: Transports::Plain, feedback: false },
    Ways { suffix: "/talk", features: Features::All, transports: Transports::Plain, feedback: true },
];
/// Of packets of all features by those that are only forwarded.
const MOST: f64 = 1.05;
const MOST_KIB: f64 = 20.0;
/// 1.5 Mbit/s are 31 bursts of 5 packets of 1200 bytes a second; stores hold two seconds of it.
const MEMORY_BURST: usize = 5;
const MEMORY_TIMES: (u64, u64) = (32_000_000, 6_000_000_000);
