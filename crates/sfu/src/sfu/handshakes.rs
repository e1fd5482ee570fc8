//! DTLS of WebRTC transports: whose handshake goes on next, and what comes of it.
//!
//! A step of a handshake takes as long as hundreds of packets, so a tick makes one at most, and who waits stands in
//! line. The line is bounded; whose datagram finds it full sends that again.

use dtls::{Fingerprint, HashFunction, Role, Room, Setup};
use model::event::{Event, TransportEvent};
use model::key::TransportKey;
use model::transport::{DtlsFingerprint, DtlsRole, DtlsState, FingerprintAlgorithm};

use super::{Origin, Sfu};
use crate::Error;
use crate::io::{Datagram, Output, Outputs};
use crate::transport::{DropReason, Due, News};

/// What the handshakes of a shard have in common.
#[derive(Debug)]
pub(super) struct Handshaking {
    setup: Setup,
    room: Room,
}

impl<S: Copy> Sfu<S> {
    /// Gives it what DTLS is done with. Without, there are no WebRTC transports.
    pub fn set_dtls(&mut self, setup: Setup) {
        self.handshaking = Some(Box::new(Handshaking { setup, room: Room::new() }));
    }

    /// Whether it has what DTLS is done with.
    pub const fn has_dtls(&self) -> bool {
        self.handshaking.is_some()
    }

    /// How many handshakes have begun and not ended.
    pub const fn half_open(&self) -> u64 {
        self.half_open.total()
    }

    /// Whether a handshake waits for [`Sfu::step_handshake`].
    pub fn has_handshakes(&self) -> bool {
        !self.handshakes.is_empty()
    }

    /// How many transports have a handshake that waits.
    pub fn handshakes_waiting(&self) -> usize {
        self.handshakes.len()
    }

    /// Goes on with the handshake that waits longest, by one step: once a tick.
    pub fn step_handshake(&mut self, out: &mut Outputs<S>) {
        let now = self.now;
        while let Some(key) = self.handshakes.pop_front() {
            // Who is gone, or has failed meanwhile, has cost nothing.
            let Some(web_rtc) = self.transports.get_mut(key).and_then(|transport| transport.web_rtc_mut())
            else {
                continue;
            };
            web_rtc.is_in_line = false;
            if web_rtc.waits() {
                web_rtc.step(now);
                return self.settle_handshake(key, out);
            }
        }
    }

    /// Tells the peer of a transport that it will be closed. Whether there is something to flush before.
    pub fn say_goodbye(&mut self, key: TransportKey, out: &mut Outputs<S>) -> bool {
        let Self { transports, handshaking: Some(handshaking), .. } = self else { return false };
        let Some(transport) = transports.get_mut(key) else { return false };
        let Some(web_rtc) = transport.web_rtc_mut() else { return false };
        if !web_rtc.close() {
            return false;
        }
        while web_rtc.poll(&mut handshaking.room).is_some() {}
        let speaks = transport.wants_to_speak();
        if speaks {
            self.list(key, out);
        }
        speaks
    }

    /// Tells a WebRTC transport what signalling said of its peer.
    pub(super) fn connect_web_rtc(
        &mut self,
        key: TransportKey,
        (role, fingerprint): (DtlsRole, &DtlsFingerprint),
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let fingerprint = Fingerprint::parse(function(fingerprint.algorithm), &fingerprint.value)?;
        let Self { transports, handshaking, now, .. } = self;
        let handshaking = handshaking.as_ref().ok_or(Error::NoCertificate)?;
        let transport = transports.get_mut(key).ok_or(Error::UnknownTransport)?;
        // Control has answered a peer that leaves the choice to us: we begin.
        let role = if role == DtlsRole::Server { Role::Server } else { Role::Client };
        transport.told()?.tell(&handshaking.setup, role, fingerprint, *now);
        self.settle_handshake(key, out);
        Ok(())
    }

    /// A datagram of DTLS came to a transport.
    pub(super) fn take_dtls(
        &mut self,
        key: TransportKey,
        datagram: &Datagram<'_>,
        out: &mut Outputs<S>,
    ) -> Result<(), DropReason> {
        let transport = self.transports.get_mut(key).ok_or(DropReason::UnknownTransport)?;
        let web_rtc = transport.web_rtc_mut().ok_or(DropReason::Unsupported)?;
        if !web_rtc.knows(datagram.tuple()) {
            return Err(DropReason::UnknownFlow);
        }
        if !web_rtc.is_in_line
            && web_rtc.dtls_state() == DtlsState::Connecting
            && self.handshakes.len() >= LINE_LIMIT
        {
            return Err(DropReason::HandshakesFull);
        }
        if web_rtc.beginning().is_some() {
            self.begin_handshake(key, out);
        }
        let web_rtc = self.transports.get_mut(key).and_then(|transport| transport.web_rtc_mut());
        web_rtc.ok_or(DropReason::Unsupported)?.take_dtls(self.now, datagram.bytes)?;
        self.settle_handshake(key, out);
        Ok(())
    }

    /// A message of the handshake was not answered for too long.
    pub(super) fn handshake_due(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let now = self.now;
        let Some(web_rtc) = self.transports.get_mut(key).and_then(|transport| transport.web_rtc_mut()) else {
            return;
        };
        web_rtc.handle_timeout(now);
        self.settle_handshake(key, out);
    }

    /// ICE may have selected the first tuple; or the peer says something again whose handshake was put off.
    pub(super) fn begin_handshake(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let Self { transports, handshaking: Some(handshaking), half_open, counters, now, .. } = self else {
            return;
        };
        let Some(web_rtc) = transports.get_mut(key).and_then(|transport| transport.web_rtc_mut()) else {
            return;
        };
        let Some(tuple) = web_rtc.beginning() else { return };
        let origin = Origin::of(tuple.remote.ip());
        if !half_open.admit(origin) {
            counters.handshakes_put_off = counters.handshakes_put_off.saturating_add(1);
            return;
        }
        web_rtc.half_open = Some(origin);
        if web_rtc.begin(&handshaking.setup, *now) {
            out.push(told(key, DtlsState::Connecting, None));
            self.settle_handshake(key, out);
        }
    }

    /// ICE may have lost the peer of a handshake, or found it again: whether that is still to be counted.
    pub(super) fn recount_handshake(&mut self, key: TransportKey) {
        let Self { transports, half_open, .. } = self;
        let Some(web_rtc) = transports.get_mut(key).and_then(|transport| transport.web_rtc_mut()) else {
            return;
        };
        let is_half_open = web_rtc.dtls_state() == DtlsState::Connecting;
        match (web_rtc.half_open, web_rtc.selected()) {
            (Some(origin), None) => {
                half_open.release(origin);
                web_rtc.half_open = None;
            }
            (None, Some(tuple)) if is_half_open => {
                let origin = Origin::of(tuple.remote.ip());
                half_open.count(origin);
                web_rtc.half_open = Some(origin);
            }
            _ => {}
        }
    }

    /// Does what DTLS wants done, and puts it in line if it has more to do.
    fn settle_handshake(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let Self { transports, handshaking: Some(handshaking), handshakes, half_open, counters, .. } = self
        else {
            return;
        };
        let Some(transport) = transports.get_mut(key) else { return };
        let was_connected = transport.is_connected();
        while let Some(news) = transport.web_rtc_mut().and_then(|web_rtc| web_rtc.poll(&mut handshaking.room))
        {
            match news {
                News::Connected(connected) => {
                    let state = match transport.agree(&connected.keys) {
                        Ok(()) => DtlsState::Connected,
                        Err(_) => DtlsState::Failed,
                    };
                    counters.handshakes = counters.handshakes.saturating_add(1);
                    out.push(told(key, state, Some(connected.certificate_pem().into())));
                }
                News::Failed => {
                    counters.handshakes_failed = counters.handshakes_failed.saturating_add(1);
                    out.push(told(key, DtlsState::Failed, None));
                }
                News::Closed => out.push(told(key, DtlsState::Closed, None)),
                // Nothing above DTLS is spoken here.
                News::Data => transport.count_drop(DropReason::Unsupported),
            }
        }
        transport.aim();
        let Some(web_rtc) = transport.web_rtc_mut() else { return };
        if web_rtc.dtls_state() != DtlsState::Connecting
            && let Some(origin) = web_rtc.half_open.take()
        {
            half_open.release(origin);
        }
        if web_rtc.waits() && !web_rtc.is_in_line {
            web_rtc.is_in_line = true;
            handshakes.push_back(key);
        }
        let due = web_rtc.handshake_due();
        transport.agenda.set(Due::Handshake, due);
        if transport.wants_to_speak() {
            self.list(key, out);
        }
        self.rearm(key, out);
        self.turned(key, was_connected, out);
    }
}

fn told<S>(key: TransportKey, state: DtlsState, remote_certificate: Option<Box<str>>) -> Output<S> {
    Output::Event(Event::Transport(key, TransportEvent::DtlsState { state, remote_certificate }))
}

const fn function(algorithm: FingerprintAlgorithm) -> HashFunction {
    match algorithm {
        FingerprintAlgorithm::Sha1 => HashFunction::Sha1,
        FingerprintAlgorithm::Sha224 => HashFunction::Sha224,
        FingerprintAlgorithm::Sha256 => HashFunction::Sha256,
        FingerprintAlgorithm::Sha384 => HashFunction::Sha384,
        FingerprintAlgorithm::Sha512 => HashFunction::Sha512,
    }
}

/// Transports whose handshakes wait. At a fifth of a millisecond each, the last has its turn before its peer sends again.
const LINE_LIMIT: usize = 1_024;
