use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const fn at(run: u32, sequence: u64) -> At {
    At { run, sequence }
}

fn ms(ms: u64) -> Mono {
    Mono::from_nanos(ms * 1_000_000)
}

/// A store whose slots are numbered as they come, with what left it.
struct Room {
    store: Store<u64, u8>,
    next: u64,
    left: Vec<u64>,
}

impl Room {
    const fn new(keeping: Keeping) -> Self {
        Self { store: Store::new(keeping), next: 0, left: Vec::new() }
    }

    fn insert(&mut self, now: Mono, at: At) -> Result<u64, NotKept> {
        let slot = self.next;
        self.next += 1;
        let Self { store, left, .. } = self;
        store.insert(now, at, (slot, 0), &mut |slot| left.push(slot)).map(|()| slot)
    }
}

#[test]
fn what_is_kept_is_found_by_the_end_of_its_number_until_its_time_is_over() {
    let mut room = Room::new(Keeping::Video);
    for (time, sequence) in (0..).zip(65_530..65_550_u64) {
        room.insert(ms(time * 100), at(3, sequence)).unwrap();
    }
    assert_eq!(room.store.get(3, 5).map(|kept| (kept.sequence, kept.slot)), Some((65_541, 11)));
    assert_eq!(room.store.get(3, 65_530).map(|kept| kept.slot), Some(0));
    assert_eq!((room.store.get(2, 5), room.store.get(3, 14), room.store.get(3, 65_529)), (None, None, None));
    room.store.expire(ms(2_000), &mut |slot| room.left.push(slot));
    assert!(room.left.is_empty());
    room.store.expire(ms(2_150), &mut |slot| room.left.push(slot));
    assert_eq!(room.left, [0, 1]);
    assert_eq!(room.store.get(3, 65_531), None);
    let mut audio = Room::new(Keeping::Audio);
    audio.insert(ms(0), at(0, 0)).unwrap();
    audio.insert(ms(1_001), at(0, 1)).unwrap();
    assert_eq!(audio.left, [0]);
}

#[test]
fn a_late_packet_has_its_place_and_none_once_its_neighbours_left() {
    let mut room = Room::new(Keeping::Video);
    room.insert(ms(0), at(0, 10)).unwrap();
    room.insert(ms(0), at(0, 12)).unwrap();
    room.insert(ms(1), at(0, 11)).unwrap();
    room.insert(ms(1), at(0, 9)).unwrap();
    assert_eq!(room.insert(ms(2), at(0, 11)), Err(NotKept::Duplicate));
    assert_eq!(room.store.get(0, 9).map(|kept| kept.slot), Some(3));
    room.insert(ms(2_002), at(0, 13)).unwrap();
    assert_eq!((&room.left[..], room.store.len()), (&[3, 0, 2, 1][..], 1));
    assert_eq!(room.insert(ms(2_002), at(0, 12)), Err(NotKept::TooOld));
}

#[test]
fn a_restart_empties_it_and_the_numbers_begin_anew() {
    let mut room = Room::new(Keeping::Video);
    for sequence in 0..200 {
        room.insert(ms(0), at(0, 70_000 + sequence)).unwrap();
    }
    room.insert(ms(1), at(1, 100)).unwrap();
    assert_eq!((room.left.len(), room.store.len()), (200, 1));
    assert!(room.store.get(1, 100).is_some());
    assert!(room.store.get(0, 4_464).is_none());
}

#[test]
fn it_holds_so_many_and_so_far_apart() {
    let mut room = Room::new(Keeping::Video);
    for sequence in 0..3_000 {
        room.insert(ms(0), at(0, sequence)).unwrap();
    }
    assert_eq!(room.store.len(), PACKETS_LIMIT);
    assert_eq!(room.left, (0..500).collect::<Vec<_>>());
    room.insert(ms(0), at(0, 6_000)).unwrap();
    assert_eq!(room.store.get(0, 1_904), None);
    assert!(room.store.get(0, 1_905).is_some());
    assert_eq!(room.insert(ms(0), at(0, 1_904)), Err(NotKept::TooOld));
}

#[test]
fn a_ring_that_has_its_size_keeps_it() {
    let mut room = Room::new(Keeping::Video);
    let (mut sequence, mut sizes) = (0, Vec::new());
    for time in 0..6_000 {
        // 157 packets a second, of 1200 bytes: 1.5 Mbit/s.
        while sequence * 1_000 < time * 157 {
            room.insert(ms(time), at(0, sequence)).unwrap();
            sequence += 1;
        }
        sizes.push(room.store.memory());
    }
    assert_eq!((room.store.len(), sizes[2_500]), (315, sizes[5_999]));
    assert_eq!(room.store.ring.len(), 512);
}

#[test]
fn packets_taken_out_before_their_time_leave_the_others_in_place() {
    let mut room = Room::new(Keeping::Video);
    for sequence in 0..10 {
        room.insert(ms(0), at(0, sequence)).unwrap();
    }
    assert_eq!(room.store.remove(at(0, 5)), Some(5));
    assert_eq!((room.store.remove(at(0, 5)), room.store.remove(at(1, 4))), (None, None));
    assert_eq!(room.store.remove(at(0, 0)), Some(0));
    assert_eq!(room.store.lowest, 1);
    assert_eq!(room.insert(ms(0), at(0, 0)), Err(NotKept::TooOld));
    assert_eq!((room.store.len(), room.store.get(0, 6).map(|kept| kept.slot)), (8, Some(6)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert { advance: i64, ms: u64 },
    Restart,
    Remove { back: u64 },
    Expire { ms: u64 },
}

/// Mostly packets in order, with reordering, leaps and what else there is in between.
fn step((kind, advance, ms): (u8, i64, u64)) -> Step {
    match kind {
        0 => Step::Restart,
        1 => Step::Expire { ms: ms * 70 },
        2..6 => Step::Remove { back: ms * 15 },
        6 => Step::Insert { advance: 3_000, ms },
        7..10 => Step::Insert { advance, ms },
        10..16 => Step::Insert { advance: advance % 40, ms },
        _ => Step::Insert { advance: 1, ms },
    }
}

/// The same, by lists.
#[derive(Default)]
struct Model {
    run: u32,
    kept: BTreeMap<u64, (Mono, u64)>,
    floor: u64,
    left: Vec<u64>,
}

impl Model {
    fn pop(&mut self) {
        let (sequence, (_, slot)) = self.kept.pop_first().unwrap();
        self.floor = sequence + 1;
        self.left.push(slot);
    }

    fn expire(&mut self, now: Mono) {
        while self.kept.first_key_value().is_some_and(|(_, (at, _))| now.since(*at) > Duration::from_secs(2))
        {
            self.pop();
        }
    }

    fn insert(&mut self, now: Mono, at: At, slot: u64) -> Result<u64, NotKept> {
        if at.run != self.run {
            while !self.kept.is_empty() {
                self.pop();
            }
            (self.run, self.floor) = (at.run, 0);
        }
        self.expire(now);
        let end =
            |model: &Self| model.kept.last_key_value().map_or(0, |(last, _)| *last).max(at.sequence) + 1;
        if at.sequence < self.floor {
            return Err(NotKept::TooOld);
        }
        while self.kept.first_key_value().is_some_and(|(first, _)| end(self) - first > SPAN_LIMIT) {
            self.pop();
        }
        if end(self) - at.sequence > SPAN_LIMIT || at.sequence < self.floor {
            return Err(NotKept::TooOld);
        }
        if self.kept.contains_key(&at.sequence) {
            return Err(NotKept::Duplicate);
        }
        self.kept.insert(at.sequence, (now, slot));
        if self.kept.len() > PACKETS_LIMIT {
            self.pop();
        }
        Ok(slot)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn it_holds_what_a_list_would_hold(steps in prop::collection::vec((0..40_u8, -1_500..3_000_i64, 0..20_u64).prop_map(step), 1..800)) {
        let (mut room, mut model) = (Room::new(Keeping::Video), Model::default());
        let (mut now, mut run, mut head) = (ms(0), 0, 70_000_u64);
        for step in steps {
            match step {
                Step::Insert { advance, ms } => {
                    now += Duration::from_millis(ms);
                    let sequence = head.saturating_add_signed(advance);
                    head = head.max(sequence);
                    let expected = model.insert(now, at(run, sequence), room.next);
                    prop_assert_eq!(room.insert(now, at(run, sequence)), expected);
                }
                Step::Restart => (run, head) = (run + 1, head % 65_536 + 65_536),
                Step::Remove { back } => {
                    let sequence = head - back.min(head);
                    let was_first = model.kept.first_key_value().is_some_and(|(first, _)| *first == sequence);
                    let expected = (run == model.run).then(|| model.kept.remove(&sequence)).flatten();
                    if expected.is_some() && was_first {
                        model.floor = sequence + 1;
                    }
                    prop_assert_eq!(room.store.remove(at(run, sequence)), expected.map(|(_, slot)| slot));
                }
                Step::Expire { ms } => {
                    now += Duration::from_millis(ms);
                    room.store.expire(now, &mut |slot| room.left.push(slot));
                    model.expire(now);
                }
            }
            prop_assert_eq!(&room.left, &model.left);
            prop_assert_eq!(room.store.len(), model.kept.len());
            if let Some((first, _)) = model.kept.first_key_value() {
                prop_assert_eq!(room.store.lowest, *first);
            }
        }
        for (sequence, (_, slot)) in &model.kept {
            let found = room.store.get(low(u64::from(model.run)), low(*sequence)).map(|kept| (kept.sequence, kept.slot));
            prop_assert_eq!(found, Some((*sequence, *slot)));
        }
        let before = model.left.len() + model.kept.len();
        room.store.clear(&mut |slot| room.left.push(slot));
        prop_assert_eq!(room.left.len(), before);
    }
}
