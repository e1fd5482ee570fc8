//! `bench garbage`: strangers flood the WebRTC port of one shard beside a running call. What a datagram of theirs costs,
//! and at which rates the call loses nothing.
//!
//! One sends to ten, all by WebRTC transports: those of ten have ports of their own, the one that is flooded is the
//! sender's; or all are behind the one port of a WebRtcServer.

mod flood;

use std::io;

use serde::Serialize;

use self::flood::{Kind, Request};
pub(crate) use self::flood::{Setup, role};
use crate::args::Options;
use crate::case::{Case, Shape, Sockets, Spread, u64_of};
use crate::channel::{Features, Make, Stand, Subject, Transports, Worker};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::machine::Machine;
use crate::os;
use crate::out;
use crate::row::{median, ratio};
use crate::suite::Suite;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    host: String,
    port: &'static str,
    kind: &'static str,
    /// Datagrams a second that were asked for, and that came.
    asked: u64,
    per_second: f64,
    /// CPU of the whole worker per datagram of strangers, beyond what the call takes.
    each_ns: f64,
    /// How busy the worker was with all of it.
    busy: f64,
    /// Share of the call's packets that was lost, in the middle slice and in the worst: while strangers talk, and
    /// beside that while nobody does.
    lost: Losses,
    lost_quiet: Losses,
}

/// Of several slices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Losses {
    median: f64,
    worst: f64,
}

/// A call and who floods it.
struct Scene {
    far: Role,
    flood: Role,
    stand: Stand,
    duration_ns: u64,
}

/// What one slice came to.
#[derive(Clone, Copy, Debug)]
struct Slice {
    cpu_ns: u64,
    strangers: u64,
    lost: u64,
    expected: u64,
}

pub(crate) fn main(options: &Options) -> io::Result<()> {
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    out::line(&format!(
        "{:<8} {:<7} {:<6} {:>8} {:>8} {:>8} {:>6} {:>7} {:>7} {:>7} {:>7}",
        "host", "port", "kind", "asked/s", "per_s", "each_ns", "busy%", "lost%", "worst", "quiet%", "worst"
    ));
    let mut rows = Vec::new();
    for subject in Subject::chosen(options)? {
        for (transports, port) in PORTS {
            let mut scene = Scene::start(&subject, transports, options)?;
            for kind in Kind::ALL {
                for asked in RATES {
                    let row = scene.row(kind, asked, options)?;
                    let row = Row { host: subject.name.clone(), port, ..row };
                    out::line(&format!(
                        "{:<8} {:<7} {:<6} {:>8} {:>8.0} {:>8.0} {:>6.1} {:>7.2} {:>7.2} {:>7.2} {:>7.2}",
                        row.host,
                        row.port,
                        row.kind,
                        row.asked,
                        row.per_second,
                        row.each_ns,
                        row.busy * 100.0,
                        row.lost.median * 100.0,
                        row.lost.worst * 100.0,
                        row.lost_quiet.median * 100.0,
                        row.lost_quiet.worst * 100.0
                    ));
                    rows.push(row);
                }
            }
        }
    }
    match &options.json {
        Some(path) => out::json(path, &serde_json::json!({ "machine": machine, "rows": rows })),
        None => Ok(()),
    }
}

impl Scene {
    fn start(subject: &Subject, transports: Transports, options: &Options) -> io::Result<Self> {
        os::need_descriptors(CASE.descriptors())?;
        let (core, other) = (options.cores.map(|(core, _)| core), options.cores.map(|(_, core)| core));
        let setup =
            far::Setup { case: CASE, core: other, subjects: SUBJECT + 1, drains: true, foreign: true };
        let mut far = Role::start("far", &setup)?;
        let ready: far::Ready = far.hear()?;
        let fingerprint = far.ask(&far::Request::Identity)?;
        let worker = Worker::start(&subject.clone().with("SHARDCAST_SHARDS", "1"), core)?;
        let make = Make { features: Features::Usual, transports, fingerprint };
        let stand = Stand::build_with(&CASE, vec![worker], &ready.ports, &make)?;
        let call = far::Request::Call { subject: SUBJECT, calls: stand.calls.clone() };
        let Tally { .. } = far.ask(&call)?;
        let mut flood = Role::start("garbage", &Setup { core: other })?;
        let _: u64 = flood.hear()?;
        let mut scene = Self { far, flood, stand, duration_ns: options.slice_ms * 1_000_000 };
        // For caches, pools and the decoder of the first key frame.
        scene.slice(None)?;
        Ok(scene)
    }

    /// Flooded and not, in turns: what a busy machine loses, the quiet slices lose too.
    fn row(&mut self, kind: Kind, asked: u64, options: &Options) -> io::Result<Row> {
        let (mut costs, mut rates, mut loads) = (Vec::new(), Vec::new(), Vec::new());
        let (mut quiets, mut floods) = (Vec::new(), Vec::new());
        for _ in 0..options.pairs {
            let quiet = self.slice(None)?;
            let flooded = self.slice(Some((kind, asked)))?;
            costs.push(ratio(flooded.cpu_ns.saturating_sub(quiet.cpu_ns), flooded.strangers));
            rates.push(ratio(flooded.strangers, self.flooded_ns()) * 1e9);
            loads.push(ratio(flooded.cpu_ns, self.duration_ns));
            quiets.push(quiet);
            floods.push(flooded);
        }
        Ok(Row {
            host: String::new(),
            port: "",
            kind: kind.name(),
            asked,
            per_second: median(rates),
            each_ns: median(costs),
            busy: median(loads),
            lost: Losses::of(&floods),
            lost_quiet: Losses::of(&quiets),
        })
    }

    /// Within the call's time, so that it begins and ends undisturbed.
    fn flooded_ns(&self) -> u64 {
        self.duration_ns * 9 / 10
    }

    fn slice(&mut self, strangers: Option<(Kind, u64)>) -> io::Result<Slice> {
        let before = self.stand.cpu()?;
        self.far.tell(&far::Request::Run {
            subject: SUBJECT,
            targets: self.stand.ports.clone(),
            interval_ns: INTERVAL_NS,
            duration_ns: self.duration_ns,
            repeat: 1,
        })?;
        let port = self.stand.ports.first().copied().unwrap_or(0);
        let strangers = match strangers {
            None => 0,
            Some((kind, per_second)) => {
                let duration_ns = self.flooded_ns();
                self.flood.ask(&Request { port, kind, per_second, duration_ns })?
            }
        };
        let tally: Tally = self.far.hear()?;
        if let Some(complaint) = &tally.complaint {
            return Err(io::Error::other(format!("what arrives is wrong: {complaint}")));
        }
        let expected = tally.sent * u64_of(CASE.consumers);
        Ok(Slice {
            cpu_ns: self.stand.cpu()?.total_ns.saturating_sub(before.total_ns),
            strangers,
            lost: expected.saturating_sub(tally.received) + tally.gaps,
            expected,
        })
    }
}

impl Losses {
    fn of(slices: &[Slice]) -> Self {
        let shares: Vec<f64> = slices.iter().map(|slice| ratio(slice.lost, slice.expected)).collect();
        let worst = shares.iter().copied().fold(0.0, f64::max);
        Self { median: median(shares), worst }
    }
}

const CASE: Case = Case {
    shape: Shape::Fan,
    shards: 1,
    rooms: 1,
    consumers: 10,
    bytes: 1200,
    burst: 1,
    suite: Suite::Gcm256,
    sockets: Sockets::Connected,
    spread: Spread::Home,
};
/// The first is the floor's, which is not here.
const SUBJECT: usize = 1;
/// 500 packets a second from the sender, 5,000 to all.
const INTERVAL_NS: u64 = 2_000_000;
const RATES: [u64; 5] = [50_000, 100_000, 200_000, 300_000, 1_000_000];
const PORTS: [(Transports, &str); 2] = [(Transports::WebRtc, "own"), (Transports::WebRtcServer, "server")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_slice_hides_no_loss() {
        let slice = |lost| Slice { cpu_ns: 0, strangers: 0, lost, expected: 100 };
        let losses = Losses::of(&[slice(0), slice(20), slice(40)]);
        assert_eq!(losses, Losses { median: 0.2, worst: 0.4 });
    }
}
