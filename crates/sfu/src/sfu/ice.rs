//! ICE of WebRTC transports: what its agent says becomes bindings, events, and the way that media takes.

use std::net::SocketAddr;

use ice::{Changes, Tuple};
use model::event::{Event, TransportEvent};
use model::key::TransportKey;
use model::transport::IceParameters;

use super::{Counters, Sfu};
use crate::Error;
use crate::io::{Datagram, Local, Output, Outputs};
use crate::transport::{DropReason, Due, Settle};
use wire::Mono;
use wire::stun::ErrorCode;

impl<S: Copy> Sfu<S> {
    /// Replaces a WebRTC transport's own ICE credentials. The old ones hold until its peer uses the new.
    ///
    /// # Errors
    /// When it is gone or has none.
    pub fn restart_ice(
        &mut self,
        key: TransportKey,
        ice: &IceParameters,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let now = self.now;
        let transport = self.transports.get_mut(key).ok_or(Error::UnknownTransport)?;
        let forgotten = transport.restart_ice(ice)?;
        let settle = transport.web_rtc_mut().and_then(|web_rtc| web_rtc.look_around(now));
        forget(key, forgotten, out);
        self.settled(key, settle, out);
        Ok(())
    }

    /// A message of STUN came to a transport, from anybody.
    pub(super) fn take_stun(
        &mut self,
        key: TransportKey,
        datagram: &Datagram<'_>,
        out: &mut Outputs<S>,
    ) -> Result<(), DropReason> {
        let transport = self.transports.get_mut(key).ok_or(DropReason::UnknownTransport)?;
        let web_rtc = transport.web_rtc_mut().ok_or(DropReason::Unsupported)?;
        let heard = web_rtc.take_stun(self.now, datagram.tuple(), datagram.bytes)?;
        let consent_ends = web_rtc.consent_ends();
        transport.agenda.set(Due::Consent, consent_ends);
        if transport.wants_to_speak() {
            self.list(key, out);
        }
        let (taken, has_changed) = (heard.taken, !heard.changes.is_none());
        self.ice_changed(key, &[], heard.changes, out);
        if !has_changed && taken.is_ok() {
            self.begin_handshake(key, out);
        }
        self.settled(key, heard.settle, out);
        if let Some(code) = heard.refused {
            self.counters.refused(code);
        }
        taken
    }

    /// Something authentic came by another tuple than the selected one: some peers nominate by sending.
    pub(super) fn heard_elsewhere(&mut self, key: TransportKey, from: Tuple<Local>, out: &mut Outputs<S>) {
        let web_rtc = self.transports.get_mut(key).and_then(|transport| transport.web_rtc_mut());
        if let Some(changes) = web_rtc.map(|web_rtc| web_rtc.heard(from)) {
            self.ice_changed(key, &[], changes, out);
        }
    }

    /// A TCP connection of the host's has ended. Its tuple is none any more, and with the last one the transport is
    /// disconnected.
    pub fn lost(&mut self, key: TransportKey, local: Local, remote: SocketAddr, out: &mut Outputs<S>) {
        let Some(transport) = self.transports.get_mut(key) else { return };
        let Some(web_rtc) = transport.web_rtc_mut() else { return };
        let changes = web_rtc.lost(Tuple { local, remote });
        let consent_ends = web_rtc.consent_ends();
        transport.agenda.set(Due::Consent, consent_ends);
        self.ice_changed(key, &[], changes, out);
        self.rearm(key, out);
    }

    /// The peer was silent for as long as its consent holds (RFC 7675 §5.1).
    pub(super) fn end_consent(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let now = self.now;
        let Some(transport) = self.transports.get_mut(key) else { return };
        let Some(web_rtc) = transport.web_rtc_mut() else { return };
        let (gone, changes) = web_rtc.end_consent(now);
        let (consent_ends, settle) = (web_rtc.consent_ends(), web_rtc.look_around(now));
        transport.agenda.set(Due::Consent, consent_ends);
        self.ice_changed(key, &gone, changes, out);
        self.settled(key, settle, out);
    }

    /// The peer may not have been heard for too long to keep a socket for it alone.
    pub(super) fn unsettle(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let now = self.now;
        let Some(web_rtc) = self.transports.get_mut(key).and_then(|transport| transport.web_rtc_mut()) else {
            return;
        };
        let settle = web_rtc.unsettle(now);
        self.settled(key, settle, out);
    }

    fn settled(&mut self, key: TransportKey, settle: Option<Settle>, out: &mut Outputs<S>) {
        let Some(transport) = self.transports.get_mut(key) else { return };
        let due = transport.web_rtc().map_or(Mono::NEVER, |web_rtc| web_rtc.unsettles());
        transport.agenda.set(Due::Unsettle, due);
        if let Some(Settle { local, peer }) = settle {
            out.push(Output::Settle { transport: key, local, peer });
        }
        self.rearm(key, out);
    }

    /// Does what follows from a change of ICE, in the order in which it is told: tuples, the selection, the state, and
    /// then DTLS.
    fn ice_changed(
        &mut self,
        key: TransportKey,
        gone: &[Tuple<Local>],
        changes: Changes<Local>,
        out: &mut Outputs<S>,
    ) {
        if changes.is_none() {
            return;
        }
        let Some(transport) = self.transports.get_mut(key) else { return };
        let was_connected = transport.is_connected();
        // First, so that there is room for the one that came instead.
        for Tuple { local, remote } in gone.iter().copied().chain(changes.dropped) {
            out.push(Output::Unbind { transport: key, local, remote });
        }
        if let Some(Tuple { local, remote }) = changes.added {
            out.push(Output::Bind { transport: key, local, remote });
        }
        transport.aim();
        if transport.wants_to_speak() {
            self.list(key, out);
        }
        let Some(transport) = self.transports.get_mut(key) else { return };
        let flow = transport.flow().filter(|_| changes.selected);
        let Some(web_rtc) = transport.web_rtc_mut() else { return };
        let forgotten = if changes.restarted { web_rtc.forget_ufrag() } else { None };
        let state = changes.state.then(|| web_rtc.ice_state());
        forget(key, forgotten, out);
        let flow = flow.map(|flow| TransportEvent::IceSelectedFlow(Box::new(flow)));
        let events = [flow, state.map(TransportEvent::IceState)].into_iter().flatten();
        out.extend(events.map(|event| Output::Event(Event::Transport(key, event))));
        self.begin_handshake(key, out);
        self.recount_handshake(key);
        self.turned(key, was_connected, out);
    }
}

impl Counters {
    fn refused(&mut self, code: ErrorCode) {
        let count = match code {
            ErrorCode::UNAUTHENTICATED => &mut self.ice_unauthenticated,
            ErrorCode::UNKNOWN_ATTRIBUTE => &mut self.ice_unknown_attribute,
            ErrorCode::ROLE_CONFLICT => &mut self.ice_role_conflict,
            _ => &mut self.ice_bad_request,
        };
        *count = count.saturating_add(1);
    }
}

/// Nobody means the transport by that ufrag any more.
fn forget<S>(key: TransportKey, forgotten: Option<Box<str>>, out: &mut Outputs<S>) {
    let Some(ufrag) = forgotten else { return };
    out.push(Output::Event(Event::Transport(key, TransportEvent::UfragForgotten(ufrag.clone()))));
    out.push(Output::ForgetUfrag { transport: key, ufrag });
}
