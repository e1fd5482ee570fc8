//! A peer as a browser is one: checks by ICE, then DTLS, then SRTP. It is scripted, so that a test says when each happens.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Instant;

use dtls::{Anchor, Connected, Endpoint, Fingerprint, HashFunction, Identity, Output, Role, Room, Setup};
use ice::Credentials;
use model::command::{IceSetup, TransportConnect, TransportOpen, TransportSetup, WebRtcListen};
use model::key::TransportKey;
use model::transport::{DtlsFingerprint, DtlsRole, FingerprintAlgorithm, IceParameters};
use sfu::{Local, Verdict};
use webrtc_srtp::Error;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;
use wire::stun::{Builder, Class, Message, TransactionId};
use wire::{Kind, classify};

use super::Host;
use super::parameters::{bind, bound, open};

/// See the module.
pub(crate) struct Browser {
    pub(crate) transport: TransportKey,
    /// By which socket of the transport, and from where.
    pub(crate) by: (Local, SocketAddr),
    /// The transport's credentials, as it was told.
    pub(crate) password: String,
    pub(crate) ufrag: String,
    setup: Setup,
    pub(crate) endpoint: Endpoint,
    pub(crate) fingerprint: Fingerprint,
    room: Room,
    pub(crate) connected: Option<Box<Connected>>,
    pub(crate) failed: Option<dtls::Failure>,
    pub(crate) closed: bool,
    srtp: Option<(Context, Context)>,
    /// What it will say.
    pending: Vec<Vec<u8>>,
    /// Classes of the answers to its checks.
    pub(crate) answers: Vec<Class>,
    /// RTP and RTCP that came, opened.
    pub(crate) heard: Vec<Vec<u8>>,
    /// RTP that came once more, and was dropped.
    pub(crate) replayed: usize,
    /// Datagrams of DTLS that came.
    pub(crate) flights: usize,
}

/// What a shard does DTLS with.
pub(crate) fn setup(identity: &Identity, seed: u64) -> Setup {
    // One for all tests of a process: the library finds its own "now" at its first use.
    static ANCHOR: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "instants have no other beginning")]
    let zero = *ANCHOR.get_or_init(Instant::now);
    Setup::seeded(identity, Anchor::new(zero), seed).unwrap()
}

pub(crate) fn identity() -> Identity {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    Identity::new(made.der(), &key.serialize_der()).unwrap()
}

/// A WebRTC transport with two sockets of its own.
pub(crate) fn web_rtc(number: u32) -> TransportOpen {
    let local = credentials(number);
    let ice = IceSetup { local, consent_timeout_s: 30 };
    open(TransportSetup::WebRtc { listen: WebRtcListen::Own(vec![bind(); 2]), ice })
}

/// Those that transports of that number have.
pub(crate) fn credentials(number: u32) -> IceParameters {
    IceParameters {
        username_fragment: format!("ufrag{number}").into(),
        password: format!("password{number:024}").into(),
        ice_lite: Some(true),
    }
}

impl Browser {
    /// One for a fresh transport that is opened at that place.
    pub(crate) fn new(host: &mut Host, number: u32, role: Role) -> Self {
        if !host.sfu.has_dtls() {
            let ours = identity();
            host.fingerprint = Some(Fingerprint::of(HashFunction::Sha256, ours.certificate()));
            host.sfu.set_dtls(setup(&ours, 1));
        }
        let transport = super::transport(number);
        host.sfu.open_transport(transport, &web_rtc(number), &bound()).unwrap();
        let identity = identity();
        let setup = setup(&identity, u64::from(number) + 2);
        let endpoint = Endpoint::new(&setup, role, host.fingerprint.clone(), host.now);
        let IceParameters { username_fragment, password, .. } = credentials(number);
        let port = u16::try_from(number).unwrap() + 9_000;
        Self {
            transport,
            by: (Local::RTP, super::peer(port)),
            password: password.into(),
            ufrag: username_fragment.into(),
            setup,
            endpoint,
            fingerprint: Fingerprint::of(HashFunction::Sha256, identity.certificate()),
            room: Room::new(),
            connected: None,
            failed: None,
            closed: false,
            srtp: None,
            pending: Vec::new(),
            answers: Vec::new(),
            heard: Vec::new(),
            replayed: 0,
            flights: 0,
        }
    }

    /// One that is connected.
    pub(crate) fn connected(host: &mut Host, number: u32) -> Self {
        let mut browser = Self::new(host, number, Role::Client);
        browser.check(host, true);
        host.connect_web_rtc(&browser, DtlsRole::Server);
        browser.exchange(host);
        assert!(browser.connected.is_some() && host.sfu.is_connected(browser.transport));
        browser
    }

    /// Signalling brought it other credentials of the transport.
    pub(crate) fn told(&mut self, ice: &IceParameters) {
        self.ufrag = ice.username_fragment.to_string();
        self.password = ice.password.to_string();
    }

    /// What a check of its own looks like.
    pub(crate) fn request(&self, nominates: bool) -> Vec<u8> {
        let mut out = [0; 300];
        let mut builder = Builder::request(&mut out, TransactionId([3; 12])).unwrap();
        builder.username(format!("{}:theirs", self.ufrag).as_bytes()).unwrap();
        builder.priority(0x6e00_01ff).unwrap();
        builder.role(wire::stun::Role::Controlling(1)).unwrap();
        if nominates {
            builder.use_candidate().unwrap();
        }
        builder.integrity(&Credentials::new("", &self.password)).unwrap();
        let len = builder.fingerprint().unwrap();
        out[..len].to_vec()
    }

    /// Checks the tuple that it is on.
    pub(crate) fn check(&mut self, host: &mut Host, nominates: bool) -> Verdict {
        let request = self.request(nominates);
        let verdict = self.send(host, &request);
        host.tick();
        self.collect(host);
        verdict
    }

    /// Says hello before anybody has asked it to.
    pub(crate) fn speak(&mut self, host: &mut Host) {
        for datagram in self.drain() {
            self.send(host, &datagram);
        }
    }

    pub(crate) fn send(&mut self, host: &mut Host, datagram: &[u8]) -> Verdict {
        let (local, from) = self.by;
        host.receive_on(local, self.transport, from, datagram)
    }

    /// Sends RTP.
    pub(crate) fn send_rtp(&mut self, host: &mut Host, packet: &[u8]) -> Verdict {
        let sealed = self.srtp.as_mut().unwrap().0.encrypt_rtp(packet).unwrap();
        self.send(host, &sealed)
    }

    pub(crate) fn send_rtcp(&mut self, host: &mut Host, compound: &[u8]) -> Verdict {
        let sealed = self.srtp.as_mut().unwrap().0.encrypt_rtcp(compound).unwrap();
        self.send(host, &sealed)
    }

    /// Lets it and the transport talk until nobody has anything to say.
    pub(crate) fn exchange(&mut self, host: &mut Host) {
        let mut patience = 100;
        loop {
            patience -= 1;
            assert!(patience > 0, "they never end");
            let datagrams = self.drain();
            let is_quiet = datagrams.is_empty();
            for datagram in datagrams {
                self.send(host, &datagram);
            }
            host.tick();
            if !self.collect(host) && is_quiet && !host.sfu.has_handshakes() {
                return;
            }
        }
    }

    /// Starts its part anew, as if it had another role.
    pub(crate) fn begin_as(&mut self, host: &Host, role: Role) {
        self.endpoint = Endpoint::new(&self.setup, role, host.fingerprint.clone(), host.now);
    }

    /// Takes what left for it. Whether there was anything.
    pub(crate) fn collect(&mut self, host: &mut Host) -> bool {
        let mine = host.take_sent(self.by.1);
        self.read(host, &mine);
        !mine.is_empty()
    }

    /// Takes these datagrams, wherever they were meanwhile.
    pub(crate) fn read(&mut self, host: &Host, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            match classify(datagram) {
                Some(Kind::Stun) => self.answers.push(Message::parse(datagram).unwrap().class()),
                Some(Kind::Dtls) => {
                    self.flights += 1;
                    self.endpoint.handle_packet(host.now, datagram);
                }
                Some(Kind::Rtp) => {
                    let opening = &mut self.srtp.as_mut().unwrap().1;
                    match opening.decrypt_rtp(datagram) {
                        Err(Error::SrtpSsrcDuplicated(..)) => self.replayed += 1,
                        opened => self.heard.push(opened.unwrap().to_vec()),
                    }
                }
                Some(Kind::Rtcp) => {
                    let opening = &mut self.srtp.as_mut().unwrap().1;
                    self.heard.push(opening.decrypt_rtcp(datagram).unwrap().to_vec());
                }
                other => assert_eq!(other, None, "nothing else is spoken"),
            }
        }
        self.poll(host);
    }

    fn poll(&mut self, host: &Host) {
        while self.endpoint.waiting() > 0 {
            let kept = self.drain();
            self.pending.extend(kept);
            self.endpoint.step(host.now);
        }
        let kept = self.drain();
        self.pending.extend(kept);
    }

    /// What it wants to say, which it keeps to itself.
    pub(crate) fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = std::mem::take(&mut self.pending);
        while let Some(output) = self.endpoint.poll(&mut self.room) {
            match output {
                Output::Datagram(datagram) => datagrams.push(datagram.to_vec()),
                Output::Connected(connected) => {
                    let context = |(key, salt): (&[u8], &[u8])| {
                        let replay = (srtp_replay_protection(1024), srtcp_replay_protection(1024));
                        let profile = ProtectionProfile::AeadAes256Gcm;
                        Context::new(key, salt, profile, Some(replay.0), Some(replay.1)).unwrap()
                    };
                    assert_eq!(connected.keys.profile(), dtls::SrtpProfile::AeadAes256Gcm);
                    self.srtp = Some((context(connected.keys.local()), context(connected.keys.remote())));
                    self.connected = Some(connected);
                }
                Output::Failed(why) => self.failed = Some(why),
                Output::Closed => self.closed = true,
                Output::Data(_) => {}
            }
        }
        datagrams
    }
}

impl Host {
    /// One tick of a shard, after what was received.
    pub(crate) fn tick(&mut self) {
        self.sfu.begin_tick(self.now);
        self.sfu.step_handshake(&mut self.out);
        self.finish();
    }

    /// Signalling tells the transport of that browser about it; `ours` is the part that the transport plays.
    pub(crate) fn connect_web_rtc(&mut self, browser: &Browser, ours: DtlsRole) {
        let connect = told(ours, &browser.fingerprint);
        self.sfu.connect(browser.transport, &connect, &mut self.out).unwrap();
    }

    /// Datagrams that left for that address.
    pub(crate) fn take_sent(&mut self, to: SocketAddr) -> Vec<Vec<u8>> {
        let mut datagrams = std::mem::take(&mut self.wire.datagrams).into_iter();
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        let runs = std::mem::take(&mut self.wire.runs);
        for run in runs {
            let count = run.len.div_ceil(run.segment_size);
            let these = datagrams.by_ref().take(count);
            if run.to == to {
                mine.extend(these);
            } else {
                others.extend(these);
                self.wire.runs.push(run);
            }
        }
        self.wire.datagrams = others;
        mine
    }
}

pub(crate) fn told(ours: DtlsRole, fingerprint: &Fingerprint) -> TransportConnect {
    let fingerprint =
        DtlsFingerprint { algorithm: FingerprintAlgorithm::Sha256, value: fingerprint.to_string().into() };
    TransportConnect::WebRtc { role: ours, fingerprint }
}
