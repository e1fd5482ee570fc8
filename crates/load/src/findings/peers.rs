//! From peers to numbers.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use model::rtp::MediaKind;

use super::{Joining, Latency, Loss, Traffic};
use crate::engine::{PeerReport, ThreadReport};
use crate::histogram::Histogram;
use crate::meter::{Meter, nanos};
use crate::peer::{Ended, Sent, Subscription};

/// All peers of all threads.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) meter: Option<Meter>,
    pub(super) failures: BTreeMap<String, u64>,
    pub(super) connected: u64,
    pub(super) satisfied: u64,
    pub(super) traffic: Traffic,
    pub(super) skipped_frames: u64,
    pub(super) key_frame_waits: Histogram,
    pub(super) silences: Histogram,
    /// What each stream has had in all.
    sent: HashMap<u32, Sent>,
    totals: Histogram,
    api: Histogram,
    ice: Histogram,
    dtls: Histogram,
    first_packets: Histogram,
    loss: Loss,
    losses_ppm: Histogram,
}

impl Sum {
    /// Peers that began after `patience` have not failed for not being done yet.
    pub(super) fn of(
        threads: &[ThreadReport],
        failures: BTreeMap<String, u64>,
        patience: Option<Instant>,
    ) -> Self {
        let histogram = Histogram::new;
        let mut sum = Self {
            meter: None,
            failures,
            connected: 0,
            satisfied: 0,
            traffic: Traffic::default(),
            skipped_frames: 0,
            key_frame_waits: histogram(),
            silences: histogram(),
            sent: HashMap::new(),
            totals: histogram(),
            api: histogram(),
            ice: histogram(),
            dtls: histogram(),
            first_packets: histogram(),
            loss: Loss::default(),
            losses_ppm: histogram(),
        };
        for thread in threads {
            match &mut sum.meter {
                Some(meter) => meter.add(&thread.meter),
                None => sum.meter = Some(thread.meter.clone()),
            }
        }
        let peers = || threads.iter().flat_map(|thread| &thread.peers);
        // What a stream has had in all is known only when all that was sent is known.
        peers().for_each(|peer| sum.sent_by(peer));
        peers().for_each(|peer| sum.joined(peer, patience));
        sum
    }

    pub(super) fn joining(&self) -> Joining {
        Joining {
            total: self.totals.percentiles(),
            api: self.api.percentiles(),
            ice: self.ice.percentiles(),
            dtls: self.dtls.percentiles(),
            first_packet: self.first_packets.percentiles(),
        }
    }

    pub(super) fn latency(&self) -> Latency {
        let Some(meter) = &self.meter else { return Latency::default() };
        let mut all = meter.while_joining.clone();
        all.add(&meter.afterwards);
        Latency {
            all: all.percentiles(),
            while_joining: meter.while_joining.percentiles(),
            afterwards: meter.afterwards.percentiles(),
        }
    }

    pub(super) fn loss(&self) -> Loss {
        Loss { of_streams_ppm: self.losses_ppm.percentiles(), ..self.loss }
    }

    fn sent_by(&mut self, peer: &PeerReport) {
        for sent in &peer.sent {
            self.sent.insert(sent.stream, *sent);
            self.traffic.sent_packets += sent.packets;
            self.traffic.sent_bytes += sent.bytes;
            self.traffic.key_frames += sent.key_frames;
            self.traffic.key_frame_requests += sent.key_frame_requests;
            self.skipped_frames += sent.skipped_frames;
        }
    }

    fn joined(&mut self, peer: &PeerReport, patience: Option<Instant>) {
        let has_time = patience.is_some_and(|patience| peer.timeline.began > patience);
        match shortcoming(peer) {
            Some(Shortcoming::Failed(cause)) => *self.failures.entry(cause).or_default() += 1,
            Some(Shortcoming::Waits(_)) if has_time => {}
            Some(Shortcoming::Waits(cause)) => *self.failures.entry(cause.to_owned()).or_default() += 1,
            None => self.satisfied += 1,
        }
        let timeline = &peer.timeline;
        let between = |from: Instant, to: Instant| nanos(to.saturating_duration_since(from));
        self.api.record(between(timeline.began, timeline.opened));
        if let Some(ice) = timeline.ice_at {
            self.ice.record(between(timeline.opened, ice));
        }
        if let Some((ice, dtls)) = timeline.ice_at.zip(timeline.dtls_at) {
            self.connected += 1;
            self.dtls.record(between(ice, dtls));
        }
        let done = if peer.subscriptions.is_empty() { timeline.dtls_at } else { timeline.media_at };
        if let Some(done) = done {
            self.totals.record(between(timeline.began, done));
        }
        for subscription in &peer.subscriptions {
            if subscription.first_at.is_some() {
                self.received(subscription);
            } else if !has_time {
                self.never_came(subscription);
            }
        }
    }

    /// A stream of which nothing came is lost from when the server said that it comes.
    fn never_came(&mut self, subscription: &Subscription) {
        let Some(resumed) = subscription.resumed_at else { return };
        let sent = self.sent.get(&subscription.stream).copied().unwrap_or_default();
        let lost = sent.packets_after(resumed);
        if lost > 0 {
            self.silences.record(nanos(subscription.silence));
            self.loss.expected += lost;
            self.loss.lost += lost;
            self.losses_ppm.record(1_000_000);
        }
    }

    fn received(&mut self, subscription: &Subscription) {
        let Subscription { asked_at, first_at, key_frame_at, tracker, .. } = subscription;
        let Some(first) = first_at else { return };
        self.first_packets.record(nanos(first.saturating_duration_since(*asked_at)));
        if let Some(key_frame) = key_frame_at {
            self.key_frame_waits.record(nanos(key_frame.saturating_duration_since(*asked_at)));
        }
        self.silences.record(nanos(subscription.silence));
        self.traffic.received_packets += tracker.came();
        self.traffic.received_bytes += subscription.bytes;
        let sent = self.sent.get(&subscription.stream).copied().unwrap_or_default();
        let expected = tracker.expected(sent.packets);
        let lost = expected - tracker.came();
        self.loss.expected += expected;
        self.loss.lost += lost;
        self.loss.holes += tracker.holes();
        self.loss.late += tracker.late();
        self.loss.repeated += tracker.repeated();
        self.losses_ppm.record(lost * 1_000_000 / expected.max(1));
    }
}

/// Why a peer has not what it wants.
enum Shortcoming {
    /// And never will.
    Failed(String),
    /// Unless it comes in time.
    Waits(&'static str),
}

/// The first thing that went wrong with a peer.
fn shortcoming(peer: &PeerReport) -> Option<Shortcoming> {
    if let Some(cause) = &peer.refused {
        return Some(Shortcoming::Failed(cause.clone()));
    }
    let silent = |kind: MediaKind| {
        let mut subscriptions = peer.subscriptions.iter();
        subscriptions.any(|subscription| subscription.kind == kind && subscription.first_at.is_none())
    };
    let keyless = |subscription: &Subscription| {
        subscription.kind == MediaKind::Video && subscription.key_frame_at.is_none()
    };
    let waits = match &peer.ended {
        Some(Ended::Closed) => {
            return Some(Shortcoming::Failed("the server ended the connection".to_owned()));
        }
        Some(Ended::Broken(why)) => {
            return Some(Shortcoming::Failed(format!("the peer's WebRTC stack gave up: {why}")));
        }
        None if peer.timeline.ice_at.is_none() => "ICE did not connect",
        None if peer.timeline.dtls_at.is_none() => "DTLS did not connect",
        None if silent(MediaKind::Audio) => "no sound came",
        None if silent(MediaKind::Video) => "no picture came",
        None if peer.subscriptions.iter().any(keyless) => "no key frame came",
        None if peer.disconnections > 0 => {
            return Some(Shortcoming::Failed("the path was lost for a while".to_owned()));
        }
        None => return None,
    };
    Some(Shortcoming::Waits(waits))
}
