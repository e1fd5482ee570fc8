//! What is behind the face: one handshake, by one of two libraries. `endpoint` asks nothing of them but these methods.

use std::rc::Rc;

use wire::Mono;

use crate::by_dimpl::ByDimpl;
use crate::failure::Failure;
use crate::keys::SrtpKeys;
use crate::output::Room;
use crate::own::{self, Machine};
use crate::role::Role;
use crate::setup::Setup;

/// One handshake.
pub(crate) enum Backend {
    /// A server whose key is ECDSA, for clients that make themselves such a certificate: browsers.
    Dimpl(Box<ByDimpl>),
    /// Everybody else: RSA on either side, and each client.
    Own(Box<Machine>),
    /// Whatever it was, it only has this to say any more.
    Parting(Option<Vec<u8>>),
}

/// What it has to say. Lengths are those of what it wrote at the start of the room.
pub(crate) enum Polled {
    Datagram(usize),
    Data(usize),
    Certificate(usize),
    /// The last message of the handshake was right; keys follow if SRTP was negotiated.
    Complete,
    /// The keys of SRTP; none of a profile that we do not know.
    Keys(Option<SrtpKeys>),
    /// The peer said goodbye.
    Closed,
    /// Nothing until then.
    Idle(Mono),
}

impl Backend {
    /// A client's first message waits to be polled.
    ///
    /// A client offers both kinds at once: a server that finds nothing in a hello is over, and hears no second one. For
    /// a server's own key one kind is enough, and which certificates it has to ask for it knows from the hello.
    pub(crate) fn new(setup: &Setup, role: Role, now: Mono) -> Result<Self, Failure> {
        match (role, setup.dimpl()) {
            (Role::Server, Some(dimpl)) => {
                Ok(Self::Dimpl(Box::new(ByDimpl::new(dimpl, setup.anchor(), now)?)))
            }
            _ => Self::own(setup.own(), role, now),
        }
    }

    /// By the library that speaks RSA.
    pub(crate) fn own(config: Rc<own::Config>, role: Role, now: Mono) -> Result<Self, Failure> {
        Ok(Self::Own(Box::new(Machine::new(config, role, now)?)))
    }

    /// Whether it verifies no RSA.
    pub(crate) const fn is_dimpl(&self) -> bool {
        matches!(self, Self::Dimpl(_))
    }

    pub(crate) fn handle_timeout(&mut self, now: Mono) -> Result<(), Failure> {
        match self {
            Self::Dimpl(dimpl) => dimpl.handle_timeout(now),
            Self::Own(own) => own.handle_timeout(now),
            Self::Parting(_) => Ok(()),
        }
    }

    pub(crate) fn handle_packet(&mut self, packet: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Dimpl(dimpl) => dimpl.handle_packet(packet),
            Self::Own(own) => own.handle_packet(packet),
            Self::Parting(_) => Ok(()),
        }
    }

    /// Under the keys of the handshake.
    pub(crate) fn send(&mut self, data: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Dimpl(dimpl) => dimpl.send(data),
            Self::Own(own) => {
                own.send(data);
                Ok(())
            }
            Self::Parting(_) => Ok(()),
        }
    }

    /// Says goodbye, if there are keys to say it under.
    pub(crate) fn close(&mut self) {
        match self {
            Self::Dimpl(dimpl) => dimpl.close(),
            Self::Own(own) => own.close(),
            Self::Parting(_) => {}
        }
    }

    /// Refuses the peer's certificate, and says nothing else any more (RFC 8122 §6.2). Where it has completed the
    /// handshake, that is said under its keys; the one library knows only goodbye then.
    pub(crate) fn refuse(&mut self, is_complete: bool) {
        match self {
            Self::Dimpl(dimpl) if is_complete => dimpl.close(),
            Self::Own(own) if is_complete => own.refuse(own::BAD_CERTIFICATE),
            _ => *self = Self::Parting(own::alert_in_clear(own::BAD_CERTIFICATE)),
        }
    }

    pub(crate) fn poll(&mut self, room: &mut Room) -> Polled {
        match self {
            Self::Dimpl(dimpl) => dimpl.poll(room),
            Self::Own(own) => own.poll(room),
            Self::Parting(last) => match last.take() {
                Some(bytes) => Polled::Datagram(room.fill(&bytes)),
                None => Polled::Idle(Mono::NEVER),
            },
        }
    }
}
