//! One line of the table, and the same as JSON.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::case::{Case, Shape, float};
use crate::known;

/// What one host cost on one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) host: String,
    pub(crate) shards: usize,
    pub(crate) rooms: usize,
    pub(crate) consumers: usize,
    pub(crate) bytes: usize,
    pub(crate) burst: usize,
    /// Achieved mean run.
    pub(crate) run_mean: f64,
    pub(crate) suite: String,
    /// CPU of the whole forwarder process per forwarded packet.
    pub(crate) cpu_ns: f64,
    pub(crate) user_ns: f64,
    pub(crate) sys_ns: f64,
    pub(crate) floor_ns: f64,
    /// Median over the pairs of slices of subject by floor.
    pub(crate) ratio: f64,
    /// Allocations of the process during all measured slices, where it counts them.
    pub(crate) allocs: Option<u64>,
    /// Share of the packets that reached no sink.
    pub(crate) loss: f64,
    /// Bursts a second, of all sources together.
    pub(crate) rate: f64,
    /// Busy share of the forwarder's cores.
    pub(crate) load: f64,
    /// The floor by the known one of the same case (`known`), where there is one.
    pub(crate) floor_vs_known: Option<f64>,
    /// Why the row does not count, if it does not.
    pub(crate) invalid: Option<String>,
    pub(crate) sockets: String,
    pub(crate) shape: String,
}

/// What was measured in one slice of a subject.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slice {
    pub(crate) cpu_ns: u64,
    pub(crate) user_ns: u64,
    pub(crate) sys_ns: u64,
    pub(crate) allocs: Option<u64>,
    /// Packets that should have reached sinks, and did.
    pub(crate) expected: u64,
    pub(crate) received: u64,
    pub(crate) gaps: u64,
    pub(crate) sent_datagrams: u64,
    pub(crate) sent_runs: u64,
    pub(crate) bursts: u64,
    pub(crate) wall_ns: u64,
    /// The floor's slice beside it, per packet.
    pub(crate) floor_ns: f64,
}

/// Which runs a row may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// Those of the bursts.
    AsBursts,
    /// Shorter ones too, at its own cost; joined bursts would flatter it.
    NotLonger,
}

impl Row {
    /// Sums up a host's slices of one case.
    pub(crate) fn of(case: &Case, host: &str, slices: &[Slice]) -> Self {
        Self::summed(case, host, slices, Runs::AsBursts)
    }

    /// The same for a program that may send as it likes.
    pub(crate) fn of_program(case: &Case, name: &str, slices: &[Slice]) -> Self {
        Self::summed(case, name, slices, Runs::NotLonger)
    }

    fn summed(case: &Case, host: &str, slices: &[Slice], runs: Runs) -> Self {
        let total = |field: fn(&Slice) -> u64| slices.iter().map(field).sum::<u64>();
        let each = |of: fn(&Slice) -> f64| median(slices.iter().map(of).collect());
        let run_mean = ratio(total(|slice| slice.sent_datagrams), total(|slice| slice.sent_runs));
        let expected = total(|slice| slice.expected);
        let loss = ratio(expected.saturating_sub(total(|slice| slice.received)), expected);
        let floor_ns = each(|slice| slice.floor_ns);
        let mut row = Self {
            host: host.to_owned(),
            shards: case.shards,
            rooms: case.rooms,
            consumers: case.consumers,
            bytes: case.bytes,
            burst: case.burst,
            run_mean,
            suite: case.suite.to_string(),
            cpu_ns: each(|slice| ratio(slice.cpu_ns, slice.received)),
            user_ns: each(|slice| ratio(slice.user_ns, slice.received)),
            sys_ns: each(|slice| ratio(slice.sys_ns, slice.received)),
            floor_ns,
            ratio: each(|slice| ratio(slice.cpu_ns, slice.received) / slice.floor_ns),
            allocs: slices.iter().map(|slice| slice.allocs).sum(),
            loss,
            rate: ratio(total(|slice| slice.bursts), total(|slice| slice.wall_ns)) * 1e9,
            load: ratio(total(|slice| slice.cpu_ns), total(|slice| slice.wall_ns))
                / float(crate::case::u64_of(case.shards)),
            floor_vs_known: known::floor_ns(case).map(|known| floor_ns / known),
            invalid: None,
            sockets: format!("{:?}", case.sockets).to_lowercase(),
            shape: case.shape.name().to_owned(),
        };
        row.invalid = row.complaint(case, expected, total(|slice| slice.gaps), runs);
        row
    }

    fn complaint(&self, case: &Case, expected: u64, gaps: u64, runs: Runs) -> Option<String> {
        let nominal = case.nominal_run();
        let off = self.run_mean / nominal - 1.0;
        if expected == 0 {
            Some("nothing was forwarded".to_owned())
        } else if self.loss > MAX_LOSS {
            Some(format!("loss {:.2} % is over 0.1 %", self.loss * 100.0))
        } else if ratio(gaps, expected) > MAX_LOSS {
            Some(format!("{gaps} gaps in the sinks' sequences"))
        } else if off > MAX_RUN_DEVIATION || runs == Runs::AsBursts && off < -MAX_RUN_DEVIATION {
            Some(format!("run mean {:.2} is {:+.0} % off {nominal:.2}", self.run_mean, off * 100.0))
        } else {
            None
        }
    }

    /// The line under which rows stand.
    pub(crate) fn heading() -> String {
        format!(
            "{:<13} {:>2} {:>5} {:>4} {:>5} {:>5} {:>5} {:<8} {:>7} {:>7} {:>7} {:>8} {:>6} {:>6} {:>6} {:>8} {:>5}  {}",
            "host",
            "sh",
            "rooms",
            "cons",
            "bytes",
            "burst",
            "run",
            "suite",
            "cpu_ns",
            "user",
            "sys",
            "floor_ns",
            "ratio",
            "allocs",
            "loss%",
            "bursts/s",
            "load%",
            "notes"
        )
    }

    fn notes(&self) -> String {
        let mut notes = Vec::new();
        if let Some(why) = &self.invalid {
            notes.push(format!("INVALID: {why}"));
        }
        match self.floor_vs_known {
            Some(by) if !(0.8..=1.2).contains(&by) => {
                notes.push(format!("floor is {by:.2}x the known one: outside 0.8 to 1.2"));
            }
            Some(by) => notes.push(format!("floor {by:.2}x known")),
            None => {}
        }
        if self.sockets == "shared" {
            notes.push("shared socket".to_owned());
        }
        if self.shape == Shape::Meeting.name() {
            notes.push("meeting".to_owned());
        }
        notes.join("; ")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<13} {:>2} {:>5} {:>4} {:>5} {:>5} {:>5.2} {:<8} {:>7.0} {:>7.0} {:>7.0} {:>8.0} {:>6.3} {:>6} {:>6.3} {:>8.0} {:>5.0}  {}",
            self.host,
            self.shards,
            self.rooms,
            self.consumers,
            self.bytes,
            self.burst,
            self.run_mean,
            self.suite,
            self.cpu_ns,
            self.user_ns,
            self.sys_ns,
            self.floor_ns,
            self.ratio,
            self.allocs.map_or("-".to_owned(), |allocs| allocs.to_string()),
            self.loss * 100.0,
            self.rate,
            self.load * 100.0,
            self.notes()
        )
    }
}

/// The middle of some figures; the mean of the two middle ones; zero of none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match (figures.get(middle), figures.len() % 2, figures.get(middle.wrapping_sub(1))) {
        (Some(high), 0, Some(low)) => f64::midpoint(*low, *high),
        (Some(figure), _, _) => *figure,
        (None, ..) => 0.0,
    }
}

/// A quotient of counts; zero when there is nothing to divide by.
pub(crate) fn ratio(count: u64, by: u64) -> f64 {
    if by == 0 { 0.0 } else { float(count) / float(by) }
}

/// A row that lost more does not count.
const MAX_LOSS: f64 = 0.001;
/// Nor one whose runs are this far off what the bursts would give.
pub(crate) const MAX_RUN_DEVIATION: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Sockets, Spread};
    use crate::suite::Suite;

    fn case() -> Case {
        Case {
            shape: Shape::Fan,
            shards: 1,
            rooms: 1,
            consumers: 200,
            bytes: 1200,
            burst: 5,
            suite: Suite::Gcm128,
            sockets: Sockets::Connected,
            spread: Spread::Even,
        }
    }

    fn slice(cpu_ns: u64) -> Slice {
        Slice {
            cpu_ns,
            expected: 1000,
            received: 1000,
            sent_datagrams: 1000,
            sent_runs: 200,
            bursts: 1,
            wall_ns: 2_000_000,
            floor_ns: 1000.0,
            ..Slice::default()
        }
    }

    #[test]
    fn medians_are_taken_over_slices_and_ratios_over_pairs() {
        let mut last = slice(3_000_000);
        last.floor_ns = 3000.0;
        let row = Row::of(&case(), "epoll", &[slice(1_100_000), slice(1_200_000), last]);
        assert_eq!((row.cpu_ns, row.ratio, row.invalid), (1200.0, 1.1, None));
    }

    #[test]
    fn lossy_rows_and_rows_of_other_runs_say_that_they_do_not_count() {
        let lossy = Slice { received: 998, ..slice(1) };
        assert!(Row::of(&case(), "epoll", &[lossy]).invalid.unwrap().contains("loss"));
        let merged = Slice { sent_runs: 150, ..slice(1) };
        assert!(Row::of(&case(), "epoll", &[merged]).invalid.unwrap().contains("run mean"));
        let torn = Slice { gaps: 2, ..slice(1) };
        assert!(Row::of(&case(), "epoll", &[torn]).invalid.unwrap().contains("gaps"));
        assert!(Row::of(&case(), "epoll", &[]).invalid.is_some());
    }

    #[test]
    fn a_program_may_form_shorter_runs_but_not_longer_ones() {
        let lone = Slice { sent_runs: 1000, ..slice(1) };
        assert!(Row::of(&case(), "epoll", &[lone]).invalid.is_some());
        assert_eq!(Row::of_program(&case(), "other", &[lone]).invalid, None);
        let joined = Slice { sent_runs: 100, ..slice(1) };
        assert!(Row::of_program(&case(), "other", &[joined]).invalid.unwrap().contains("run mean"));
        let lossy = Slice { received: 998, ..lone };
        assert!(Row::of_program(&case(), "other", &[lossy]).invalid.unwrap().contains("loss"));
    }
}
