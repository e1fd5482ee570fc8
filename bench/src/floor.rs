//! The floor: what the kernel and one pass of crypto cost when nothing else is done. Connected sockets with
//! UDP_SEGMENT set once, prefaulted memory, one seal per packet, the same sinks; nobody receives, parses, decides
//! or queues. Its CPU is read around its work only, so that its sleeping costs the subject no comparison.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use crate::case::{Case, PAYLOAD_TYPE_OUT, RTP_HEADER, Stream, consumer_ssrc, payload_pattern, u64_of};
use crate::child;
use crate::floor_seal::FloorSeal;
use crate::os;
use crate::schedule::{Lateness, Schedule};

/// How the floor starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) case: Case,
    pub(crate) core: Option<usize>,
    /// The far end's port for each peer.
    pub(crate) ports: Vec<u16>,
}

/// What it can be told to do; each answers with a `Work`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// At the pace of a source.
    Run { interval_ns: u64, duration_ns: u64 },
    /// Some bursts without a pause, to learn what pace this machine can take.
    Probe,
}

/// What it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) cpu_ns: u64,
    pub(crate) packets: u64,
    pub(crate) runs: u64,
    /// Packets the kernel did not take.
    pub(crate) refused: u64,
}

/// The process's main function.
pub(crate) fn main(setup: &Setup) -> io::Result<()> {
    let mut floor = Floor::new(setup)?;
    child::reply(&Work::default())?;
    while let Some(request) = child::next_request()? {
        let work = match request {
            Request::Run { interval_ns, duration_ns } => floor.run(interval_ns, duration_ns)?,
            Request::Probe => floor.probe()?,
        };
        child::reply(&work)?;
    }
    Ok(())
}

struct Floor {
    case: Case,
    consumers: Vec<Option<Consumer>>,
    streams: Vec<Stream>,
    patterns: Vec<Vec<u8>>,
    receivers: Vec<Vec<usize>>,
    egress: Vec<u8>,
}

struct Consumer {
    socket: Socket,
    seal: FloorSeal,
    /// Next sequence number, by stream slot.
    sequences: [u16; crate::case::STREAMS_PER_ROOM],
}

impl Floor {
    fn new(setup: &Setup) -> io::Result<Self> {
        if let Some(core) = setup.core {
            os::pin_to_core(core)?;
        }
        os::need_descriptors(setup.case.descriptors())?;
        let case = &setup.case;
        let streams = case.streams(1);
        let segment = case.bytes + case.suite.tag_len();
        let consumers = case
            .peers()
            .iter()
            .zip(&setup.ports)
            .enumerate()
            .map(|(index, (peer, &port))| {
                peer.receives.then(|| Consumer::new(case, index, port, segment)).transpose()
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            consumers,
            patterns: streams
                .iter()
                .map(|stream| payload_pattern(stream.peer, stream.slot, stream.bytes))
                .collect(),
            receivers: streams.iter().map(|stream| case.receivers_of(stream.peer).collect()).collect(),
            streams,
            // Written once, so that every page is there.
            egress: vec![0xA5; EGRESS_BYTES],
            case: *case,
        })
    }

    fn run(&mut self, interval_ns: u64, duration_ns: u64) -> io::Result<Work> {
        let start = os::monotonic_ns()?;
        let end = start + duration_ns;
        let mut schedule = Schedule::new(&self.case.streams(interval_ns), start, Lateness::MadeUp);
        let mut work = Work::default();
        loop {
            let now = os::monotonic_ns()?;
            if now >= end {
                return Ok(work);
            }
            let before = os::thread_cpu_ns()?;
            let mut bursts = 0;
            while let Some(stream) = schedule.pop_due(now) {
                self.send_burst(stream, &mut work)?;
                bursts += 1;
            }
            if bursts > 0 {
                work.cpu_ns += os::thread_cpu_ns()? - before;
            }
            // Small bursts are done several at a time: the two clock reads must not count among so few packets.
            os::sleep_until_ns(schedule.next_at().max(now + GROUP_NS).min(end))?;
        }
    }

    fn probe(&mut self) -> io::Result<Work> {
        let mut work = Work::default();
        while work.packets < PROBE_PACKETS {
            for stream in 0..self.streams.len() {
                let before = os::thread_cpu_ns()?;
                self.send_burst(stream, &mut work)?;
                work.cpu_ns += os::thread_cpu_ns()? - before;
            }
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        Ok(work)
    }

    fn send_burst(&mut self, number: usize, work: &mut Work) -> io::Result<()> {
        let stream = self.streams[number];
        let payload = &self.patterns[number];
        let packet = RTP_HEADER + payload.len() + self.case.suite.tag_len();
        for &receiver in &self.receivers[number] {
            let Some(Some(consumer)) = self.consumers.get_mut(receiver) else { continue };
            let sequence = &mut consumer.sequences[stream.slot];
            let run = &mut self.egress[..packet * stream.burst];
            for out in run.chunks_exact_mut(packet) {
                let header = header(*sequence, consumer_ssrc(receiver, stream.slot));
                consumer.seal.seal(&header, payload, out)?;
                *sequence = sequence.wrapping_add(1);
            }
            match consumer.socket.send(run) {
                Ok(_) => work.packets += u64_of(stream.burst),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    work.refused += u64_of(stream.burst)
                }
                Err(error) => return Err(error),
            }
            work.runs += 1;
        }
        Ok(())
    }
}

impl Consumer {
    fn new(case: &Case, peer: usize, port: u16, segment: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        socket.set_nonblocking(true)?;
        if case.burst > 1 {
            os::set_segment_size(&socket, segment)?;
        }
        Ok(Self {
            socket,
            seal: FloorSeal::new(case.suite, peer)?,
            sequences: [0; crate::case::STREAMS_PER_ROOM],
        })
    }
}

fn header(sequence: u16, ssrc: u32) -> [u8; RTP_HEADER] {
    let [high, low] = sequence.to_be_bytes();
    let [a, b, c, d] = ssrc.to_be_bytes();
    [0x80, PAYLOAD_TYPE_OUT, high, low, 0, 0, 0, 0, a, b, c, d]
}

/// The longest run there is.
const EGRESS_BYTES: usize = 65_536;
/// Work is done and measured at least this far apart.
const GROUP_NS: u64 = 200_000;
/// Enough for a mean within a few per cent, in a fraction of a second.
const PROBE_PACKETS: u64 = 20_000;
