//! One case: the far end, the floor and every subject's worker stand side by side, and take turns in slices so
//! short that whatever the machine does to one it does to all.

use std::io;

use super::settling::settle;
use crate::args::Options;
use crate::case::{Case, u64_of};
use crate::channel::{Features, Make, Stand, Subject, Transports, Worker};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::floor;
use crate::forward::run::{complain, floor_slice, pace};
use crate::os;
use crate::row::{MAX_RUN_DEVIATION, Row, Slice, median, ratio};

/// The processes of one case.
#[derive(Debug)]
pub(crate) struct Run {
    case: Case,
    far: Role,
    floor: Role,
    contenders: Vec<Contender>,
}

/// What is asked of a subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// What the subject's name goes on with.
    pub(super) suffix: &'static str,
    pub(super) features: Features,
    pub(super) transports: Transports,
    /// Whether sinks say what receivers say.
    pub(super) feedback: bool,
}

/// A subject in its room.
#[derive(Debug)]
pub(crate) struct Contender {
    name: String,
    /// What the far end calls it.
    number: usize,
    stand: Stand,
    slices: Vec<Slice>,
    /// What its peers heard.
    heard: Heard,
}

/// What the peers of a subject heard beside its media.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    /// Packets that were asked for again and came.
    pub(super) again: u64,
    /// Packets whose transport-wide number was another than that of the one before, and the same.
    pub(super) numbered: u64,
    pub(super) unnumbered: u64,
    /// Transport-wide feedback that sources got.
    pub(super) told: u64,
}

impl Run {
    /// Starts the processes, a worker of each subject, and waits until all stand.
    pub(crate) fn start(case: &Case, subjects: &[Subject], options: &Options) -> io::Result<Self> {
        Self::start_with(case, subjects, options, one_shard(options))
    }

    /// The same with workers that `start` makes of a subject.
    pub(crate) fn start_with(
        case: &Case,
        subjects: &[Subject],
        options: &Options,
        start: impl FnMut(&Subject) -> io::Result<Vec<Worker>>,
    ) -> io::Result<Self> {
        Self::start_as(
            case,
            &subjects.iter().map(|subject| (subject, USUAL)).collect::<Vec<_>>(),
            options,
            start,
        )
    }

    /// The same with media, and receivers, that ask for more or less.
    pub(super) fn start_as(
        case: &Case,
        subjects: &[(&Subject, Ways)],
        options: &Options,
        mut start: impl FnMut(&Subject) -> io::Result<Vec<Worker>>,
    ) -> io::Result<Self> {
        os::need_descriptors(case.descriptors())?;
        let setup = far::Setup {
            case: *case,
            core: options.cores.map(|(_, core)| core),
            subjects: subjects.len() + 1,
            drains: true,
            foreign: true,
        };
        let mut far = Role::start("far", &setup)?;
        let ready: far::Ready = far.hear()?;
        let core = options.cores.map(|(core, _)| core);
        let setup = floor::Setup { case: *case, core, ports: ready.ports.clone() };
        let mut floor = Role::start("floor", &setup)?;
        let floor::Work { .. } = floor.hear()?;
        let (mut contenders, mut connecting) = (Vec::new(), Vec::new());
        for (subject, ways) in subjects {
            let number = contenders.len() + 1;
            let fingerprint = match ways.transports {
                Transports::Plain => String::new(),
                _ => far.ask(&far::Request::Identity)?,
            };
            let make = Make { features: ways.features, transports: ways.transports, fingerprint };
            let stand = Stand::build_with(case, start(subject)?, &ready.ports, &make)
                .map_err(|error| io::Error::other(format!("{}: {error}", subject.name)))?;
            let keys = match ways.transports {
                Transports::Plain => far::Request::Keys { subject: number, keys: stand.keys.clone() },
                _ => far::Request::Call { subject: number, calls: stand.calls.clone() },
            };
            let Tally { .. } = far.ask(&keys)?;
            if ways.feedback {
                let Tally { .. } = far.ask(&far::Request::Feedback { subject: number })?;
            }
            if ways.features == Features::All {
                let Tally { .. } = far.ask(&far::Request::Number { subject: number })?;
            }
            if subject.ours && ways.transports == Transports::WebRtc {
                connecting.extend(&stand.ports);
            }
            let name = format!("{}{}", subject.name, ways.suffix);
            contenders.push(Contender { name, number, stand, slices: Vec::new(), heard: Heard::default() });
        }
        if subjects.iter().any(|(_, ways)| ways.transports != Transports::Plain) {
            settle(&mut far, contenders.len(), &connecting)?;
        }
        Ok(Self { case: *case, far, floor, contenders })
    }

    /// Lets each subject forward at a pace that is given, for so long, and says how large each is then.
    pub(super) fn sizes(&mut self, times: (u64, u64)) -> io::Result<Vec<u64>> {
        for contender in &mut self.contenders {
            contender.slice(&mut self.far, &self.case, times)?;
        }
        self.contenders.iter().map(|contender| contender.stand.rss_kib()).collect()
    }

    /// What each subject's packets cost by those of another, as the median of the quotients of neighbouring slices.
    pub(crate) fn by(&self, reference: usize) -> Vec<f64> {
        let cost = |slice: &Slice| ratio(slice.cpu_ns, slice.received);
        let Some(reference) = self.contenders.get(reference) else { return Vec::new() };
        let by_reference = |of: &Contender| {
            let pairs = of.slices.iter().zip(&reference.slices);
            let quotients: Vec<f64> = pairs.map(|(slice, by)| cost(slice) / cost(by)).collect();
            if quotients.is_empty() { f64::NAN } else { median(quotients) }
        };
        self.contenders.iter().map(by_reference).collect()
    }

    /// What the peers of a subject heard so far.
    pub(super) fn heard(&self, place: usize) -> Heard {
        self.contenders.get(place).map_or(Heard::default(), |contender| contender.heard)
    }

    /// Takes all slices and sums up a row per subject.
    pub(crate) fn measure(&mut self, options: &Options) -> io::Result<Vec<Row>> {
        let interval_ns = self.pace(options.load)?;
        let duration_ns = options.slice_ms * 1_000_000;
        // One round for caches, pools and tables to warm up.
        self.round((interval_ns, WARM_UP_NS.max(8 * interval_ns)))?;
        self.contenders.iter_mut().for_each(|contender| contender.slices.clear());
        let mut retakes = options.pairs * RETAKES;
        for _ in 0..options.pairs {
            self.round((interval_ns, duration_ns))?;
            // Bursts meet where a worker waited for its core: its slice says little, and so does the pair.
            while retakes > 0 && self.contenders.iter().any(|contender| contender.joined(&self.case)) {
                retakes -= 1;
                for contender in &mut self.contenders {
                    contender.slices.pop();
                }
                self.round((interval_ns, duration_ns))?;
            }
        }
        self.contenders.iter_mut().for_each(Contender::share_out_ticks);
        let row = |of: &Contender| Row::of_program(&self.case, &of.name, &of.slices);
        Ok(self.contenders.iter().map(row).collect())
    }

    /// The interval between bursts at which the slowest subject is about as busy as asked.
    fn pace(&mut self, load: f64) -> io::Result<u64> {
        let guess = pace(&self.case, &mut self.floor, &mut self.far, load)?;
        // At a quarter of that even one that costs several times as much keeps up.
        let slow = guess.saturating_mul(4);
        let mut interval_ns = guess;
        for contender in &mut self.contenders {
            let slice = contender.slice(&mut self.far, &self.case, (slow, WARM_UP_NS.max(8 * slow)))?;
            let per_burst = ratio(slice.cpu_ns, slice.bursts) * SLACK;
            let needed = std::time::Duration::from_secs_f64(per_burst / load / 1e9).as_nanos();
            interval_ns = interval_ns.max(u64::try_from(needed).unwrap_or(u64::MAX));
        }
        Ok(interval_ns)
    }

    fn round(&mut self, times: (u64, u64)) -> io::Result<()> {
        let floor_ns = floor_slice(&mut self.floor, &mut self.far, times)?.1;
        for contender in &mut self.contenders {
            let mut slice = contender.slice(&mut self.far, &self.case, times)?;
            slice.floor_ns = floor_ns;
            contender.slices.push(slice);
        }
        Ok(())
    }
}

impl Contender {
    fn slice(
        &mut self,
        far: &mut Role,
        case: &Case,
        (interval_ns, duration_ns): (u64, u64),
    ) -> io::Result<Slice> {
        let before = self.stand.cpu()?;
        let tally: Tally = far.ask(&far::Request::Run {
            subject: self.number,
            targets: self.stand.ports.clone(),
            interval_ns,
            duration_ns,
            repeat: 1,
        })?;
        let after = self.stand.cpu()?;
        complain(&self.name, &tally)?;
        self.heard.again += tally.again;
        self.heard.numbered += tally.numbered;
        self.heard.unnumbered += tally.unnumbered;
        self.heard.told += tally.told;
        Ok(Slice {
            cpu_ns: after.total_ns.saturating_sub(before.total_ns),
            user_ns: after.user_ns.saturating_sub(before.user_ns),
            sys_ns: after.sys_ns.saturating_sub(before.sys_ns),
            allocs: None,
            expected: tally.sent * u64_of(case.consumers),
            received: tally.received,
            gaps: tally.gaps,
            sent_datagrams: tally.in_runs,
            sent_runs: tally.runs,
            bursts: tally.bursts,
            wall_ns: duration_ns,
            floor_ns: 0.0,
        })
    }

    /// Whether the last slice has runs of several bursts.
    fn joined(&self, case: &Case) -> bool {
        let last = self.slices.last().map(|slice| ratio(slice.sent_datagrams, slice.sent_runs));
        last.is_some_and(|run| run > case.nominal_run() * (1.0 + MAX_RUN_DEVIATION))
    }

    /// /proc tells user from system in ticks, too coarse for one slice: all slices get the share of the whole.
    fn share_out_ticks(&mut self) {
        let total = |field: fn(&Slice) -> u64| self.slices.iter().map(field).sum::<u64>();
        let (user, system) = (total(|slice| slice.user_ns), total(|slice| slice.sys_ns));
        for slice in &mut self.slices {
            let of =
                |part: u64| u128::from(slice.cpu_ns) * u128::from(part) / u128::from((user + system).max(1));
            let (user, system) = (of(user), of(system));
            slice.user_ns = u64::try_from(user).unwrap_or(u64::MAX);
            slice.sys_ns = u64::try_from(system).unwrap_or(u64::MAX);
        }
    }
}

/// Starts a worker of a subject where the floor is, with as many shards: one. Workers that know nothing of shards do not
/// mind.
pub(super) fn one_shard(options: &Options) -> impl FnMut(&Subject) -> io::Result<Vec<Worker>> + use<> {
    let core = options.cores.map(|(core, _)| core);
    move |subject| Ok(vec![Worker::start(&subject.clone().with("SHARDCAST_SHARDS", "1"), core)?])
}

const USUAL: Ways =
    Ways { suffix: "", features: Features::Usual, transports: Transports::Plain, feedback: false };
/// A closer pace costs a little less per burst, and loads meet a little more than is asked for otherwise.
const SLACK: f64 = 0.95;
const WARM_UP_NS: u64 = 200_000_000;
/// Slices that are taken again, by those that are asked for.
const RETAKES: usize = 3;
