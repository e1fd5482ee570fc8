//! `bench forward flood`: what a datagram of an unknown peer costs, and that it does not depend on how many transports
//! there are. Everybody is on one shared socket; the flood comes from many ports that no transport has.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use super::subject::Subject;
use crate::args::Options;
use crate::case::{Case, Shape, Sockets, Spread};
use crate::child::{self, Role};
use crate::host::Host;
use crate::machine::Machine;
use crate::os;
use crate::out;
use crate::row::{median, ratio};
use crate::suite::Suite;

/// How the flooding process starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    core: Option<usize>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Request {
    port: u16,
    duration_ns: u64,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    host: String,
    transports: usize,
    /// CPU of the whole forwarder per datagram dropped as unknown.
    unknown_ns: f64,
    per_second: f64,
}

/// The process that floods: until told to end, one datagram from each of its sockets in turn.
pub(crate) fn role(setup: &Setup) -> io::Result<()> {
    if let Some(core) = setup.core {
        os::pin_to_core(core)?;
    }
    let sockets = (0..SOURCES)
        .map(|_| Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)))
        .collect::<io::Result<Vec<_>>>()?;
    child::reply(&0)?;
    while let Some(Request { port, duration_ns }) = child::next_request()? {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into();
        let mut garbage = [0x5A; 1200];
        garbage[0] = 0x80;
        let mut sent = 0u64;
        let mut now = os::monotonic_ns()?;
        let end = now + duration_ns;
        while now < end {
            for socket in &sockets {
                sent += u64::from(socket.send_to(&garbage, &to).is_ok());
            }
            // One by one each would cost a wake-up, which is not what is asked here.
            os::sleep_until_ns(now + ROUND_NS)?;
            now = os::monotonic_ns()?;
        }
        std::thread::sleep(std::time::Duration::from_millis(15));
        child::reply(&sent)?;
    }
    Ok(())
}

pub(super) fn main(options: &Options) -> io::Result<()> {
    let machine = Machine::read(options.cores);
    out::line(&machine.describe());
    out::line(&format!("{:<8} {:>10} {:>10} {:>9}", "host", "transports", "unknown_ns", "per_s"));
    let mut rows = Vec::new();
    for &host in options.hosts.iter().filter(|&&host| host != Host::Floor) {
        let mut flood = Role::start("flood", &Setup { core: options.cores.map(|(_, core)| core) })?;
        let _: u64 = flood.hear()?;
        let mut subjects =
            TRANSPORTS.iter().map(|&count| start(host, count, options)).collect::<io::Result<Vec<_>>>()?;
        let mut figures = [vec![], vec![]];
        let mut rates = [vec![], vec![]];
        for _ in 0..=options.pairs {
            for (place, subject) in subjects.iter_mut().enumerate() {
                let before = subject.look()?;
                let duration_ns = options.slice_ms * 1_000_000;
                let request = Request { port: subject.ports.first().copied().unwrap_or(0), duration_ns };
                let _: u64 = flood.ask(&request)?;
                let used = subject.used_since(before)?;
                let unknown = used.total(|shard| shard.unknown);
                figures[place].push(ratio(used.cpu_ns().0, unknown));
                rates[place].push(ratio(unknown, duration_ns) * 1e9);
            }
        }
        for (place, &transports) in TRANSPORTS.iter().enumerate() {
            // The first slice of each was for warming up.
            let unknown_ns = median(figures[place].split_off(1));
            let per_second = median(rates[place].split_off(1));
            let row = Row { host: host.to_string(), transports, unknown_ns, per_second };
            out::line(&format!(
                "{:<8} {:>10} {:>10.0} {:>9.0}",
                row.host, transports, unknown_ns, per_second
            ));
            rows.push(row);
        }
    }
    match &options.json {
        Some(path) => out::json(path, &serde_json::json!({ "machine": machine, "rows": rows })),
        None => Ok(()),
    }
}

fn start(host: Host, transports: usize, options: &Options) -> io::Result<Subject> {
    let case = Case {
        shape: Shape::Fan,
        shards: 1,
        rooms: 1,
        consumers: transports - 1,
        bytes: 1200,
        burst: 1,
        suite: Suite::Gcm128,
        sockets: Sockets::Shared,
        spread: Spread::Home,
    };
    // Peers that will never say anything.
    let octet = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    let peer = |number: usize| Ipv4Addr::new(127, 1, octet(number / 250), octet(1 + number % 250));
    let peers = (0..transports).map(|number| SocketAddr::from((peer(number), 4000))).collect();
    Subject::start(&case, host, options.cores, peers)
}

const TRANSPORTS: [usize; 2] = [10, 5000];
/// As many at a time as a tick takes from one socket.
const SOURCES: usize = 64;
const ROUND_NS: u64 = 250_000;
