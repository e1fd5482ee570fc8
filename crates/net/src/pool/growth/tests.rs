use std::sync::mpsc;

use super::super::{FillError, Loan, Pool, PoolSizing, SlotId};
use super::IDLE_LOOKS;

/// Fewer where each byte takes its time.
const MANY: u32 = if cfg!(miri) { 30 } else { 500 };

/// Whole pages hold 12 small slots and 2 large ones.
fn pool(ahead: u32, more: u32) -> Pool {
    Pool::new(&PoolSizing::new().ahead("a tick", 0, ahead).with("stores", 0, more)).unwrap()
}

fn fill(pool: &mut Pool, byte: u8) -> Result<SlotId, FillError> {
    pool.fill(1000, |slot| {
        slot[..1000].fill(byte);
        Some(1000)
    })
}

fn look(pool: &mut Pool, times: u32) {
    (0..times).for_each(|_| pool.shrink());
}

#[test]
fn a_pool_keeps_ahead_of_need_up_to_its_bound() {
    let mut pool = pool(4, 20);
    assert_eq!((pool.counters().present, pool.left(), pool.capacity()), (5, 24, 24));
    let mut kept = Vec::new();
    for tick in 0..6 {
        pool.grow();
        let vacant = pool.counters().present - pool.counters().in_use;
        assert!((4..=4 + 2 + 1).contains(&vacant), "{vacant} at tick {tick}");
        kept.extend((0..4).map(|_| fill(&mut pool, 1).unwrap()));
    }
    assert_eq!((pool.counters().late, pool.counters().present, pool.left()), (0, 24, 0));
    pool.grow();
    assert_eq!(fill(&mut pool, 1), Err(FillError::Exhausted));
    assert!(kept.into_iter().all(|id| pool.release(id)));
    assert_eq!(pool.counters().in_use, 0);
}

#[test]
fn a_pool_that_nobody_grows_grows_when_it_must() {
    let mut pool = Pool::new(&PoolSizing::new().with("stores", 13, 5)).unwrap();
    assert_eq!((pool.counters().present, pool.has_grown()), (0, false));
    let small: Vec<_> = (0..13).map(|_| pool.fill(9, |_| Some(9)).unwrap()).collect();
    assert_eq!((pool.counters().late, pool.counters().present, pool.counters().spilled), (2, 13, 0));
    assert!(pool.has_grown());
    let large: Vec<_> = (0..5).map(|_| pool.fill(9, |_| Some(9)).unwrap()).collect();
    assert_eq!((pool.counters().late, pool.counters().present, pool.counters().spilled), (4, 18, 5));
    assert_eq!(pool.fill(9, |_| Some(9)), Err(FillError::Exhausted));
    assert!(small.into_iter().chain(large).all(|id| pool.release(id)));
}

#[test]
fn a_pool_says_when_it_runs_short() {
    let mut pool = pool(4, 20);
    let kept: Vec<_> = (0..16).map(|_| fill(&mut pool, 1).unwrap()).collect();
    assert!(!pool.is_short(), "{} left", pool.left());
    let one_more = fill(&mut pool, 1).unwrap();
    assert!(pool.is_short(), "{} left", pool.left());
    let reader = pool.reader();
    assert!(!reader.is_short(), "nobody has looked yet");
    pool.grow();
    assert!(reader.is_short());
    pool.release(one_more);
    pool.grow();
    assert!(!pool.is_short() && !reader.is_short());
    assert_eq!(kept.len(), 16);
}

#[test]
fn what_is_not_needed_for_long_is_given_back() {
    let mut pool = pool(2, 2 * MANY);
    let kept: Vec<_> = (0..MANY).map(|_| fill(&mut pool, 1).unwrap()).collect();
    pool.grow();
    let largest = pool.counters().present;
    assert!(largest >= MANY + 2 && pool.has_grown());
    kept.into_iter().for_each(|id| assert!(pool.release(id)));
    pool.grow();
    look(&mut pool, 1 + IDLE_LOOKS);
    assert_eq!(pool.counters().present, largest, "not at once");
    look(&mut pool, 3);
    assert_eq!(pool.counters().present, 2, "what it started with");
    assert!(!pool.has_grown());
    assert!((0..2 + 2 * MANY).all(|_| fill(&mut pool, 2).is_ok()), "and all can come back");
    assert_eq!(fill(&mut pool, 2), Err(FillError::Exhausted));
}

#[test]
fn a_pool_that_breathes_is_left_alone() {
    let mut pool = pool(2, 2 * MANY);
    let mut largest = 0;
    for breath in 0..3 * IDLE_LOOKS {
        let kept: Vec<_> = (0..MANY).map(|_| fill(&mut pool, 1).unwrap()).collect();
        pool.grow();
        kept.into_iter().for_each(|id| assert!(pool.release(id)));
        pool.grow();
        pool.shrink();
        assert!(breath == 0 || pool.counters().present == largest);
        largest = pool.counters().present;
    }
}

#[test]
#[cfg(not(miri))]
fn given_back_is_given_back_to_the_kernel() {
    let mut pool = Pool::new(&PoolSizing::new().with("stores", 0, 4000)).unwrap();
    let present = |pool: &Pool| pool.slabs.resident_pages(super::SlotClass::Large);
    let kept: Vec<_> = (0..4000).map(|_| fill(&mut pool, 1).unwrap()).collect();
    assert!(present(&pool) >= 4000 * 1600 / 4096);
    kept.into_iter().for_each(|id| assert!(pool.release(id)));
    look(&mut pool, 2 + IDLE_LOOKS);
    let once = present(&pool);
    assert!(once > 0, "a little at a time");
    look(&mut pool, 10);
    assert_eq!(present(&pool), 0);
}

/// For miri, too: pages come and go beside slots that another thread reads.
#[test]
fn nothing_that_is_in_use_moves_or_changes() {
    let mut pool = pool(2, 60);
    let (out, inbox) = mpsc::channel::<(Loan, u8)>();
    let (back, home) = mpsc::channel::<Loan>();
    let reader = pool.reader();
    let other = std::thread::spawn(move || {
        for (loan, byte) in inbox {
            assert_eq!(reader.bytes(&loan), Some(&[byte; 1000][..]));
            back.send(loan).unwrap();
        }
    });
    let mut kept: Vec<(SlotId, u8)> = Vec::new();
    let mut on_the_way = 0;
    for round in 0..6_u8 {
        for byte in 0..10 {
            let byte = 10 * round + byte;
            let id = fill(&mut pool, byte).unwrap();
            out.send((pool.lend(id).unwrap(), byte)).unwrap();
            on_the_way += 1;
            if byte % 7 == 0 {
                kept.push((id, byte));
            } else {
                pool.release(id);
            }
            pool.grow();
        }
        look(&mut pool, 2 + IDLE_LOOKS);
        home.try_iter().for_each(|loan| {
            pool.take_back(loan);
            on_the_way -= 1;
        });
        assert!(kept.iter().all(|(id, byte)| pool.bytes(*id) == Some(&[*byte; 1000][..])));
    }
    drop(out);
    home.iter().take(on_the_way).for_each(|loan| pool.take_back(loan));
    other.join().unwrap();
    kept.into_iter().for_each(|(id, _)| assert!(pool.release(id)));
    look(&mut pool, 4 + IDLE_LOOKS);
    assert_eq!((pool.counters().in_use, pool.counters().on_loan, pool.counters().present), (0, 0, 2));
}
