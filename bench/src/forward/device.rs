//! `bench forward device`: does a second shard slow the first one down? Two shards on two cores, the destinations of
//! each on a device that drops at transmit, in a network namespace that ends with the bench. A small source shares each
//! core, also while its shard works alone, so that only the other shard makes a difference.
//!
//! Each shard has a device of its own, as it would have a transmit queue of its own on a real one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use serde::Serialize;

use super::subject::{Subject, Used};
use crate::args::Options;
use crate::case::{Case, Shape, Sockets, Spread, float, u64_of};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::host::Host;
use crate::machine::Machine;
use crate::os;
use crate::out;
use crate::row::{median, ratio};
use crate::suite::Suite;
use crate::verdict::Verdict;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    host: String,
    burst: usize,
    shard: usize,
    /// CPU of the shard's thread per packet sent, alone and beside the other.
    alone_ns: f64,
    beside_ns: f64,
    /// Median over rounds of beside by alone.
    ratio: f64,
    /// Share of its core that the source took.
    source: f64,
    invalid: Option<String>,
}

pub(super) fn main(options: &Options) -> io::Result<Vec<Verdict>> {
    let cores = options.cores.ok_or_else(|| io::Error::other("this bench needs --cores A,B"))?;
    let device = make_network()?;
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    out::line(&format!(
        "{:<8} {:>5} {:>5} {:>8} {:>9} {:>6} {:>7}  notes ({device} devices)",
        "host", "burst", "shard", "alone_ns", "beside_ns", "ratio", "source%"
    ));
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for &host in options.hosts.iter().filter(|&&host| host != Host::Floor) {
        for burst in [1, 5] {
            out::progress(&format!("{host}, bursts of {burst}"));
            for row in Bench::start(host, burst, cores)?.measure(options)? {
                let notes = row.invalid.as_ref().map(|why| format!("INVALID: {why}")).unwrap_or_default();
                let what = format!("{host}: shard {} beside another by alone, bursts of {burst}", row.shard);
                verdicts.push(Verdict::unless(row.invalid.as_deref(), what, (row.ratio, MOST_RATIO)));
                out::line(&format!(
                    "{:<8} {:>5} {:>5} {:>8.0} {:>9.0} {:>6.3} {:>7.1}  {notes}",
                    row.host,
                    row.burst,
                    row.shard,
                    row.alone_ns,
                    row.beside_ns,
                    row.ratio,
                    row.source * 100.0
                ));
                rows.push(row);
            }
        }
    }
    verdicts.iter().for_each(out::line);
    if let Some(path) = &options.json {
        out::json(path, &serde_json::json!({ "machine": machine, "rows": rows }))?;
    }
    Ok(verdicts)
}

struct Bench {
    host: Host,
    case: Case,
    /// A source per shard, on its core.
    sources: Vec<Role>,
    subject: Subject,
}

/// One shard in one slice.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    per_packet_ns: f64,
    source: f64,
    lost: u64,
}

impl Bench {
    fn start(host: Host, burst: usize, (first, second): (usize, usize)) -> io::Result<Self> {
        let case = Case {
            shape: Shape::Fan,
            shards: SHARDS,
            rooms: SHARDS,
            consumers: CONSUMERS,
            bytes: 1200,
            burst,
            suite: Suite::Gcm128,
            sockets: Sockets::Connected,
            spread: Spread::Home,
        };
        let mut sources = Vec::new();
        let mut peers = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); case.peers().len()];
        for (shard, core) in [first, second].into_iter().enumerate() {
            let setup = far::Setup { case, core: Some(core), subjects: 1, drains: false, foreign: false };
            let mut source = Role::start("far", &setup)?;
            let far::Ready { ports, .. } = source.hear()?;
            for (number, peer) in case.peers().iter().enumerate().filter(|(_, peer)| peer.shard == shard) {
                peers[number] = if peer.sends {
                    SocketAddr::from((Ipv4Addr::LOCALHOST, ports[number]))
                } else {
                    destination(shard, number)
                };
            }
            sources.push(source);
        }
        let subject = Subject::start(&case, host, Some((first, second)), peers)?;
        Ok(Self { host, case, sources, subject })
    }

    fn measure(&mut self, options: &Options) -> io::Result<Vec<Row>> {
        let duration_ns = options.slice_ms * 1_000_000;
        let burst = float(u64_of(self.case.burst * CONSUMERS));
        let interval = |per_packet: f64| std::time::Duration::from_secs_f64(per_packet * burst / LOAD / 1e9);
        let slow = u64::try_from(interval(SLOW_NS).as_nanos()).unwrap_or(u64::MAX);
        self.slice(&[true, true], slow, duration_ns)?;
        let probe = self.slice(&[true, true], slow, duration_ns)?;
        let pace = interval(probe[0].per_packet_ns.max(1.0));
        let pace = u64::try_from(pace.as_nanos()).unwrap_or(u64::MAX);
        let mut rounds = Vec::new();
        for _ in 0..options.pairs {
            let alone = [
                self.slice(&[true, false], pace, duration_ns)?[0],
                self.slice(&[false, true], pace, duration_ns)?[1],
            ];
            let beside = self.slice(&[true, true], pace, duration_ns)?;
            rounds.push((alone, beside));
        }
        Ok((0..SHARDS).map(|shard| self.row(shard, &rounds)).collect())
    }

    fn row(&self, shard: usize, rounds: &[([Look; SHARDS], [Look; SHARDS])]) -> Row {
        let over = |of: &dyn Fn(&Look, &Look) -> f64| {
            median(rounds.iter().map(|(alone, beside)| of(&alone[shard], &beside[shard])).collect())
        };
        let source = over(&|_, beside| beside.source);
        let lost: u64 = rounds.iter().map(|(alone, beside)| alone[shard].lost + beside[shard].lost).sum();
        let invalid = if source > MOST_SOURCE {
            Some(format!("the source took {:.0} % of the core", source * 100.0))
        } else if lost > 0 {
            Some(format!("the kernel did not take {lost} packets"))
        } else {
            None
        };
        Row {
            host: self.host.to_string(),
            burst: self.case.burst,
            shard,
            alone_ns: over(&|alone, _| alone.per_packet_ns),
            beside_ns: over(&|_, beside| beside.per_packet_ns),
            ratio: over(&|alone, beside| beside.per_packet_ns / alone.per_packet_ns.max(1.0)),
            source,
            invalid,
        }
    }

    /// Lets the sources of the chosen shards send.
    fn slice(
        &mut self,
        on: &[bool; SHARDS],
        interval_ns: u64,
        duration_ns: u64,
    ) -> io::Result<[Look; SHARDS]> {
        let before = self.subject.look()?;
        let peers = self.case.peers();
        for (shard, source) in self.sources.iter_mut().enumerate().filter(|(shard, _)| on[*shard]) {
            let only_its_own =
                |(number, &port): (usize, &u16)| if peers[number].shard == shard { port } else { 0 };
            let targets = self.subject.ports.iter().enumerate().map(only_its_own).collect();
            let run = far::Request::Run { subject: 0, targets, interval_ns, duration_ns, repeat: 1 };
            source.tell(&run)?;
        }
        let mut source_cpu_ns = [0; SHARDS];
        for (shard, source) in self.sources.iter_mut().enumerate().filter(|(shard, _)| on[*shard]) {
            let Tally { cpu_ns, .. } = source.hear()?;
            source_cpu_ns[shard] = cpu_ns;
        }
        std::thread::sleep(std::time::Duration::from_millis(15));
        let used: Used = self.subject.used_since(before)?;
        Ok(core::array::from_fn(|shard| Look {
            per_packet_ns: ratio(
                used.of_shard(shard, |shard| shard.cpu_ns),
                used.of_shard(shard, |shard| shard.sent_datagrams),
            ),
            source: ratio(source_cpu_ns[shard], duration_ns),
            lost: used.of_shard(shard, |shard| shard.send_drops),
        }))
    }
}

/// An address behind the shard's device that nobody has.
fn destination(shard: usize, number: usize) -> SocketAddr {
    let octet = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    let address = Ipv4Addr::new(198, octet(18 + shard), octet(1 + number / 250), octet(1 + number % 250));
    SocketAddr::from((address, 4000))
}

/// A namespace with loopback and a dropping device per shard. Says of what kind they are.
fn make_network() -> io::Result<&'static str> {
    os::leave_for_own_network().map_err(|error| {
        let what =
            format!("this bench needs a network namespace of its own, for which it must be root: {error}");
        io::Error::new(error.kind(), what)
    })?;
    ip("link set lo up")?;
    let kind = if ip("link add shard0 type dummy").is_ok() { "dummy" } else { "ifb" };
    for shard in 0..SHARDS {
        let name = format!("shard{shard}");
        if shard > 0 || kind == "ifb" {
            ip(&format!("link add {name} type {kind}"))?;
        }
        ip(&format!("addr add 198.{}.0.1/16 dev {name}", 18 + shard))?;
        ip(&format!("link set {name} up"))?;
    }
    Ok(kind)
}

fn ip(arguments: &str) -> io::Result<()> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| {
        io::Error::new(error.kind(), format!("cannot run ip (package iproute2): {error}"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("ip {arguments}: {said}")))
}

const SHARDS: usize = 2;
/// Enough that a source costs little beside its shard.
const CONSUMERS: usize = 100;
/// Busy share of a core that the shards are driven to.
const LOAD: f64 = 0.6;
/// Slower than any: for the first look, which sets the pace.
const SLOW_NS: f64 = 3000.0;
const MOST_RATIO: f64 = 1.1;
const MOST_SOURCE: f64 = 0.1;
