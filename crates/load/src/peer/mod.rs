//! One participant: a foreign WebRTC stack (str0m), what it sends and what it receives. Sans-IO: datagrams and time come
//! in as arguments, datagrams go out through a function.
//!
//! | module | owns |
//! |---|---|
//! | `session` | what all peers have in common |
//! | `publication` | a stream that is sent |
//! | `subscription`, `tracker` | a stream that is received, and which of its packets came |

mod publication;
mod session;
mod subscription;
mod tracker;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use model::rtp::MediaKind;
use model::transport::IceParameters;
use str0m::config::Fingerprint;
use str0m::media::{MediaKind as ForeignKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, IceCreds, Input, Output, Rtc, RtcError};

pub(crate) use publication::{Sent, Track};
pub(crate) use session::{Formats, Session, Unusable};
pub(crate) use subscription::{Expected, Subscription};

use crate::meter::Meter;
use publication::Publication;

/// The other side, as it describes itself.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) address: SocketAddr,
    pub(crate) ice: IceParameters,
    pub(crate) fingerprint: Fingerprint,
}

/// When a peer got how far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    /// Before anything was asked of the server.
    pub(crate) began: Instant,
    /// The server has said yes, and knows our fingerprint: checks begin.
    pub(crate) opened: Instant,
    pub(crate) ice_at: Option<Instant>,
    pub(crate) dtls_at: Option<Instant>,
    /// The first packet of any subscription.
    pub(crate) media_at: Option<Instant>,
}

/// Why a peer is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server said goodbye.
    Closed,
    /// The stack gave up; in its words.
    Broken(String),
}

#[derive(Debug)]
pub(crate) struct Peer {
    rtc: Rtc,
    epoch: Instant,
    local: SocketAddr,
    remote: SocketAddr,
    timeline: Timeline,
    publications: Vec<Publication>,
    subscriptions: Vec<Subscription>,
    by_ssrc: HashMap<u32, usize>,
    /// When the stack wants to be called.
    due: Instant,
    disconnections: u32,
    ended: Option<Ended>,
}

impl Peer {
    /// A client: it checks, nominates, and begins the handshake.
    ///
    /// # Errors
    /// When the addresses or the stack do not allow it.
    pub(crate) fn new(
        session: &Session,
        timeline: Timeline,
        local: SocketAddr,
        remote: Remote,
    ) -> Result<Self, RtcError> {
        let mut peer = Self::idle(session, timeline, local, &remote)?;
        let mut api = peer.rtc.direct_api();
        api.set_ice_controlling(true);
        api.set_remote_ice_credentials(IceCreds {
            ufrag: remote.ice.username_fragment.into(),
            pass: remote.ice.password.into(),
        });
        api.set_remote_fingerprint(remote.fingerprint);
        api.start_dtls(true)?;
        Ok(peer)
    }

    fn idle(
        session: &Session,
        timeline: Timeline,
        local: SocketAddr,
        remote: &Remote,
    ) -> Result<Self, RtcError> {
        let mut rtc = session.start(timeline.opened);
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp)?);
        rtc.add_remote_candidate(Candidate::host(remote.address, Protocol::Udp)?);
        rtc.direct_api().enable_twcc_feedback();
        Ok(Self {
            rtc,
            epoch: session.epoch,
            local,
            remote: remote.address,
            timeline,
            publications: Vec::new(),
            subscriptions: Vec::new(),
            by_ssrc: HashMap::new(),
            due: timeline.opened,
            disconnections: 0,
            ended: None,
        })
    }

    /// Sends a stream from now on, or from when it is connected.
    pub(crate) fn publish(&mut self, now: Instant, track: Track, run: u32) {
        let kind = match track.source {
            crate::source::Source::Audio(_) => ForeignKind::Audio,
            crate::source::Source::Video(_) => ForeignKind::Video,
        };
        let mid = Mid::from(&*track.mid);
        let mut api = self.rtc.direct_api();
        api.declare_media(mid, kind);
        api.declare_stream_tx(track.ssrc.into(), track.rtx_ssrc.map(Into::into), mid, None);
        let mut publication = Publication::new(track, run);
        if self.timeline.dtls_at.is_some() {
            publication.begin(now);
        }
        self.publications.push(publication);
        self.due = now;
    }

    /// Takes a stream.
    pub(crate) fn subscribe(&mut self, now: Instant, expected: &Expected) {
        let kind = match expected.kind {
            MediaKind::Audio => ForeignKind::Audio,
            MediaKind::Video => ForeignKind::Video,
        };
        let mid = Mid::from(&*expected.mid);
        let mut api = self.rtc.direct_api();
        api.declare_media(mid, kind);
        api.expect_stream_rx(expected.ssrc.into(), expected.rtx_ssrc.map(Into::into), mid, None);
        self.by_ssrc.insert(expected.ssrc, self.subscriptions.len());
        self.subscriptions.push(Subscription::new(expected, now));
        self.due = now;
    }

    /// The server has resumed the stream under that SSRC.
    pub(crate) fn resume(&mut self, now: Instant, ssrc: u32) {
        let subscription = self.by_ssrc.get(&ssrc).and_then(|index| self.subscriptions.get_mut(*index));
        if let Some(subscription) = subscription {
            subscription.resume(now);
        }
    }

    /// No more frames from here on, from nobody.
    pub(crate) fn stop_publishing(&mut self, now: Instant) {
        self.publications.iter_mut().for_each(Publication::stop);
        self.subscriptions.iter_mut().for_each(|subscription| subscription.close(now));
    }

    /// A datagram came.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        datagram: &[u8],
        meter: &mut Meter,
        send: &mut dyn FnMut(&[u8]),
    ) {
        let Ok(contents) = datagram.try_into() else {
            meter.strange += 1;
            return;
        };
        let (source, destination) = (self.remote, self.local);
        let receive = Receive { proto: Protocol::Udp, source, destination, contents };
        self.step(now, Input::Receive(now, receive), meter, send);
    }

    /// When [`Self::advance`] is to be called. Changes with every other call; nothing once the peer has ended.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.ended.is_some() {
            return None;
        }
        let frames = self.publications.iter().filter_map(Publication::next_frame_at).min();
        Some(frames.map_or(self.due, |frame| frame.min(self.due)))
    }

    /// Time has passed: sends what is due.
    pub(crate) fn advance(&mut self, now: Instant, meter: &mut Meter, send: &mut dyn FnMut(&[u8])) {
        let (epoch, mut api) = (self.epoch, self.rtc.direct_api());
        for publication in &mut self.publications {
            publication.write(now, epoch, &mut api);
        }
        self.step(now, Input::Timeout(now), meter, send);
    }

    pub(crate) const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(crate) fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    pub(crate) fn sent(&self) -> impl Iterator<Item = Sent> {
        self.publications.iter().map(Publication::sent)
    }

    /// How many times the path was lost.
    pub(crate) const fn disconnections(&self) -> u32 {
        self.disconnections
    }

    pub(crate) const fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    fn step(&mut self, now: Instant, input: Input<'_>, meter: &mut Meter, send: &mut dyn FnMut(&[u8])) {
        if self.ended.is_some() {
            return;
        }
        if let Err(error) = self.rtc.handle_input(input) {
            self.ended = Some(Ended::Broken(error.to_string()));
            return;
        }
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(datagram)) => send(&datagram.contents),
                Ok(Output::Event(event)) => self.event(now, event, meter),
                Ok(Output::Timeout(due)) => {
                    self.due = due;
                    break;
                }
                Err(error) => {
                    self.ended = Some(Ended::Broken(error.to_string()));
                    break;
                }
            }
        }
    }

    fn event(&mut self, now: Instant, event: Event, meter: &mut Meter) {
        match event {
            Event::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) => {
                self.timeline.ice_at.get_or_insert(now);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => self.disconnections += 1,
            Event::Connected => {
                self.timeline.dtls_at.get_or_insert(now);
                self.publications.iter_mut().for_each(|publication| publication.begin(now));
            }
            Event::KeyframeRequest(request) => {
                let asked = self.publications.iter_mut().find(|publication| publication.mid == request.mid);
                if let Some(publication) = asked {
                    publication.want_key_frame();
                }
            }
            Event::RtpPacket(packet) => {
                let Some(index) = self.by_ssrc.get(&*packet.header.ssrc) else { return };
                if let Some(subscription) = self.subscriptions.get_mut(*index) {
                    subscription.packet(now, &packet.payload, meter);
                    if subscription.first_at.is_some() {
                        self.timeline.media_at.get_or_insert(now);
                    }
                }
            }
            Event::Closed => self.ended = Some(Ended::Closed),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
