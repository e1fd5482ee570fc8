use core::hash::BuildHasherDefault;
use std::hash::DefaultHasher;

use proptest::prelude::*;

use super::super::ring::{Consumer, ring};
use super::*;

/// A level is a state, the newest of which counts. A mark is an event that must be seen, at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Level,
    Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    about: u8,
    kind: Kind,
    number: usize,
}

impl Fact for Said {
    type Key = u8;
    const DISTINCT: usize = 4;

    fn key(&self) -> u8 {
        self.about
    }

    fn absorb(&mut self, newer: Self) -> Result<(), Self> {
        if (self.kind, newer.kind) == (Kind::Level, Kind::Level) {
            *self = newer;
            return Ok(());
        }
        Err(newer)
    }
}

type Hasher = BuildHasherDefault<DefaultHasher>;

fn lane(capacity: usize, entities: usize) -> (FactSender<Said, Hasher>, Consumer<Said>) {
    let (producer, consumer) = ring(capacity);
    (FactSender::new(producer, entities, Hasher::default()), consumer)
}

fn level(about: u8, number: usize) -> Said {
    Said { about, kind: Kind::Level, number }
}

fn mark(about: u8, number: usize) -> Said {
    Said { about, kind: Kind::Mark, number }
}

#[test]
fn only_the_newest_of_a_tick_leaves() {
    let (mut sender, mut receiver) = lane(4, 4);
    for fact in [level(1, 1), level(2, 2), level(1, 3), level(1, 4)] {
        sender.set(fact).unwrap();
    }
    assert_eq!((sender.waiting(), receiver.pop()), (2, None));
    assert_eq!((sender.flush(), sender.flush()), (2, 0));
    assert_eq!(receiver.batch(9).collect::<Vec<_>>(), [level(1, 4), level(2, 2)]);
    assert_eq!(*sender.counters(), FactCounters { sent: 2, coalesced: 2, refused: 0, most_waiting: 2 });
}

#[test]
fn what_is_settled_is_counted_as_sent_and_seen_once_it_is_flushed() {
    let (mut sender, mut receiver) = lane(1, 4);
    sender.set(level(1, 1)).unwrap();
    sender.set(level(2, 2)).unwrap();
    sender.settle();
    assert_eq!((sender.waiting(), sender.counters().sent, receiver.pop()), (1, 1, None));
    assert_eq!((sender.flush(), sender.counters().sent), (1, 1));
    assert_eq!(receiver.pop(), Some(level(1, 1)));
}

#[test]
fn what_finds_the_ring_full_waits_and_is_still_updated() {
    let (mut sender, mut receiver) = lane(1, 4);
    sender.set(level(1, 1)).unwrap();
    sender.set(level(2, 2)).unwrap();
    assert_eq!(sender.flush(), 1);
    sender.set(level(2, 3)).unwrap();
    sender.set(level(1, 4)).unwrap();
    assert_eq!((sender.flush(), sender.waiting()), (0, 2));
    assert_eq!(receiver.pop(), Some(level(1, 1)));
    assert_eq!(sender.flush(), 1);
    assert_eq!(receiver.pop(), Some(level(2, 3)));
    assert_eq!(sender.flush(), 1);
    assert_eq!(receiver.pop(), Some(level(1, 4)));
}

#[test]
fn facts_that_do_not_absorb_each_other_stay_in_order() {
    let (mut sender, mut receiver) = lane(8, 4);
    let said = [level(1, 1), mark(1, 2), level(1, 3), level(1, 4), mark(1, 5)];
    said.into_iter().for_each(|fact| sender.set(fact).unwrap());
    sender.flush();
    assert_eq!(receiver.batch(9).collect::<Vec<_>>(), [level(1, 1), mark(1, 2), level(1, 4), mark(1, 5)]);
}

#[test]
fn a_fact_that_leaves_does_not_hide_the_newer_one_behind_it() {
    let (mut sender, mut receiver) = lane(1, 4);
    [level(1, 1), mark(1, 2), level(1, 3)].into_iter().for_each(|fact| sender.set(fact).unwrap());
    sender.flush();
    sender.set(level(1, 4)).unwrap();
    assert_eq!(sender.waiting(), 2);
    let mut got = Vec::new();
    while let Some(fact) = receiver.pop() {
        got.push(fact);
        sender.flush();
    }
    assert_eq!(got, [level(1, 1), mark(1, 2), level(1, 4)]);
}

#[test]
fn beyond_the_promised_number_of_entities_a_fact_comes_back() {
    let (mut sender, receiver) = lane(1, 1);
    for number in 0..Said::DISTINCT {
        sender.set(mark(1, number)).unwrap();
    }
    assert_eq!(sender.set(mark(1, 9)), Err(mark(1, 9)));
    assert_eq!((sender.waiting(), sender.counters().refused), (sender.bound(), 1));
    drop(receiver);
    assert!(sender.ring().is_abandoned());
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Set { about: u8, kind: Kind },
    Flush,
    Receive { most: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![3 => Just(Kind::Level), 1 => Just(Kind::Mark)];
    prop_oneof![
        4 => (0..4_u8, kind).prop_map(|(about, kind)| Step::Set { about, kind }),
        1 => Just(Step::Flush),
        1 => (1..4_usize).prop_map(|most| Step::Receive { most }),
    ]
}

/// What one entity's receiver must have seen of `said`, and may have: whether `got` is within that.
fn is_faithful(said: &[Said], got: &[Said]) -> bool {
    let mut got = got.iter().peekable();
    let mut said = said.iter().peekable();
    while let Some(fact) = said.next() {
        let seen = got.next_if_eq(&fact).is_some();
        let superseded = fact.kind == Kind::Level && said.peek().is_some_and(|next| next.kind == Kind::Level);
        if !seen && !superseded {
            return false;
        }
    }
    got.next().is_none()
}

proptest! {
    // An interpreter takes seconds for each case.
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    /// Every entity's marks and last levels arrive, in order and nothing else; never more wait than the
    /// bound, and a fact comes back only at the bound.
    #[test]
    fn no_fact_is_lost(
        capacity in 1..5_usize,
        entities in 1..5_usize,
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let (mut sender, mut receiver) = lane(capacity, entities);
        let (mut said, mut got) = (Vec::new(), Vec::new());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Set { about, kind } => {
                    let fact = Said { about, kind, number };
                    match sender.set(fact) {
                        Ok(()) => said.push(fact),
                        Err(back) => {
                            prop_assert_eq!(back, fact);
                            prop_assert_eq!(sender.waiting(), sender.bound());
                        }
                    }
                }
                Step::Flush => {
                    sender.flush();
                }
                Step::Receive { most } => got.extend(receiver.batch(most)),
            }
            prop_assert!(sender.waiting() <= sender.bound());
        }
        while sender.flush() > 0 || !receiver.is_empty() {
            got.extend(receiver.batch(1));
        }
        prop_assert_eq!(sender.waiting(), 0);
        for about in 0..4 {
            let of = |facts: &[Said]| facts.iter().filter(|f| f.about == about).copied().collect::<Vec<_>>();
            prop_assert!(is_faithful(&of(&said), &of(&got)), "said {:?}, got {:?}", of(&said), of(&got));
        }
    }
}
