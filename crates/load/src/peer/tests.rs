//! The meter against itself: a publisher and a subscriber connected by a link of known delay and loss, in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::source::{Opus, Source, Vp8};
use model::rtp::RtpCapabilities;

/// Two peers and what is on its way between them.
struct Pair {
    now: Instant,
    meter: Meter,
    publisher: Peer,
    subscriber: Peer,
    to_publisher: VecDeque<(Instant, Vec<u8>)>,
    to_subscriber: VecDeque<(Instant, Vec<u8>)>,
    /// How many packets of media came by.
    media: u64,
}

impl Pair {
    fn new() -> Self {
        let epoch = Instant::now();
        let session = Session::new(RUN, epoch, formats()).unwrap();
        let timeline = Timeline { began: epoch, opened: epoch, ice_at: None, dtls_at: None, media_at: None };
        let [at, other]: [SocketAddr; 2] = ["127.0.0.1:1001", "127.0.0.1:1002"].map(|at| at.parse().unwrap());
        let ice = |name: &str| IceParameters {
            username_fragment: format!("{name}{name}").into(),
            password: name.repeat(6).into(),
            ice_lite: None,
        };
        let creds = |ice: &IceParameters| IceCreds {
            ufrag: ice.username_fragment.to_string(),
            pass: ice.password.to_string(),
        };
        let fingerprint = session.start(epoch).direct_api().local_dtls_fingerprint().clone();
        let to = |address, ice| Remote { address, ice, fingerprint: fingerprint.clone() };
        let mut publisher = Peer::new(&session, timeline, at, to(other, ice("abcd"))).unwrap();
        publisher.rtc.direct_api().set_local_ice_credentials(creds(&ice("efgh")));
        // The other one answers, as a server does.
        let mut subscriber = Peer::idle(&session, timeline, other, &to(at, ice("efgh"))).unwrap();
        let mut api = subscriber.rtc.direct_api();
        api.set_ice_controlling(false);
        api.set_local_ice_credentials(creds(&ice("abcd")));
        api.set_remote_ice_credentials(creds(&ice("efgh")));
        api.set_remote_fingerprint(fingerprint.clone());
        api.start_dtls(false).unwrap();
        Self {
            now: epoch,
            meter: Meter::new(RUN, epoch),
            publisher,
            subscriber,
            to_publisher: VecDeque::new(),
            to_subscriber: VecDeque::new(),
            media: 0,
        }
    }

    fn video(&mut self) {
        let source = Source::Video(Vp8::new(1_000_000, 30));
        let (ssrc, rtx_ssrc, mid) = (1_234, Some(5_678), "v0");
        let track = Track { stream: 7, ssrc, rtx_ssrc, mid: mid.into(), payload_type: 101, source };
        self.publisher.publish(self.now, track, RUN);
        let kind = MediaKind::Video;
        let expected = Expected { stream: 7, kind, ssrc, rtx_ssrc, mid: mid.into() };
        self.subscriber.subscribe(self.now, &expected);
    }

    fn audio(&mut self) {
        let source = Source::Audio(Opus::new(32_000));
        let (ssrc, rtx_ssrc, mid) = (4_321, None, "a0");
        let track = Track { stream: 9, ssrc, rtx_ssrc, mid: mid.into(), payload_type: 100, source };
        self.publisher.publish(self.now, track, RUN);
        let kind = MediaKind::Audio;
        let expected = Expected { stream: 9, kind, ssrc, rtx_ssrc, mid: mid.into() };
        self.subscriber.subscribe(self.now, &expected);
    }

    /// Plays so much time. What `loses` says of the how-manyth packet of media is true.
    fn play(&mut self, time: Duration, delay: Duration, loses: impl Fn(u64) -> bool) {
        let end = self.now + time;
        loop {
            let arrivals =
                [&self.to_publisher, &self.to_subscriber].map(|queue| queue.front().map(|(at, _)| *at));
            let timers = [self.publisher.poll_timeout(), self.subscriber.poll_timeout()];
            let next = arrivals.into_iter().chain(timers).flatten().min().unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            let Self { now, meter, publisher, subscriber, to_publisher, to_subscriber, media } = self;
            let now = *now;
            let mut down = Vec::new();
            let mut up = Vec::new();
            if to_subscriber.front().is_some_and(|(at, _)| *at <= now) {
                let (_, bytes) = to_subscriber.pop_front().unwrap();
                subscriber.receive(now, &bytes, meter, &mut |bytes| up.push(bytes.to_vec()));
            }
            if to_publisher.front().is_some_and(|(at, _)| *at <= now) {
                let (_, bytes) = to_publisher.pop_front().unwrap();
                publisher.receive(now, &bytes, meter, &mut |bytes| down.push(bytes.to_vec()));
            }
            if publisher.poll_timeout().is_some_and(|at| at <= now) {
                publisher.advance(now, meter, &mut |bytes| down.push(bytes.to_vec()));
            }
            if subscriber.poll_timeout().is_some_and(|at| at <= now) {
                subscriber.advance(now, meter, &mut |bytes| up.push(bytes.to_vec()));
            }
            for bytes in down {
                let is_media = bytes[0] >= 128 && (bytes[1] & 0x7f) >= 96;
                *media += u64::from(is_media);
                if !(is_media && loses(*media)) {
                    to_subscriber.push_back((now + delay, bytes));
                }
            }
            to_publisher.extend(up.into_iter().map(|bytes| (now + delay, bytes)));
        }
    }

    fn sent(&self) -> u64 {
        self.publisher.sent().map(|sent| sent.packets).sum()
    }
}

fn formats() -> Formats {
    let capabilities = serde_json::json!({
        "codecs": [
            { "kind": "audio", "mimeType": "audio/opus", "preferredPayloadType": 100, "clockRate": 48_000, "channels": 2 },
            { "kind": "video", "mimeType": "video/VP8", "preferredPayloadType": 101, "clockRate": 90_000 },
            { "kind": "video", "mimeType": "video/rtx", "preferredPayloadType": 102, "clockRate": 90_000, "parameters": { "apt": 101 } },
        ],
        "headerExtensions": [
            { "kind": "audio", "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "preferredId": 1 },
            { "kind": "video", "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "preferredId": 1 },
        ],
    });
    let formats = Formats::of(&serde_json::from_value::<RtpCapabilities>(capabilities).unwrap());
    assert_eq!((formats.opus, formats.vp8, formats.rtx), (Some(100), Some(101), Some(102)));
    formats
}

#[test]
fn on_a_link_without_loss_everything_comes_and_takes_as_long_as_the_link() {
    let mut pair = Pair::new();
    pair.video();
    pair.audio();
    pair.play(Duration::from_secs(5), DELAY, |_| false);
    pair.publisher.stop_publishing(pair.now);
    pair.play(Duration::from_secs(1), DELAY, |_| false);

    let timeline = pair.subscriber.timeline();
    assert!(timeline.ice_at.unwrap() <= timeline.dtls_at.unwrap());
    assert!(timeline.dtls_at.unwrap() < timeline.media_at.unwrap());
    for (subscription, sent) in pair.subscriber.subscriptions().iter().zip(pair.publisher.sent()) {
        let tracker = &subscription.tracker;
        assert_eq!((subscription.stream, tracker.came()), (sent.stream, sent.packets));
        assert_eq!((tracker.expected(sent.packets), tracker.holes()), (sent.packets, 0));
        assert_eq!(subscription.bytes, sent.bytes);
        assert_eq!(subscription.key_frame_at.is_some(), subscription.kind == MediaKind::Video);
        assert!(subscription.silence < Duration::from_millis(34), "{:?}", subscription.silence);
    }
    // Of four to five seconds.
    assert!((800..1_100).contains(&pair.sent()), "{}", pair.sent());
    let latency = pair.meter.while_joining.percentiles().unwrap();
    assert_eq!((latency.count, latency.max), (pair.sent(), crate::meter::nanos(DELAY)));
    assert_eq!(pair.meter.strange, 0);
}

#[test]
fn what_the_link_loses_is_repaired_where_that_is_possible_and_counted_where_it_is_not() {
    let mut pair = Pair::new();
    pair.audio();
    pair.video();
    pair.play(Duration::from_secs(4), DELAY, |_| false);
    let before = pair.media;
    pair.play(Duration::from_secs(4), DELAY, |media| (media - before) % 25 == 3);
    pair.publisher.stop_publishing(pair.now);
    pair.play(Duration::from_secs(1), DELAY, |_| false);

    let [audio, video] = pair.subscriber.subscriptions() else { panic!("there are two") };
    let sent: Vec<_> = pair.publisher.sent().map(|sent| sent.packets).collect();
    assert!(audio.tracker.holes() > 0 && video.tracker.holes() > 0);
    // There is no RTX for sound.
    assert_eq!(audio.tracker.expected(sent[0]) - audio.tracker.came(), audio.tracker.holes());
    assert!(video.tracker.late() > 0, "RTX brings pictures back");
    let worst = pair.meter.while_joining.percentiles().unwrap();
    assert!(worst.max > crate::meter::nanos(2 * DELAY), "and that takes time");
    let delay = crate::meter::nanos(DELAY);
    assert!((delay..=delay + delay / 64).contains(&worst.p50), "most is not lost");
}

#[test]
fn a_key_frame_comes_when_it_is_asked_for_and_not_more_often_than_encoders_make_them() {
    let mut pair = Pair::new();
    pair.video();
    pair.play(Duration::from_secs(2), DELAY, |_| false);
    let key_frames = |pair: &Pair| pair.publisher.sent().next().unwrap().key_frames;
    assert_eq!(key_frames(&pair), 1, "the first frame");
    for _ in 0..10 {
        let mut api = pair.subscriber.rtc.direct_api();
        api.stream_rx(&1_234.into()).unwrap().request_keyframe(str0m::media::KeyframeRequestKind::Pli);
        pair.play(Duration::from_millis(100), DELAY, |_| false);
    }
    assert_eq!(pair.publisher.sent().next().unwrap().key_frame_requests, 10);
    assert!((2..=5).contains(&key_frames(&pair)), "{}", key_frames(&pair));
}

#[test]
fn a_certificate_that_is_not_the_announced_one_ends_the_peer() {
    let mut pair = Pair::new();
    let mut wrong = pair.publisher.rtc.direct_api().local_dtls_fingerprint().clone();
    wrong.bytes.reverse();
    pair.publisher.rtc.direct_api().set_remote_fingerprint(wrong);
    pair.play(Duration::from_secs(3), DELAY, |_| false);
    assert!(matches!(pair.publisher.ended(), Some(Ended::Broken(_))));
    assert!(pair.publisher.timeline().dtls_at.is_none() && pair.publisher.poll_timeout().is_none());
}

#[test]
fn the_fingerprint_that_the_server_is_told_is_the_one_that_the_stack_shows() {
    let session = Session::new(RUN, Instant::now(), formats()).unwrap();
    let shown = session.start(Instant::now()).direct_api().local_dtls_fingerprint().clone();
    let hex: Vec<String> = shown.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(*session.fingerprint().value, hex.join(":"));
}

const RUN: u32 = 0xfeed;
const DELAY: Duration = Duration::from_millis(20);
