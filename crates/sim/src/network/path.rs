//! A directed path: its conditions, and what becomes of each packet.

use core::time::Duration;

use wire::Mono;

use super::loss::Losing;
use super::rate::Link;
use super::{Loss, Rate};
use crate::random::{Chance, Random};

/// How a path is. The default is perfect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// What is lost; with several ways, whatever any of them loses.
    pub losses: Vec<Loss>,
    /// What every packet takes.
    pub delay: Duration,
    /// What a packet takes beyond that, at most: evenly distributed, but nobody overtakes.
    pub jitter: Duration,
    /// That a packet is held back so that others overtake it.
    pub reordering: Chance,
    /// For how long it is held back.
    pub held_back: Duration,
    /// That a packet arrives twice.
    pub duplication: Chance,
    /// How much later the second arrives, at most.
    pub again_within: Duration,
    /// What the link carries; without, anything at once.
    pub rate: Option<Rate>,
}

impl Conditions {
    /// Perfect, but late by so much.
    #[must_use]
    pub fn delaying(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Perfect, but for one way to lose packets.
    #[must_use]
    pub fn losing(loss: Loss) -> Self {
        Self { losses: vec![loss], ..Self::default() }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It arrives.
    Arrives {
        /// When.
        at: Mono,
        /// And once more, if it does: then, which is not before.
        again: Option<Mono>,
    },
    /// It never does.
    Lost(Cause),
}

/// Why a packet never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One of the losses.
    Loss,
    /// The link's queue was full.
    Queue,
    /// [`Path::drop_next`].
    Order,
}

/// What became of all packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sent.
    pub sent: u64,
    /// Of them, lost by chance or on order.
    pub lost: u64,
    /// Of them, refused by a full queue.
    pub refused: u64,
    /// Of those that arrived, held back.
    pub held_back: u64,
    /// Of those that arrived, doubled.
    pub doubled: u64,
}

/// A directed path.
#[derive(Clone, Debug)]
pub struct Path {
    conditions: Conditions,
    seed: u64,
    losing: Vec<Losing>,
    link: Option<Link>,
    jitter: Random,
    order: Random,
    doubles: Random,
    /// The latest arrival that nobody may come before, except those that chance lets overtake.
    last_arrival: Mono,
    drop_next: u32,
    tally: Tally,
}

impl Path {
    /// A path that nothing was sent on. Paths of one seed behave the same.
    #[must_use]
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        let mut path = Self {
            conditions: Conditions::default(),
            seed,
            losing: Vec::new(),
            link: None,
            jitter: Random::of(seed, JITTER),
            order: Random::of(seed, ORDER),
            doubles: Random::of(seed, DOUBLES),
            last_arrival: Mono::ZERO,
            drop_next: 0,
            tally: Tally::default(),
        };
        path.change(conditions);
        path
    }

    /// From now on the path is like that. What is under way arrives as it was said, and nothing comes before it; the
    /// models of loss and the link begin anew where they changed.
    pub fn change(&mut self, conditions: Conditions) {
        if conditions.losses != self.conditions.losses {
            let numbered = conditions.losses.iter().zip(LOSS..);
            self.losing = numbered.map(|(loss, n)| Losing::new(*loss, Random::of(self.seed, n))).collect();
        }
        if conditions.rate != self.conditions.rate {
            self.link = conditions.rate.map(Link::new);
        }
        self.conditions = conditions;
    }

    /// How it is.
    #[must_use]
    pub const fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The next so many packets are lost, beside those that chance takes.
    pub const fn drop_next(&mut self, packets: u32) {
        self.drop_next = packets;
    }

    /// What becomes of a packet of `len` bytes of UDP payload that is sent now. Calls are in the order of `now`.
    pub fn send(&mut self, now: Mono, len: usize) -> Passage {
        self.tally.sent += 1;
        // Everybody draws for every packet, whatever the others say, so that what they draw depends on nothing else.
        let lost = self.losing.iter_mut().fold(false, |lost, losing| losing.next() | lost);
        let jitter = self.jitter.up_to(self.conditions.jitter);
        let is_held_back = self.order.happens(self.conditions.reordering);
        let is_doubled = self.doubles.happens(self.conditions.duplication);
        let later = self.doubles.up_to(self.conditions.again_within);
        let on_order = self.drop_next > 0;
        self.drop_next = self.drop_next.saturating_sub(1);
        if lost || on_order {
            self.tally.lost += 1;
            return Passage::Lost(if lost { Cause::Loss } else { Cause::Order });
        }
        let Some(left) = self.link.as_mut().map_or(Some(now), |link| link.pass(now, len)) else {
            self.tally.refused += 1;
            return Passage::Lost(Cause::Queue);
        };
        let mut at = (left + self.conditions.delay + jitter).max(self.last_arrival);
        if is_held_back {
            self.tally.held_back += 1;
            at += self.conditions.held_back;
        } else {
            self.last_arrival = at;
        }
        self.tally.doubled += u64::from(is_doubled);
        Passage::Arrives { at, again: is_doubled.then(|| at + later) }
    }

    /// What became of all packets so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }
}

// What each generator is for; the losses are numbered from theirs on.
const JITTER: u64 = 1;
const ORDER: u64 = 2;
const DOUBLES: u64 = 3;
const LOSS: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    /// Everything at once.
    fn awful() -> Conditions {
        Conditions {
            losses: vec![
                Loss::Random(Chance::percent(3)),
                Loss::Bursts { begins: Chance::per_million(2_000), length: 5 },
            ],
            delay: 40 * MILLI,
            jitter: 10 * MILLI,
            reordering: Chance::percent(2),
            held_back: 15 * MILLI,
            duplication: Chance::percent(1),
            again_within: 5 * MILLI,
            rate: Some(Rate { bits_per_second: 2_000_000, queue_bytes: 30_000 }),
        }
    }

    /// A packet of a kilobyte every 5 ms.
    fn play(path: &mut Path, packets: u64) -> Vec<Passage> {
        (0..packets).map(|n| path.send(Mono::from_nanos(n * 5_000_000), 1_000)).collect()
    }

    fn lost(passages: &[Passage]) -> Vec<usize> {
        (0..passages.len()).filter(|n| matches!(passages[*n], Passage::Lost(_))).collect()
    }

    #[test]
    fn one_seed_one_result() {
        let played = |seed| play(&mut Path::new(awful(), seed), 5_000);
        assert_eq!(played(1), played(1));
        assert_ne!(played(1), played(2));
    }

    #[test]
    fn the_same_packets_are_lost_whatever_else_is_switched_on() {
        let only_loss = Conditions { losses: awful().losses, ..Conditions::default() };
        let awful = play(&mut Path::new(awful(), 9), 5_000);
        let lost_in_both = (lost(&awful), lost(&play(&mut Path::new(only_loss, 9), 5_000)));
        assert!(!lost_in_both.0.is_empty());
        assert_eq!(lost_in_both.0, lost_in_both.1);
    }

    #[test]
    fn a_perfect_path_is_perfect() {
        let at = |n: u64| Mono::from_nanos(n * 5_000_000);
        let passages = play(&mut Path::new(Conditions::default(), 3), 100);
        assert!((0..).zip(&passages).all(|(n, p)| *p == Passage::Arrives { at: at(n), again: None }));
    }

    #[test]
    fn jitter_delays_and_lets_nobody_overtake() {
        let conditions = Conditions { delay: 40 * MILLI, jitter: 30 * MILLI, ..Conditions::default() };
        let passages = play(&mut Path::new(conditions, 3), 1_000);
        let arrivals: Vec<Mono> = passages
            .iter()
            .map(|passage| match passage {
                Passage::Arrives { at, .. } => *at,
                Passage::Lost(cause) => panic!("{cause:?}"),
            })
            .collect();
        assert!(arrivals.is_sorted());
        let sent = |n: u64| Mono::from_nanos(n * 5_000_000);
        let took: Vec<Duration> = (0..).zip(&arrivals).map(|(n, at)| at.since(sent(n))).collect();
        assert!(took.iter().all(|took| (40 * MILLI..70 * MILLI).contains(took)));
        assert!(took.iter().any(|took| *took > 60 * MILLI) && took.iter().any(|took| *took < 50 * MILLI));
    }

    #[test]
    fn some_are_held_back_and_some_come_twice() {
        let conditions = Conditions { rate: None, losses: Vec::new(), ..awful() };
        let mut path = Path::new(conditions, 4);
        let passages = play(&mut path, 10_000);
        let arrivals: Vec<(Mono, Option<Mono>)> = passages
            .iter()
            .filter_map(|passage| match passage {
                Passage::Arrives { at, again } => Some((*at, *again)),
                Passage::Lost(_) => None,
            })
            .collect();
        let overtaken = arrivals.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
        assert!((150..250).contains(&overtaken), "{overtaken} of 10,000 at 2 %");
        let doubled = arrivals.iter().filter(|(at, again)| again.is_some_and(|again| again >= *at)).count();
        assert!((70..130).contains(&doubled), "{doubled} of 10,000 at 1 %");
        assert_eq!(path.tally().doubled, doubled as u64);
    }

    #[test]
    fn a_full_queue_refuses_and_the_rest_is_late() {
        let rate = Some(Rate { bits_per_second: 1_000_000, queue_bytes: 20_000 });
        let mut path = Path::new(Conditions { rate, ..Conditions::default() }, 4);
        // 1028 bytes every 5 ms are 1.64 Mbit/s.
        let passages = play(&mut path, 2_000);
        let refused = path.tally().refused;
        assert!((700..850).contains(&refused), "{refused}: 39 % do not fit");
        let Some(Passage::Arrives { at, .. }) =
            passages.iter().rev().find(|p| !matches!(p, Passage::Lost(_)))
        else {
            panic!("nothing arrived")
        };
        assert!(at.since(Mono::from_nanos(1_999 * 5_000_000)) > 100 * MILLI);
    }

    #[test]
    fn conditions_change_on_the_way_and_packets_are_dropped_on_order() {
        let mut path = Path::new(Conditions::delaying(50 * MILLI), 1);
        path.drop_next(2);
        let passages = play(&mut path, 3);
        assert_eq!(lost(&passages), [0, 1]);
        path.change(Conditions::delaying(MILLI));
        let Passage::Arrives { at, .. } = path.send(Mono::from_nanos(15_000_000), 100) else {
            panic!("nothing is lost")
        };
        assert_eq!(at, Mono::from_nanos(60_000_000), "nobody comes before what is under way");
    }
}
