//! Rooms on shards in memory, in virtual time, and a control that sends them commands.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use model::command::{
    Action, Bind, ConsumerOpen, PeerAddress, Ports, ProducerOpen, ProducerReplica, TransportConnect,
    TransportOpen, TransportSetup,
};
use model::id::{PayloadType, Ssrc};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, TransportKey};
use model::reply::{Answer, BoundSocket, Outcome, Refusal};
use model::rtp::{
    CodecMapping, EncodingMapping, MediaKind, MimeType, Parameters, RtcpFeedback, RtcpParameters,
    RtpCodecParameters, RtpEncodingParameters, RtpMapping, RtpParameters,
};
use model::score::{ConsumerType, ProducerType};
use model::transport::{SocketFlags, TransportProtocol};
use net::Pool;
use net::lane::Sleeper;
use shard::rooms::{DtlsIdentity, Identity, Rooms, RoomsConfig, Told};
use shard::{
    Control, CountersReader, FromShard, HashKey, LaneSizing, Link, RequestId, ShardConfig, ShardCore,
    connect as introduce,
};
use wire::Mono;

use super::sim::{Sent, SimDriver};

/// Shards that know each other.
#[derive(Debug)]
pub struct Hall {
    pub sides: Vec<Side>,
    pub now: Mono,
    requests: u64,
}

/// One of them.
#[derive(Debug)]
pub struct Side {
    pub core: Option<ShardCore<Rooms, SimDriver>>,
    pub control: Control<Rooms>,
    pub link: Link,
    pub counters: CountersReader,
    /// What control received and nobody asked for yet.
    pub inbox: Vec<FromShard<Outcome, Told>>,
    _sleeper: Sleeper,
}

impl Hall {
    pub fn new(shards: u16) -> Self {
        Self::with(shards, RoomsConfig::default(), super::config)
    }

    pub fn with(shards: u16, rooms: RoomsConfig, config: impl Fn(u16) -> ShardConfig) -> Self {
        Self::with_each(shards, config, |_| rooms)
    }

    /// With other rooms on each shard.
    pub fn with_each(
        shards: u16,
        config: impl Fn(u16) -> ShardConfig,
        rooms: impl Fn(u16) -> RoomsConfig,
    ) -> Self {
        let mut hall = Self { sides: Vec::new(), now: Mono::from_nanos(1_000_000_000), requests: 0 };
        for shard in 0..shards {
            hall.sides.push(Side::new(&config(shard), rooms(shard)));
        }
        for b in 1..hall.sides.len() {
            for a in 0..b {
                let lanes = LaneSizing { packets: 1024, ..LaneSizing::new(HashKey([3, 4])) };
                let (to_a, to_b) = introduce(&hall.sides[a].link, &hall.sides[b].link, lanes);
                hall.sides[a].control.introduce(to_a).unwrap();
                hall.sides[b].control.introduce(to_b).unwrap();
            }
        }
        hall.tick();
        hall
    }

    /// One tick of every shard, 100 us after the last, and where there are several another one at the same time: so
    /// what crosses leaves when it would if there was but one.
    pub fn tick(&mut self) {
        self.now += Duration::from_micros(100);
        for _ in 0..self.sides.len().min(2) {
            (0..self.sides.len()).for_each(|shard| self.sides[shard].tick(self.now));
        }
    }

    pub fn ticks(&mut self, count: usize) {
        (0..count).for_each(|_| self.tick());
    }

    /// One tick of one shard, in which the others stand still.
    pub fn tick_only(&mut self, shard: usize) {
        self.now += Duration::from_micros(100);
        self.sides[shard].tick(self.now);
    }

    pub fn submit(&mut self, shard: usize, action: Action) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.sides[shard].control.submit(request, action).unwrap();
        request
    }

    /// Submits a command and ticks until it is answered.
    pub fn ask(&mut self, shard: usize, action: Action) -> Result<Answer, Refusal> {
        let request = self.submit(shard, action);
        for _ in 0..10_000 {
            self.tick();
            match self.answer(shard, request) {
                Some(Outcome::Done(answer)) => return Ok(answer),
                Some(Outcome::Refused(refusal)) => return Err(refusal),
                _ => {}
            }
        }
        panic!("no answer to {request:?} in {:?}", self.sides[shard].inbox);
    }

    /// Takes an answer out of the inbox, if it has come.
    pub fn answer(&mut self, shard: usize, request: RequestId) -> Option<Outcome> {
        let inbox = &mut self.sides[shard].inbox;
        let is_it = |message: &FromShard<_, _>| matches!(message, FromShard::Reply(of, _) if *of == request);
        let at = inbox.iter().position(is_it)?;
        match inbox.remove(at) {
            FromShard::Reply(_, outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Takes all events out of an inbox.
    pub fn events(&mut self, shard: usize) -> Vec<model::event::Event> {
        let inbox = std::mem::take(&mut self.sides[shard].inbox);
        let event =
            |message| if let FromShard::Event(Told::Event(event)) = message { Some(event) } else { None };
        inbox.into_iter().filter_map(event).collect()
    }

    pub fn driver(&mut self, shard: usize) -> &mut SimDriver {
        self.sides[shard].core.as_mut().unwrap().driver_mut()
    }

    /// Takes what a shard sent.
    pub fn sent(&mut self, shard: usize) -> Vec<Sent> {
        std::mem::take(&mut self.driver(shard).sent)
    }

    pub fn totals(&self, shard: usize) -> shard::Totals {
        self.sides[shard].counters.read().unwrap().totals
    }

    pub fn rooms(&self, shard: usize) -> &Rooms {
        self.sides[shard].core.as_ref().unwrap().engine().unwrap()
    }

    /// A datagram from a peer to a local port.
    pub fn deliver(&mut self, shard: usize, to: u16, from: SocketAddr, bytes: &[u8]) {
        let driver = self.driver(shard);
        let socket = driver.on_port(to).unwrap();
        driver.deliver(socket, from, bytes, bytes.len());
    }

    pub fn open_router(&mut self, shard: usize, router: RouterKey) {
        self.ask(shard, Action::Router(router, model::command::RouterCommand::Open)).unwrap();
    }

    pub fn open_transport(
        &mut self,
        shard: usize,
        key: TransportKey,
        open: TransportOpen,
    ) -> Result<Vec<BoundSocket>, Refusal> {
        let command = model::command::TransportCommand::Open(Box::new(open));
        match self.ask(shard, Action::Transport(key, command))? {
            Answer::Bound(at) => Ok(at),
            other => panic!("{other:?}"),
        }
    }

    /// A plain transport that is connected to a peer. Its local port.
    pub fn plain(&mut self, shard: usize, router: RouterKey, key: TransportKey, peer: SocketAddr) -> u16 {
        let bound = self.open_transport(shard, key, plain(router)).unwrap();
        self.ask(shard, connect(key, peer)).unwrap();
        bound[0].port
    }

    /// Nothing is left of anybody, anywhere.
    pub fn assert_empty(&mut self) {
        self.ticks(8);
        for shard in 0..self.sides.len() {
            let totals = self.totals(shard);
            let levels = [
                totals.transports,
                totals.timers_armed,
                totals.replies_owed,
                totals.borrowed,
                totals.pool_in_use,
                totals.facts_waiting,
            ];
            assert_eq!(levels, [0; 6], "shard {shard}: {totals:?}");
            assert_eq!(self.driver(shard).occupied(), 0, "sockets");
            assert!(self.rooms(shard).is_empty(), "{:?}", self.rooms(shard));
        }
    }
}

impl Side {
    fn new(config: &ShardConfig, rooms: RoomsConfig) -> Self {
        let sleeper = Sleeper::new().unwrap();
        let pool = Pool::new(&config.pool).unwrap();
        let (identity, zero) = identity();
        let make = Rooms::maker(rooms, Some(DtlsIdentity::new(Arc::clone(identity), *zero)));
        let (core, face) = ShardCore::new(config, pool, SimDriver::new(), sleeper.waker(), make);
        let (control, link, counters) = (face.control, face.link, face.counters);
        Self { core: Some(core), control, link, counters, inbox: Vec::new(), _sleeper: sleeper }
    }

    fn tick(&mut self, now: Mono) {
        if let Some(core) = &mut self.core {
            core.wait().unwrap();
            core.tick(now);
        }
        self.take_messages();
    }

    pub fn take_messages(&mut self) {
        while let Some(message) = self.control.next_message() {
            self.inbox.push(message);
        }
    }
}

/// A peer on this host, in name only.
pub fn remote(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

pub fn bind(ports: Ports) -> Bind {
    Bind {
        protocol: TransportProtocol::Udp,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        ports,
        flags: SocketFlags::default(),
        send_buffer_size: 0,
        recv_buffer_size: 0,
    }
}

pub fn open(router: RouterKey, setup: TransportSetup) -> TransportOpen {
    TransportOpen {
        router,
        setup,
        sctp: None,
        max_send_message_size: 262_144,
        max_receive_message_size: 262_144,
        initial_outgoing_bitrate: None,
        seed: 7,
    }
}

pub fn plain(router: RouterKey) -> TransportOpen {
    plain_at(router, Ports::Fixed(0), None, false)
}

pub fn plain_at(router: RouterKey, ports: Ports, rtcp: Option<Ports>, comedia: bool) -> TransportOpen {
    let (bind, rtcp_bind) = (bind(ports), rtcp.map(bind));
    open(router, TransportSetup::Plain { bind, rtcp_bind, comedia, srtp: None })
}

pub fn connect(key: TransportKey, peer: SocketAddr) -> Action {
    let peer = PeerAddress { ip: peer.ip(), port: peer.port(), rtcp_port: None };
    let connect = TransportConnect::Plain { peer: Some(peer), srtp: None };
    Action::Transport(key, model::command::TransportCommand::Connect(Box::new(connect)))
}

/// A producer of one video stream.
pub fn producing(transport: TransportKey, ssrc: u32) -> ProducerOpen {
    let codecs = vec![CodecMapping { payload_type: pt(96), mapped_payload_type: pt(101) }];
    let mapped = EncodingMapping { ssrc: Some(Ssrc(ssrc)), rid: None, mapped_ssrc: mapped(ssrc) };
    ProducerOpen {
        transport,
        kind: MediaKind::Video,
        producer_type: ProducerType::Simple,
        rtp_parameters: video(96, ssrc),
        rtp_mapping: RtpMapping { codecs, encodings: vec![mapped] },
        paused: false,
        key_frame_request_delay_ms: 0,
        adds_packet_id: false,
    }
}

/// What stands for it on another shard.
pub fn replica(router: RouterKey, open: &ProducerOpen, shard: u16, producer: ProducerKey) -> ProducerReplica {
    ProducerReplica {
        router,
        shard: ShardIndex(shard),
        producer,
        kind: open.kind,
        producer_type: open.producer_type,
        codecs: open.rtp_parameters.codecs.clone(),
        mapped_ssrcs: open.rtp_mapping.encodings.iter().map(|encoding| encoding.mapped_ssrc).collect(),
        header_extensions: open.rtp_parameters.header_extensions.clone(),
        paused: open.paused,
    }
}

/// A consumer of such a producer.
pub fn consuming(transport: TransportKey, producer: ProducerKey, of: u32, ssrc: u32) -> ConsumerOpen {
    let consumable = RtpEncodingParameters { ssrc: Some(mapped(of)), ..RtpEncodingParameters::default() };
    ConsumerOpen {
        transport,
        producer,
        kind: MediaKind::Video,
        consumer_type: ConsumerType::Simple,
        rtp_parameters: video(101, ssrc),
        consumable_encodings: vec![consumable],
        paused: false,
        preferred_layers: None,
        ignore_dtx: false,
        seed: u64::from(ssrc),
    }
}

pub fn produce(key: ProducerKey, open: &ProducerOpen) -> Action {
    Action::Producer(key, model::command::ProducerCommand::Open(Box::new(open.clone())))
}

pub fn consume(key: ConsumerKey, open: ConsumerOpen) -> Action {
    Action::Consumer(key, model::command::ConsumerCommand::Open(Box::new(open)))
}

/// An RTP packet of a producer.
pub fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 3000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// The SSRC that a producer's stream has inside the router.
pub fn mapped(ssrc: u32) -> Ssrc {
    Ssrc(ssrc + 1_000_000)
}

/// Video whose payloads nobody looks into, so that they can be anything.
fn video(number: u8, ssrc: u32) -> RtpParameters {
    let codec = RtpCodecParameters {
        mime_type: MimeType::new("video/H265").unwrap(),
        payload_type: pt(number),
        clock_rate: 90_000,
        channels: None,
        parameters: Parameters::new(),
        rtcp_feedback: vec![RtcpFeedback::new("nack", "pli")],
    };
    RtpParameters {
        codecs: vec![codec],
        encodings: vec![RtpEncodingParameters { ssrc: Some(Ssrc(ssrc)), ..RtpEncodingParameters::default() }],
        rtcp: RtcpParameters { cname: Some("somebody".into()), reduced_size: true },
        ..RtpParameters::default()
    }
}

fn pt(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

/// Who WebRTC peers find there, and when the time of a hall began: the same for all of a process.
pub fn identity() -> &'static (Arc<Identity>, Instant) {
    static IDENTITY: OnceLock<(Arc<Identity>, Instant)> = OnceLock::new();
    IDENTITY.get_or_init(|| (Arc::new(new_identity()), Instant::now()))
}

pub fn new_identity() -> Identity {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    Identity::new(made.der(), &key.serialize_der()).unwrap()
}
