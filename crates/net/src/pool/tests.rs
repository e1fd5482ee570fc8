use std::collections::VecDeque;
use std::sync::mpsc;

use proptest::prelude::*;

use super::*;

fn pool(small: u32, large: u32) -> Pool {
    Pool::new(&PoolSizing::new().with("test", small, large)).unwrap()
}

fn fill_with(pool: &mut Pool, len: usize, byte: u8) -> Result<SlotId, FillError> {
    pool.fill(len, |slot| {
        slot[..len].fill(byte);
        Some(len)
    })
}

#[test]
fn sizes_add_up_by_reason() {
    let sizing = PoolSizing::new().with("stores", 10, 20).ahead("rings", 1, 2);
    assert_eq!(sizing.memory_bytes(), 11 * 320 + 22 * 1600);
    assert_eq!(sizing.memory_at_start_bytes(), 320 + 2 * 1600);
    assert_eq!(
        sizing.to_string(),
        "stores: 10 small, 20 large\nrings: 1 small, 2 large\nin all: 11 small, 22 large, 38720 bytes"
    );
    assert_eq!(Pool::new(&sizing).unwrap().capacity(), 33);
    assert!(Pool::new(&PoolSizing::new().with("absurd", u32::MAX, u32::MAX)).is_err());
}

#[test]
fn every_slot_has_tail_room() {
    let mut pool = pool(1, 1);
    for (max_len, expected) in [(256, 256 + TAIL_ROOM), (257, 1536 + TAIL_ROOM)] {
        let mut room = 0;
        pool.fill(max_len, |slot| {
            room = slot.len();
            slot.fill(0xAA);
            Some(max_len)
        })
        .unwrap();
        assert_eq!(room, expected);
    }
}

#[test]
fn a_packet_may_not_take_the_tail_room() {
    let mut pool = pool(1, 0);
    assert_eq!(pool.fill(10, |slot| Some(slot.len() - TAIL_ROOM + 1)), Err(FillError::Rejected));
    assert_eq!(pool.fill(1537, |_| Some(0)), Err(FillError::TooLong));
    assert!(pool.fill(10, |slot| Some(slot.len() - TAIL_ROOM)).is_ok());
}

#[test]
fn releasing_all_frees_everything_but_loans() {
    let mut pool = pool(3, 0);
    let ids: Vec<_> = (1..=3).map(|byte| fill_with(&mut pool, 10, byte).unwrap()).collect();
    assert!(pool.retain(ids[0]));
    let loan = pool.lend(ids[1]).unwrap();
    pool.release_all();
    assert_eq!(pool.counters().in_use, 1, "the one on loan");
    assert_eq!(pool.bytes(ids[0]), None);
    assert_eq!(pool.reader().bytes(&loan), Some(&[2; 10][..]));
    pool.take_back(loan);
    assert_eq!((pool.counters().in_use, pool.bytes(ids[1])), (0, None));
    assert_eq!(
        (0..4).filter(|_| fill_with(&mut pool, 10, 9).is_ok()).count(),
        3,
        "no slot is lost or doubled"
    );
}

#[test]
fn a_filler_that_declines_or_panics_leaves_the_slot_vacant() {
    let mut pool = pool(1, 0);
    assert_eq!(pool.fill(10, |_| None), Err(FillError::Rejected));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = pool.fill(10, |_| panic!("in the filler"));
    }));
    assert!(panicked.is_err());
    assert_eq!(pool.counters().in_use, 0);
    assert!(fill_with(&mut pool, 10, 1).is_ok());
}

#[test]
fn no_excess_release_ends_a_loan() {
    let mut pool = pool(1, 0);
    let id = fill_with(&mut pool, 3, 7).unwrap();
    let loan = pool.lend(id).unwrap();
    assert!(pool.release(id));
    assert!(!pool.release(id) && !pool.release(id));
    assert_eq!(fill_with(&mut pool, 3, 8), Err(FillError::Exhausted));
    assert_eq!(pool.reader().bytes(&loan), Some(&[7, 7, 7][..]));
    pool.take_back(loan);
    assert_eq!(pool.bytes(id), None);
    assert!(fill_with(&mut pool, 3, 8).is_ok());
}

#[test]
fn pools_do_not_mix_their_loans() {
    let (mut one, mut two) = (pool(2, 0), pool(2, 0));
    let id = fill_with(&mut one, 1, 1).unwrap();
    let twin = fill_with(&mut two, 1, 2).unwrap();
    let loan = one.lend(id).unwrap();
    let kept = two.lend(twin).unwrap();
    assert_eq!(two.reader().bytes(&loan), None);
    two.take_back(loan);
    assert_eq!((two.counters().misdirected, two.counters().on_loan), (1, 1));
    assert_eq!(one.counters().on_loan, 1, "lost, and seen to be");
    assert_eq!(two.reader().bytes(&kept), Some(&[2][..]));
    two.take_back(kept);
}

#[test]
fn a_loan_outlives_its_pool() {
    let mut pool = pool(1, 0);
    let id = fill_with(&mut pool, 4, 9).unwrap();
    let (loan, reader) = (pool.lend(id).unwrap(), pool.reader());
    drop(pool);
    assert_eq!(reader.bytes(&loan), Some(&[9; 4][..]));
    drop(loan);
}

/// For miri: an owner that reuses slots as fast as they come home, and a reader on another thread.
#[test]
fn a_loan_never_changes_while_another_thread_reads_it() {
    let mut pool = pool(4, 0);
    let (out, inbox) = mpsc::channel::<(Loan, u8)>();
    let (back, home) = mpsc::channel::<Loan>();
    let reader = pool.reader();
    let other = std::thread::spawn(move || {
        for (loan, byte) in inbox {
            assert_eq!(reader.bytes(&loan), Some(&[byte; 100][..]));
            back.send(loan).unwrap();
        }
    });
    let rounds = if cfg!(miri) { 50_u8 } else { 250 };
    for byte in 0..rounds {
        let id = loop {
            match fill_with(&mut pool, 100, byte) {
                Ok(id) => break id,
                Err(_) => pool.take_back(home.recv().unwrap()),
            }
        };
        out.send((pool.lend(id).unwrap(), byte)).unwrap();
        assert_eq!(pool.bytes(id), Some(&[byte; 100][..]));
        assert!(pool.release(id));
    }
    drop(out);
    for loan in home {
        pool.take_back(loan);
    }
    other.join().unwrap();
    assert_eq!((pool.counters().in_use, pool.counters().on_loan), (0, 0));
}

#[derive(Clone, Debug)]
enum Operation {
    Fill(usize, u8),
    Decline,
    Retain(usize),
    Release(usize),
    Lend(usize),
    TakeBack,
    Grow,
    Shrink,
}

/// A page holds 12 small or 2 large slots: what is given back is most of it.
const SMALL: u32 = 30;
const LARGE: u32 = 9;

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0_usize..1600, any::<u8>()).prop_map(|(len, byte)| Operation::Fill(len, byte)),
        1 => Just(Operation::Decline),
        1 => any::<usize>().prop_map(Operation::Retain),
        3 => any::<usize>().prop_map(Operation::Release),
        1 => any::<usize>().prop_map(Operation::Lend),
        1 => Just(Operation::TakeBack),
        1 => Just(Operation::Grow),
        1 => Just(Operation::Shrink),
    ]
}

/// A packet as the model sees it: content, and who refers to it. Ids of dead packets stay, to be tried again.
struct Packet {
    id: SlotId,
    content: Vec<u8>,
    small: bool,
    references: u32,
    loans: u32,
}

impl Packet {
    fn is_alive(&self) -> bool {
        self.references + self.loans > 0
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]
    #[test]
    fn a_pool_is_a_bag_of_immutable_packets(operations in prop::collection::vec(operation(), 0..120)) {
        let mut pool = pool(SMALL, LARGE);
        let reader = pool.reader();
        let mut packets: Vec<Packet> = Vec::new();
        let mut loans: VecDeque<(Loan, usize)> = VecDeque::new();
        let mut expected = PoolCounters::default();
        for operation in operations {
            let count = packets.len().max(1);
            match operation {
                Operation::Fill(len, byte) => {
                    let small = packets.iter().filter(|packet| packet.is_alive() && packet.small).count();
                    let large = packets.iter().filter(|packet| packet.is_alive() && !packet.small).count();
                    let fits_small = len <= 256 && small < SMALL as usize;
                    let result = fill_with(&mut pool, len, byte);
                    if len > 1536 {
                        prop_assert_eq!(result, Err(FillError::TooLong));
                        expected.too_long += 1;
                    } else if !fits_small && large == LARGE as usize {
                        prop_assert_eq!(result, Err(FillError::Exhausted));
                        expected.exhausted += 1;
                    } else {
                        expected.taken += 1;
                        expected.spilled += u64::from(len <= 256 && !fits_small);
                        packets.push(Packet {
                            id: result.unwrap(), content: vec![byte; len], small: fits_small, references: 1, loans: 0,
                        });
                    }
                }
                Operation::Decline => match pool.fill(9, |slot| { slot.fill(0xEE); None }) {
                    Err(FillError::Rejected) => expected.rejected += 1,
                    Err(FillError::Exhausted) => expected.exhausted += 1,
                    other => prop_assert!(false, "{:?}", other),
                },
                Operation::Retain(pick) => if let Some(packet) = packets.get_mut(pick % count) {
                    prop_assert_eq!(pool.retain(packet.id), packet.is_alive());
                    packet.references += u32::from(packet.is_alive());
                },
                Operation::Release(pick) => if let Some(packet) = packets.get_mut(pick % count) {
                    prop_assert_eq!(pool.release(packet.id), packet.references > 0);
                    packet.references = packet.references.saturating_sub(1);
                },
                Operation::Lend(pick) => if let Some(packet) = packets.get_mut(pick % count) {
                    let loan = pool.lend(packet.id);
                    prop_assert_eq!(loan.is_some(), packet.is_alive());
                    if let Some(loan) = loan {
                        packet.loans += 1;
                        loans.push_back((loan, pick % count));
                    }
                },
                Operation::Grow => pool.grow(),
                Operation::Shrink => (0..15).for_each(|_| pool.shrink()),
                Operation::TakeBack => if let Some((loan, of)) = loans.pop_front() {
                    pool.take_back(loan);
                    packets[of].loans -= 1;
                },
            }
            for packet in &packets {
                let content = packet.is_alive().then_some(&packet.content[..]);
                prop_assert_eq!(pool.bytes(packet.id), content);
            }
            for (loan, of) in &loans {
                prop_assert_eq!(reader.bytes(loan), Some(&packets[*of].content[..]));
            }
            expected.in_use = u32::try_from(packets.iter().filter(|packet| packet.is_alive()).count()).unwrap();
            expected.high_water = expected.high_water.max(expected.in_use);
            expected.on_loan = u32::try_from(loans.len()).unwrap();
            // When memory comes and goes is shown beside `growth`; here, that it changes nothing else.
            (expected.present, expected.late) = (pool.counters().present, pool.counters().late);
            prop_assert!(expected.present >= expected.in_use && expected.present <= SMALL + LARGE);
            prop_assert_eq!(pool.counters(), &expected);
        }
    }
}
