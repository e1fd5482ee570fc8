//! What a WebRTC transport has beside other transports: an ICE agent, DTLS, and what both send at once.
//!
//! ICE says which tuples are the peer's and by which one to send. DTLS begins once there is such a tuple, on it, and
//! gives the keys of SRTP; from there on the transport is like any other with SRTP, and its way is the selected tuple.
//!
//! Invariants
//! - Datagrams other than STUN are taken from tuples of the agent only.
//! - Nothing of the peer's is believed before DTLS matched its certificate with the fingerprint from signalling.
//! - Somebody who proves nothing makes it hold nothing beyond the answers of one flush.

mod at_once;
mod settling;
mod speaking;

use core::fmt;

use dtls::{ConnectError, Connected, Endpoint, Fingerprint, Received, RemoteRole, Role, Room, Setup};
use ice::{Agent, Changes, Credentials, Tuple, Verdict};
use model::command::IceSetup;
use model::transport::{DtlsRole, DtlsState, IceParameters, IceState};
use wire::Mono;
use wire::stun::{ErrorCode, Message};

use super::DropReason;
use super::unread::Unread;
use crate::io::Local;
use crate::sfu::Origin;
use at_once::AtOnce;
pub(crate) use settling::Settle;
use settling::Settling;

/// See the module.
#[derive(Debug)]
pub(crate) struct WebRtc {
    agent: Agent<Local>,
    /// The ufrag of before a restart, as long as somebody may mean us by it.
    old_ufrag: Option<Box<str>>,
    settling: Settling,
    dtls: Dtls,
    at_once: AtOnce,
    unread: Unread,
    /// Whether that goes with the next flush: there is another way.
    unread_is_due: bool,
    /// Whether it stands in the line of those whose handshakes go on.
    pub(crate) is_in_line: bool,
    /// Under whom its handshake is counted, from its beginning to its end.
    pub(crate) half_open: Option<Origin>,
}

/// How far DTLS is.
enum Dtls {
    /// Waits for ICE to select a tuple. What signalling said of the peer, if it did.
    Idle(Option<(Role, Fingerprint)>),
    /// Began.
    Begun(Box<Endpoint>),
}

/// What became of a message of STUN.
pub(crate) struct Heard {
    /// Whether it was of use.
    pub(crate) taken: Result<(), DropReason>,
    /// With which code, if it was refused.
    pub(crate) refused: Option<ErrorCode>,
    /// What is different now.
    pub(crate) changes: Changes<Local>,
    /// Whether the host should connect or disconnect a socket.
    pub(crate) settle: Option<Settle>,
}

/// What DTLS says, beside datagrams.
pub(crate) enum News {
    /// There are keys.
    Connected(Box<Connected>),
    /// It did not work out.
    Failed,
    /// The peer said goodbye.
    Closed,
    /// A message of a protocol above it.
    Data,
}

impl WebRtc {
    pub(super) fn new(ice: &IceSetup) -> Self {
        Self {
            agent: Agent::new(credentials(&ice.local), ice::consent_timeout(ice.consent_timeout_s)),
            old_ufrag: None,
            settling: Settling::Moving,
            dtls: Dtls::Idle(None),
            at_once: AtOnce::default(),
            unread: Unread::default(),
            unread_is_due: false,
            is_in_line: false,
            half_open: None,
        }
    }

    /// Takes a message of STUN from anybody.
    pub(crate) fn take_stun(
        &mut self,
        now: Mono,
        from: Tuple<Local>,
        message: &[u8],
    ) -> Result<Heard, DropReason> {
        let message = Message::parse(message).map_err(|_| DropReason::Malformed)?;
        let mut answer = [0; ANSWER_LEN];
        let outcome = self.agent.handle(now, from, &message, &mut answer);
        if let Some(answer) = answer.get(..outcome.answer_len).filter(|answer| !answer.is_empty()) {
            match outcome.verdict {
                Verdict::Refused(ErrorCode::UNAUTHENTICATED | ErrorCode::BAD_REQUEST) => {
                    self.at_once.refusal(from, answer);
                }
                _ => self.at_once.answer(from, answer),
            }
        }
        let is_granted = outcome.verdict == Verdict::Granted;
        let settle = if is_granted { self.look_around(now) } else { None };
        let taken = match outcome.verdict {
            Verdict::Granted => Ok(()),
            Verdict::Refused(_) => Err(DropReason::RefusedByIce),
            Verdict::Ignored(_) => Err(DropReason::Unanswered),
        };
        let refused = if let Verdict::Refused(code) = outcome.verdict { Some(code) } else { None };
        Ok(Heard { taken, refused, changes: outcome.changes, settle })
    }

    /// Something authentic came by a tuple of the agent that is not the selected one.
    pub(crate) fn heard(&mut self, from: Tuple<Local>) -> Changes<Local> {
        self.agent.heard(from)
    }

    /// A TCP connection has ended.
    pub(crate) fn lost(&mut self, tuple: Tuple<Local>) -> Changes<Local> {
        self.agent.lost(tuple)
    }

    /// Sees whether the peer has one tuple alone, and what that means for our socket.
    pub(crate) fn look_around(&mut self, now: Mono) -> Option<Settle> {
        let mut tuples = self.agent.tuples();
        let is_calm = self.agent.state() == ice::State::Completed && self.old_ufrag.is_none();
        let lone = match (tuples.next(), tuples.next()) {
            (Some(tuple @ Tuple { local: Local::Socket { .. }, .. }), None) if is_calm => Some(tuple),
            _ => None,
        };
        drop(tuples);
        self.settling.heard(now, lone)
    }

    /// When [`Self::unsettle`] has something to do.
    pub(crate) fn unsettles(&self) -> Mono {
        self.settling.deadline()
    }

    /// The peer may not have been heard for too long.
    pub(crate) fn unsettle(&mut self, now: Mono) -> Option<Settle> {
        self.settling.handle_timeout(now)
    }

    /// When the peer's consent ends.
    pub(crate) fn consent_ends(&self) -> Mono {
        self.agent.deadline()
    }

    /// Ends the peer's consent if it is time. The tuples that are none any more come with it.
    pub(crate) fn end_consent(&mut self, now: Mono) -> (Vec<Tuple<Local>>, Changes<Local>) {
        let known: Vec<_> = self.agent.tuples().collect();
        let changes = self.agent.handle_timeout(now);
        (if changes.state { known } else { Vec::new() }, changes)
    }

    /// Takes new credentials. The ufrag that means nothing any more, if there is one.
    pub(crate) fn restart(&mut self, ice: &IceParameters) -> Option<Box<str>> {
        self.old_ufrag = Some(self.agent.ufrag().into());
        self.agent.restart(credentials(ice))
    }

    /// The peer has shown the credentials of a restart: the ufrag that means nothing any more.
    pub(crate) const fn forget_ufrag(&mut self) -> Option<Box<str>> {
        self.old_ufrag.take()
    }

    /// Whether a tuple is the peer's.
    pub(crate) fn knows(&self, tuple: Tuple<Local>) -> bool {
        self.agent.tuples().any(|known| known == tuple)
    }

    /// The tuple to send by.
    pub(crate) const fn selected(&self) -> Option<Tuple<Local>> {
        self.agent.selected()
    }

    /// Takes what signalling said of the peer.
    pub(crate) fn tell(&mut self, setup: &Setup, role: Role, remote: Fingerprint, now: Mono) {
        match &mut self.dtls {
            Dtls::Idle(told) => *told = Some((role, remote)),
            Dtls::Begun(endpoint) => {
                let theirs = match role {
                    Role::Client => RemoteRole::Server,
                    Role::Server => RemoteRole::Client,
                };
                // A handshake that is over stays so: there is an event that says it.
                match endpoint.connect(setup, theirs, remote, now) {
                    Ok(_) | Err(ConnectError::Over | ConnectError::Twice) => {}
                }
            }
        }
    }

    /// The tuple on which the handshake can begin: ICE has selected one, and it has not begun.
    pub(crate) fn beginning(&self) -> Option<Tuple<Local>> {
        let is_idle = matches!(self.dtls, Dtls::Idle(_));
        self.agent.selected().filter(|_| is_idle)
    }

    /// Begins the handshake. Whether it does so now.
    pub(crate) fn begin(&mut self, setup: &Setup, now: Mono) -> bool {
        let Dtls::Idle(told) = &mut self.dtls else { return false };
        // Who has heard nothing of the peer waits for it to begin (RFC 5763 §5).
        let (role, remote) = match told.take() {
            Some((role, remote)) => (role, Some(remote)),
            None => (Role::Server, None),
        };
        self.dtls = Dtls::Begun(Box::new(Endpoint::new(setup, role, remote, now)));
        true
    }

    /// Takes a datagram of DTLS from a tuple of the agent.
    pub(crate) fn take_dtls(&mut self, now: Mono, datagram: &[u8]) -> Result<(), DropReason> {
        let endpoint = self.endpoint_mut().ok_or(DropReason::NotConnected)?;
        match endpoint.handle_packet(now, datagram) {
            Received::Taken | Received::Waits => Ok(()),
            Received::Dropped => Err(DropReason::HandshakesFull),
            Received::Over => Err(DropReason::NotConnected),
        }
    }

    /// Whether a datagram waits for [`Self::step`].
    pub(crate) fn waits(&self) -> bool {
        self.endpoint().is_some_and(|endpoint| endpoint.waiting() > 0)
    }

    /// Works through one datagram that waits.
    pub(crate) fn step(&mut self, now: Mono) {
        if let Some(endpoint) = self.endpoint_mut() {
            endpoint.step(now);
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(crate) fn handshake_due(&self) -> Mono {
        self.endpoint().map_or(Mono::NEVER, Endpoint::next_timeout)
    }

    /// Sends again what was not answered, or gives up.
    pub(crate) fn handle_timeout(&mut self, now: Mono) {
        if let Some(endpoint) = self.endpoint_mut() {
            endpoint.handle_timeout(now);
        }
    }

    /// Says goodbye to the peer, once. Whether it does so now.
    pub(crate) fn close(&mut self) -> bool {
        let is_open = matches!(self.dtls_state(), DtlsState::Connecting | DtlsState::Connected);
        if let Some(endpoint) = self.endpoint_mut() {
            endpoint.close();
        }
        is_open
    }

    /// What DTLS has to say; until there is nothing. What it sends waits for the flush.
    pub(crate) fn poll(&mut self, room: &mut Room) -> Option<News> {
        let way = self.agent.selected();
        let Dtls::Begun(endpoint) = &mut self.dtls else { return None };
        loop {
            return Some(match endpoint.poll(room)? {
                dtls::Output::Datagram(datagram) => {
                    // Without a way it is lost, and will be sent again.
                    if let Some(way) = way {
                        self.at_once.datagram(way, datagram);
                    }
                    continue;
                }
                dtls::Output::Connected(connected) => News::Connected(connected),
                dtls::Output::Failed(_) => News::Failed,
                dtls::Output::Closed => News::Closed,
                dtls::Output::Data(_) => News::Data,
            });
        }
    }

    /// How far ICE is.
    pub(crate) const fn ice_state(&self) -> IceState {
        match self.agent.state() {
            ice::State::New => IceState::New,
            ice::State::Connected => IceState::Connected,
            ice::State::Completed => IceState::Completed,
            ice::State::Disconnected => IceState::Disconnected,
        }
    }

    /// How far DTLS is.
    pub(crate) fn dtls_state(&self) -> DtlsState {
        match self.endpoint().map(Endpoint::state) {
            None => DtlsState::New,
            Some(dtls::State::Connecting | dtls::State::Unverified) => DtlsState::Connecting,
            Some(dtls::State::Connected) => DtlsState::Connected,
            Some(dtls::State::Failed) => DtlsState::Failed,
            Some(dtls::State::Closed) => DtlsState::Closed,
        }
    }

    /// Our part in DTLS.
    pub(crate) fn dtls_role(&self) -> DtlsRole {
        let role = match &self.dtls {
            Dtls::Idle(told) => told.as_ref().map(|(role, _)| *role),
            Dtls::Begun(endpoint) => Some(endpoint.role()),
        };
        match role {
            None => DtlsRole::Auto,
            Some(Role::Client) => DtlsRole::Client,
            Some(Role::Server) => DtlsRole::Server,
        }
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        if let Dtls::Begun(endpoint) = &self.dtls { Some(endpoint) } else { None }
    }

    fn endpoint_mut(&mut self) -> Option<&mut Endpoint> {
        if let Dtls::Begun(endpoint) = &mut self.dtls { Some(endpoint) } else { None }
    }
}

// What DTLS knows has no business in a log.
impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle(_) => "Idle",
            Self::Begun(_) => "Begun",
        })
    }
}

fn credentials(ice: &IceParameters) -> Credentials {
    Credentials::new(&ice.username_fragment, &ice.password)
}

/// What the agent writes at most.
const ANSWER_LEN: usize = 200;
