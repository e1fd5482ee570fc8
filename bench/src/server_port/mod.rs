//! `bench server-port`: how datagrams of many transports behind one port find the shard of theirs.
//!
//! The ways are compared on the same shards, with the same callers, in turns. All shards stand still until a backlog
//! waits for them, so that waking up is no part of a figure and each works in full ticks.

mod callers;
mod door;
mod running;
mod way;

use std::io;

use serde::Serialize;

use self::callers::{Callers, Said};
use self::running::{Running, Used};
use self::way::Way;
use crate::args::Options;
use crate::host::Host;
use crate::machine::Machine;
use crate::out;
use crate::row::{median, ratio};

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    host: String,
    way: String,
    /// Datagrams of one caller at a time.
    burst: usize,
    /// Share of media that came to another shard than its transport's.
    wrong: f64,
    /// The same of Binding requests of callers whose addresses nobody knows yet.
    wrong_first: f64,
    /// CPU of all shards per datagram of media that reached its transport.
    cpu_ns: f64,
    /// What a hand-over adds, on both sides: paired with a port for each shard, which has none.
    hand_over_ns: Option<f64>,
    /// The same by the cost of receiving one.
    ratio: Option<f64>,
    /// Share of the CPU that the busiest shard used.
    busiest: f64,
    /// CPU per datagram of somebody unknown: of no known kind, and Binding requests with a name that nobody has.
    garbage_ns: f64,
    forged_ns: f64,
    /// Share of media that reached nobody.
    lost: f64,
}

/// What one way did in one round.
struct Round {
    media: Used,
    first: Used,
    garbage: Used,
    forged: Used,
    sent: u64,
}

pub(crate) fn main(options: &Options) -> io::Result<()> {
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    out::line(&format!(
        "{:<6} {:<10} {:>5} {:>7} {:>8} {:>7} {:>9} {:>6} {:>8} {:>8} {:>7} {:>6}",
        "host",
        "way",
        "burst",
        "wrong%",
        "wrong1st",
        "cpu_ns",
        "hand_over",
        "ratio",
        "busiest",
        "garbage",
        "forged",
        "lost%"
    ));
    let mut rows = Vec::new();
    for &host in options.hosts.iter().filter(|&&host| host != Host::Floor) {
        for burst in [1, 5] {
            rows.extend(compare(host, burst, options)?);
        }
    }
    match &options.json {
        Some(path) => out::json(path, &serde_json::json!({ "machine": machine, "rows": rows })),
        None => Ok(()),
    }
}

fn compare(host: Host, burst: usize, options: &Options) -> io::Result<Vec<Row>> {
    let mut callers = Callers::new(CALLERS)?;
    let mut rounds: Vec<Vec<Round>> = Way::ALL.iter().map(|_| Vec::new()).collect();
    for turn in 0..=options.pairs {
        for (way, rounds) in Way::ALL.iter().zip(&mut rounds) {
            match round(host, *way, burst, &mut callers) {
                Ok(round) if turn > 0 => rounds.push(round),
                // The first turn is for warming up.
                Ok(_) => {}
                Err(error) if turn == 0 => out::progress(&format!("{host} {way}: {error}")),
                Err(error) => return Err(error),
            }
        }
    }
    let base: Vec<f64> =
        rounds.first().map_or(Vec::new(), |rounds| rounds.iter().map(per_datagram).collect());
    let rows: Vec<_> = Way::ALL
        .iter()
        .zip(&rounds)
        .filter(|(_, rounds)| !rounds.is_empty())
        .map(|(way, rounds)| row(host, *way, burst, rounds, &base))
        .collect();
    rows.iter().for_each(show);
    Ok(rows)
}

/// Starts shards, takes their figures, ends them.
fn round(host: Host, way: Way, burst: usize, callers: &mut Callers) -> io::Result<Round> {
    let mut running = Running::start(host, way, callers.addresses())?;
    let (mut sent, mut media) = (0, Used::default());
    for _ in 0..BACKLOGS {
        media += running.backlog(|ports| sent += callers.say(ports, Said::Media(burst), BACKLOG))?;
    }
    let mut first = Used::default();
    let (mut garbage, mut forged) = (Used::default(), Used::default());
    for _ in 0..BACKLOGS / 4 {
        first += running.backlog(|ports| {
            callers.say(ports, Said::First, BACKLOG);
        })?;
        garbage += running.backlog(|ports| {
            callers.say(ports, Said::Garbage, BACKLOG);
        })?;
        forged += running.backlog(|ports| {
            callers.say(ports, Said::Forged, BACKLOG);
        })?;
    }
    running.end()?;
    Ok(Round { media, first, garbage, forged, sent })
}

fn per_datagram(round: &Round) -> f64 {
    ratio(round.media.cpu_ns.iter().sum(), round.media.reached)
}

fn row(host: Host, way: Way, burst: usize, rounds: &[Round], base: &[f64]) -> Row {
    let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let each = |used: &Used| ratio(used.cpu_ns.iter().sum(), used.unknown);
    let busiest = |round: &Round| {
        ratio(round.media.cpu_ns.iter().copied().max().unwrap_or(0), round.media.cpu_ns.iter().sum())
    };
    let wrong = of(&|round| ratio(round.media.handed_over, round.media.received));
    let more = median(rounds.iter().zip(base).map(|(round, base)| per_datagram(round) - base).collect());
    let hand_over_ns = (wrong > 0.01).then(|| more / wrong);
    Row {
        host: host.to_string(),
        way: way.to_string(),
        burst,
        wrong,
        wrong_first: of(&|round| ratio(round.first.handed_over, round.first.received)),
        cpu_ns: of(&per_datagram),
        hand_over_ns,
        ratio: hand_over_ns.map(|ns| ns / median(base.to_vec())),
        busiest: of(&busiest),
        garbage_ns: of(&|round| each(&round.garbage)),
        forged_ns: of(&|round| each(&round.forged)),
        lost: of(&|round| 1.0 - ratio(round.media.reached, round.sent)),
    }
}

fn show(row: &Row) {
    let figure = |figure: Option<f64>, digits| figure.map_or("-".to_owned(), |ns| format!("{ns:.digits$}"));
    out::line(&format!(
        "{:<6} {:<10} {:>5} {:>7.1} {:>8.1} {:>7.0} {:>9} {:>6} {:>8.2} {:>8.0} {:>7.0} {:>6.2}",
        row.host,
        row.way,
        row.burst,
        row.wrong * 100.0,
        row.wrong_first * 100.0,
        row.cpu_ns,
        figure(row.hand_over_ns, 0),
        figure(row.ratio, 2),
        row.busiest,
        row.garbage_ns,
        row.forged_ns,
        row.lost * 100.0
    ));
}

/// Shards, and transports of all of them together.
const SHARDS: usize = 3;
const CALLERS: usize = 5_000;
/// What waits for the shards when they are let go: fits into one socket's buffer, for the way that uses one.
const BACKLOG: usize = 1_200;
const BACKLOGS: usize = 80;
