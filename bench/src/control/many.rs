//! Ten thousand consumers made and closed, and whether their memory comes back.

use std::io;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::creates::{Figures, MANY_IN_FLIGHT};
use crate::args::Options;
use crate::case::float;
use crate::channel::{Ask, Id, Kind, PlainOptions, Subject, Worker};
use crate::out;
use crate::suite::Suite;
use crate::verdict::Verdict;

/// What making and closing them took and left behind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Many {
    create: Figures,
    close: Figures,
    /// Before anything was consumed.
    fresh_rss_kib: u64,
    /// Before, with all of them, and after: once for the first time, and once more.
    rounds_rss_kib: Vec<[u64; 3]>,
}

/// A figure for each subject.
pub(super) fn measure(subjects: &[Subject], options: &Options) -> io::Result<(Vec<Many>, Vec<Verdict>)> {
    let count = if options.quick { QUICK_COUNT } else { COUNT };
    let (mut all, mut verdicts) = (Vec::new(), Vec::new());
    out::line(&Figures::heading());
    for subject in subjects {
        out::progress(&format!("{}: {count} consumers, twice", subject.name));
        let many = of(subject, count)?;
        out::line(&many.create);
        out::line(&many.close);
        out::line(&format!("{:<13} fresh: {} KiB", subject.name, many.fresh_rss_kib));
        for (round, [before, with, after]) in many.rounds_rss_kib.iter().enumerate() {
            let which = if round == 0 { "first time" } else { "again" };
            out::line(&format!(
                "{:<13} {which}: {before} KiB before, {with} with {count} consumers, {after} after",
                subject.name
            ));
        }
        if subject.ours {
            let judged = many.verdicts(&subject.name);
            judged.iter().for_each(out::line);
            verdicts.extend(judged);
        }
        all.push(many);
    }
    Ok((all, verdicts))
}

impl Many {
    /// Of what the first time leaves behind, and of what the second adds to that: only the latter can grow without end.
    fn verdicts(&self, subject: &str) -> Vec<Verdict> {
        let afters: Vec<f64> = self.rounds_rss_kib.iter().map(|[_, _, after]| float(*after)).collect();
        let before = self.rounds_rss_kib.first().map_or(f64::NAN, |[before, ..]| float(*before));
        let after = |round: usize| afters.get(round).copied().unwrap_or(f64::NAN);
        vec![
            Verdict::of(
                format!("{subject}: memory after all were closed by that before"),
                after(0) / before,
                MOST_LEFT,
            ),
            Verdict::of(
                format!("{subject}: memory after the second time by that after the first"),
                after(1) / after(0),
                MOST_GROWTH,
            ),
        ]
    }
}

fn of(subject: &Subject, count: u64) -> io::Result<Many> {
    let mut worker = Worker::start(subject, None)?;
    let router = Id(Kind::Router, 0);
    let plain = PlainOptions { comedia: true, suite: Suite::Clear };
    let transports = count / CONSUMERS_PER_TRANSPORT + 1;
    let create = |number| Ask::create_transport(router, Id(Kind::Transport, number), plain);
    let produce = Ask::produce(Id(Kind::Transport, 0), PRODUCER, PRODUCED);
    let asks = core::iter::once(Ask::create_router(router)).chain((0..transports).map(create));
    worker.link().ask_all(asks.chain([produce]), 1, |_, _| {})?;

    thread::sleep(SETTLE);
    let fresh_rss_kib = worker.rss_kib()?;
    // Queues take memory when their places are first used, for whatever: that is not what consumers leave behind.
    let one_by_one = (0..WARM_UP).flat_map(|number| {
        let consumer = Id(Kind::Consumer, count + number);
        let streams = (PRODUCED, CONSUMED);
        [
            Ask::consume(transport_of(0), consumer, PRODUCER, streams),
            Ask::close_consumer(transport_of(0), consumer),
        ]
    });
    worker.link().ask_all(one_by_one, MANY_IN_FLIGHT, |_, _| {})?;

    let mut figures = None;
    let mut rounds_rss_kib = Vec::new();
    for _ in 0..ROUNDS {
        thread::sleep(SETTLE);
        let before = worker.rss_kib()?;
        let asks = (0..count).map(|number| {
            let streams = (PRODUCED, CONSUMED + u32::try_from(number).unwrap_or(0));
            Ask::consume(transport_of(number), Id(Kind::Consumer, number), PRODUCER, streams)
        });
        let create = Figures::of((subject, "create consumer"), &mut worker, asks.collect(), MANY_IN_FLIGHT)?;
        thread::sleep(SETTLE);
        let with = worker.rss_kib()?;
        let asks =
            (0..count).map(|number| Ask::close_consumer(transport_of(number), Id(Kind::Consumer, number)));
        let close = Figures::of((subject, "close consumer"), &mut worker, asks.collect(), MANY_IN_FLIGHT)?;
        thread::sleep(SETTLE);
        rounds_rss_kib.push([before, with, worker.rss_kib()?]);
        figures.get_or_insert((create, close));
    }
    let (create, close) = figures.ok_or_else(|| io::Error::other("there was no round"))?;
    Ok(Many { create, close, fresh_rss_kib, rounds_rss_kib })
}

fn transport_of(consumer: u64) -> Id {
    Id(Kind::Transport, 1 + consumer / CONSUMERS_PER_TRANSPORT)
}

const COUNT: u64 = 10_000;
const QUICK_COUNT: u64 = 2_000;
/// Consumers made and closed, never more than some at a time: more commands than any queue has places.
const WARM_UP: u64 = 20_000;
const CONSUMERS_PER_TRANSPORT: u64 = 100;
const ROUNDS: usize = 2;
/// Memory goes back to the system in its own time: control looks each second; once a crowd has left, once nobody leaves any
/// more, and once shards have let go of what they keep at hand.
const SETTLE: Duration = Duration::from_secs(4);
/// What may be left, by what there was.
const MOST_LEFT: f64 = 1.05;
/// What the second time may add: some pages that were touched in another order.
const MOST_GROWTH: f64 = 1.02;
const PRODUCER: Id = Id(Kind::Producer, 0);
const PRODUCED: u32 = 0x1000_0000;
const CONSUMED: u32 = 0x2000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_judged_and_what_the_second_time_adds() {
        let figures = || Figures {
            subject: "it".to_owned(),
            what: String::new(),
            in_flight: 64,
            count: 0,
            per_second: 0.0,
            p50_us: 0.0,
            p99_us: 0.0,
        };
        let kept = |rounds: &[[u64; 3]]| {
            let (create, close) = (figures(), figures());
            let many = Many { create, close, fresh_rss_kib: 1, rounds_rss_kib: rounds.to_vec() };
            many.verdicts("it").iter().map(Verdict::is_kept).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[[100, 300, 105], [105, 300, 106]]), [true, true]);
        assert_eq!(kept(&[[100, 300, 120], [120, 300, 120]]), [false, true]);
        assert_eq!(kept(&[[100, 300, 102], [102, 300, 110]]), [true, false]);
        assert_eq!(kept(&[[100, 300, 102]]), [true, false], "there was no second time");
    }

    #[test]
    fn the_last_consumer_has_a_transport_too() {
        let Id(_, last) = transport_of(COUNT - 1);
        assert_eq!(last, 100);
        assert!(last < COUNT / CONSUMERS_PER_TRANSPORT + 1);
    }
}
