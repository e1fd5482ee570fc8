//! Somebody in a call, as a browser is: checks by ICE, a handshake, SRTP, and repairs asked for. Its network loses what it
//! is told to lose; who sends and hears what is in the hands of a test.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use dtls::{Anchor, Endpoint, Fingerprint, HashFunction, Output, Role, Setup};
use ice::Credentials;
use model::command::{
    Action, IceSetup, Ports, TransportCommand, TransportConnect, TransportSetup, WebRtcListen,
};
use model::transport::{DtlsFingerprint, DtlsRole, FingerprintAlgorithm, IceParameters};
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;
use wire::rtcp::{Builder as Compound, Nack, NackItem};
use wire::stun::{Builder, TransactionId};
use wire::{Kind, Ssrc, classify};

use super::hall::{Hall, bind, identity, new_identity, open, remote};
use super::spread::{Place, ROUTER, Room};

/// See the module.
pub struct Person {
    pub place: Place,
    /// Where it is.
    pub from: SocketAddr,
    ice: IceParameters,
    endpoint: Endpoint,
    room: dtls::Room,
    fingerprint: Fingerprint,
    /// What it sends by and opens by.
    srtp: Option<(Context, Context)>,
    /// Media that reaches it, in a hundred, is lost so often.
    pub loss_percent: u64,
    dice: u64,
    pub lost: usize,
    /// Payloads by their numbers, as they came.
    pub heard: BTreeMap<u16, Vec<u8>>,
    pub twice: usize,
    /// When each came for the first time, in milliseconds.
    pub times: Vec<(u64, u16)>,
    /// How many requests for key frames reached it.
    pub asked: usize,
    highest: Option<u16>,
    /// What is missing, and when it was last asked for, in milliseconds.
    lacking: BTreeMap<u16, Option<u64>>,
    ssrc: u32,
    pub checks_answered: usize,
}

impl Person {
    /// With a transport on that shard, connected.
    pub fn join(room: &mut Room, number: u32, shard: usize) -> Self {
        let ice = parameters(&format!("ufrag{number}"));
        let setup = TransportSetup::WebRtc {
            listen: WebRtcListen::Own(vec![bind(Ports::Fixed(0))]),
            ice: IceSetup { local: ice.clone(), consent_timeout_s: 30 },
        };
        let from = remote(20_000 + u16::try_from(number).unwrap());
        let place = room.web_rtc(number, shard, (open(ROUTER, setup), from));
        let own = new_identity();
        let (sfu, zero) = identity();
        let setup = Setup::new(&own, Anchor::new(*zero)).unwrap();
        let expected = Fingerprint::of(HashFunction::Sha256, sfu.certificate());
        let endpoint = Endpoint::new(&setup, Role::Client, Some(expected), room.hall.now);
        let mut person = Self {
            place,
            from,
            ice,
            endpoint,
            room: dtls::Room::new(),
            fingerprint: Fingerprint::of(HashFunction::Sha256, own.certificate()),
            srtp: None,
            loss_percent: 0,
            dice: u64::from(number) + 1,
            lost: 0,
            heard: BTreeMap::new(),
            twice: 0,
            times: Vec::new(),
            asked: 0,
            highest: None,
            lacking: BTreeMap::new(),
            ssrc: 0,
            checks_answered: 0,
        };
        person.connect(&mut room.hall);
        person
    }

    fn connect(&mut self, hall: &mut Hall) {
        self.check(hall);
        let fingerprint = DtlsFingerprint {
            algorithm: FingerprintAlgorithm::Sha256,
            value: self.fingerprint.to_string().into(),
        };
        let connect = TransportConnect::WebRtc { role: DtlsRole::Server, fingerprint };
        let command = TransportCommand::Connect(Box::new(connect));
        hall.ask(self.place.shard, Action::Transport(self.place.key, command)).unwrap();
        for _ in 0..20 {
            self.speak(hall);
            hall.tick();
            self.listen(hall);
        }
        assert!(self.srtp.is_some(), "no keys after twenty ticks");
    }

    /// Asks by ICE from where it is, and takes that way.
    pub fn check(&self, hall: &mut Hall) {
        let mut out = [0; 300];
        let mut builder = Builder::request(&mut out, TransactionId([3; 12])).unwrap();
        builder.username(format!("{}:theirs", self.ice.username_fragment).as_bytes()).unwrap();
        builder.priority(1).unwrap();
        builder.use_candidate().unwrap();
        builder.integrity(&Credentials::new("", &self.ice.password)).unwrap();
        let len = builder.fingerprint().unwrap();
        self.send(hall, &out[..len]);
    }

    /// Signalling brings it other credentials.
    pub fn restart_ice(&mut self, hall: &mut Hall, ufrag: &str) {
        self.ice = parameters(ufrag);
        let command = TransportCommand::RestartIce(Box::new(self.ice.clone()));
        hall.ask(self.place.shard, Action::Transport(self.place.key, command)).unwrap();
    }

    pub fn send_rtp(&mut self, hall: &mut Hall, packet: &[u8]) {
        let sealed = self.srtp.as_mut().unwrap().0.encrypt_rtp(packet).unwrap();
        self.send(hall, &sealed);
    }

    /// Takes what was sent to it; what is for others stays.
    pub fn listen(&mut self, hall: &mut Hall) {
        let now = hall.now.as_nanos() / 1_000_000;
        let (mine, others) = hall.sent(self.place.shard).into_iter().partition(|sent| sent.to == self.from);
        hall.driver(self.place.shard).sent = others;
        let mine: Vec<super::sim::Sent> = mine;
        for datagram in mine.into_iter().flat_map(|sent| sent.datagrams) {
            match classify(&datagram) {
                Some(Kind::Stun) => self.checks_answered += 1,
                Some(Kind::Dtls) => _ = self.endpoint.handle_packet(hall.now, &datagram),
                Some(Kind::Rtp) if self.loses() => self.lost += 1,
                Some(Kind::Rtp) => self.hear(now, &datagram),
                Some(Kind::Rtcp) => {
                    let compound = self.srtp.as_mut().unwrap().1.decrypt_rtcp(&datagram).unwrap();
                    // RFC 4585 §6.3.1.
                    self.asked += usize::from(compound.starts_with(&[0x81, 206]));
                }
                other => panic!("{other:?}"),
            }
        }
        while self.endpoint.waiting() > 0 {
            self.speak(hall);
            self.endpoint.step(hall.now);
        }
        self.speak(hall);
        self.ask_again(now, hall);
    }

    fn hear(&mut self, now: u64, datagram: &[u8]) {
        let packet = self.srtp.as_mut().unwrap().1.decrypt_rtp(datagram).unwrap();
        let number = u16::from_be_bytes([packet[2], packet[3]]);
        self.ssrc = u32::from_be_bytes(packet[8..12].try_into().unwrap());
        let highest = *self.highest.get_or_insert(number);
        let ahead = number.wrapping_sub(highest);
        if ahead < 0x8000 {
            self.highest = Some(number);
            self.lacking.extend((1..ahead).map(|n| (highest.wrapping_add(n), None)));
        }
        self.lacking.remove(&number);
        match self.heard.insert(number, packet[12..].to_vec()) {
            None => self.times.push((now, number)),
            Some(_) => self.twice += 1,
        }
    }

    /// Asks for what is missing, and again every 100 ms.
    fn ask_again(&mut self, now: u64, hall: &mut Hall) {
        let due = self.lacking.iter_mut().filter(|(_, asked)| asked.is_none_or(|asked| now >= asked + 100));
        let items: Vec<_> = due
            .map(|(number, asked)| {
                *asked = Some(now);
                NackItem { first: *number, following: 0 }
            })
            .collect();
        if items.is_empty() {
            return;
        }
        let mut bytes = [0; 1_200];
        let mut compound = Compound::new(&mut bytes);
        compound.push(&Nack { sender: Ssrc(1), media: Ssrc(self.ssrc), items: &items }).unwrap();
        let written = compound.written().to_vec();
        let sealed = self.srtp.as_mut().unwrap().0.encrypt_rtcp(&written).unwrap();
        self.send(hall, &sealed);
    }

    /// Numbers between the first and the last that never came.
    pub fn missing(&self) -> usize {
        let numbers = self.heard.keys().copied();
        match (numbers.clone().min(), numbers.max()) {
            (Some(first), Some(last)) => usize::from(last - first) + 1 - self.heard.len(),
            _ => 0,
        }
    }

    fn loses(&mut self) -> bool {
        // Knuth's: good enough for a network.
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % 100 < self.loss_percent
    }

    fn speak(&mut self, hall: &mut Hall) {
        let mut datagrams = Vec::new();
        while let Some(output) = self.endpoint.poll(&mut self.room) {
            match output {
                Output::Datagram(datagram) => datagrams.push(datagram.to_vec()),
                Output::Connected(connected) => {
                    let context = |(key, salt): (&[u8], &[u8])| {
                        let replay = (srtp_replay_protection(1024), srtcp_replay_protection(1024));
                        let profile = ProtectionProfile::AeadAes256Gcm;
                        Context::new(key, salt, profile, Some(replay.0), Some(replay.1)).unwrap()
                    };
                    self.srtp = Some((context(connected.keys.local()), context(connected.keys.remote())));
                }
                _ => {}
            }
        }
        datagrams.iter().for_each(|datagram| self.send(hall, datagram));
    }

    fn send(&self, hall: &mut Hall, datagram: &[u8]) {
        hall.deliver(self.place.shard, self.place.port, self.from, datagram);
    }
}

fn parameters(ufrag: &str) -> IceParameters {
    let password = format!("password-of-{ufrag}").into();
    IceParameters { username_fragment: ufrag.into(), password, ice_lite: Some(true) }
}
