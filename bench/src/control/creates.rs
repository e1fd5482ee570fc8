//! Objects made and closed again: how many a second, and how long each answer takes, alone and with others under way.

use core::fmt;
use std::io;

use serde::Serialize;

use crate::args::Options;
use crate::case::{float, u64_of};
use crate::channel::{Ask, Id, Kind, PlainOptions, Subject, Worker};
use crate::out;
use crate::suite::Suite;

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    pub(super) subject: String,
    pub(super) what: String,
    pub(super) in_flight: usize,
    pub(super) count: usize,
    pub(super) per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// Rows for each subject, with one request under way and with many.
pub(super) fn measure(subjects: &[Subject], options: &Options) -> io::Result<Vec<Figures>> {
    let count = if options.quick { QUICK_COUNT } else { COUNT };
    out::line(&Figures::heading());
    let mut rows = Vec::new();
    for subject in subjects {
        for in_flight in [1, MANY_IN_FLIGHT] {
            out::progress(&format!("{}: {count} of each kind, {in_flight} in flight", subject.name));
            let mut worker = Worker::start(subject, None)?;
            let row = Figures::of((subject, "the very first"), &mut worker, first(), 1)?;
            out::line(&row);
            rows.push(row);
            for (what, asks) in kinds(u64_of(count)) {
                let row = Figures::of((subject, what), &mut worker, asks, in_flight)?;
                out::line(&row);
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

impl Figures {
    /// Asks all of one kind.
    pub(super) fn of(
        (subject, what): (&Subject, &str),
        worker: &mut Worker,
        asks: Vec<Ask>,
        in_flight: usize,
    ) -> io::Result<Self> {
        let count = asks.len();
        let mut took = Vec::with_capacity(count);
        let wall_ns =
            worker.link().ask_all(asks.into_iter(), in_flight, |_, answer| took.push(answer.took_ns))?;
        took.sort_unstable();
        let at = |percent: usize| {
            let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
            float(took.get(place).copied().unwrap_or(0)) / 1000.0
        };
        Ok(Self {
            subject: subject.name.clone(),
            what: what.to_owned(),
            in_flight,
            count,
            per_second: float(u64_of(count)) / (float(wall_ns) / 1e9),
            p50_us: at(50),
            p99_us: at(99),
        })
    }

    pub(super) fn heading() -> String {
        format!(
            "{:<13} {:<17} {:>9} {:>6} {:>9} {:>8} {:>8}",
            "subject", "request", "in_flight", "count", "per_s", "p50_us", "p99_us"
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<13} {:<17} {:>9} {:>6} {:>9.0} {:>8.0} {:>8.0}",
            self.subject, self.what, self.in_flight, self.count, self.per_second, self.p50_us, self.p99_us
        )
    }
}

/// A router and a transport: what a worker starts on first use, starts now.
fn first() -> Vec<Ask> {
    let [router, transport] = [Id(Kind::Router, FIRST), Id(Kind::Transport, FIRST)];
    let plain = PlainOptions { comedia: true, suite: Suite::Clear };
    vec![Ask::create_router(router), Ask::create_transport(router, transport, plain)]
}

/// Requests of each kind, in an order in which all of them succeed.
fn kinds(count: u64) -> Vec<(&'static str, Vec<Ask>)> {
    let router = Id(Kind::Router, 0);
    let [transport, producer, consumer] =
        [Kind::Transport, Kind::Producer, Kind::Consumer].map(|kind| move |number| Id(kind, number));
    let plain = PlainOptions { comedia: true, suite: Suite::Clear };
    let ssrc = |base: u32, number: u64| base + u32::try_from(number).unwrap_or(0);
    let each = |ask: &dyn Fn(u64) -> Ask| (0..count).map(ask).collect::<Vec<_>>();
    vec![
        ("create router", each(&|number| Ask::create_router(Id(Kind::Router, number)))),
        ("create transport", each(&|number| Ask::create_transport(router, transport(number), plain))),
        (
            "create producer",
            each(&|number| Ask::produce(transport(number), producer(number), ssrc(PRODUCED, number))),
        ),
        (
            "create consumer",
            each(&|number| {
                let streams = (ssrc(PRODUCED, 0), ssrc(CONSUMED, number));
                Ask::consume(transport(number), consumer(number), producer(0), streams)
            }),
        ),
        ("close consumer", each(&|number| Ask::close_consumer(transport(number), consumer(number)))),
        ("close producer", each(&|number| Ask::close_producer(transport(number), producer(number)))),
        ("close transport", each(&|number| Ask::close_transport(router, transport(number)))),
        ("close router", each(&|number| Ask::close_router(Id(Kind::Router, number)))),
    ]
}

/// What an application that does not wait for each answer has under way.
pub(super) const MANY_IN_FLIGHT: usize = 64;
/// Beyond the numbers of all others.
const FIRST: u64 = 1 << 20;
const COUNT: usize = 2000;
const QUICK_COUNT: usize = 500;
const PRODUCED: u32 = 0x1000_0000;
const CONSUMED: u32 = 0x2000_0000;
