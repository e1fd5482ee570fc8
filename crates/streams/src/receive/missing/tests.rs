use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const START: Mono = Mono::from_nanos(1_000_000_000);

fn ms(ms: u64) -> Mono {
    START + Duration::from_millis(ms)
}

fn poll(missing: &mut Missing, now: Mono) -> Vec<u16> {
    let mut out = Vec::new();
    missing.poll(now, None, &mut out);
    out
}

#[test]
fn what_is_missing_is_asked_for_after_its_patience_and_again_after_the_round_trip() {
    let mut missing = Missing::new();
    assert_eq!(missing.next_at(), None);
    assert_eq!(missing.jumped(65_535, 65_538, START), Gap::Listed);
    assert_eq!(missing.next_at(), Some(ms(10)));
    assert_eq!(poll(&mut missing, ms(9)), []);
    assert_eq!(missing.arrived(65_536), Some(0));
    assert_eq!(poll(&mut missing, ms(10)), [65_535, 1]);
    let mut asked = Vec::new();
    while let Some(at) = missing.next_at() {
        let numbers = poll(&mut missing, at);
        if !numbers.is_empty() {
            assert_eq!(numbers, [65_535, 1]);
            asked.push(at.since(START).as_millis());
        }
    }
    // On a timer of 40 ms, each time a round trip of 100 has passed.
    assert_eq!(asked, [120, 240, 360, 480, 600, 720, 840, 960, 1_080]);
    assert!(missing.is_empty());
}

#[test]
fn what_came_is_asked_for_no_more_and_once_only() {
    let mut missing = Missing::new();
    missing.jumped(5, 7, START);
    assert_eq!(poll(&mut missing, ms(10)), [5, 6]);
    assert_eq!(missing.arrived(5), Some(1));
    assert_eq!(missing.arrived(5), None);
    assert_eq!(missing.arrived(4), None);
    assert_eq!(poll(&mut missing, ms(400)), [6]);
    assert_eq!(missing.arrived(6), Some(2));
    assert_eq!(missing.next_at(), None);
}

#[test]
fn a_bad_moment_leaves_no_memory_behind() {
    let fill = || {
        let mut missing = Missing::new();
        missing.jumped(1_000, 1_900, START);
        missing
    };
    let (mut repaired, mut given_up, mut outdated, mut paused) = (fill(), fill(), fill(), fill());
    (1_000..1_900).for_each(|number| assert_eq!(repaired.arrived(number), Some(0)));
    while let Some(at) = given_up.next_at() {
        poll(&mut given_up, at);
    }
    outdated.jumped(20_000, 20_001, START);
    assert_eq!(outdated.arrived(20_000), Some(0));
    paused.clear();
    for missing in [repaired, given_up, outdated, paused] {
        assert!(missing.is_empty() && missing.entries.capacity() <= 32);
        assert_eq!(missing.next_at(), None);
    }
}

#[test]
fn too_much_missing_gives_up_what_lies_before_the_key_frame_or_all() {
    let mut missing = Missing::new();
    assert_eq!(missing.jumped(1_000, 1_900, START), Gap::Listed);
    missing.saw_key_frame(1_899);
    assert_eq!(missing.jumped(2_000, 2_900, START), Gap::Listed);
    assert_eq!(missing.len(), 901);
    assert_eq!(missing.jumped(3_000, 3_100, START), Gap::NeedsKeyFrame);
    assert_eq!((missing.len(), missing.next_at()), (0, None));
    assert_eq!(missing.jumped(4_000, 5_001, START), Gap::NeedsKeyFrame);
    assert_eq!(missing.jumped(4_000, 5_000, START), Gap::Listed);
    assert_eq!(missing.len(), LIMIT);
}

#[test]
fn what_is_very_old_is_given_up() {
    let mut missing = Missing::new();
    missing.jumped(1_000, 1_002, START);
    missing.jumped(11_000, 11_001, START);
    assert_eq!(missing.arrived(1_000), None);
    assert_eq!(missing.arrived(1_001), Some(0));
}

#[derive(Clone, Debug)]
enum Event {
    /// So many packets come, then so many are jumped over.
    Jump(u64, u64),
    /// The missing packet at that place of those that are, comes.
    Arrive(usize),
    /// That much time passes, in which the host polls when it was told to.
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    (0..3, 1_u64..300, 1_u64..400, any::<usize>()).prop_map(|(kind, some, more, any)| match kind {
        0 => Event::Jump(some, more),
        1 => Event::Arrive(any),
        _ => Event::Pass(some),
    })
}

/// What a list of everything says about each packet: when it was seen to be missing, and when it was asked for.
#[derive(Default)]
struct Ledger {
    open: BTreeMap<u64, (Mono, Vec<Mono>)>,
}

impl Ledger {
    fn asked(&mut self, now: Mono, numbers: &[u16], round_trip: Duration) {
        let newest = *self.open.last_key_value().expect("something is missing").0;
        for number in numbers {
            let behind = low(newest).wrapping_sub(*number);
            let (since, asked) = self.open.get_mut(&(newest - u64::from(behind))).expect("it is missing");
            assert!(now.since(*since) >= PATIENCE);
            match asked.last() {
                // The host is punctual, so the first time comes with the end of its patience.
                None => assert_eq!(now, *since + PATIENCE),
                Some(before) => {
                    assert!(now.since(*before) >= round_trip);
                    assert!(now.since(*before) <= round_trip.max(TIMER) + TIMER);
                }
            }
            asked.push(now);
            assert!(asked.len() <= usize::from(TRIES));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_is_asked_for_early_often_or_in_vain(
        events in prop::collection::vec(event(), 1..60),
        round_trip in 1_u64..300,
    ) {
        let round_trip = Duration::from_millis(round_trip);
        let (mut missing, mut ledger) = (Missing::new(), Ledger::default());
        let (mut now, mut highest, mut out) = (START, 70_000, Vec::new());
        for event in events {
            match event {
                Event::Jump(come, jump) => {
                    let (from, to) = (highest + come, highest + come + jump);
                    highest = to;
                    if missing.jumped(from, to, now) == Gap::NeedsKeyFrame {
                        ledger.open.clear();
                    } else {
                        ledger.open.extend((from..to).map(|number| (number, (now, Vec::new()))));
                    }
                    ledger.open.retain(|number, _| number + AGE_LIMIT >= to);
                }
                Event::Arrive(at) => {
                    let Some((number, _)) = ledger.open.iter().nth(at % ledger.open.len().max(1)) else { continue };
                    let (number, (_, asked)) = ledger.open.remove_entry(&number.clone()).unwrap();
                    let expected = u8::try_from(asked.len()).unwrap();
                    // Given up after its last try, when the timer found it unanswered.
                    let arrived = missing.arrived(number);
                    prop_assert!(arrived == Some(expected) || arrived.is_none() && expected == TRIES);
                    prop_assert_eq!(missing.arrived(number), None);
                }
                Event::Pass(ms) => {
                    let until = now + Duration::from_millis(ms);
                    while let Some(at) = missing.next_at().filter(|at| *at <= until) {
                        out.clear();
                        missing.poll(at, Some(round_trip), &mut out);
                        ledger.asked(at, &out, round_trip);
                        prop_assert!(missing.next_at().is_none_or(|next| next > at));
                    }
                    now = until;
                }
            }
            prop_assert!(missing.len() <= LIMIT);
        }
    }
}
