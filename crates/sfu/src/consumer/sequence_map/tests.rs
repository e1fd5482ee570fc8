use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[test]
fn drops_close_up_and_losses_keep_their_places() {
    let mut map = starting_at(1_000);
    assert_eq!(outputs(&mut map, &[10, 11]), [Ok(1_000), Ok(1_001)]);
    map.close(13);
    assert_eq!(outputs(&mut map, &[14, 12]), [Ok(1_003), Ok(1_002)], "12 was late, 13 was taken out");
    assert_eq!(
        outputs(&mut map, &[13, 12, 9]),
        [Err(DropReason::ClosedUp), Err(DropReason::Duplicate), Err(DropReason::TooLate)]
    );
}

#[test]
fn a_place_that_was_counted_on_stays_open() {
    let mut map = starting_at(1_000);
    assert_eq!(outputs(&mut map, &[10, 12]), [Ok(1_000), Ok(1_002)]);
    map.close(11);
    assert_eq!(outputs(&mut map, &[13]), [Ok(1_003)]);
}

#[test]
fn after_a_pause_numbers_go_on_and_a_packet_from_before_it_finds_its_place() {
    let mut map = starting_at(1_000);
    assert_eq!(outputs(&mut map, &[10, 12]), [Ok(1_000), Ok(1_002)]);
    map.resume();
    assert_eq!(outputs(&mut map, &[11, 90, 91]), [Ok(1_001), Ok(1_003), Ok(1_004)]);
    assert_eq!(outputs(&mut map, &[50]), [Err(DropReason::ClosedUp)]);
    map.resume();
    assert_eq!(outputs(&mut map, &[1_000_000, 91]), [Ok(1_005), Err(DropReason::TooLate)]);
}

#[test]
fn another_run_follows_directly() {
    let mut map = starting_at(0);
    assert_eq!(outputs(&mut map, &[70_000, 70_001]), [Ok(0), Ok(1)]);
    map.restart();
    assert_eq!(outputs(&mut map, &[5, 4, 6]), [Ok(2), Err(DropReason::TooLate), Ok(3)]);
}

#[test]
fn indices_end_and_do_not_begin_again() {
    let mut map = starting_at(PacketIndex::MAX.value() - 1);
    assert_eq!(
        outputs(&mut map, &[7, 9, 8, 9]),
        [
            Ok(PacketIndex::MAX.value() - 1),
            Err(DropReason::Exhausted),
            Ok(PacketIndex::MAX.value()),
            Err(DropReason::Exhausted),
        ]
    );
}

proptest! {
    #[test]
    fn agrees_with_the_model(first in 0_u64..40_000, steps in prop::collection::vec(step(), 1..400)) {
        let mut map = starting_at(first);
        let mut model = Model { next: first, ..Model::default() };
        let mut at = 1_u64 << 16;
        let mut all = BTreeSet::new();
        for step in steps {
            match step {
                Step::Restart => {
                    map.restart();
                    model.run = None;
                    at = (at * 7) % 100_000;
                }
                Step::Resume => {
                    map.resume();
                    model.resuming = true;
                }
                Step::Close(by) => {
                    at = at.saturating_add_signed(by);
                    map.close(at);
                    model.close(at);
                }
                Step::Map(by) => {
                    at = at.saturating_add_signed(by);
                    let output = map.map(at).ok().map(PacketIndex::value);
                    prop_assert_eq!(output, model.map(at), "input {}", at);
                    prop_assert!(output.is_none_or(|output| all.insert(output)), "given twice");
                    prop_assert!(model.is_monotone());
                }
            }
        }
    }
}

/// Everything about a run: which numbers have an output kept for them, which were given.
#[derive(Default)]
struct Model {
    next: u64,
    resuming: bool,
    run: Option<Run>,
}

struct Run {
    head: u64,
    places: BTreeMap<u64, u64>,
    given: BTreeMap<u64, u64>,
}

impl Model {
    fn close(&mut self, input: u64) {
        let Some(run) = self.run.as_mut().filter(|run| !self.resuming && input > run.head) else { return };
        for number in run.head + 1..input {
            run.places.insert(number, self.next);
            self.next += 1;
        }
        run.head = input;
    }

    fn map(&mut self, input: u64) -> Option<u64> {
        let Some(run) = &mut self.run else {
            let places = BTreeMap::from([(input, self.next)]);
            self.run = Some(Run { head: input, given: places.clone(), places });
            self.next += 1;
            self.resuming = false;
            return Some(self.next - 1);
        };
        if input > run.head {
            let first = if self.resuming { input } else { run.head + 1 };
            for number in first..=input {
                run.places.insert(number, self.next);
                self.next += 1;
            }
            run.head = input;
            self.resuming = false;
        } else if run.head - input >= WINDOW || run.given.contains_key(&input) {
            return None;
        }
        let output = *run.places.get(&input)?;
        run.given.insert(input, output);
        Some(output)
    }

    fn is_monotone(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.given.values().is_sorted_by(|one, other| one < other))
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Map(i64),
    Close(i64),
    Resume,
    Restart,
}

#[expect(clippy::disallowed_types, reason = "prop_oneof! shares its strategies within one thread")]
fn step() -> impl Strategy<Value = Step> {
    let by = || prop_oneof![10 => Just(1), 6 => -6_i64..8, 1 => -1_200_i64..1_200];
    prop_oneof![
        12 => by().prop_map(Step::Map),
        4 => by().prop_map(Step::Close),
        1 => Just(Step::Resume),
        1 => Just(Step::Restart),
    ]
}

fn starting_at(first: u64) -> SequenceMap {
    SequenceMap::starting_at(PacketIndex::new(first).unwrap())
}

fn outputs(map: &mut SequenceMap, inputs: &[u64]) -> Vec<Result<u64, DropReason>> {
    inputs.iter().map(|input| map.map(*input).map(PacketIndex::value)).collect()
}
