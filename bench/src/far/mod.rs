//! The far end: every peer of a case in one process on its own core. It sends what producers send and drains
//! what consumers get. It receives without GRO and without being woken: sinks are visited in turn, so that no
//! sender pays for waking it.

pub(crate) mod call;
mod calling;
mod checker;
mod draining;
mod feedback;
mod numbers;
mod sending;
mod tally;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use webrtc_srtp::context::Context;

use self::call::{Call, Callers};
use self::feedback::Feedback;
pub(crate) use self::tally::Tally;
use crate::case::{Case, payload_pattern, u64_of};
use crate::child;
use crate::os::{self, ReceiveBatch, Trains};
use crate::schedule::{Lateness, Schedule};

/// How a far end starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) case: Case,
    /// None leaves it to the scheduler.
    pub(crate) core: Option<usize>,
    /// How many forwarders (and the floor) it will meet in turn: each has its own sequence numbers.
    pub(crate) subjects: usize,
    /// Whether sinks are drained at all.
    pub(crate) drains: bool,
    /// Whether subjects are programs that choose their own keys, extend headers and send RTCP.
    pub(crate) foreign: bool,
}

/// What it says once it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Port of each peer, by its number.
    pub(crate) ports: Vec<u16>,
    /// What the kernel granted, in bytes.
    pub(crate) receive_buffer: usize,
}

/// What it can be told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Send for a while and drain; answers with a `Tally`.
    Run {
        subject: usize,
        /// Where each peer sends; port 0 for one that is silent.
        targets: Vec<u16>,
        /// Between two bursts of one producer of a fan.
        interval_ns: u64,
        duration_ns: u64,
        /// Bursts sent back to back each time: more than one make a backlog.
        repeat: usize,
    },
    /// Send every producer's bursts in turn, so many of each, without a pause; answers with an empty `Tally`.
    Backlog { subject: usize, targets: Vec<u16>, bursts: usize },
    /// A subject seals with these: key and salt in one, by peer. Answers with an empty `Tally`.
    Keys { subject: usize, keys: Vec<Vec<u8>> },
    /// Say what SHA-256 makes of the certificate that calls are made with; answers with a `String`.
    Identity,
    /// Every peer calls its WebRTC transport of a subject, which seals with the keys of that from now on. Answers with an
    /// empty `Tally`.
    Call { subject: usize, calls: Vec<Call> },
    /// The peers of a subject ask whether it is there. Answers with an empty `Tally`.
    Check { subject: usize },
    /// The sinks of a subject say what receivers say from now on. Answers with an empty `Tally`.
    Feedback { subject: usize },
    /// The sources of a subject write transport-wide numbers from now on. Answers with an empty `Tally`.
    Number { subject: usize },
    /// Drain until `Stop`: answers with an empty `Tally` once what it counts begins.
    Drain { subject: usize },
    /// Ends a `Drain`, which answers with a `Tally`.
    Stop,
}

/// The process's main function.
pub(crate) fn main(setup: Setup) -> io::Result<()> {
    let mut far = Far::new(setup)?;
    child::reply(&far.ready()?)?;
    while let Some(request) = child::next_request()? {
        match request {
            Request::Run { subject, targets, interval_ns, duration_ns, repeat } => {
                let tally = far.run(subject, &targets, (interval_ns, duration_ns), repeat)?;
                child::reply(&tally)?;
            }
            Request::Backlog { subject, targets, bursts } => {
                far.send_backlog(subject, &targets, bursts)?;
                child::reply(&Tally::default())?;
            }
            Request::Keys { subject, keys } => {
                far.sinks[subject].set_keys(&keys);
                child::reply(&Tally::default())?;
            }
            Request::Identity => child::reply(&far.callers()?.fingerprint())?,
            Request::Call { subject, calls } => {
                far.call(subject, &calls)?;
                child::reply(&Tally::default())?;
            }
            Request::Check { subject } => {
                far.check(subject)?;
                child::reply(&Tally::default())?;
            }
            Request::Feedback { subject } => {
                far.feedback[subject] = Some(Feedback::new(&far.setup.case));
                child::reply(&Tally::default())?;
            }
            Request::Number { subject } => {
                far.numbers[subject] = vec![0; far.sockets.len()];
                child::reply(&Tally::default())?;
            }
            Request::Drain { subject } => child::reply(&far.drain(subject)?)?,
            Request::Stop => {}
        }
    }
    Ok(())
}

struct Far {
    setup: Setup,
    sockets: Vec<Socket>,
    receive_buffer: usize,
    batch: ReceiveBatch,
    trains: Trains,
    /// Peers whose sinks take trains whole, which shows the runs of foreign subjects.
    witnesses: Vec<usize>,
    sinks: Vec<tally::Sinks>,
    /// By subject, where sinks say what receivers say; and where to.
    feedback: Vec<Option<Feedback>>,
    feedback_to: Vec<u16>,
    callers: Option<Callers>,
    /// By subject, whom its peers called, and when they asked last.
    calls: Vec<(Vec<Call>, u64)>,
    /// What peers seal with, by subject and peer: none where they send in the clear.
    sealers: Vec<Vec<Option<Box<Context>>>>,
    /// Next sequence number, by subject and stream.
    sequences: Vec<Vec<u16>>,
    /// Next transport-wide number, by subject and peer; of no peer where none are written.
    numbers: Vec<Vec<u16>>,
    patterns: Vec<Vec<u8>>,
    burst: Vec<u8>,
    /// Streams that are to begin with a key frame.
    key_frames_due: Vec<bool>,
    cursor: usize,
    next_pass_ns: u64,
}

impl Far {
    fn new(setup: Setup) -> io::Result<Self> {
        if let Some(core) = setup.core {
            os::pin_to_core(core)?;
        }
        os::need_descriptors(setup.case.descriptors())?;
        let peers = setup.case.peers();
        let streams = setup.case.streams(1);
        let mut receive_buffer = usize::MAX;
        let sockets = peers
            .iter()
            .map(|_| {
                let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
                socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
                let wanted = if setup.drains { RECEIVE_BUFFER } else { 0 };
                receive_buffer = receive_buffer.min(os::grow_receive_buffer(&socket, wanted)?);
                Ok(socket)
            })
            .collect::<io::Result<Vec<_>>>()?;
        let witnesses = if setup.foreign { tally::witnesses(&peers) } else { Vec::new() };
        for &peer in &witnesses {
            Trains::ask_for(&sockets[peer])?;
        }
        Ok(Self {
            sinks: (0..setup.subjects)
                .map(|subject| tally::Sinks::new(&setup.case, subject, setup.foreign))
                .collect(),
            feedback: (0..setup.subjects).map(|_| None).collect(),
            feedback_to: Vec::new(),
            callers: None,
            calls: vec![Default::default(); setup.subjects],
            sealers: (0..setup.subjects).map(|_| peers.iter().map(|_| None).collect()).collect(),
            sequences: vec![vec![0; streams.len()]; setup.subjects],
            numbers: vec![Vec::new(); setup.subjects],
            patterns: streams
                .iter()
                .map(|stream| payload_pattern(stream.peer, stream.slot, stream.bytes))
                .collect(),
            burst: vec![0; MAX_BURST_BYTES],
            batch: ReceiveBatch::new(),
            trains: Trains::new(),
            witnesses,
            key_frames_due: vec![true; streams.len()],
            sockets,
            receive_buffer,
            setup,
            cursor: 0,
            next_pass_ns: 0,
        })
    }

    fn ready(&self) -> io::Result<Ready> {
        let ports = self
            .sockets
            .iter()
            .map(|socket| {
                let address = socket.local_addr()?.as_socket();
                address
                    .map(|address| address.port())
                    .ok_or_else(|| io::Error::other("a sink has no IP address"))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Ready { ports, receive_buffer: self.receive_buffer })
    }

    fn run(
        &mut self,
        subject: usize,
        targets: &[u16],
        (interval_ns, duration_ns): (u64, u64),
        repeat: usize,
    ) -> io::Result<Tally> {
        self.discard()?;
        self.sinks[subject].begin();
        self.key_frames_due.fill(true);
        let streams = self.setup.case.streams(interval_ns);
        self.cut(subject, &streams)?;
        if os::monotonic_ns()? > self.calls[subject].1 + CHECK_NS {
            self.check(subject)?;
        }
        let start = os::monotonic_ns()?;
        let end = start + duration_ns;
        self.feedback_to = targets.to_vec();
        if let Some(feedback) = &mut self.feedback[subject] {
            feedback.begin(start);
        }
        let mut schedule = Schedule::new(&streams, start, Lateness::Forgiven);
        let cpu = os::thread_cpu_ns()?;
        let (mut sent, mut bursts) = (0, 0);
        loop {
            let now = os::monotonic_ns()?;
            if now >= end {
                break;
            }
            if let Some(stream) = schedule.pop_due(now) {
                for _ in 0..repeat {
                    let packets = self.send_burst(subject, stream, &streams[stream], targets)?;
                    sent += packets;
                    bursts += u64::from(packets > 0);
                }
            } else if !self.visit_next_sink(subject, now)? {
                os::sleep_until_ns(schedule.next_at().min(self.next_pass_ns).min(end))?;
            }
        }
        let fan_out = u64_of(self.setup.case.consumers);
        self.drain_until_quiet(subject, sent * fan_out)?;
        let cpu_ns = os::thread_cpu_ns()? - cpu;
        let told = self.hear_sources()?;
        let (numbered, unnumbered) = self.feedback[subject].as_mut().map_or((0, 0), Feedback::take_numbered);
        let tally = self.sinks[subject].finish((sent, bursts));
        Ok(Tally { cpu_ns, told, numbered, unnumbered, ..tally })
    }

    fn drain(&mut self, subject: usize) -> io::Result<Tally> {
        self.discard()?;
        self.sinks[subject].begin();
        child::reply(&Tally::default())?;
        while !os::readable(&io::stdin())? {
            let now = os::monotonic_ns()?;
            if !self.visit_next_sink(subject, now)? {
                os::sleep_until_ns(self.next_pass_ns)?;
            }
        }
        self.drain_until_quiet(subject, 0)?;
        Ok(self.sinks[subject].finish((0, 0)))
    }
}

/// Each sink holds what a slow visit leaves for it: thousands of packets of 1200 bytes.
const RECEIVE_BUFFER: usize = 4 << 20;
/// As often as Chromium.
const CHECK_NS: u64 = 2_500_000_000;
const MAX_BURST_BYTES: usize = 65_507;
