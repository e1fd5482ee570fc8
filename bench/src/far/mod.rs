//! The far end: every peer of a case in one process on its own core. It sends what producers send and drains
//! what consumers get. It receives without GRO and without being woken: sinks are visited in turn, so that no
//! sender pays for waking it.

pub(crate) mod call;
mod checker;
mod feedback;
mod tally;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rtp_rs::RtpPacketBuilder;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use webrtc_srtp::context::Context;

use self::call::{Call, Callers};
use self::feedback::Feedback;
pub(crate) use self::tally::Tally;
use crate::case::{
    Case, PAYLOAD_TYPE_IN, RTP_HEADER, Stream, VP8_FRAME_KIND, VP8_KEY_FRAME, payload_pattern, producer_ssrc,
    u64_of,
};
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

    fn callers(&mut self) -> io::Result<&mut Callers> {
        if self.callers.is_none() {
            self.callers = Some(Callers::new()?);
        }
        self.callers.as_mut().ok_or_else(|| io::Error::other("there is no certificate"))
    }

    fn call(&mut self, subject: usize, calls: &[Call]) -> io::Result<()> {
        let mut keys = Vec::new();
        for (peer, call) in calls.iter().enumerate() {
            self.callers()?;
            let (Some(callers), Some(socket)) = (&mut self.callers, self.sockets.get(peer)) else { break };
            let call::Keys { theirs, sealer } = callers.call(socket, call)?;
            keys.push(theirs);
            self.sealers[subject][peer] = Some(sealer);
        }
        self.sinks[subject].set_keys(&keys);
        self.calls[subject].0 = calls.to_vec();
        Ok(())
    }

    fn check(&mut self, subject: usize) -> io::Result<()> {
        let (calls, asked_at) = &mut self.calls[subject];
        *asked_at = os::monotonic_ns()?;
        if let Some(callers) = &mut self.callers {
            calls.iter().zip(&self.sockets).try_for_each(|(call, socket)| callers.check(socket, call))?;
        }
        Ok(())
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
        Ok(Tally { cpu_ns, ..self.sinks[subject].finish((sent, bursts)) })
    }

    /// Whole bursts leave as one, and so arrive as one where the forwarder takes GRO trains.
    fn cut(&self, subject: usize, streams: &[Stream]) -> io::Result<()> {
        for stream in streams.iter().filter(|stream| stream.burst > 1) {
            let is_sealed = self.sealers[subject][stream.peer].is_some();
            let tag = if is_sealed { self.setup.case.suite.tag_len() } else { 0 };
            os::set_segment_size(&self.sockets[stream.peer], stream.bytes + tag)?;
        }
        Ok(())
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

    fn send_backlog(&mut self, subject: usize, targets: &[u16], bursts: usize) -> io::Result<()> {
        let streams = self.setup.case.streams(1);
        self.cut(subject, &streams)?;
        for _ in 0..bursts {
            for (number, stream) in streams.iter().enumerate() {
                self.send_burst(subject, number, stream, targets)?;
            }
        }
        Ok(())
    }

    fn send_burst(
        &mut self,
        subject: usize,
        number: usize,
        stream: &Stream,
        targets: &[u16],
    ) -> io::Result<u64> {
        let port = targets[stream.peer];
        if port == 0 {
            return Ok(0);
        }
        let sequence = &mut self.sequences[subject][number];
        let mut at = 0;
        for place in 0..stream.burst {
            let len = RtpPacketBuilder::new()
                .payload_type(PAYLOAD_TYPE_IN)
                .ssrc(producer_ssrc(stream.peer, stream.slot))
                .sequence((*sequence).into())
                .timestamp(u32::from(*sequence).wrapping_mul(960))
                .marked(place + 1 == stream.burst)
                .payload(&self.patterns[number])
                .build_into(&mut self.burst[at..])
                .map_err(|error| io::Error::other(format!("building an RTP packet: {error:?}")))?;
            debug_assert_eq!(len, RTP_HEADER + self.patterns[number].len());
            // Consumers begin, and begin again, with a key frame.
            let is_due = core::mem::take(&mut self.key_frames_due[number]);
            if is_due || sequence.is_multiple_of(KEY_FRAME_EVERY) {
                self.burst[at + RTP_HEADER + VP8_FRAME_KIND] = VP8_KEY_FRAME;
            }
            *sequence = sequence.wrapping_add(1);
            at += match &mut self.sealers[subject][stream.peer] {
                Some(sealer) => seal(sealer, &mut self.burst, (at, len))?,
                None => len,
            };
        }
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match self.sockets[stream.peer].send_to(&self.burst[..at], &to.into()) {
            Ok(_) => Ok(u64_of(stream.burst)),
            // The source could not send: nothing was offered, so nothing is missing later.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Drains one sink of the pass that is due. False when none is.
    fn visit_next_sink(&mut self, subject: usize, now: u64) -> io::Result<bool> {
        if !self.setup.drains {
            self.next_pass_ns = u64::MAX;
            return Ok(false);
        }
        if self.cursor == 0 && now < self.next_pass_ns {
            return Ok(false);
        }
        if self.cursor == 0 {
            self.next_pass_ns = now + PASS_NS;
        }
        let sinks = &mut self.sinks[subject];
        while let Some(socket) = self.sockets.get(self.cursor) {
            let peer = self.cursor;
            if !sinks.receives(peer) {
                self.cursor += 1;
                continue;
            }
            let mut feedback = self.feedback[subject].as_mut();
            let mut take = |datagram: &[u8]| {
                // RFC 7983: an answer to a check.
                if datagram.first().is_some_and(|first| *first < 4) {
                    return false;
                }
                if let Some(feedback) = &mut feedback {
                    feedback.hear(peer, datagram);
                }
                sinks.take(peer, datagram)
            };
            let is_empty = if self.witnesses.contains(&peer) {
                let mut packets = 0;
                let more = self.trains.receive(socket, |datagram| {
                    packets += u64::from(take(datagram));
                })?;
                sinks.take_train(packets);
                !more
            } else {
                self.batch.receive(socket, |datagram| _ = take(datagram))? < ReceiveBatch::capacity()
            };
            if is_empty {
                self.say(subject, peer, now)?;
                self.cursor += 1;
            }
            return Ok(true);
        }
        self.cursor = 0;
        Ok(false)
    }

    /// Sends what a peer says about what it got.
    fn say(&mut self, subject: usize, peer: usize, now: u64) -> io::Result<()> {
        let (Some(Some(feedback)), Some(port)) = (self.feedback.get_mut(subject), self.feedback_to.get(peer))
        else {
            return Ok(());
        };
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, *port)).into();
        while let Some(packet) = feedback.next(peer, now) {
            match self.sockets[peer].send_to(&packet, &to) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes what the last packets of a slice still bring: until as many came as must and then nothing for a
    /// moment, or nothing for so long that the rest is lost. A forwarder that others keep from its core is late, and
    /// what it still sends must not be counted as the next subject's.
    fn drain_until_quiet(&mut self, subject: usize, expected: u64) -> io::Result<()> {
        if !self.setup.drains {
            return Ok(());
        }
        let mut quiet = 0;
        loop {
            let before = self.sinks[subject].received();
            self.next_pass_ns = 0;
            while self.visit_next_sink(subject, u64::MAX / 2)? {}
            let after = self.sinks[subject].received();
            quiet = if after == before { quiet + 1 } else { 0 };
            if quiet >= if after >= expected { QUIET_PASSES } else { LOST_PASSES } {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.next_pass_ns = 0;
        Ok(())
    }

    /// Throws away what an earlier slice left behind.
    fn discard(&mut self) -> io::Result<()> {
        for socket in &self.sockets {
            while self.setup.drains && self.batch.receive(socket, |_| {})? > 0 {}
        }
        self.cursor = 0;
        Ok(())
    }
}

/// Seals the packet of that length at that place, and says how long it is then.
fn seal(sealer: &mut Context, burst: &mut [u8], (at, len): (usize, usize)) -> io::Result<usize> {
    let sealed = sealer.encrypt_rtp(&burst[at..at + len]).map_err(io::Error::other)?;
    let room = burst.get_mut(at..at + sealed.len()).ok_or_else(|| io::Error::other("a burst too long"))?;
    room.copy_from_slice(&sealed);
    Ok(sealed.len())
}

/// Each sink holds what a slow visit leaves for it: thousands of packets of 1200 bytes.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Between two visits to a sink: long enough that a visit finds something, short enough to hold it.
const PASS_NS: u64 = 1_000_000;
/// As often as Chromium.
const CHECK_NS: u64 = 2_500_000_000;
/// Rounds of silence, 2 ms each, that end a slice when nothing is missing.
const QUIET_PASSES: u32 = 2;
/// The same when something is.
const LOST_PASSES: u32 = 150;
/// Packets between two key frames: rare, as from a camera, and never so rare that a consumer waits for long.
const KEY_FRAME_EVERY: u16 = 1024;
const MAX_BURST_BYTES: usize = 65_507;
