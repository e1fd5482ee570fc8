//! Two endpoints and the path between them, in virtual time.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dtls::{
    Anchor, Connected, Endpoint, Failure, Fingerprint, HashFunction, Identity, Output, Role, Room, Setup,
    State,
};
use wire::Mono;

/// What an endpoint said beside datagrams.
#[derive(Debug)]
pub(crate) enum Said {
    Connected(Box<Connected>),
    Data(Vec<u8>),
    Failed(Failure),
    Closed,
}

/// An endpoint with what it said.
pub(crate) struct Side {
    pub(crate) setup: Rc<Setup>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) endpoint: Endpoint,
    pub(crate) said: Vec<Said>,
    pub(crate) sent: Vec<Vec<u8>>,
}

/// How datagrams travel. Shares are of 100.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Up to so many milliseconds more than the others.
    pub(crate) jitter: u64,
}

pub(crate) struct World {
    pub(crate) now: Mono,
    pub(crate) sides: [Side; 2],
    pub(crate) path: Path,
    pub(crate) dice: Dice,
    room: Room,
    flying: Vec<(Mono, usize, Vec<u8>)>,
}

/// xorshift64*: enough to lose packets by.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

/// Which keys the client and the server have: with them, which library either side takes.
pub(crate) const KINDS: [[Kind; 2]; 4] =
    [[Kind::Ecdsa, Kind::Ecdsa], [Kind::Rsa, Kind::Ecdsa], [Kind::Ecdsa, Kind::Rsa], [Kind::Rsa, Kind::Rsa]];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A client takes the handshake of our own, and a server dimpl unless the client has RSA.
    Ecdsa,
    Rsa,
}

pub(crate) fn identity() -> Identity {
    Kind::Ecdsa.identity()
}

impl Kind {
    pub(crate) fn identity(self) -> Identity {
        let algorithm = match self {
            Self::Ecdsa => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::Rsa => &rcgen::PKCS_RSA_SHA256,
        };
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        Identity::new(made.der(), &key.serialize_der()).unwrap()
    }
}

/// One for all tests of a process: the library finds its own "now" at its first use and none may be long before it.
pub(crate) fn anchor() -> Instant {
    static ANCHOR: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "instants have no other beginning")]
    *ANCHOR.get_or_init(Instant::now)
}

pub(crate) fn setup(identity: &Identity, seed: u64) -> Setup {
    Setup::seeded(identity, Anchor::new(anchor()), seed).unwrap()
}

pub(crate) fn millis(millis: u64) -> Mono {
    Mono::ZERO + Duration::from_millis(millis)
}

/// A value that no certificate of ours has.
pub(crate) fn wrong() -> Fingerprint {
    Fingerprint::of(HashFunction::Sha256, b"somebody else")
}

impl Side {
    pub(crate) fn new(identity: &Identity, role: Role, remote: Option<Fingerprint>, seed: u64) -> Self {
        let fingerprint = Fingerprint::of(HashFunction::Sha256, identity.certificate());
        Self::sharing(&Rc::new(setup(identity, seed)), fingerprint, role, remote)
    }

    pub(crate) fn sharing(
        setup: &Rc<Setup>,
        fingerprint: Fingerprint,
        role: Role,
        remote: Option<Fingerprint>,
    ) -> Self {
        let endpoint = Endpoint::new(setup, role, remote, Mono::ZERO);
        let setup = Rc::clone(setup);
        Self { setup, fingerprint, endpoint, said: Vec::new(), sent: Vec::new() }
    }

    pub(crate) fn connected(&self) -> Option<&Connected> {
        self.said.iter().find_map(|said| match said {
            Said::Connected(connected) => Some(&**connected),
            _ => None,
        })
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.said.iter().find_map(|said| if let Said::Failed(why) = said { Some(why) } else { None })
    }

    pub(crate) fn data(&self) -> Vec<&[u8]> {
        let mut all = Vec::new();
        for said in &self.said {
            if let Said::Data(data) = said {
                all.push(data.as_slice());
            }
        }
        all
    }

    /// What there is to poll; datagrams are returned, the rest is kept.
    pub(crate) fn drain(&mut self, room: &mut Room) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        while let Some(output) = self.endpoint.poll(room) {
            match output {
                Output::Datagram(datagram) => datagrams.push(datagram.to_vec()),
                Output::Connected(connected) => self.said.push(Said::Connected(connected)),
                Output::Data(data) => self.said.push(Said::Data(data.to_vec())),
                Output::Failed(why) => self.said.push(Said::Failed(why)),
                Output::Closed => self.said.push(Said::Closed),
            }
        }
        self.sent.extend(datagrams.iter().cloned());
        datagrams
    }

    /// Hands it a datagram and works through everything that waits.
    pub(crate) fn feed(&mut self, now: Mono, datagram: &[u8], room: &mut Room) -> Vec<Vec<u8>> {
        self.endpoint.handle_packet(now, datagram);
        let mut datagrams = self.drain(room);
        while self.endpoint.waiting() > 0 {
            self.endpoint.step(now);
            datagrams.extend(self.drain(room));
        }
        datagrams
    }
}

impl World {
    /// A client and a server that know each other, with ECDSA.
    pub(crate) fn new(path: Path, seed: u64) -> Self {
        Self::between(&KINDS[0].map(Kind::identity), path, seed)
    }

    pub(crate) fn between([client, server]: &[Identity; 2], path: Path, seed: u64) -> Self {
        let known = |identity: &Identity| Some(Fingerprint::of(HashFunction::Sha256, identity.certificate()));
        let client_side = Side::new(client, Role::Client, known(server), seed);
        Self::of([client_side, Side::new(server, Role::Server, known(client), seed + 1)], path, seed)
    }

    pub(crate) fn of(sides: [Side; 2], path: Path, seed: u64) -> Self {
        let dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self { now: Mono::ZERO, sides, path, dice, room: Room::new(), flying: Vec::new() }
    }

    /// Plays until nothing is due any more or `until`.
    pub(crate) fn play(&mut self, until: Mono) {
        for from in [0, 1] {
            let datagrams = self.sides[from].drain(&mut self.room);
            self.send(from, datagrams);
        }
        loop {
            let arrival = self.flying.iter().map(|(at, ..)| *at).min().unwrap_or(Mono::NEVER);
            let [one, other] = [0, 1].map(|side| self.sides[side].endpoint.next_timeout());
            let at = arrival.min(one).min(other);
            if at > until || at == Mono::NEVER {
                self.now = until.max(self.now);
                return;
            }
            self.now = self.now.max(at);
            if at == arrival {
                self.arrive(at);
                continue;
            }
            let side = usize::from(one > at);
            self.sides[side].endpoint.handle_timeout(self.now);
            let datagrams = self.sides[side].drain(&mut self.room);
            self.send(side, datagrams);
        }
    }

    pub(crate) fn play_for(&mut self, span: Duration) {
        self.play(self.now + span);
    }

    fn arrive(&mut self, at: Mono) {
        let Some(next) = self.flying.iter().position(|flying| flying.0 == at) else { return };
        let (_, to, datagram) = self.flying.remove(next);
        let answers = self.sides[to].feed(self.now, &datagram, &mut self.room);
        self.send(to, answers);
    }

    pub(crate) fn send(&mut self, from: usize, datagrams: Vec<Vec<u8>>) {
        for datagram in datagrams {
            if self.dice.below(100) < self.path.lost {
                continue;
            }
            let copies = if self.dice.below(100) < self.path.doubled { 2 } else { 1 };
            for _ in 0..copies {
                let late = self.dice.below(self.path.jitter + 1);
                let at = self.now + Duration::from_millis(20 + late);
                self.flying.push((at, 1 - from, datagram.clone()));
            }
        }
    }

    pub(crate) fn states(&self) -> [State; 2] {
        [self.sides[0].endpoint.state(), self.sides[1].endpoint.state()]
    }
}
