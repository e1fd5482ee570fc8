//! What a worker uses when nothing happens: CPU of one with an idle router and of one with a room without media,
//! its memory, and how soon it runs.

use core::fmt;
use std::io;
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::args::Options;
use crate::case::{Case, Shape, Sockets, Spread, float, u64_of};
use crate::channel::{Ask, Id, Kind, Stand, Subject, Worker};
use crate::out;
use crate::row::{median, ratio};
use crate::suite::Suite;

/// What one subject uses when nothing happens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Idle {
    pub(crate) subject: String,
    /// From spawning to its word that it runs; median.
    pub(crate) start_ms: f64,
    /// Resident memory, and the share of a core, with a router and nothing in it.
    pub(crate) router_rss_mib: f64,
    pub(crate) router_cpu_percent: f64,
    /// The same with a room of one publisher and some subscribers, all connected and silent.
    pub(crate) room_rss_mib: f64,
    pub(crate) room_cpu_percent: f64,
}

/// A row for each subject.
pub(super) fn measure(subjects: &[Subject], options: &Options) -> io::Result<Vec<Idle>> {
    out::line(&format!(
        "{:<13} {:>8} {:>15} {:>11} {:>13} {:>9}",
        "idle", "start_ms", "router_rss_mib", "router_cpu%", "room_rss_mib", "room_cpu%"
    ));
    let wait = if options.quick { QUICK_WAIT } else { WAIT };
    let mut rows = Vec::new();
    for subject in subjects {
        out::progress(&format!("idle: {}", subject.name));
        let row = of(subject, wait)?;
        out::line(&row);
        rows.push(row);
    }
    Ok(rows)
}

fn of(subject: &Subject, wait: Duration) -> io::Result<Idle> {
    let starts = (0..STARTS).map(|_| Ok(float(Worker::start(subject, None)?.start_ns()) / 1e6));
    let start_ms = median(starts.collect::<io::Result<_>>()?);

    let mut worker = Worker::start(subject, None)?;
    worker.link().ask(Ask::create_router(Id(Kind::Router, 1)))?;
    thread::sleep(SETTLE);
    let router_rss_mib = mib(worker.rss_kib()?);
    let router_cpu_percent = share(wait, || Ok(worker.cpu()?.total_ns))?;

    let sinks: Vec<UdpSocket> =
        ROOM.peers().iter().map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<io::Result<_>>()?;
    let ports: Vec<u16> =
        sinks.iter().map(|sink| Ok(sink.local_addr()?.port())).collect::<io::Result<_>>()?;
    let stand = Stand::build(&ROOM, vec![Worker::start(subject, None)?], &ports)?;
    thread::sleep(SETTLE);
    let room_rss_mib = mib(stand.rss_kib()?);
    let room_cpu_percent = share(wait, || Ok(stand.cpu()?.total_ns))?;
    let subject = subject.name.clone();
    Ok(Idle { subject, start_ms, router_rss_mib, router_cpu_percent, room_rss_mib, room_cpu_percent })
}

/// Per cent of a core, over a while.
fn share(wait: Duration, cpu_ns: impl Fn() -> io::Result<u64>) -> io::Result<f64> {
    let before = cpu_ns()?;
    thread::sleep(wait);
    let wall_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    Ok(ratio(cpu_ns()? - before, wall_ns) * 100.0)
}

fn mib(kib: u64) -> f64 {
    ratio(kib, u64_of(1024))
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<13} {:>8.1} {:>15.1} {:>11.3} {:>13.1} {:>9.3}",
            self.subject,
            self.start_ms,
            self.router_rss_mib,
            self.router_cpu_percent,
            self.room_rss_mib,
            self.room_cpu_percent
        )
    }
}

const STARTS: usize = 7;
const WAIT: Duration = Duration::from_secs(10);
const QUICK_WAIT: Duration = Duration::from_secs(3);
/// What building leaves to do is done by then.
const SETTLE: Duration = Duration::from_millis(500);
const ROOM: Case = Case {
    shape: Shape::Fan,
    shards: 1,
    rooms: 1,
    consumers: 10,
    bytes: 1200,
    burst: 1,
    suite: Suite::Gcm128,
    sockets: Sockets::Connected,
    spread: Spread::Even,
};
