//! The rooms of a case, standing in workers: where each peer sends, and what each peer's packets are sealed with.

use std::io;

use super::answer::Outcome;
use super::ask::{Ask, Features, Id, Kind, PlainOptions};
use super::process::Worker;
use crate::case::{Case, Peer, consumer_ssrc, producer_ssrc, u64_of};
use crate::os::Cpu;
use crate::suite::Suite;

/// Workers that host a case's rooms between them, room by room in turn.
#[derive(Debug)]
pub(crate) struct Stand {
    workers: Vec<Worker>,
    /// Where each peer sends.
    pub(crate) ports: Vec<u16>,
    /// Key and salt in one that each peer's packets are sealed with; empty where they are not.
    pub(crate) keys: Vec<Vec<u8>>,
}

impl Stand {
    /// Builds the rooms. `sinks` are the peers' own ports.
    pub(crate) fn build(case: &Case, workers: Vec<Worker>, sinks: &[u16]) -> io::Result<Self> {
        Self::build_with(case, workers, sinks, Features::Usual)
    }

    /// The same with media that ask for more or less.
    pub(crate) fn build_with(
        case: &Case,
        workers: Vec<Worker>,
        sinks: &[u16],
        features: Features,
    ) -> io::Result<Self> {
        let mut stand = Self { workers, ports: vec![0; sinks.len()], keys: vec![Vec::new(); sinks.len()] };
        let peers = case.peers();
        for room in 0..case.rooms {
            stand.build_room(case, room, (&peers, sinks, features))?;
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

    fn build_room(&mut self, case: &Case, room: usize, all: (&[Peer], &[u16], Features)) -> io::Result<()> {
        let (peers, sinks, features) = all;
        let place = room % self.workers.len().max(1);
        let Some(worker) = self.workers.get_mut(place) else { return Ok(()) };
        let link = worker.link();
        let router = Id(Kind::Router, u64_of(room));
        link.ask(Ask::create_router(router))?;
        let members: Vec<(usize, Peer)> =
            peers.iter().copied().enumerate().filter(|(_, peer)| peer.room == room).collect();
        let asks = members.iter().flat_map(|&(number, peer)| {
            let suite = suite_towards(case, peer);
            let options = PlainOptions { comedia: false, suite };
            let sink = sinks.get(number).copied().unwrap_or(0);
            [
                Ask::create_transport(router, transport(number), options),
                Ask::connect(transport(number), sink, (suite, number)),
                media(number, peer, members.first().map_or(0, |(first, _)| *first)).with(features),
            ]
        });
        let (ports, keys) = (&mut self.ports, &mut self.keys);
        link.ask_all(asks, IN_FLIGHT, |place, answer| {
            let Some(&(number, _)) = members.get(place / ASKS_PER_PEER) else { return };
            match answer.outcome {
                Outcome::Transport { port } => ports[number] = port,
                Outcome::Connected { key } => keys[number] = key.unwrap_or_default(),
                Outcome::Done | Outcome::Refused(_) => {}
            }
        })?;
        Ok(())
    }
}

/// What a peer sends, or what it gets of the room's publisher.
fn media(number: usize, peer: Peer, publisher: usize) -> Ask {
    if peer.sends {
        return Ask::produce(transport(number), producer(number), producer_ssrc(number, 0));
    }
    let streams = (producer_ssrc(publisher, 0), consumer_ssrc(number, 0));
    Ask::consume(transport(number), Id(Kind::Consumer, u64_of(number)), producer(publisher), streams)
}

/// Publishers send in the clear, as in `bench forward`.
fn suite_towards(case: &Case, peer: Peer) -> Suite {
    if peer.receives { case.suite } else { Suite::Clear }
}

fn transport(peer: usize) -> Id {
    Id(Kind::Transport, u64_of(peer))
}

fn producer(peer: usize) -> Id {
    Id(Kind::Producer, u64_of(peer))
}

/// A worker that does not read while it cannot write must not meet one that does the same.
const IN_FLIGHT: usize = 64;
/// A transport, its connection, its producer or consumer.
const ASKS_PER_PEER: usize = 3;
