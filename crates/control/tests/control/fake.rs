//! A shard that moves no packet: it keeps the tables that a shard keeps, checks that what control tells it makes sense
//! there, binds ports in a table that all shards share, and closes things late.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::command::*;
use model::dump::RtpStreamDump;
use model::event::{ConsumerEvent, DataConsumerEvent, Event};
use model::key::*;
use model::reply::*;
use model::score::ConsumerScore;
use model::stats::{DataCounters, TransportCounters};
use model::transport::TransportProtocol;
use shardcast::core::FromShard;

/// Ports that are bound, on whichever shard.
pub(crate) type BoundPorts = BTreeSet<(bool, u16)>;

/// Media or data, and where it stands.
type Place = (bool, u32);

/// Something that a shard tells another.
#[derive(Debug)]
pub(crate) enum Fact {
    /// Whatever stands for this is gone. Acknowledged under the number.
    Gone(Place, u32, u64),
    /// Something else that is acknowledged.
    Heed(u64),
    Heeded(u64),
    Message(Place, u32, Box<DataMessage>),
}

#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) index: u16,
    pub(crate) commands: VecDeque<(RequestId, Action)>,
    pub(crate) said: VecDeque<FromShard>,
    routers: BTreeMap<u32, u32>,
    servers: BTreeMap<u32, (u32, Vec<(bool, u16)>)>,
    /// To whom its parts of servers were to make themselves known.
    pub(crate) greeted: Vec<(WebRtcServerKey, ShardIndex, WebRtcServerKey)>,
    transports: BTreeMap<u32, (u32, Transport)>,
    sources: BTreeMap<Place, (u32, Source)>,
    sinks: BTreeMap<Place, (u32, Sink)>,
    /// Of sinks that went because another shard said so: the last one at each place. Commands on the way to it come in
    /// time.
    vanished: BTreeMap<Place, u32>,
    observers: BTreeMap<u32, (u32, RouterKey)>,
    /// What transports send.
    sent: BTreeSet<(TransportKey, u32)>,
    /// Answers that are owed: when the acknowledgements are there, and when it takes its time.
    closing: Vec<Closing>,
    next_ack: u64,
    /// What others are to be told.
    pub(crate) told: Facts,
    /// How many commands were executed.
    pub(crate) executed: usize,
}

#[derive(Debug)]
struct Transport {
    router: RouterKey,
    ports: Vec<(bool, u16)>,
}

#[derive(Debug)]
struct Source {
    transport: Option<TransportKey>,
    router: RouterKey,
    ssrcs: Vec<u32>,
    feeds: BTreeMap<u16, (Place, u32)>,
    paused: bool,
}

#[derive(Debug)]
struct Sink {
    transport: TransportKey,
    source: (Place, u32),
    ssrcs: Vec<u32>,
    paused: bool,
}

#[derive(Debug)]
struct Closing {
    request: RequestId,
    ports: Vec<(bool, u16)>,
    acks: BTreeSet<u64>,
}

pub(crate) type Facts = Vec<(u16, u16, Fact)>;

impl Fake {
    pub(crate) fn new(index: u16) -> Self {
        Self { index, ..Self::default() }
    }

    /// Whether there is nothing on it.
    pub(crate) fn is_empty(&self) -> bool {
        self.routers.is_empty()
            && self.servers.is_empty()
            && self.transports.is_empty()
            && self.sources.is_empty()
            && self.sinks.is_empty()
            && self.observers.is_empty()
            && self.closing.is_empty()
    }

    /// Parts of WebRtcServers, and transports.
    pub(crate) fn servers_and_transports(&self) -> (usize, usize) {
        (self.servers.len(), self.transports.len())
    }

    /// How often what it has of servers made itself known to what that one has.
    pub(crate) fn times_greeted(&self, other: &Self) -> usize {
        let is_there = |fake: &Self, key: WebRtcServerKey| {
            fake.servers.get(&key.index).is_some_and(|(generation, _)| *generation == key.generation)
        };
        let greeted = self.greeted.iter().filter(|(key, shard, there)| {
            shard.0 == other.index && is_there(self, *key) && is_there(other, *there)
        });
        greeted.count()
    }

    pub(crate) fn stand_ins(&self) -> usize {
        self.sources.values().filter(|(_, source)| source.transport.is_none()).count()
    }

    /// Executes the next command, if there is one.
    pub(crate) fn execute(&mut self, ports: &mut BoundPorts) -> bool {
        let Some((request, action)) = self.commands.pop_front() else { return false };
        self.executed += 1;
        let outcome = match action {
            Action::Router(key, RouterCommand::Open) => {
                let was = self.routers.insert(key.index, key.generation);
                assert!(was.is_none(), "router {key} on an occupied place");
                Some(done())
            }
            Action::Router(key, RouterCommand::Close) => self.close_router(request, key),
            Action::WebRtcServer(key, command) => self.server(request, key, command, ports),
            Action::Transport(key, command) => self.transport(request, key, command, ports),
            Action::Producer(key, command) => self.producer(request, key, command),
            Action::DataProducer(key, command) => self.data_producer(request, key, command),
            Action::Consumer(key, command) => self.consumer(request, key, command),
            Action::DataConsumer(key, command) => self.data_consumer(request, key, command),
            Action::RtpObserver(key, command) => Some(self.observer(key, command)),
        };
        self.said.extend(outcome.map(|outcome| FromShard::Reply(request, outcome)));
        true
    }

    /// Ends one closing that has its acknowledgements, if there is one; `which` chooses.
    pub(crate) fn end_closing(&mut self, which: usize, ports: &mut BoundPorts) -> bool {
        let ready: Vec<_> = (0..self.closing.len()).filter(|at| self.closing[*at].acks.is_empty()).collect();
        if ready.is_empty() {
            return false;
        }
        let closing = self.closing.remove(ready[which % ready.len()]);
        closing.ports.iter().for_each(|port| assert!(ports.remove(port)));
        self.said.push_back(FromShard::Reply(closing.request, done()));
        true
    }

    pub(crate) fn hear(&mut self, from: u16, fact: Fact) {
        match fact {
            Fact::Gone(place, generation, number) => {
                if self.sources.get(&place).is_some_and(|(is, _)| *is == generation) {
                    self.sources.remove(&place);
                    let goes = |sink: &Sink| sink.source == (place, generation);
                    let going = self.sinks.iter().filter(|(_, (_, sink))| goes(sink));
                    self.vanished.extend(going.map(|(place, (generation, _))| (*place, *generation)));
                    self.drop_sinks(goes);
                }
                self.told.push((self.index, from, Fact::Heeded(number)));
            }
            Fact::Heed(number) => self.told.push((self.index, from, Fact::Heeded(number))),
            Fact::Heeded(number) => self.closing.iter_mut().for_each(|closing| {
                closing.acks.remove(&number);
            }),
            Fact::Message(place, generation, message) => self.deliver((place, generation), &message),
        }
    }

    /// Everything is gone, and what was owed is lost.
    pub(crate) fn panic(&mut self, ports: &mut BoundPorts) {
        for (_, (_, transport)) in std::mem::take(&mut self.transports) {
            transport.ports.iter().for_each(|port| assert!(ports.remove(port)));
        }
        for (_, (_, bound)) in std::mem::take(&mut self.servers) {
            bound.iter().for_each(|port| assert!(ports.remove(port)));
        }
        for closing in std::mem::take(&mut self.closing) {
            closing.ports.iter().for_each(|port| assert!(ports.remove(port)));
            self.said.push_back(FromShard::Lost(closing.request));
        }
        self.routers.clear();
        self.sources.clear();
        self.sinks.clear();
        self.vanished.clear();
        self.sent.clear();
        self.observers.clear();
        self.said.push_back(FromShard::Panicked("a test said so".into()));
    }

    fn server(
        &mut self,
        request: RequestId,
        key: WebRtcServerKey,
        command: WebRtcServerCommand,
        ports: &mut BoundPorts,
    ) -> Option<Outcome> {
        match command {
            WebRtcServerCommand::Open(binds) => match bind(&binds, ports) {
                Ok((bound, sockets)) => {
                    let was = self.servers.insert(key.index, (key.generation, bound));
                    assert!(was.is_none(), "server {key} on an occupied place");
                    Some(Outcome::Done(Answer::Bound(sockets)))
                }
                Err(refusal) => Some(Outcome::Refused(refusal)),
            },
            WebRtcServerCommand::Join { binds, others } => {
                assert!(!others.is_empty(), "server {key} joins nobody");
                assert!(others.iter().all(|(shard, _)| shard.0 != self.index), "server {key} joins itself");
                // The ports are those of the part that was there first, and taken as long as that has them.
                assert!(binds.iter().all(|bind| matches!(bind.ports, Ports::Fixed(port) if port != 0)));
                let was = self.servers.insert(key.index, (key.generation, Vec::new()));
                assert!(was.is_none(), "server {key} on an occupied place");
                self.greeted.extend(others.into_iter().map(|(shard, there)| (key, shard, there)));
                Some(Outcome::Done(Answer::Bound(Vec::new())))
            }
            WebRtcServerCommand::Meet(others) => {
                if self.servers.get(&key.index).is_none_or(|(is, _)| *is != key.generation) {
                    return Some(gone());
                }
                self.greeted.extend(others.into_iter().map(|(shard, there)| (key, shard, there)));
                Some(done())
            }
            WebRtcServerCommand::Close => {
                let Some((_, bound)) = self.servers.remove(&key.index) else { return Some(gone()) };
                self.closing.push(Closing { request, ports: bound, acks: BTreeSet::new() });
                None
            }
        }
    }

    fn transport(
        &mut self,
        request: RequestId,
        key: TransportKey,
        command: TransportCommand,
        ports: &mut BoundPorts,
    ) -> Option<Outcome> {
        if let TransportCommand::Open(open) = command {
            if self.routers.get(&open.router.index) != Some(&open.router.generation) {
                return Some(gone());
            }
            let binds = match &open.setup {
                TransportSetup::WebRtc { listen: WebRtcListen::Own(binds), .. } => binds.clone(),
                TransportSetup::WebRtc { listen: WebRtcListen::Server(server), .. } => {
                    if self.servers.get(&server.index).is_none_or(|(is, _)| *is != server.generation) {
                        return Some(gone());
                    }
                    Vec::new()
                }
                TransportSetup::Plain { bind, rtcp_bind, .. } => {
                    [*bind].into_iter().chain(*rtcp_bind).collect()
                }
                TransportSetup::Pipe { bind, .. } => vec![*bind],
                TransportSetup::Direct => Vec::new(),
            };
            return Some(match bind(&binds, ports) {
                Ok((bound, sockets)) => {
                    let transport = Transport { router: open.router, ports: bound };
                    let was = self.transports.insert(key.index, (key.generation, transport));
                    assert!(was.is_none(), "transport {key} on an occupied place");
                    Outcome::Done(Answer::Bound(sockets))
                }
                Err(refusal) => Outcome::Refused(refusal),
            });
        }
        if self.transports.get(&key.index).is_none_or(|(is, _)| *is != key.generation) {
            return Some(gone());
        }
        match command {
            TransportCommand::Close => {
                let mut closing = Closing { request, ports: Vec::new(), acks: BTreeSet::new() };
                self.close_transport(key, &mut closing);
                self.closing.push(closing);
                None
            }
            TransportCommand::Report => {
                let of = |(place, (generation, source)): (&Place, &(u32, Source))| {
                    let own = source.transport == Some(key) && !place.0;
                    own.then(|| (source.ssrcs.clone(), ProducerKey::new(place.1, *generation)))
                };
                let rows: Vec<_> = self.sources.iter().filter_map(of).collect();
                let rows = rows
                    .into_iter()
                    .flat_map(|(ssrcs, key)| ssrcs.into_iter().map(move |ssrc| (model::id::Ssrc(ssrc), key)));
                let part = Part::Ssrcs(rows.collect());
                self.said.push_back(FromShard::Reply(request, Outcome::Part(part)));
                Some(Outcome::Done(Answer::Transport(Box::default())))
            }
            TransportCommand::Stats => {
                let stats = (TransportCounters::default(), TransportReport::default());
                Some(Outcome::Done(Answer::TransportStats(Box::new(stats))))
            }
            _ => Some(done()),
        }
    }

    fn close_transport(&mut self, key: TransportKey, closing: &mut Closing) {
        let own = |(place, (_, source)): (&Place, &(u32, Source))| {
            (source.transport == Some(key)).then_some(*place)
        };
        for place in self.sources.iter().filter_map(own).collect::<Vec<_>>() {
            self.close_source(place, closing);
        }
        self.drop_sinks(|sink| sink.transport == key);
        if let Some((_, transport)) = self.transports.remove(&key.index) {
            closing.ports.extend(transport.ports);
        }
    }

    fn close_source(&mut self, place: Place, closing: &mut Closing) {
        let Some((generation, source)) = self.sources.remove(&place) else { return };
        self.drop_sinks(|sink| sink.source == (place, generation));
        for (shard, (replica, generation)) in source.feeds {
            let number = self.ack();
            closing.acks.insert(number);
            self.told.push((self.index, shard, Fact::Gone(replica, generation, number)));
        }
    }

    fn close_router(&mut self, request: RequestId, key: RouterKey) -> Option<Outcome> {
        if self.routers.get(&key.index) != Some(&key.generation) {
            return Some(gone());
        }
        self.routers.remove(&key.index);
        let mut closing = Closing { request, ports: Vec::new(), acks: BTreeSet::new() };
        let inside: Vec<_> = self.transports.iter().filter(|(_, (_, row))| row.router == key).collect();
        let inside: Vec<_> = inside.iter().map(|(at, (is, _))| TransportKey::new(**at, *is)).collect();
        let said = self.told.len();
        for transport in inside {
            self.close_transport(transport, &mut closing);
        }
        // Each shard closes its own part; nobody is told by anybody.
        self.told.truncate(said);
        closing.acks.clear();
        self.sources.retain(|_, (_, source)| source.router != key);
        self.observers.retain(|_, (_, router)| *router != key);
        self.closing.push(closing);
        None
    }

    fn producer(
        &mut self,
        request: RequestId,
        key: ProducerKey,
        command: ProducerCommand,
    ) -> Option<Outcome> {
        let place = (false, key.index);
        match command {
            ProducerCommand::Open(open) => {
                let Some(router) = self.router_of(open.transport) else { return Some(gone()) };
                let ssrcs: Vec<_> =
                    open.rtp_parameters.encodings.iter().filter_map(|e| Some(e.ssrc?.0)).collect();
                let mut taken = self.sources.values().filter(|(_, s)| s.transport == Some(open.transport));
                if taken.any(|(_, source)| source.ssrcs.iter().any(|ssrc| ssrcs.contains(ssrc))) {
                    return Some(refused("that ssrc is taken"));
                }
                let source = Source {
                    transport: Some(open.transport),
                    router,
                    ssrcs,
                    feeds: BTreeMap::new(),
                    paused: open.paused,
                };
                self.open_source(place, key.generation, source);
                Some(done())
            }
            ProducerCommand::OpenReplica(open) => {
                Some(self.open_replica(place, key.generation, open.router, open.paused))
            }
            ProducerCommand::OpenFeed { shard, replica } => {
                let replica = ((false, replica.index), replica.generation);
                Some(self.open_feed(place, key.generation, shard, replica))
            }
            ProducerCommand::CloseFeed(shard) => self.close_feed(request, place, key.generation, shard),
            ProducerCommand::Pause => self.turn(request, place, key.generation, true),
            ProducerCommand::Resume => self.turn(request, place, key.generation, false),
            ProducerCommand::Close => self.close(request, place, key.generation),
            ProducerCommand::Report => {
                Some(self.with_source(place, key.generation, Answer::Producer(vec![])))
            }
            ProducerCommand::Stats => {
                Some(self.with_source(place, key.generation, Answer::StreamStats(vec![])))
            }
            ProducerCommand::EnableTrace(_) | ProducerCommand::Send(_) => {
                Some(self.with_source(place, key.generation, Answer::Nothing))
            }
        }
    }

    fn data_producer(
        &mut self,
        request: RequestId,
        key: DataProducerKey,
        command: DataProducerCommand,
    ) -> Option<Outcome> {
        let place = (true, key.index);
        match command {
            DataProducerCommand::Open(open) => {
                let Some(router) = self.router_of(open.transport) else { return Some(gone()) };
                let source = Source {
                    transport: Some(open.transport),
                    router,
                    ssrcs: Vec::new(),
                    feeds: BTreeMap::new(),
                    paused: open.paused,
                };
                self.open_source(place, key.generation, source);
                Some(done())
            }
            DataProducerCommand::OpenReplica { router, .. } => {
                Some(self.open_replica(place, key.generation, router, false))
            }
            DataProducerCommand::OpenFeed { shard, replica } => {
                let replica = ((true, replica.index), replica.generation);
                Some(self.open_feed(place, key.generation, shard, replica))
            }
            DataProducerCommand::CloseFeed(shard) => self.close_feed(request, place, key.generation, shard),
            DataProducerCommand::Pause => self.turn(request, place, key.generation, true),
            DataProducerCommand::Resume => self.turn(request, place, key.generation, false),
            DataProducerCommand::Close => self.close(request, place, key.generation),
            DataProducerCommand::Stats => {
                Some(self.with_source(place, key.generation, Answer::DataStats(DataCounters::default())))
            }
            DataProducerCommand::Send(message) => {
                let source = self.sources.get(&place).filter(|(is, _)| *is == key.generation);
                let Some((_, source)) = source else { return Some(gone()) };
                if !source.paused {
                    for (shard, (replica, generation)) in &source.feeds {
                        let fact = Fact::Message(*replica, *generation, message.clone());
                        self.told.push((self.index, *shard, fact));
                    }
                    self.deliver((place, key.generation), &message);
                }
                Some(done())
            }
        }
    }

    fn consumer(
        &mut self,
        request: RequestId,
        key: ConsumerKey,
        command: ConsumerCommand,
    ) -> Option<Outcome> {
        let place = (false, key.index);
        if let ConsumerCommand::Open(open) = command {
            let source = ((false, open.producer.index), open.producer.generation);
            let is_there = self.sources.get(&source.0).is_some_and(|(is, _)| *is == source.1);
            if self.router_of(open.transport).is_none() || !is_there {
                return Some(gone());
            }
            let ssrcs: Vec<_> =
                open.rtp_parameters.encodings.iter().filter_map(|e| Some(e.ssrc?.0)).collect();
            if ssrcs.iter().any(|ssrc| self.sent.contains(&(open.transport, *ssrc))) {
                return Some(refused("that ssrc is taken"));
            }
            self.sent.extend(ssrcs.iter().map(|ssrc| (open.transport, *ssrc)));
            let sink = Sink { transport: open.transport, source, ssrcs, paused: open.paused };
            let was = self.sinks.insert(place, (key.generation, sink));
            assert!(was.is_none(), "consumer {key} on an occupied place");
            let score = ConsumerScore { score: 10, producer_score: 0, producer_scores: vec![0] };
            let opened = ConsumerOpened { score: score.clone(), preferred_layers: open.preferred_layers };
            let outcome = Outcome::Done(Answer::ConsumerOpened(Box::new(opened)));
            self.said.push_back(FromShard::Reply(request, outcome));
            let event = Event::Consumer(key, ConsumerEvent::Score(score));
            self.said.push_back(FromShard::Event(event));
            return None;
        }
        let Some((_, sink)) = self.sinks.get_mut(&place).filter(|(is, _)| *is == key.generation) else {
            return Some(self.late(place, key.generation));
        };
        Some(Outcome::Done(match command {
            ConsumerCommand::Close => {
                sink.ssrcs.iter().for_each(|ssrc| assert!(self.sent.remove(&(sink.transport, *ssrc))));
                self.sinks.remove(&place);
                Answer::Nothing
            }
            ConsumerCommand::Pause => {
                sink.paused = true;
                Answer::Nothing
            }
            ConsumerCommand::SetPreferredLayers(layers) => Answer::PreferredLayers(Some(layers)),
            ConsumerCommand::Stats => Answer::StreamStats(Vec::new()),
            ConsumerCommand::Report => {
                Answer::Consumer(Box::new(ConsumerReport { rtp_streams: vec![stream()], layers: None }))
            }
            _ => Answer::Nothing,
        }))
    }

    fn data_consumer(
        &mut self,
        _request: RequestId,
        key: DataConsumerKey,
        command: DataConsumerCommand,
    ) -> Option<Outcome> {
        let place = (true, key.index);
        if let DataConsumerCommand::Open(open) = command {
            let source = ((true, open.data_producer.index), open.data_producer.generation);
            let is_there = self.sources.get(&source.0).is_some_and(|(is, _)| *is == source.1);
            if self.router_of(open.transport).is_none() || !is_there {
                return Some(gone());
            }
            let sink = Sink { transport: open.transport, source, ssrcs: Vec::new(), paused: open.paused };
            let was = self.sinks.insert(place, (key.generation, sink));
            assert!(was.is_none(), "data consumer {key} on an occupied place");
            return Some(done());
        }
        let Some((_, sink)) = self.sinks.get_mut(&place).filter(|(is, _)| *is == key.generation) else {
            return Some(self.late(place, key.generation));
        };
        Some(Outcome::Done(match command {
            DataConsumerCommand::Close => {
                self.sinks.remove(&place);
                Answer::Nothing
            }
            DataConsumerCommand::Pause => {
                sink.paused = true;
                Answer::Nothing
            }
            DataConsumerCommand::Resume => {
                sink.paused = false;
                Answer::Nothing
            }
            DataConsumerCommand::Stats => Answer::DataStats(DataCounters::default()),
            DataConsumerCommand::Send(_) | DataConsumerCommand::BufferedAmount => Answer::BufferedAmount(7),
            _ => Answer::Nothing,
        }))
    }

    fn observer(&mut self, key: RtpObserverKey, command: RtpObserverCommand) -> Outcome {
        match command {
            RtpObserverCommand::Open { router, .. } => {
                if self.routers.get(&router.index) != Some(&router.generation) {
                    return gone();
                }
                let was = self.observers.insert(key.index, (key.generation, router));
                assert!(was.is_none(), "observer {key} on an occupied place");
                done()
            }
            _ if self.observers.get(&key.index).is_none_or(|(is, _)| *is != key.generation) => gone(),
            RtpObserverCommand::Close => {
                self.observers.remove(&key.index);
                done()
            }
            RtpObserverCommand::AddProducer(producer) | RtpObserverCommand::RemoveProducer(producer) => {
                let source = self.sources.get(&(false, producer.index));
                if source.is_some_and(|(is, _)| *is == producer.generation) { done() } else { gone() }
            }
            RtpObserverCommand::Pause | RtpObserverCommand::Resume => done(),
        }
    }

    fn open_source(&mut self, place: Place, generation: u32, source: Source) {
        let was = self.sources.insert(place, (generation, source));
        assert!(was.is_none(), "source {place:?} on an occupied place");
    }

    fn open_replica(&mut self, place: Place, generation: u32, router: RouterKey, paused: bool) -> Outcome {
        if self.routers.get(&router.index) != Some(&router.generation) {
            return gone();
        }
        let (ssrcs, feeds) = (Vec::new(), BTreeMap::new());
        self.open_source(place, generation, Source { transport: None, router, ssrcs, feeds, paused });
        done()
    }

    fn open_feed(&mut self, place: Place, generation: u32, shard: ShardIndex, to: (Place, u32)) -> Outcome {
        let Some((_, source)) = self.sources.get_mut(&place).filter(|(is, _)| *is == generation) else {
            return gone();
        };
        assert_ne!(shard.0, self.index, "a feed to the source's own shard");
        assert!(source.feeds.insert(shard.0, to).is_none(), "two feeds of {place:?} to one shard");
        done()
    }

    fn close_feed(
        &mut self,
        request: RequestId,
        place: Place,
        generation: u32,
        shard: ShardIndex,
    ) -> Option<Outcome> {
        let number = self.ack();
        let source = self.sources.get_mut(&place).filter(|(is, _)| *is == generation);
        if source.and_then(|(_, source)| source.feeds.remove(&shard.0)).is_none() {
            return Some(gone());
        }
        self.told.push((self.index, shard.0, Fact::Heed(number)));
        self.closing.push(Closing { request, ports: Vec::new(), acks: [number].into() });
        None
    }

    fn turn(&mut self, request: RequestId, place: Place, generation: u32, paused: bool) -> Option<Outcome> {
        let Some((_, source)) = self.sources.get_mut(&place).filter(|(is, _)| *is == generation) else {
            return Some(gone());
        };
        source.paused = paused;
        let shards: Vec<_> = source.feeds.keys().copied().collect();
        let mut closing = Closing { request, ports: Vec::new(), acks: BTreeSet::new() };
        for shard in shards {
            let number = self.ack();
            closing.acks.insert(number);
            self.told.push((self.index, shard, Fact::Heed(number)));
        }
        self.closing.push(closing);
        None
    }

    fn close(&mut self, request: RequestId, place: Place, generation: u32) -> Option<Outcome> {
        if self.sources.get(&place).is_none_or(|(is, _)| *is != generation) {
            return Some(gone());
        }
        let mut closing = Closing { request, ports: Vec::new(), acks: BTreeSet::new() };
        self.close_source(place, &mut closing);
        self.closing.push(closing);
        None
    }

    fn late(&self, place: Place, generation: u32) -> Outcome {
        if self.vanished.get(&place) == Some(&generation) { done() } else { gone() }
    }

    fn drop_sinks(&mut self, goes: impl Fn(&Sink) -> bool) {
        let sent = &mut self.sent;
        self.sinks.retain(|_, (_, sink)| {
            let goes = goes(sink);
            if goes {
                sink.ssrcs.iter().for_each(|ssrc| assert!(sent.remove(&(sink.transport, *ssrc))));
            }
            !goes
        });
    }

    fn with_source(&self, place: Place, generation: u32, answer: Answer) -> Outcome {
        let is_there = self.sources.get(&place).is_some_and(|(is, _)| *is == generation);
        if is_there { Outcome::Done(answer) } else { gone() }
    }

    fn deliver(&mut self, source: (Place, u32), message: &DataMessage) {
        for (place, (generation, sink)) in &self.sinks {
            if sink.source == source && !sink.paused {
                let key = DataConsumerKey::new(place.1, *generation);
                let event = DataConsumerEvent::Message(Box::new(message.clone()));
                self.said.push_back(FromShard::Event(Event::DataConsumer(key, event)));
            }
        }
    }

    fn router_of(&self, transport: TransportKey) -> Option<RouterKey> {
        let (generation, row) = self.transports.get(&transport.index)?;
        (*generation == transport.generation).then_some(row.router)
    }

    fn ack(&mut self) -> u64 {
        self.next_ack += 1;
        self.next_ack
    }
}

fn bind(binds: &[Bind], ports: &mut BoundPorts) -> Result<Bound, Refusal> {
    let (mut bound, mut sockets) = (Vec::new(), Vec::new());
    for bind in binds {
        let is_udp = bind.protocol == TransportProtocol::Udp;
        let mut range = match bind.ports {
            Ports::Fixed(port) => port..=port,
            Ports::AnyOf(range) => range.min..=range.max,
        };
        let Some(port) = range.find(|port| ports.insert((is_udp, *port))) else {
            bound.iter().for_each(|port| assert!(ports.remove(port)));
            return Err(Refusal::new(RefusalClass::Failed, "no port is free"));
        };
        bound.push((is_udp, port));
        sockets.push(BoundSocket { protocol: bind.protocol, ip: bind.ip, port });
    }
    Ok((bound, sockets))
}

type Bound = (Vec<(bool, u16)>, Vec<BoundSocket>);

fn done() -> Outcome {
    Outcome::Done(Answer::Nothing)
}

/// What a consumer says of its only stream.
fn stream() -> RtpStreamDump {
    let json = serde_json::json!({
        "params": {
            "encodingIdx": 0, "ssrc": 1, "payloadType": 111, "mimeType": "audio/opus", "clockRate": 48000, "cname": "c",
            "useNack": false, "usePli": false, "useFir": false, "useInBandFec": false, "useDtx": false,
            "spatialLayers": 1, "temporalLayers": 1,
        },
        "score": 10,
    });
    serde_json::from_value(json).unwrap()
}

fn gone() -> Outcome {
    Outcome::Refused(Refusal::new(RefusalClass::NotFound, "there is nothing at that key"))
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused(Refusal::new(RefusalClass::Failed, reason))
}
