//! `bench worker --feedback`: what repairs, reports and feedback cost, against forwarding alone by the same program.
//!
//! Three of each subject stand side by side: one whose media ask for nothing, one whose media ask for all there is and
//! whose receivers are silent, and one whose receivers talk as receivers do: a report each second, transport-wide
//! feedback each tenth of one, and one packet in a hundred asked for again. With all that there is, packets carry
//! transport-wide numbers on both sides, and sources are told when theirs arrived.

use std::io;

use serde::Serialize;

use super::run::{Heard, Run, Ways, one_shard};
use crate::args::Options;
use crate::case::{Case, float, u64_of};
use crate::channel::{Features, Subject, Transports};
use crate::out;
use crate::row::Row;
use crate::verdict::Verdict;

/// What one subject takes for it, on one case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Extra {
    subject: String,
    burst: usize,
    /// CPU of a packet by that of one that is only forwarded: with silent receivers, and with ones that talk.
    silent: f64,
    talking: f64,
    /// Whether its packets carry transport-wide numbers that say anything.
    numbers: bool,
    /// Memory more for each consumer, at 1.5 Mbit/s.
    kib_per_consumer: Option<f64>,
}

/// Rows of all, what they come to, and what that says of promises.
pub(super) fn measure(
    cases: &[Case],
    subjects: &[Subject],
    options: &Options,
) -> io::Result<(Vec<Row>, Vec<Extra>, Vec<Verdict>)> {
    let (mut rows, mut extras, mut verdicts) = (Vec::new(), Vec::new(), Vec::new());
    out::line(&Row::heading());
    for subject in subjects {
        for case in cases {
            let (measured, extra) = of(case, subject, options)?;
            let invalid = measured.iter().find_map(|row| row.invalid.as_deref());
            let judged = extra.verdicts(invalid);
            judged.iter().for_each(out::line);
            out::line(&format!(
                "  with silent receivers {:.3}: those that talk add {:.3}",
                extra.silent,
                extra.talking - extra.silent
            ));
            verdicts.extend(judged);
            rows.extend(measured);
            extras.push(extra);
        }
    }
    Ok((rows, extras, verdicts))
}

fn of(case: &Case, subject: &Subject, options: &Options) -> io::Result<(Vec<Row>, Extra)> {
    let contenders = WAYS.map(|ways| (subject, ways));
    let kib_per_consumer = if case.burst == MEMORY_BURST {
        let sizes = Run::start_as(case, &contenders, options, one_shard(options))?.sizes(MEMORY_TIMES)?;
        let [bare, talking] = [BARE, TALKING].map(|at| float(sizes.get(at).copied().unwrap_or(0)));
        Some((talking - bare) / float(u64_of(case.consumers)))
    } else {
        None
    };
    let mut run = Run::start_as(case, &contenders, options, one_shard(options))?;
    let rows = run.measure(options)?;
    rows.iter().for_each(out::line);
    let heard = run.heard(TALKING);
    heard.check().map_err(|what| io::Error::other(format!("{}: {what}", subject.name)))?;
    let by = run.by(BARE);
    let [silent, talking] = [SILENT, TALKING].map(|at| by.get(at).copied().unwrap_or(f64::NAN));
    let numbers = heard.has_numbers();
    let (subject, burst) = (subject.name.clone(), case.burst);
    Ok((rows, Extra { subject, burst, silent, talking, numbers, kib_per_consumer }))
}

impl Extra {
    fn verdicts(&self, invalid: Option<&str>) -> Vec<Verdict> {
        let Self { subject, burst, talking, .. } = self;
        // A receiver that hears nothing new has nothing to say: what ours says then is not what the promise is about.
        let why = invalid.map(str::to_owned).or_else(|| {
            (!self.numbers).then(|| {
                format!(
                    "{talking:.3}, but its packets all have one transport-wide number, and receivers counted"
                )
            })
        });
        let what = format!("{subject} at bursts of {burst}: all features and receivers that talk, by bare");
        let mut verdicts = vec![Verdict::unless(why.as_deref(), what, (*talking, MOST))];
        verdicts.extend(self.kib_per_consumer.map(|kib| {
            Verdict::of(format!("{subject}: KiB more for each consumer of 1.5 Mbit/s"), kib, MOST_KIB)
        }));
        verdicts
    }
}

impl Heard {
    /// Whether the subject took part in all that this bench is about.
    fn check(&self) -> Result<(), &'static str> {
        if self.again == 0 {
            Err("nothing was sent again")
        } else if self.numbered + self.unnumbered == 0 {
            Err("no packet carried a transport-wide number")
        } else if self.told == 0 {
            Err("sources were not told when their packets arrived")
        } else {
            Ok(())
        }
    }

    /// Whether most numbers say something.
    fn has_numbers(&self) -> bool {
        self.numbered > self.unnumbered
    }
}

const BARE: usize = 0;
const SILENT: usize = 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_feedback_is_none() {
        let heard = Heard { again: 3, numbered: 90, unnumbered: 10, told: 2 };
        assert_eq!((heard.check(), heard.has_numbers()), (Ok(()), true));
        for (heard, missing) in [
            (Heard { again: 0, ..heard }, "sent again"),
            (Heard { numbered: 0, unnumbered: 0, ..heard }, "transport-wide number"),
            (Heard { told: 0, ..heard }, "were not told"),
        ] {
            assert!(heard.check().unwrap_err().contains(missing));
        }
        assert!(!Heard { numbered: 10, unnumbered: 90, ..heard }.has_numbers());
    }

    #[test]
    fn a_quotient_without_numbers_or_of_rows_that_do_not_count_keeps_nothing() {
        let extra = Extra {
            subject: "it".to_owned(),
            burst: 5,
            silent: 1.0,
            talking: 1.01,
            numbers: true,
            kib_per_consumer: Some(25.0),
        };
        let kept =
            |extra: &Extra, invalid| extra.verdicts(invalid).iter().map(Verdict::is_kept).collect::<Vec<_>>();
        assert_eq!(kept(&extra, None), [true, false]);
        assert_eq!(kept(&extra, Some("loss")), [false, false]);
        assert_eq!(kept(&Extra { numbers: false, ..extra }, None), [false, false]);
    }
}
