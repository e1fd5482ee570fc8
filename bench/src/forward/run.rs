//! One case: the far end, the floor and every host's forwarder stand side by side, and take turns in slices so
//! short that whatever the machine does to one it does to all.

use std::io;
use std::time::Duration;

use crate::args::Options;
use crate::case::{Case, Shape, u64_of};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::floor;
use crate::forwarder::{self, Snapshot};
use crate::host::Host;
use crate::row::{Row, Slice, ratio};

/// The processes of one case.
#[derive(Debug)]
pub(crate) struct Run {
    case: Case,
    far: Role,
    floor: Role,
    subjects: Vec<Subject>,
    receive_buffer: usize,
}

#[derive(Debug)]
struct Subject {
    host: Host,
    role: Role,
    /// Where each peer sends; empty for a floor in the subject's place.
    targets: Vec<u16>,
    slices: Vec<Slice>,
}

impl Run {
    /// Starts the processes and waits until they stand.
    pub(crate) fn start(case: &Case, hosts: &[Host], options: &Options) -> io::Result<Self> {
        let core = options.cores.map(|(core, _)| core);
        let setup = far::Setup {
            case: case.clone(),
            core: options.cores.map(|(_, core)| core),
            subjects: hosts.len() + 1,
            drains: true,
        };
        let mut far = Role::start("far", &setup)?;
        let ready: far::Ready = far.hear()?;
        let setup = floor::Setup { case: case.clone(), core, ports: ready.ports.clone() };
        let mut floor = Role::start("floor", &setup)?;
        let floor::Work { .. } = floor.hear()?;
        let subjects = hosts
            .iter()
            .map(|&host| Subject::start(case, host, &ready.ports, options))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { case: case.clone(), far, floor, subjects, receive_buffer: ready.receive_buffer })
    }

    /// What the kernel granted each sink.
    pub(crate) fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// Takes all slices and sums up a row per host.
    pub(crate) fn measure(&mut self, options: &Options) -> io::Result<Vec<Row>> {
        let interval_ns = self.pace(options.load)?;
        let duration_ns = options.slice_ms * 1_000_000;
        // One round for caches, pools and tables to warm up.
        self.round(interval_ns, WARM_UP_NS.min(duration_ns))?;
        for subject in &mut self.subjects {
            subject.slices.clear();
        }
        for _ in 0..options.pairs {
            self.round(interval_ns, duration_ns)?;
        }
        let row = |subject: &Subject| Row::of(&self.case, &subject.host.to_string(), &subject.slices);
        Ok(self.subjects.iter().map(row).collect())
    }

    /// The interval between bursts at which a forwarder is about as busy as asked.
    fn pace(&mut self, load: f64) -> io::Result<u64> {
        let Tally { .. } = self.far.ask(&far::Request::Drain { subject: 0 })?;
        let work: floor::Work = self.floor.ask(&floor::Request::Probe)?;
        self.far.tell(&far::Request::Stop)?;
        let Tally { .. } = self.far.hear()?;
        let per_burst = ratio(work.cpu_ns, work.packets)
            * crate::case::float(u64_of(self.case.burst * self.case.consumers));
        let busy = per_burst * FORWARDER_BY_FLOOR / crate::case::float(u64_of(self.case.shards)) + WAKE_UP_NS;
        let seconds = busy * crate::case::float(u64_of(self.case.rooms)) / load / 1e9;
        Ok(u64::try_from(Duration::from_secs_f64(seconds).as_nanos()).unwrap_or(u64::MAX))
    }

    fn round(&mut self, interval_ns: u64, duration_ns: u64) -> io::Result<()> {
        let floor_ns = floor_slice(&mut self.floor, &mut self.far, 0, (interval_ns, duration_ns))?.1;
        for index in 0..self.subjects.len() {
            let Some(subject) = self.subjects.get_mut(index) else { continue };
            let mut slice = match subject.host {
                Host::Floor => {
                    floor_slice(&mut subject.role, &mut self.far, 0, (interval_ns, duration_ns))?.0
                }
                _ => subject.slice(index + 1, &mut self.far, &self.case, (interval_ns, duration_ns))?,
            };
            slice.floor_ns = floor_ns;
            subject.slices.push(slice);
        }
        Ok(())
    }
}

impl Subject {
    fn start(case: &Case, host: Host, ports: &[u16], options: &Options) -> io::Result<Self> {
        let cores = options
            .cores
            .map(|(first, second)| if case.shards == 1 { vec![first] } else { vec![first, second] });
        let (role, targets) = match host {
            Host::Floor => {
                let core = options.cores.map(|(core, _)| core);
                let mut role =
                    Role::start("floor", &floor::Setup { case: case.clone(), core, ports: ports.to_vec() })?;
                let floor::Work { .. } = role.hear()?;
                (role, Vec::new())
            }
            _ => {
                let setup = forwarder::Setup {
                    case: case.clone(),
                    host,
                    cores,
                    peers: forwarder::on_loopback(ports),
                };
                let mut role = Role::start("forwarder", &setup)?;
                let ready: forwarder::Ready = role.hear()?;
                (role, ready.ports)
            }
        };
        Ok(Self { host, role, targets, slices: Vec::new() })
    }

    fn slice(
        &mut self,
        number: usize,
        far: &mut Role,
        case: &Case,
        (interval_ns, duration_ns): (u64, u64),
    ) -> io::Result<Slice> {
        let before: Snapshot = self.role.ask(&forwarder::Request::Snapshot)?;
        let tally: Tally = far.ask(&far::Request::Run {
            subject: number,
            targets: self.targets.clone(),
            interval_ns,
            duration_ns,
        })?;
        let after: Snapshot = self.role.ask(&forwarder::Request::Snapshot)?;
        complain(&self.host.to_string(), &tally)?;
        let bursts = match case.shape {
            Shape::Fan => tally.sent / u64_of(case.burst),
            Shape::Meeting => 0,
        };
        Ok(Slice {
            cpu_ns: after.cpu.total_ns - before.cpu.total_ns,
            user_ns: after.cpu.user_ns.saturating_sub(before.cpu.user_ns),
            sys_ns: after.cpu.sys_ns.saturating_sub(before.cpu.sys_ns),
            allocs: after.allocs - before.allocs,
            expected: tally.sent * u64_of(case.consumers),
            received: tally.received,
            gaps: tally.gaps,
            sent_datagrams: after.total(|shard| shard.sent_datagrams)
                - before.total(|shard| shard.sent_datagrams),
            sent_runs: after.total(|shard| shard.sent_runs) - before.total(|shard| shard.sent_runs),
            bursts,
            wall_ns: duration_ns,
            floor_ns: 0.0,
        })
    }
}

/// A slice of the floor, also as nanoseconds per packet.
fn floor_slice(
    floor: &mut Role,
    far: &mut Role,
    subject: usize,
    (interval_ns, duration_ns): (u64, u64),
) -> io::Result<(Slice, f64)> {
    let Tally { .. } = far.ask(&far::Request::Drain { subject })?;
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
fn complain(who: &str, tally: &Tally) -> io::Result<()> {
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
