//! `bench forward cross`: what a consumer on another shard costs more than one on its producer's. Two rooms, one on
//! each shard, with all consumers at home or all away; the rest is the same.
//!
//! Busy: both shards are held until a backlog waits for each, then work on them side by side, so that waking up is no
//! part of it. Idle: lone bursts far apart, so that each hand-over wakes a sleeping shard.
//! The sinks are never drained: what they cost is the same on both sides, and the far end leaves the cores alone.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::subject::{Subject, Used};
use crate::args::Options;
use crate::case::{Case, Shape, Sockets, Spread, float, u64_of};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::forwarder;
use crate::host::Host;
use crate::machine::Machine;
use crate::out;
use crate::row::{median, ratio};
use crate::suite::Suite;
use crate::verdict::Verdict;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    host: String,
    bytes: usize,
    consumers: usize,
    /// CPU of the shards per received packet with all its consumers, both shards busy.
    home_ns: f64,
    away_ns: f64,
    /// Median of the paired differences.
    cross_ns: f64,
    /// The same per hand-over batch while shards sleep in between.
    wake_ns: f64,
    /// Waits per packet of the busy slices: near zero, or the shards were not busy.
    slept: f64,
    invalid: Option<String>,
}

pub(super) fn main(options: &Options) -> io::Result<Vec<Verdict>> {
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    out::line(&format!(
        "{:<8} {:>5} {:>4} {:>8} {:>8} {:>8} {:>9} {:>6}  notes",
        "host", "bytes", "cons", "home_ns", "away_ns", "cross_ns", "wake_ns", "slept"
    ));
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for &host in options.hosts.iter().filter(|&&host| host != Host::Floor) {
        for (bytes, consumers) in [(1200, 4), (1200, 1), (160, 4)] {
            let name = format!("{bytes}B x{consumers}");
            if !options.filter.iter().all(|word| name.contains(word)) {
                continue;
            }
            out::progress(&format!("{host}, {bytes} bytes to {consumers} consumers"));
            let row = Pair::start(host, (bytes, consumers), options)?.measure(options)?;
            let notes = row.invalid.as_ref().map(|why| format!("INVALID: {why}")).unwrap_or_default();
            let what = format!("{host}: ns of a crossing, {name}");
            verdicts.push(Verdict::unless(row.invalid.as_deref(), what, (row.cross_ns, MOST_CROSS_NS)));
            out::line(&format!(
                "{:<8} {:>5} {:>4} {:>8.0} {:>8.0} {:>8.0} {:>9.0} {:>6.3}  {notes}",
                row.host, bytes, consumers, row.home_ns, row.away_ns, row.cross_ns, row.wake_ns, row.slept
            ));
            rows.push(row);
        }
    }
    verdicts.iter().for_each(out::line);
    if let Some(path) = &options.json {
        out::json(path, &serde_json::json!({ "machine": machine, "rows": rows }))?;
    }
    Ok(verdicts)
}

struct Pair {
    host: Host,
    case: Case,
    far: Role,
    home: Subject,
    away: Subject,
}

impl Pair {
    fn start(host: Host, (bytes, consumers): (usize, usize), options: &Options) -> io::Result<Self> {
        let case = Case {
            shape: Shape::Fan,
            shards: 2,
            rooms: 2,
            consumers,
            bytes,
            burst: BURST,
            suite: Suite::Gcm128,
            sockets: Sockets::Connected,
            spread: Spread::Home,
        };
        // The scheduler puts the source where there is time left.
        let setup = far::Setup { case, core: None, subjects: 2, drains: false, foreign: false };
        let mut far = Role::start("far", &setup)?;
        let far::Ready { ports, .. } = far.hear()?;
        let peers = forwarder::on_loopback(&ports);
        let home = Subject::start(&case, host, options.cores, peers.clone())?;
        let away = Case { spread: Spread::Away, ..case };
        let away = Subject::start(&away, host, options.cores, peers)?;
        Ok(Self { host, case, far, home, away })
    }

    fn measure(&mut self, options: &Options) -> io::Result<Row> {
        let (mut home, mut away, mut cross, mut wake) = (vec![], vec![], vec![], vec![]);
        let (mut waits, mut received, mut sent, mut ring_full) = (0, 0, 0, 0);
        let duration_ns = options.slice_ms * 1_000_000 / 2;
        self.busy(true, duration_ns)?;
        self.busy(false, duration_ns)?;
        for _ in 0..options.pairs * PAIRS {
            let here = self.busy(false, duration_ns)?;
            let there = self.busy(true, duration_ns)?;
            home.push(self.per_packet(&here));
            away.push(self.per_packet(&there));
            cross.push(self.per_packet(&there) - self.per_packet(&here));
            for used in [here, there] {
                waits += used.total(|shard| shard.waits);
                received += used.total(|shard| shard.received);
                sent += used.total(|shard| shard.sent_datagrams);
                ring_full += used.total(|shard| shard.ring_full);
            }
        }
        for _ in 0..options.pairs {
            let here = self.idle(false, duration_ns)?;
            let there = self.idle(true, duration_ns)?;
            wake.push(per_burst(&there) - per_burst(&here));
        }
        let slept = ratio(waits, received);
        let forwarded = ratio(sent, received * u64_of(self.case.consumers));
        let invalid = if slept > MOST_SLEPT {
            Some("the shards slept".to_owned())
        } else if forwarded < LEAST_FORWARDED {
            let share = forwarded * 100.0;
            Some(format!("only {share:.1} % were forwarded, {ring_full} of {received} met a full ring"))
        } else {
            None
        };
        Ok(Row {
            host: self.host.to_string(),
            bytes: self.case.bytes,
            consumers: self.case.consumers,
            home_ns: median(home),
            away_ns: median(away),
            cross_ns: median(cross),
            wake_ns: median(wake),
            slept,
            invalid,
        })
    }

    /// Backlog after backlog for about so long.
    fn busy(&mut self, away: bool, duration_ns: u64) -> io::Result<Used> {
        let subject = if away { &mut self.away } else { &mut self.home };
        let backlog_ns = u64_of(BACKLOG * BURST) * (RECEIVE_NS + u64_of(self.case.consumers) * SEND_NS);
        let request = far::Request::Backlog {
            subject: usize::from(away),
            targets: subject.ports.clone(),
            bursts: BACKLOG,
        };
        let before = subject.look()?;
        for _ in 0..duration_ns.div_ceil(backlog_ns + BETWEEN_NS) {
            subject.hold()?;
            let Tally { .. } = self.far.ask(&request)?;
            subject.release()?;
            std::thread::sleep(Duration::from_nanos(backlog_ns));
        }
        std::thread::sleep(SETTLE);
        subject.used_since(before)
    }

    /// Bursts that each find both shards asleep.
    fn idle(&mut self, away: bool, duration_ns: u64) -> io::Result<Used> {
        let subject = if away { &mut self.away } else { &mut self.home };
        let before = subject.look()?;
        let run = far::Request::Run {
            subject: usize::from(away),
            targets: subject.ports.clone(),
            interval_ns: IDLE_INTERVAL_NS,
            duration_ns,
            repeat: 1,
        };
        let Tally { .. } = self.far.ask(&run)?;
        std::thread::sleep(SETTLE);
        subject.used_since(before)
    }

    /// CPU of the shards per received packet that was forwarded to all its consumers.
    fn per_packet(&self, used: &Used) -> f64 {
        let cpu_ns = used.total(|shard| shard.cpu_ns);
        ratio(cpu_ns * u64_of(self.case.consumers), used.total(|shard| shard.sent_datagrams))
    }
}

/// CPU per burst, which is one batch to hand over.
fn per_burst(used: &Used) -> f64 {
    float(used.cpu_ns().0) * float(u64_of(BURST)) / float(used.total(|shard| shard.received).max(1))
}

/// A video frame's packets: one train in, one run out, one hand-over batch.
const BURST: usize = 5;
/// Bursts that wait for each shard when it is let go: enough that waiting for the other's last ones is no part of the
/// figure, and no more than a ring takes.
const BACKLOG: usize = 200;
/// About what a packet takes a shard to receive and to send.
const RECEIVE_NS: u64 = 300;
const SEND_NS: u64 = 800;
/// About what holding the shards and sending them a backlog takes.
const BETWEEN_NS: u64 = 2_000_000;
/// What is still queued belongs to its slice, whose packets are counted by what was sent.
const SETTLE: Duration = Duration::from_millis(15);
/// Half a millisecond between the rooms' bursts: both shards sleep long before.
const IDLE_INTERVAL_NS: u64 = 1_000_000;
/// A difference of a few per cent needs more slices than a ratio to the floor.
const PAIRS: usize = 3;
const MOST_CROSS_NS: f64 = 150.0;
/// More waits than this per packet, and sleeping is part of what was measured.
const MOST_SLEPT: f64 = 0.02;
/// With fewer, packets were lost on the way, and those that were sent cost too little or too much.
const LEAST_FORWARDED: f64 = 0.999;
