//! A peer as a browser is one: a check by ICE, then DTLS, then SRTP. Its datagrams come to one shard, as the kernel's hash
//! of its address would have it, whichever shard its transport is on.

use std::net::SocketAddr;

use dtls::{Anchor, Connected, Endpoint, Fingerprint, HashFunction, Output, Role, Room, Setup};
use ice::Credentials;
use model::command::{Action, IceSetup, TransportCommand, TransportConnect, TransportSetup, WebRtcListen};
use model::key::{RouterKey, TransportKey, WebRtcServerKey};
use model::transport::{DtlsFingerprint, DtlsRole, FingerprintAlgorithm, IceParameters};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;
use wire::stun::{Builder, Class, Message, TransactionId};
use wire::{Kind, classify};

use super::support::hall::{Hall, identity, new_identity, open, remote};

/// See the module.
pub(crate) struct Caller {
    pub(crate) transport: TransportKey,
    /// The shard of its transport, and the one where its datagrams come in.
    pub(crate) home: usize,
    pub(crate) lands: usize,
    /// The server's port, and its own address.
    port: u16,
    pub(crate) address: SocketAddr,
    pub(crate) ice: IceParameters,
    endpoint: Endpoint,
    fingerprint: Fingerprint,
    room: Room,
    srtp: Option<(Context, Context)>,
    /// Checks that were granted.
    pub(crate) granted: usize,
    /// RTP that came, opened.
    pub(crate) heard: Vec<Vec<u8>>,
}

impl Caller {
    /// A transport behind a server, and its peer, which knows the credentials.
    pub(crate) fn new(
        hall: &mut Hall,
        number: u16,
        (home, lands): (usize, usize),
        (server, port): (WebRtcServerKey, u16),
    ) -> Self {
        let transport = TransportKey::new(u32::from(number), 0);
        let ice = credentials(&format!("caller{number:026}"));
        let setup = TransportSetup::WebRtc {
            listen: WebRtcListen::Server(server),
            ice: IceSetup { local: ice.clone(), consent_timeout_s: 30 },
        };
        let opened = hall.open_transport(home, transport, open(RouterKey::new(0, 0), setup)).unwrap();
        assert_eq!(opened, [], "it has no port of its own");
        let (theirs, zero) = identity();
        let identity = new_identity();
        let setup = Setup::seeded(&identity, Anchor::new(*zero), u64::from(number)).unwrap();
        let theirs = Fingerprint::of(HashFunction::Sha256, theirs.certificate());
        Self {
            transport,
            home,
            lands,
            port,
            address: remote(30_000 + number),
            ice,
            endpoint: Endpoint::new(&setup, Role::Client, Some(theirs), hall.now),
            fingerprint: Fingerprint::of(HashFunction::Sha256, identity.certificate()),
            room: Room::new(),
            srtp: None,
            granted: 0,
            heard: Vec::new(),
        }
    }

    /// Says who it is, and has the keys made.
    pub(crate) fn connect(&mut self, hall: &mut Hall) {
        self.check(hall);
        assert_eq!(self.granted, 1, "{} lands at {}", self.home, self.lands);
        let fingerprint = DtlsFingerprint {
            algorithm: FingerprintAlgorithm::Sha256,
            value: self.fingerprint.to_string().into(),
        };
        let connect = TransportConnect::WebRtc { role: DtlsRole::Server, fingerprint };
        let command = TransportCommand::Connect(Box::new(connect));
        hall.ask(self.home, Action::Transport(self.transport, command)).unwrap();
        for _ in 0..50 {
            self.exchange(hall);
        }
        assert!(self.srtp.is_some(), "{} lands at {}", self.home, self.lands);
    }

    /// A check of its only pair, which nominates it.
    pub(crate) fn check(&mut self, hall: &mut Hall) {
        let check = self.checking();
        self.say(hall, &check);
        hall.ticks(3);
        self.collect(hall);
    }

    /// The bytes of it.
    pub(crate) fn checking(&self) -> Vec<u8> {
        let mut out = [0; 300];
        let mut builder = Builder::request(&mut out, TransactionId([3; 12])).unwrap();
        builder.username(format!("{}:theirs", self.ice.username_fragment).as_bytes()).unwrap();
        builder.priority(0x6e00_01ff).unwrap();
        builder.role(wire::stun::Role::Controlling(1)).unwrap();
        builder.use_candidate().unwrap();
        builder.integrity(&Credentials::new("", &self.ice.password)).unwrap();
        let len = builder.fingerprint().unwrap();
        out[..len].to_vec()
    }

    pub(crate) fn send_rtp(&mut self, hall: &mut Hall, packet: &[u8]) {
        let sealed = self.srtp.as_mut().unwrap().0.encrypt_rtp(packet).unwrap();
        self.say(hall, &sealed);
    }

    /// Sends a datagram to the shared port.
    pub(crate) fn say(&self, hall: &mut Hall, datagram: &[u8]) {
        hall.deliver(self.lands, self.port, self.address, datagram);
    }

    /// Takes what its transport sent, which leaves from the shared port.
    pub(crate) fn collect(&mut self, hall: &mut Hall) {
        let driver = hall.driver(self.home);
        let address = self.address;
        let mine: Vec<_> = driver.sent.extract_if(.., |sent| sent.to == address).collect();
        for sent in mine {
            assert_eq!(hall.driver(self.home).port_of(sent.socket), Some(self.port));
            for datagram in sent.datagrams {
                self.hear(hall, &datagram);
            }
        }
    }

    fn hear(&mut self, hall: &Hall, datagram: &[u8]) {
        match classify(datagram) {
            Some(Kind::Stun) => {
                let class = Message::parse(datagram).unwrap().class();
                self.granted += usize::from(class == Class::Success);
            }
            Some(Kind::Dtls) => {
                self.endpoint.handle_packet(hall.now, datagram);
            }
            Some(Kind::Rtp) => {
                let opening = &mut self.srtp.as_mut().unwrap().1;
                self.heard.push(opening.decrypt_rtp(datagram).unwrap().to_vec());
            }
            _ => {}
        }
    }

    fn exchange(&mut self, hall: &mut Hall) {
        let mut datagrams = Vec::new();
        loop {
            while let Some(output) = self.endpoint.poll(&mut self.room) {
                match output {
                    Output::Datagram(datagram) => datagrams.push(datagram.to_vec()),
                    Output::Connected(connected) => self.srtp = Some(contexts(&connected)),
                    other => panic!("{other:?}"),
                }
            }
            if self.endpoint.waiting() == 0 {
                break;
            }
            self.endpoint.step(hall.now);
        }
        datagrams.iter().for_each(|datagram| self.say(hall, datagram));
        hall.tick();
        self.collect(hall);
    }
}

/// Credentials as control makes them.
pub(crate) fn credentials(ufrag: &str) -> IceParameters {
    IceParameters { username_fragment: ufrag.into(), password: "p".repeat(32).into(), ice_lite: Some(true) }
}

fn contexts(connected: &Connected) -> (Context, Context) {
    let context = |(key, salt): (&[u8], &[u8])| {
        Context::new(key, salt, ProtectionProfile::AeadAes256Gcm, None, None).unwrap()
    };
    (context(connected.keys.local()), context(connected.keys.remote()))
}
