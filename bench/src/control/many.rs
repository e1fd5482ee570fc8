//! Ten thousand consumers made and closed, and whether their memory comes back.

use std::io;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::creates::{Figures, MANY_IN_FLIGHT};
use crate::args::Options;
use crate::case::float;
use crate::channel::{Ask, Id, Kind, PlainOptions, Subject, Worker};
use crate::forward::limits::verdict;
use crate::out;
use crate::suite::Suite;

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
pub(super) fn measure(subjects: &[Subject], options: &Options) -> io::Result<Vec<Many>> {
    let count = if options.quick { QUICK_COUNT } else { COUNT };
    let mut all = Vec::new();
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
        if let Some([before, _, after]) = many.rounds_rss_kib.first().filter(|_| subject.ours) {
            let what = format!("{}: memory after {count} consumers by that before", subject.name);
            out::line(&verdict(&what, float(*after) / float(*before), MOST_LEFT));
        }
        all.push(many);
    }
    Ok(all)
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
/// Memory goes back to the system in its own time.
const SETTLE: Duration = Duration::from_secs(1);
/// What may be left, by what there was.
const MOST_LEFT: f64 = 1.05;
const PRODUCER: Id = Id(Kind::Producer, 0);
const PRODUCED: u32 = 0x1000_0000;
const CONSUMED: u32 = 0x2000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_consumer_has_a_transport_too() {
        let Id(_, last) = transport_of(COUNT - 1);
        assert_eq!(last, 100);
        assert!(last < COUNT / CONSUMERS_PER_TRANSPORT + 1);
    }
}
