//! One transport's DTLS.

use core::fmt;
use std::rc::Rc;

use wire::Mono;

use crate::backend::{Backend, Polled};
use crate::failure::Failure;
use crate::fingerprint::Fingerprint;
use crate::keys::SrtpKeys;
use crate::output::{Connected, Output, Room};
use crate::own;
use crate::role::{RemoteRole, Role};
use crate::setup::{HANDSHAKE_TIMEOUT, Setup};
use crate::waiting::{DATAGRAM_MAX, Received, Waiting};

/// How far it got.
///
/// ```text
/// Connecting ──► Unverified ──► Connected ──► Closed
///     │   └──────────┼──────────────▲           ▲
///     └──────────────┴──► Failed    (Connecting, Unverified: close)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In the handshake.
    Connecting,
    /// The handshake is complete, and signalling has not yet said whose fingerprint it should have been.
    Unverified,
    /// Keys are there and the fingerprint matched.
    Connected,
    /// It did not work out.
    Failed,
    /// One side said goodbye.
    Closed,
}

/// One transport's DTLS: see the crate's docs for what it promises.
///
/// After each of [`Endpoint::new`], [`Endpoint::connect`], [`Endpoint::handle_packet`], [`Endpoint::step`],
/// [`Endpoint::handle_timeout`], [`Endpoint::send`] and [`Endpoint::close`], [`Endpoint::poll`] it until it says nothing;
/// [`Endpoint::next_timeout`] holds from then on. Until then, what comes in waits.
pub struct Endpoint {
    role: Role,
    state: State,
    backend: Option<Backend>,
    /// What the other backend takes if the client's hello asks for it; none once that is settled.
    second: Option<Rc<own::Config>>,
    /// The backend's timer; it says that only once it has nothing else to say.
    timer: Option<Mono>,
    /// When it last heard what time it is.
    now: Mono,
    /// Until when a complete handshake waits for signalling.
    patient_until: Mono,
    remote: Option<Fingerprint>,
    certificate: Option<Box<[u8]>>,
    keys: Option<SrtpKeys>,
    waiting: Waiting,
    news: Option<Output<'static>>,
}

/// Why parameters of the peer were not taken. The caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// They were given before.
    #[error("the peer's DTLS parameters are known already")]
    Twice,
    /// There is nothing left to connect.
    #[error("DTLS has failed or is closed")]
    Over,
}

/// There is no connection to send by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("DTLS is not connected")]
pub struct NotConnected;

impl Endpoint {
    /// Begins a handshake. Before signalling named the peer's fingerprint there is none (`remote`); the handshake runs
    /// all the same, as a server's, and waits for it at its end.
    #[must_use]
    pub fn new(setup: &Setup, role: Role, remote: Option<Fingerprint>, now: Mono) -> Self {
        let mut endpoint = Self {
            role,
            state: State::Connecting,
            backend: None,
            second: None,
            timer: None,
            now,
            patient_until: Mono::NEVER,
            remote,
            certificate: None,
            keys: None,
            waiting: Waiting::default(),
            news: None,
        };
        endpoint.begin(setup, now);
        endpoint
    }

    /// Takes what signalling said of the peer. If our role is another than it was, the handshake starts again.
    ///
    /// # Errors
    /// The second time, and when it is over.
    pub fn connect(
        &mut self,
        setup: &Setup,
        role: RemoteRole,
        remote: Fingerprint,
        now: Mono,
    ) -> Result<Role, ConnectError> {
        if matches!(self.state, State::Failed | State::Closed) {
            return Err(ConnectError::Over);
        }
        if self.remote.is_some() {
            return Err(ConnectError::Twice);
        }
        self.remote = Some(remote);
        if self.role != role.ours() {
            self.role = role.ours();
            self.begin(setup, now);
        } else if let Some(certificate) = self.certificate.take() {
            self.heard_certificate(certificate);
            self.judge();
        }
        Ok(self.role)
    }

    /// A datagram from the peer. During the handshake it waits for [`Endpoint::step`].
    pub fn handle_packet(&mut self, now: Mono, packet: &[u8]) -> Received {
        if matches!(self.state, State::Failed | State::Closed) {
            return Received::Over;
        }
        let is_in_turn = self.state == State::Connected && self.waiting.len() == 0;
        if !is_in_turn || self.timer.is_none() || packet.len() > DATAGRAM_MAX {
            return self.waiting.push(packet);
        }
        self.feed(now, packet);
        Received::Taken
    }

    /// How many datagrams wait for [`Endpoint::step`].
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many datagrams found no room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.waiting.dropped()
    }

    /// Works through the oldest datagram that waits; or through a timer that is due, which comes first. Does nothing
    /// while there is something to poll.
    pub fn step(&mut self, now: Mono) {
        match self.timer {
            None => {}
            Some(_) if self.next_timeout() <= now => self.handle_timeout(now),
            Some(_) => {
                if let Some(packet) = self.waiting.pop() {
                    self.feed(now, &packet);
                }
            }
        }
    }

    /// When [`Endpoint::handle_timeout`] is next of use; [`Mono::NEVER`] if it is not.
    #[must_use]
    pub fn next_timeout(&self) -> Mono {
        match self.state {
            // What remains is how soon a repeated message is answered again, and packets look at that.
            State::Connecting => self.timer.unwrap_or(Mono::NEVER),
            State::Unverified => self.timer.map_or(Mono::NEVER, |at| at.min(self.patient_until)),
            State::Connected | State::Failed | State::Closed => Mono::NEVER,
        }
    }

    /// Retransmits, or gives up. Harmless when it comes too early.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.now = now;
        if self.state == State::Unverified && self.timer.is_some() && self.patient_until <= now {
            return self.fail(Failure::NeverNamed);
        }
        if self.timer.is_some_and(|at| at <= now) {
            self.work(|backend| backend.handle_timeout(now));
        }
    }

    /// Sends under the handshake's keys (RFC 8261 for SCTP): one datagram for one piece.
    ///
    /// # Errors
    /// When it is not connected.
    pub fn send(&mut self, data: &[u8]) -> Result<(), NotConnected> {
        if self.state != State::Connected {
            return Err(NotConnected);
        }
        self.work(|backend| backend.send(data));
        Ok(())
    }

    /// Says goodbye, if anybody would understand it.
    pub fn close(&mut self) {
        if matches!(self.state, State::Failed | State::Closed) {
            return;
        }
        if let Some(backend) = &mut self.backend {
            backend.close();
        }
        self.end(State::Closed, None);
    }

    /// The next thing that it wants done or known.
    pub fn poll<'a>(&mut self, room: &'a mut Room) -> Option<Output<'a>> {
        loop {
            if let Some(news) = self.news.take() {
                return Some(news);
            }
            let polled = self.backend.as_mut()?.poll(room);
            let is_over = matches!(self.state, State::Failed | State::Closed);
            match polled {
                Polled::Datagram(len) => return Some(Output::Datagram(room.start(len))),
                Polled::Data(len) if self.state == State::Connected => {
                    return Some(Output::Data(room.start(len)));
                }
                Polled::Idle(_) if is_over => self.backend = None,
                // RFC 5764 §4.1: keys would have come with completion.
                Polled::Idle(_) if self.state == State::Unverified && self.keys.is_none() => {
                    self.fail(Failure::NoSrtpProfile);
                }
                Polled::Idle(at) => {
                    self.timer = Some(at);
                    return None;
                }
                // After the end only datagrams count; before the fingerprint matched, nothing that the peer says.
                _ if is_over => {}
                Polled::Data(_) => {}
                Polled::Certificate(len) => self.heard_certificate(room.start(len).into()),
                Polled::Complete => {
                    (self.state, self.patient_until) = (State::Unverified, self.now + HANDSHAKE_TIMEOUT);
                }
                Polled::Keys(keys) => {
                    self.keys = keys;
                    self.judge();
                }
                Polled::Closed => self.end(State::Closed, Some(Output::Closed)),
            }
        }
    }

    /// What it is in the handshake.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// How far it got.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    fn begin(&mut self, setup: &Setup, now: Mono) {
        self.state = State::Connecting;
        (self.timer, self.certificate, self.keys) = (None, None, None);
        self.waiting.clear();
        let backend = Backend::new(setup, self.role, now);
        self.second = match &backend {
            Ok(backend) if backend.is_dimpl() => Some(setup.own()),
            _ => None,
        };
        self.hold(backend);
    }

    fn hold(&mut self, backend: Result<Backend, Failure>) {
        match backend {
            Ok(backend) => self.backend = Some(backend),
            Err(why) => self.fail(why),
        }
    }

    fn feed(&mut self, now: Mono, packet: &[u8]) {
        self.now = now;
        // A server asks for certificates when it answers the first hello, and can not ask again.
        if self.second.is_some()
            && let Some(may_have_rsa) = own::may_have_rsa(packet)
        {
            let config = self.second.take().filter(|_| may_have_rsa);
            if let Some(config) = config {
                self.hold(Backend::own(config, Role::Server, now));
            }
        }
        self.work(|backend| {
            // It knows no time but this, and starts its deadline by it.
            backend.handle_timeout(now)?;
            backend.handle_packet(packet)
        });
    }

    /// Lets the backend do something. It has to be polled before it may do more.
    fn work(&mut self, what: impl FnOnce(&mut Backend) -> Result<(), Failure>) {
        let Some(backend) = &mut self.backend else { return };
        self.timer = None;
        if let Err(why) = what(backend) {
            // It may have an alert to send; nothing else of it is heard any more.
            self.end(State::Failed, Some(Output::Failed(why)));
        }
    }

    /// RFC 5763 §5: whoever can not show the certificate that signalling named is somebody else.
    fn heard_certificate(&mut self, certificate: Box<[u8]>) {
        if let Some(remote) = &self.remote
            && !remote.matches(&certificate)
        {
            let function = remote.function();
            // A last flight of ours is not sent, so that the other end completes nothing; it may have done so already,
            // while we waited for the fingerprint.
            if let Some(backend) = &mut self.backend {
                backend.refuse(self.state == State::Unverified);
            }
            return self.end(State::Failed, Some(Output::Failed(Failure::Fingerprint { function })));
        }
        // Whoever shows RSA where only ECDSA was asked for. The library would say only that it could not be verified.
        if self.backend.as_ref().is_some_and(Backend::is_dimpl) && holds_rsa(&certificate) {
            return self.fail(Failure::PeerKey { key_type: "RSA" });
        }
        self.certificate = Some(certificate);
    }

    /// The handshake is complete: whether that is all that was missing.
    fn judge(&mut self) {
        if self.state != State::Unverified || self.remote.is_none() {
            return;
        }
        match (self.keys.take(), self.certificate.take()) {
            (Some(keys), Some(certificate)) => {
                self.state = State::Connected;
                self.news = Some(Output::Connected(Box::new(Connected { keys, certificate })));
            }
            (None, _) => self.fail(Failure::NoSrtpProfile),
            (Some(_), None) => self.fail(Failure::NoPeerCertificate),
        }
    }

    fn fail(&mut self, why: Failure) {
        if let Some(backend) = &mut self.backend {
            backend.close();
        }
        self.end(State::Failed, Some(Output::Failed(why)));
    }

    fn end(&mut self, state: State, news: Option<Output<'static>>) {
        self.state = state;
        self.news = news;
        (self.timer, self.certificate, self.keys) = (None, None, None);
        self.waiting.clear();
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("role", &self.role)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Whether the certificate's key is RSA: `rsaEncryption` with its empty parameters (RFC 3279 §2.3.1) names keys and no
/// signatures. A guess for the sake of a clear message; what is verified does not depend on it.
fn holds_rsa(certificate: &[u8]) -> bool {
    certificate.windows(RSA_ENCRYPTION.len()).any(|window| window == RSA_ENCRYPTION)
}

const RSA_ENCRYPTION: [u8; 13] = [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0];

#[cfg(test)]
mod tests {
    use super::holds_rsa;

    #[test]
    fn rsa_is_seen_in_a_certificate() {
        let of = |algorithm: &'static rcgen::SignatureAlgorithm| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
            holds_rsa(made.der())
        };
        assert!(of(&rcgen::PKCS_RSA_SHA256));
        assert!(!of(&rcgen::PKCS_ECDSA_P256_SHA256) && !of(&rcgen::PKCS_ED25519));
    }
}
