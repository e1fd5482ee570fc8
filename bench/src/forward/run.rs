//! One case: the far end, the floor and every host's forwarder stand side by side, and take turns in slices so
//! short that whatever the machine does to one it does to all.

use std::io;
use std::time::Duration;

use super::subject::Subject;
use crate::args::Options;
use crate::case::{Case, float, u64_of};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::floor;
use crate::forwarder;
use crate::host::Host;
use crate::row::{Row, Slice, ratio};

/// The processes of one case.
#[derive(Debug)]
pub(crate) struct Run {
    case: Case,
    far: Role,
    floor: Role,
    contenders: Vec<Contender>,
    receive_buffer: usize,
}

#[derive(Debug)]
struct Contender {
    host: Host,
    kind: Kind,
    slices: Vec<Slice>,
}

#[derive(Debug)]
enum Kind {
    Forwarder(Subject),
    /// In a forwarder's place, to see what is noise.
    Floor(Role),
}

impl Run {
    /// Starts the processes and waits until they stand.
    pub(crate) fn start(case: &Case, hosts: &[Host], options: &Options) -> io::Result<Self> {
        let core = options.cores.map(|(core, _)| core);
        let setup = far::Setup {
            case: *case,
            core: options.cores.map(|(_, core)| core),
            subjects: hosts.len() + 1,
            drains: true,
            foreign: false,
        };
        let mut far = Role::start("far", &setup)?;
        let ready: far::Ready = far.hear()?;
        let setup = floor::Setup { case: *case, core, ports: ready.ports.clone() };
        let mut floor = Role::start("floor", &setup)?;
        let floor::Work { .. } = floor.hear()?;
        let contenders = hosts
            .iter()
            .map(|&host| Contender::start(case, host, &ready.ports, options))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { case: *case, far, floor, contenders, receive_buffer: ready.receive_buffer })
    }

    /// What the kernel granted each sink.
    pub(crate) fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// Takes all slices and sums up a row per host.
    pub(crate) fn measure(&mut self, options: &Options) -> io::Result<Vec<Row>> {
        let interval_ns = pace(&self.case, &mut self.floor, &mut self.far, options.load)?;
        let duration_ns = options.slice_ms * 1_000_000;
        // One round for caches, pools and tables to warm up.
        self.round(interval_ns, WARM_UP_NS.min(duration_ns))?;
        for contender in &mut self.contenders {
            contender.slices.clear();
        }
        for _ in 0..options.pairs {
            self.round(interval_ns, duration_ns)?;
        }
        let row = |of: &Contender| Row::of(&self.case, &of.host.to_string(), &of.slices);
        Ok(self.contenders.iter().map(row).collect())
    }

    fn round(&mut self, interval_ns: u64, duration_ns: u64) -> io::Result<()> {
        let times = (interval_ns, duration_ns);
        let floor_ns = floor_slice(&mut self.floor, &mut self.far, times)?.1;
        for (index, contender) in self.contenders.iter_mut().enumerate() {
            let mut slice = contender.slice(index + 1, &mut self.far, &self.case, times)?;
            slice.floor_ns = floor_ns;
            contender.slices.push(slice);
        }
        Ok(())
    }
}

impl Contender {
    fn start(case: &Case, host: Host, ports: &[u16], options: &Options) -> io::Result<Self> {
        let kind = match host {
            Host::Floor => {
                let core = options.cores.map(|(core, _)| core);
                let setup = floor::Setup { case: *case, core, ports: ports.to_vec() };
                let mut role = Role::start("floor", &setup)?;
                let floor::Work { .. } = role.hear()?;
                Kind::Floor(role)
            }
            _ => {
                let peers = forwarder::on_loopback(ports);
                Kind::Forwarder(Subject::start(case, host, options.cores, peers)?)
            }
        };
        Ok(Self { host, kind, slices: Vec::new() })
    }

    fn slice(&mut self, number: usize, far: &mut Role, case: &Case, times: (u64, u64)) -> io::Result<Slice> {
        let subject = match &mut self.kind {
            Kind::Floor(role) => return Ok(floor_slice(role, far, times)?.0),
            Kind::Forwarder(subject) => subject,
        };
        let (interval_ns, duration_ns) = times;
        let before = subject.look()?;
        let tally: Tally = far.ask(&far::Request::Run {
            subject: number,
            targets: subject.ports.clone(),
            interval_ns,
            duration_ns,
            repeat: 1,
        })?;
        let used = subject.used_since(before)?;
        complain(&self.host.to_string(), &tally)?;
        let (cpu_ns, user_ns, sys_ns) = used.cpu_ns();
        Ok(Slice {
            cpu_ns,
            user_ns,
            sys_ns,
            allocs: Some(used.allocs()),
            expected: tally.sent * u64_of(case.consumers),
            received: tally.received,
            gaps: tally.gaps,
            sent_datagrams: used.total(|shard| shard.sent_datagrams),
            sent_runs: used.total(|shard| shard.sent_runs),
            bursts: tally.bursts,
            wall_ns: duration_ns,
            floor_ns: 0.0,
        })
    }
}

/// The interval between bursts at which a forwarder is about as busy as asked.
pub(crate) fn pace(case: &Case, floor: &mut Role, far: &mut Role, load: f64) -> io::Result<u64> {
    let Tally { .. } = far.ask(&far::Request::Drain { subject: 0 })?;
    let work: floor::Work = floor.ask(&floor::Request::Probe)?;
    far.tell(&far::Request::Stop)?;
    let Tally { .. } = far.hear()?;
    let per_burst = ratio(work.cpu_ns, work.packets) * float(u64_of(case.burst * case.consumers));
    let busy = per_burst * FORWARDER_BY_FLOOR / float(u64_of(case.shards)) + WAKE_UP_NS;
    let seconds = busy * float(u64_of(case.rooms)) / load / 1e9;
    Ok(u64::try_from(Duration::from_secs_f64(seconds).as_nanos()).unwrap_or(u64::MAX))
}

/// A slice of the floor, also as nanoseconds per packet.
pub(crate) fn floor_slice(
    floor: &mut Role,
    far: &mut Role,
    (interval_ns, duration_ns): (u64, u64),
) -> io::Result<(Slice, f64)> {
    let Tally { .. } = far.ask(&far::Request::Drain { subject: 0 })?;
    let work: floor::Work = floor.ask(&floor::Request::Run { interval_ns, duration_ns })?;
    far.tell(&far::Request::Stop)?;
    let tally: Tally = far.hear()?;
    complain("floor", &tally)?;
    let slice = Slice {
        cpu_ns: work.cpu_ns,
        expected: work.packets + work.refused,
        received: tally.received,
        gaps: tally.gaps,
        sent_datagrams: work.packets,
        sent_runs: work.runs,
        wall_ns: duration_ns,
        ..Slice::default()
    };
    Ok((slice, ratio(work.cpu_ns, work.packets)))
}

/// Packets that no receiver could use make the whole bench worthless.
pub(crate) fn complain(who: &str, tally: &Tally) -> io::Result<()> {
    match &tally.complaint {
        Some(what) => Err(io::Error::other(format!(
            "{who} sent {} bad packets of {}; the first: {what}",
            tally.bad, tally.received
        ))),
        None if tally.received > 0 && tally.opened == 0 => {
            Err(io::Error::other(format!("{who}: not one packet was opened and compared")))
        }
        None => Ok(()),
    }
}

/// A forwarder's cost by the floor's, to choose a pace only.
const FORWARDER_BY_FLOOR: f64 = 1.25;
/// What waking up costs, likewise.
const WAKE_UP_NS: f64 = 12_000.0;
const WARM_UP_NS: u64 = 200_000_000;
