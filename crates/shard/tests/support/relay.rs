//! An engine for tests: it forwards what a transport receives to the transports that subscribed to it, here
//! and on other shards, and panics on request.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use net::lane::Fact;
use net::{Batch, Driver, Socket, SocketKey, Transmit};
use shard::{
    Claim, Context, Crossed, DemuxError, Egress, Engine, Epoch, Payload, Phase, ShardId, Sockets, StreamId,
    Ticket, TransportKey, Tuple, Way,
};

/// What control asks of a relay.
#[derive(Debug)]
pub enum Command {
    /// A transport on a socket of its own.
    Open(Socket),
    /// From now on this peer is the transport's, and what it sends goes there.
    Bind(TransportKey, SocketAddr),
    /// Forward what `.0` receives to `.1`.
    Subscribe(TransportKey, TransportKey),
    /// Hand what `.0` receives over to another shard, as this stream.
    Spread(TransportKey, ShardId, StreamId),
    /// Forward a stream of another shard to this transport.
    Install(ShardId, StreamId, TransportKey),
    /// End the epoch of everything that `.0` hands over.
    BumpEpoch(TransportKey),
    /// Close the transport; answered when its socket's port is free.
    Close(TransportKey),
    /// Answer after this long.
    AnswerIn(Duration),
    /// Answer now.
    Echo,
    /// Never answer.
    Forget,
    /// Panic the next time this phase calls.
    PanicIn(Phase),
    /// Hold on to every packet from now on, as a retransmission store does.
    Keep,
    /// Emit this many events.
    Emit(u32),
    /// Answer nobody and do nothing until the other end is dropped.
    Stall(std::sync::mpsc::Receiver<()>),
    /// Mark these as having something to send, in this order.
    Mark(Vec<TransportKey>),
    /// Say this to all peers when the shard ends.
    Part(&'static [u8]),
}

/// What it answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Opened(TransportKey, SocketKey),
    Done,
    Failed(String),
}

/// Names of calls, for tests of their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Command,
    Closed,
    Fact,
    Crossed(u64),
    Timer,
    Receive(usize, usize),
    Unknown(Option<usize>),
    Flush(usize),
    Publish,
}

/// Where calls are noted down.
pub type Trace = Arc<Mutex<Vec<Call>>>;

/// The stream is now in this epoch.
#[derive(Clone, Copy, Debug)]
pub struct Bumped {
    stream: StreamId,
    epoch: Epoch,
}

impl Fact for Bumped {
    type Key = u32;

    fn key(&self) -> u32 {
        self.stream.0
    }

    fn absorb(&mut self, newer: Self) -> Result<(), Self> {
        *self = newer;
        Ok(())
    }
}

/// The engine.
#[derive(Debug, Default)]
pub struct Relay {
    transports: Vec<Option<Transport>>,
    /// By shard and stream: local consumers.
    installed: Vec<(ShardId, StreamId, TransportKey)>,
    delayed: Vec<Option<Ticket>>,
    panics: Option<Phase>,
    kept: Option<Vec<Payload>>,
    fragile: Fragile,
    trace: Option<Trace>,
    pending_events: VecDeque<u32>,
    last_words: Option<&'static [u8]>,
    handed_over: u64,
}

#[derive(Debug)]
struct Transport {
    key: TransportKey,
    socket: SocketKey,
    remote: Option<SocketAddr>,
    consumers: Vec<TransportKey>,
    spread: Vec<(ShardId, Way)>,
    queue: VecDeque<Payload>,
    closing: Option<Ticket>,
}

impl Relay {
    /// One that notes its calls down.
    pub fn traced(trace: &Trace) -> Self {
        Self { trace: Some(Arc::clone(trace)), ..Self::default() }
    }

    /// One that panics while being dropped, too.
    pub fn fragile() -> Self {
        Self { fragile: Fragile(true), ..Self::default() }
    }

    fn note(&self, call: Call) {
        if let Some(trace) = &self.trace {
            trace.lock().unwrap().push(call);
        }
    }

    fn at(&mut self, phase: Phase) {
        if self.panics == Some(phase) {
            panic!("asked to panic in {phase:?}");
        }
    }

    fn transport(&mut self, key: TransportKey) -> Option<&mut Transport> {
        let transport = self.transports.get_mut(key.place())?.as_mut();
        transport.filter(|transport| transport.key == key)
    }

    fn open<D: Driver>(
        &mut self,
        socket: Socket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) -> Reply {
        let Some(key) = next_key(cx) else { return Reply::Failed("full".into()) };
        let socket = match sockets.add(socket) {
            Ok(socket) => socket,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        cx.own_socket(socket, Some(key));
        let (consumers, spread, queue) = (Vec::new(), Vec::new(), VecDeque::with_capacity(QUEUE));
        let transport = Transport { key, socket, remote: None, consumers, spread, queue, closing: None };
        if key.place() >= self.transports.len() {
            self.transports.resize_with(key.place() + 1, || None);
        }
        self.transports[key.place()] = Some(transport);
        Reply::Opened(key, socket)
    }

    fn configure(&mut self, command: Command, cx: &mut Context<Self>) -> Option<Reply> {
        match command {
            Command::Bind(key, remote) => {
                let transport = self.transport(key)?;
                transport.remote = Some(remote);
                let tuple = Tuple { socket: transport.socket, local: None, remote };
                cx.bind(key, tuple).ok()?;
            }
            Command::Subscribe(from, to) => self.transport(from)?.consumers.push(to),
            Command::Spread(from, to, stream) => {
                self.transport(from)?.spread.push((to, Way { stream, epoch: Epoch(1) }));
            }
            Command::Install(from, stream, to) => {
                cx.expect(from, stream, Some(Epoch(1)));
                self.installed.push((from, stream, to));
            }
            Command::BumpEpoch(key) => {
                for (to, way) in &mut self.transport(key)?.spread {
                    way.epoch = way.epoch.next();
                    cx.tell(*to, Bumped { stream: way.stream, epoch: way.epoch }).ok()?;
                }
            }
            Command::PanicIn(phase) => self.panics = Some(phase),
            Command::Keep => self.kept = Some(Vec::new()),
            Command::Emit(count) => self.pending_events.extend(0..count),
            Command::Stall(until) => until.iter().for_each(drop),
            Command::Part(words) => self.last_words = Some(words),
            Command::Mark(keys) => keys.into_iter().for_each(|key| cx.mark_dirty(key)),
            _ => {}
        }
        Some(Reply::Done)
    }

    fn queue(&mut self, to: TransportKey, payload: Payload, cx: &mut Context<Self>) {
        let Some(transport) = self.transport(to) else { return };
        if cx.is_open(to) && transport.queue.len() < QUEUE && cx.retain(payload) {
            transport.queue.push_back(payload);
            cx.mark_dirty(to);
        }
    }

    fn keep(&mut self, payload: Payload, cx: &mut Context<Self>) {
        if let Some(kept) = &mut self.kept
            && cx.retain(payload)
        {
            kept.push(payload);
        }
    }

    /// Queues one packet for everybody who wants it.
    fn fan_out(&mut self, from: TransportKey, payload: Payload, cx: &mut Context<Self>) {
        let Some(transport) = self.transport(from) else { return };
        let consumers = std::mem::take(&mut transport.consumers);
        let spread = std::mem::take(&mut transport.spread);
        for to in &consumers {
            self.queue(*to, payload, cx);
        }
        for (to, way) in &spread {
            self.handed_over += 1;
            cx.hand_over(*to, payload, *way, self.handed_over);
        }
        if let Some(transport) = self.transport(from) {
            (transport.consumers, transport.spread) = (consumers, spread);
        }
    }
}

impl Engine for Relay {
    type Command = Command;
    type Reply = Reply;
    type Event = u32;
    type Fact = Bumped;
    type Stamp = u64;
    type Timer = usize;

    fn command<D: Driver>(
        &mut self,
        command: Command,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        self.note(Call::Command);
        self.at(Phase::Commands);
        match command {
            Command::Open(socket) => {
                let reply = self.open(socket, sockets, cx);
                cx.reply(ticket, reply);
            }
            Command::Close(key) => {
                let Some(transport) = self.transport(key) else {
                    return cx.reply(ticket, Reply::Failed("no transport".into()));
                };
                transport.closing = Some(ticket);
                sockets.close(transport.socket);
                cx.close_transport(key);
                std::mem::take(&mut transport.queue).into_iter().for_each(|payload| cx.release(payload));
            }
            Command::AnswerIn(after) => {
                self.delayed.push(Some(ticket));
                cx.arm(cx.now() + after, self.delayed.len() - 1);
            }
            Command::Forget => self.delayed.push(Some(ticket)),
            command => {
                let failed = Reply::Failed("no transport".into());
                let reply = self.configure(command, cx).unwrap_or(failed);
                cx.reply(ticket, reply);
            }
        }
    }

    fn closed(&mut self, socket: SocketKey, cx: &mut Context<Self>) {
        self.note(Call::Closed);
        let closing = self.transports.iter_mut().flatten();
        let mut closing = closing.filter(|transport| transport.socket == socket);
        if let Some(ticket) = closing.next().and_then(|transport| transport.closing.take()) {
            cx.reply(ticket, Reply::Done);
        }
    }

    fn fact(&mut self, from: ShardId, fact: Bumped, cx: &mut Context<Self>) {
        self.note(Call::Fact);
        cx.expect(from, fact.stream, Some(fact.epoch));
    }

    fn crossed(&mut self, packet: Crossed<u64>, cx: &mut Context<Self>) {
        self.note(Call::Crossed(packet.stamp));
        self.at(Phase::Crossings);
        self.keep(packet.payload, cx);
        for index in 0..self.installed.len() {
            let (from, stream, to) = self.installed[index];
            if (from, stream) == (packet.from, packet.stream) {
                self.queue(to, packet.payload, cx);
            }
        }
        cx.release(packet.payload);
    }

    fn timer(&mut self, timer: usize, cx: &mut Context<Self>) {
        self.note(Call::Timer);
        self.at(Phase::Timers);
        if let Some(ticket) = self.delayed[timer].take() {
            cx.reply(ticket, Reply::Done);
        }
    }

    fn receive(&mut self, transport: TransportKey, batch: Batch<'_>, cx: &mut Context<Self>) {
        self.note(Call::Receive(transport.place(), batch.datagrams().len()));
        self.at(Phase::Receive);
        for datagram in batch.datagrams() {
            let write = |slot: &mut [u8]| {
                slot[..datagram.len()].copy_from_slice(datagram);
                Some(datagram.len())
            };
            if let Ok(payload) = cx.fill(datagram.len(), write) {
                self.keep(payload, cx);
                self.fan_out(transport, payload, cx);
                cx.release(payload);
            }
        }
    }

    fn unknown(&mut self, offered: Option<TransportKey>, batch: Batch<'_>, _cx: &mut Context<Self>) -> Claim {
        self.note(Call::Unknown(offered.map(TransportKey::place)));
        let greets = batch.bytes.starts_with(b"hello");
        if greets { Claim::Taken } else { Claim::Dropped }
    }

    fn flush<D: Driver>(&mut self, key: TransportKey, egress: &mut Egress<'_, D>, cx: &mut Context<Self>) {
        self.note(Call::Flush(key.place()));
        let panics = self.panics == Some(Phase::Flush);
        let Some(transport) = self.transport(key) else { return };
        while let Some(&first) = transport.queue.front() {
            let size = cx.bytes(first).map_or(0, <[u8]>::len);
            let run = transport
                .queue
                .iter()
                .take(16)
                .take_while(|packet| cx.bytes(**packet).map_or(0, <[u8]>::len) == size);
            let count = run.count();
            let memory = egress.reserve(size * count);
            for (packet, place) in transport.queue.drain(..count).zip(memory.chunks_mut(size.max(1))) {
                if let Some(bytes) = cx.bytes(packet) {
                    place.copy_from_slice(bytes);
                }
                cx.release(packet);
            }
            if let Some(to) = transport.remote {
                let (socket, len) = (transport.socket, size * count);
                egress.send(Transmit { socket, to, from: None, len, segment_size: size });
            }
            assert!(!panics, "asked to panic in Flush");
        }
    }

    fn say_goodbye(&mut self, cx: &mut Context<Self>) {
        self.at(Phase::Commands);
        let Some(words) = self.last_words else { return };
        let keys: Vec<_> = self.transports.iter().flatten().map(|transport| transport.key).collect();
        let write = |slot: &mut [u8]| {
            slot[..words.len()].copy_from_slice(words);
            Some(words.len())
        };
        let payload = cx.fill(words.len(), write).unwrap();
        keys.into_iter().for_each(|key| self.queue(key, payload, cx));
        cx.release(payload);
    }

    fn publish(&mut self, cx: &mut Context<Self>) {
        self.note(Call::Publish);
        self.at(Phase::Publish);
        while let Some(&event) = self.pending_events.front() {
            if cx.event(event).is_err() {
                break;
            }
            self.pending_events.pop_front();
        }
    }
}

/// Opens the lowest free place, under a generation that none had before, in any test of this process.
fn next_key(cx: &mut Context<Relay>) -> Option<TransportKey> {
    static GENERATION: AtomicU32 = AtomicU32::new(0);
    let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
    for index in 0.. {
        let key = TransportKey::new(index, generation);
        match cx.open_transport(key) {
            Ok(()) => return Some(key),
            Err(DemuxError::Occupied(_)) => {}
            Err(_) => break,
        }
    }
    None
}

/// Panics while being dropped, when asked to.
#[derive(Debug, Default)]
pub struct Fragile(pub bool);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.0 || std::thread::panicking(), "asked to panic when dropped");
    }
}

/// More than any test leaves in a transport's queue between two flushes.
const QUEUE: usize = 4096;
