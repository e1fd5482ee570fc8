//! The rooms of a case, standing in workers: where each peer sends, and what each peer's packets are sealed with.

use std::io;

use super::answer::Outcome;
use super::ask::{Ask, Features, Id, Kind, PlainOptions};
use super::process::Worker;
use crate::case::{Case, Peer, consumer_ssrc, producer_ssrc, u64_of};
use crate::far::call::Call;
use crate::os::Cpu;
use crate::suite::Suite;

/// Workers that host a case's rooms between them, room by room in turn.
#[derive(Debug)]
pub(crate) struct Stand {
    workers: Vec<Worker>,
    /// Where each peer sends.
    pub(crate) ports: Vec<u16>,
    /// Key and salt in one that each peer's packets are sealed with; empty where they are not, or where that is settled
    /// by a call.
    pub(crate) keys: Vec<Vec<u8>>,
    /// What each peer calls; nothing where transports are plain.
    pub(crate) calls: Vec<Call>,
}

/// What rooms are made of.
#[derive(Clone, Debug)]
pub(crate) struct Make {
    pub(crate) features: Features,
    pub(crate) transports: Transports,
    /// Of the certificate that peers call with.
    pub(crate) fingerprint: String,
}

/// By which transports peers are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transports {
    Plain,
    WebRtc,
    /// Behind one port.
    WebRtcServer,
}

impl Stand {
    /// Builds the rooms. `sinks` are the peers' own ports.
    pub(crate) fn build(case: &Case, workers: Vec<Worker>, sinks: &[u16]) -> io::Result<Self> {
        let make =
            Make { features: Features::Usual, transports: Transports::Plain, fingerprint: String::new() };
        Self::build_with(case, workers, sinks, &make)
    }

    /// The same with media that ask for more or less, or by other transports.
    pub(crate) fn build_with(
        case: &Case,
        workers: Vec<Worker>,
        sinks: &[u16],
        make: &Make,
    ) -> io::Result<Self> {
        let (ports, keys) = (vec![0; sinks.len()], vec![Vec::new(); sinks.len()]);
        let mut stand = Self { workers, ports, keys, calls: Vec::new() };
        if make.transports == Transports::WebRtcServer {
            for worker in &mut stand.workers {
                worker.link().ask(Ask::create_web_rtc_server(SERVER))?;
            }
        }
        let peers = case.peers();
        for room in 0..case.rooms {
            stand.build_room(case, room, (&peers, sinks, make))?;
        }
        Ok(stand)
    }

    /// What all workers together have used.
    pub(crate) fn cpu(&self) -> io::Result<Cpu> {
        let mut sum = Cpu::default();
        for worker in &self.workers {
            let one = worker.cpu()?;
            sum.total_ns += one.total_ns;
            sum.user_ns += one.user_ns;
            sum.sys_ns += one.sys_ns;
        }
        Ok(sum)
    }

    /// The one that hosts the first room.
    pub(crate) fn first_worker(&mut self) -> io::Result<&mut Worker> {
        self.workers.first_mut().ok_or_else(|| io::Error::other("there is no worker"))
    }

    /// Resident memory of all together.
    pub(crate) fn rss_kib(&self) -> io::Result<u64> {
        self.workers.iter().map(Worker::rss_kib).sum()
    }

    fn build_room(&mut self, case: &Case, room: usize, all: (&[Peer], &[u16], &Make)) -> io::Result<()> {
        let (peers, sinks, make) = all;
        let place = room % self.workers.len().max(1);
        let Some(worker) = self.workers.get_mut(place) else { return Ok(()) };
        let link = worker.link();
        let router = Id(Kind::Router, u64_of(room));
        link.ask(Ask::create_router(router))?;
        let members: Vec<(usize, Peer)> =
            peers.iter().copied().enumerate().filter(|(_, peer)| peer.room == room).collect();
        let asks = members.iter().flat_map(|&(number, peer)| {
            let sink = sinks.get(number).copied().unwrap_or(0);
            let [create, connect] = join(case, (number, peer), (router, sink), make);
            let media = media(number, peer, members.first().map_or(0, |(first, _)| *first));
            [create, connect, media.with(make.features)]
        });
        let (ports, keys, calls) = (&mut self.ports, &mut self.keys, &mut self.calls);
        link.ask_all(asks, IN_FLIGHT, |place, answer| {
            let Some(&(number, _)) = members.get(place / ASKS_PER_PEER) else { return };
            match answer.outcome {
                Outcome::Transport { port } => ports[number] = port,
                Outcome::Callable(call) => {
                    ports[number] = call.port;
                    calls.push(call);
                }
                Outcome::Connected { key } => keys[number] = key.unwrap_or_default(),
                Outcome::Done | Outcome::Refused(_) => {}
            }
        })?;
        Ok(())
    }
}

/// What brings a peer there: its transport and how that is connected.
fn join(case: &Case, (number, peer): (usize, Peer), (router, sink): (Id, u16), make: &Make) -> [Ask; 2] {
    let server = match make.transports {
        Transports::Plain => {
            let suite = suite_towards(case, peer);
            let options = PlainOptions { comedia: false, suite };
            return [
                Ask::create_transport(router, transport(number), options),
                Ask::connect(transport(number), sink, (suite, number)),
            ];
        }
        Transports::WebRtc => None,
        Transports::WebRtcServer => Some(SERVER),
    };
    [
        Ask::create_web_rtc_transport(router, transport(number), server),
        Ask::connect_web_rtc(transport(number), &make.fingerprint),
    ]
}

/// What a peer sends, or what it gets of the room's publisher.
fn media(number: usize, peer: Peer, publisher: usize) -> Ask {
    if peer.sends {
        return Ask::produce(transport(number), producer(number), producer_ssrc(number, 0));
    }
    let streams = (producer_ssrc(publisher, 0), consumer_ssrc(number, 0));
    Ask::consume(transport(number), Id(Kind::Consumer, u64_of(number)), producer(publisher), streams)
}

/// Publishers of plain transports send in the clear, as in `bench forward`.
fn suite_towards(case: &Case, peer: Peer) -> Suite {
    if peer.receives { case.suite } else { Suite::Clear }
}

fn transport(peer: usize) -> Id {
    Id(Kind::Transport, u64_of(peer))
}

fn producer(peer: usize) -> Id {
    Id(Kind::Producer, u64_of(peer))
}

const SERVER: Id = Id(Kind::Server, 0);
/// A worker that does not read while it cannot write must not meet one that does the same.
const IN_FLIGHT: usize = 64;
/// A transport, its connection, its producer or consumer.
const ASKS_PER_PEER: usize = 3;
