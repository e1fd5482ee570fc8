//! How a transport begins, and how it is told about its peer.

use model::command::{TransportConnect, TransportOpen, TransportSetup};
use model::reply::BoundSocket;
use model::trace::TraceSet;
use model::transport::{IceParameters, SrtpCryptoSuite};
use streams::Rate;

use super::numbers::Numbers;
use super::rtcp_queue::RtcpQueue;
use super::stats::Counts;
use super::webrtc::WebRtc;
use super::{Agenda, Asking, Flows, KeysRefused, Kind, Listing, Receiving, Senders, Setup, Transport};
use crate::Error;
use crate::chance::Chance;

impl Transport {
    /// A transport whose sockets are bound, in the order of their roles.
    pub(crate) fn new(open: &TransportOpen, bound: &[BoundSocket]) -> Self {
        let (kind, has_srtp, web_rtc) = match &open.setup {
            TransportSetup::WebRtc { ice, .. } => (Kind::WebRtc, true, Some(Box::new(WebRtc::new(ice)))),
            TransportSetup::Plain { rtcp_bind, comedia, srtp, .. } => {
                (Kind::Plain { rtcp_mux: rtcp_bind.is_none(), comedia: *comedia }, srtp.is_some(), None)
            }
            // RTX on a pipe is a matter of its consumers' parameters.
            TransportSetup::Pipe { srtp, .. } => (Kind::Pipe, srtp.is_some(), None),
            TransportSetup::Direct => (Kind::Direct, false, None),
        };
        Self {
            queue: Vec::new(),
            listing: Listing::Idle,
            kind,
            senders: Senders::default(),
            flows: Flows::default(),
            sent: Rate::new(),
            srtp: has_srtp.then(Box::default),
            web_rtc,
            speaks: false,
            rtcp: RtcpQueue::default(),
            agenda: Agenda::new(),
            receiving: Box::new(Receiving::new(open.seed)),
            asking: Asking::default(),
            numbers: Numbers::default(),
            inside: Box::default(),
            has_more: true,
            counts: Box::new(Counts::new()),
            setup: Box::new(Setup {
                bound: bound.to_vec(),
                told: false,
                limits: [0; 3],
                trace: TraceSet::default(),
                chance: Chance::new(open.seed),
                max_receive_message_size: open.max_receive_message_size,
                has_sctp: open.sctp.is_some(),
                low_threshold: open
                    .sctp
                    .as_ref()
                    .map_or(0, |sctp| sctp.default_buffered_amount_low_threshold),
            }),
        }
    }

    /// Tells it about its peer, once.
    pub(crate) fn connect(&mut self, connect: &TransportConnect) -> Result<(), Error> {
        if self.setup.told {
            return Err(Error::AlreadyConnected);
        }
        match (self.kind, connect) {
            (Kind::Plain { comedia, .. }, TransportConnect::Plain { peer, srtp }) => {
                self.take_keys(srtp.as_ref())?;
                if let Some(peer) = peer.as_ref().filter(|_| !comedia) {
                    self.flows.connect(peer);
                }
            }
            (Kind::Pipe, TransportConnect::Pipe { peer, srtp }) => {
                // The protocol allows pipes no other suite.
                let keys = srtp.iter().flat_map(|keys| [&keys.local, &keys.remote]);
                if keys.into_iter().any(|key| key.crypto_suite != SrtpCryptoSuite::AeadAes256Gcm) {
                    return Err(KeysRefused::Suite("another").into());
                }
                self.take_keys(srtp.as_ref())?;
                self.flows.connect(peer);
            }
            _ => return Err(Error::WrongKind { object: self.kind.name(), action: "be connected like that" }),
        }
        self.setup.told = true;
        Ok(())
    }

    /// Takes note that a WebRTC transport is told about its peer, which happens once.
    pub(crate) fn told(&mut self) -> Result<&mut WebRtc, Error> {
        let action = "be told about a peer's certificate";
        let web_rtc = self.web_rtc.as_deref_mut();
        let web_rtc = web_rtc.ok_or(Error::WrongKind { object: self.kind.name(), action })?;
        if core::mem::replace(&mut self.setup.told, true) {
            return Err(Error::AlreadyConnected);
        }
        Ok(web_rtc)
    }

    /// New credentials of ours. The ufrag that means nothing any more, if there is one.
    pub(crate) fn restart_ice(&mut self, ice: &IceParameters) -> Result<Option<Box<str>>, Error> {
        match &mut self.web_rtc {
            Some(web_rtc) => Ok(web_rtc.restart(ice)),
            None => Err(Error::WrongKind { object: self.kind.name(), action: "restart ICE" }),
        }
    }

    fn take_keys(&mut self, keys: Option<&model::command::SrtpKeys>) -> Result<(), KeysRefused> {
        match (&mut self.srtp, keys) {
            (Some(srtp), Some(keys)) => srtp.connect(keys)?,
            (None, None) => return Ok(()),
            (Some(_), None) => return Err(KeysRefused::Presence("missing; SRTP is enabled")),
            (None, Some(_)) => return Err(KeysRefused::Presence("given; SRTP is not enabled")),
        }
        self.begin_streams();
        Ok(())
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::WebRtc => "WebRTC transport",
            Self::Plain { .. } => "plain transport",
            Self::Pipe => "pipe transport",
            Self::Direct => "direct transport",
        }
    }
}
