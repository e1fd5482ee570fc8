//! A sender that obeys REMBs, a link with a queue, and the estimate behind it, in virtual time.

use std::time::Duration;

use bwe::{Config, Rembs, RemoteEstimate};
use wire::rtp::values::AbsSendTime;
use wire::{Mono, Ssrc};

/// What happens on the way, each of it from the seed.
#[derive(Clone, Copy)]
struct Path {
    /// Bits per second over time: from second `.0` on it is `.1`.
    capacity: &'static [(u64, u64)],
    /// How long packets may wait before the link drops them.
    queue: Duration,
    /// Up to this much more delay behind the queue, packet by packet, in microseconds; it reorders.
    jitter_micros: u64,
    /// In thousandths, behind the queue.
    loss: u64,
    /// What the sender's clock shows at the start.
    sender_clock: Duration,
    /// What the camera gives at most.
    camera: u64,
}

const QUIET: Path = Path {
    capacity: &[(0, 2_000_000)],
    queue: Duration::from_millis(400),
    jitter_micros: 0,
    loss: 0,
    sender_clock: Duration::ZERO,
    camera: 10_000_000,
};

/// One second of a run.
struct Second {
    estimate: Option<u64>,
    /// The longest wait in the link's queue.
    waited: Duration,
    rembs: u32,
}

/// Plays `seconds` and says how each of them was.
fn play(path: &Path, seconds: u64) -> Vec<Second> {
    let mut room = Room::new(path);
    let mut report = Vec::new();
    for second in 0..seconds {
        room.rembs = 0;
        room.waited = Duration::ZERO;
        // The sender's pacer and the receiver both run every 5 ms.
        for tick in 0..200 {
            room.tick(
                second,
                Mono::from_nanos(START_NANOS) + Duration::from_millis(second * 1_000 + tick * 5),
            );
        }
        let estimate = room.estimate.estimate(room.now);
        report.push(Second { estimate, waited: room.waited, rembs: room.rembs });
    }
    report
}

struct Room<'a> {
    path: &'a Path,
    now: Mono,
    /// What the sender may send, and the REMBs on their way to it.
    allowed: u64,
    commands: Vec<(Mono, u64)>,
    credit_bits: u64,
    /// When the link has sent all that it holds.
    link_free: Mono,
    /// Arrival, and when it left by the sender's clock.
    in_flight: Vec<(Mono, AbsSendTime)>,
    estimate: RemoteEstimate,
    policy: Rembs,
    random: u64,
    rembs: u32,
    waited: Duration,
}

impl<'a> Room<'a> {
    fn new(path: &'a Path) -> Self {
        Self {
            path,
            now: Mono::ZERO,
            allowed: 300_000,
            commands: Vec::new(),
            credit_bits: 0,
            link_free: Mono::ZERO,
            in_flight: Vec::new(),
            estimate: RemoteEstimate::new(Config::default()),
            policy: Rembs::new(),
            random: 7,
            rembs: 0,
            waited: Duration::ZERO,
        }
    }

    fn tick(&mut self, second: u64, now: Mono) {
        self.now = now;
        let commands = std::mem::take(&mut self.commands);
        let (arrived, rest) = commands.into_iter().partition::<Vec<_>, _>(|&(at, _)| at <= now);
        self.commands = rest;
        if let Some(&(_, rate)) = arrived.last() {
            self.allowed = rate;
        }
        self.send(second);
        self.receive();
        let estimate = self.estimate.estimate(now);
        if let Some(rate) = self.policy.poll(now, estimate) {
            self.rembs += 1;
            self.commands.push((now + ONE_WAY, rate));
        }
        assert!(self.policy.next(now, estimate) > now, "nothing is left to say");
    }

    fn send(&mut self, second: u64) {
        let now_or_before = |&&(from, _): &&(u64, u64)| from <= second;
        let capacity =
            self.path.capacity.iter().rev().find(now_or_before).map_or(0, |&(_, capacity)| capacity);
        self.credit_bits += self.allowed.min(self.path.camera) / 200;
        while self.credit_bits >= PACKET_BITS {
            self.credit_bits -= PACKET_BITS;
            let begins = self.link_free.max(self.now);
            let waits = begins.since(self.now);
            if waits > self.path.queue {
                continue;
            }
            self.waited = self.waited.max(waits);
            self.link_free = begins + Duration::from_nanos(PACKET_BITS * 1_000_000_000 / capacity);
            if self.random() % 1_000 < self.path.loss {
                continue;
            }
            let jitter = self.random() % (self.path.jitter_micros + 1);
            let arrives = self.link_free + ONE_WAY + Duration::from_micros(jitter);
            self.in_flight.push((arrives, AbsSendTime::from_mono(self.now + self.path.sender_clock)));
        }
    }

    fn receive(&mut self) {
        self.in_flight.sort_by_key(|&(arrives, _)| arrives);
        let count = self.in_flight.partition_point(|&(arrives, _)| arrives <= self.now);
        for (arrived, sent) in self.in_flight.drain(..count) {
            self.estimate.packet(arrived, sent, PACKET_SIZE, Ssrc(5));
        }
    }

    fn random(&mut self) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }
}

/// The estimates lie around what the link takes: between 0.7 and 1.05 of it as a rule. To find the limit each climb has
/// to pass it, so the tip of one may be higher.
#[track_caller]
fn assert_near(seconds: &[Second], capacity: u64) {
    let estimates: Vec<_> = seconds.iter().map(|second| second.estimate.unwrap_or(0)).collect();
    let within = |upper: u64| {
        let range = capacity * 70 / 100..=capacity * upper / 100;
        estimates.iter().filter(|estimate| range.contains(estimate)).count()
    };
    assert_eq!(within(110), estimates.len(), "{capacity}: {estimates:?}");
    assert!(within(105) * 10 >= estimates.len() * 9, "{capacity}: {estimates:?}");
}

#[test]
fn it_settles_near_what_the_link_takes_and_leaves_its_queue_short() {
    for capacity in [&[(0, 400_000)][..], &[(0, 2_000_000)], &[(0, 8_000_000)]] {
        let seconds = play(&Path { capacity, ..QUIET }, 60);
        assert_near(&seconds[10..], capacity[0].1);
        let longest = seconds[10..].iter().map(|second| second.waited).max();
        assert!(longest < Some(Duration::from_millis(150)), "{longest:?}");
    }
}

#[test]
fn a_link_that_becomes_narrow_is_seen_within_two_seconds() {
    let seconds = play(&Path { capacity: &[(0, 2_500_000), (30, 1_000_000)], ..QUIET }, 60);
    assert_near(&seconds[10..30], 2_500_000);
    assert_near(&seconds[32..], 1_000_000);
}

#[test]
fn a_link_that_becomes_wide_is_used() {
    let seconds = play(&Path { capacity: &[(0, 500_000), (20, 3_000_000)], ..QUIET }, 90);
    assert_near(&seconds[10..20], 500_000);
    assert_near(&seconds[75..], 3_000_000);
}

#[test]
fn jitter_reordering_and_loss_do_not_drown_it() {
    for (jitter_micros, loss) in [(3_000, 0), (15_000, 0), (0, 50), (5_000, 20)] {
        let seconds = play(&Path { jitter_micros, loss, ..QUIET }, 60);
        // Loss is for the sender to judge: what the link takes is as it was.
        assert_near(&seconds[15..], 2_000_000);
    }
}

#[test]
fn the_senders_clock_wraps_unseen() {
    let plain = play(&QUIET, 30);
    let wrapping = play(&Path { sender_clock: Duration::from_millis(53_777), ..QUIET }, 30);
    assert_near(&wrapping[5..], 2_000_000);
    let differing = plain
        .iter()
        .zip(&wrapping)
        .filter(|(one, other)| one.estimate.unwrap_or(0).abs_diff(other.estimate.unwrap_or(0)) > 100_000);
    assert_eq!(differing.count(), 0, "the wrap at 10 s changes nothing but rounding");
}

#[test]
fn a_sender_below_the_limit_is_never_held_back() {
    let seconds = play(&Path { camera: 1_000_000, ..QUIET }, 30);
    assert!(seconds[3..].iter().all(|second| second.estimate >= Some(1_400_000)));
    assert!(seconds[3..].iter().all(|second| second.rembs == 1), "nothing to say but once a second");
}

const ONE_WAY: Duration = Duration::from_millis(25);
const PACKET_SIZE: usize = 1_200;
const PACKET_BITS: u64 = 9_600;
const START_NANOS: u64 = 5_000_000_000;
