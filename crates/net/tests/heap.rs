//! What a thread's allocator keeps at hand goes back when it is asked to. A process of its own: the allocator counts for
//! all threads together.

#![cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "the allocator's own count has no safe face"))]

#[cfg(not(target_env = "gnu"))]
#[test]
fn what_a_thread_keeps_at_hand_is_free_for_all_again() {
    eprintln!("skipped: this C library is not glibc, of whose allocator alone something is known");
}

#[cfg(target_env = "gnu")]
mod glibc {
    use std::hint::black_box;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};
    use std::{mem, thread};

    use net::heap;

    /// Bytes that are not free, as far as the allocator's own lists go: what is kept at hand is not in them. By the call
    /// that every glibc has; beyond 2 GB it would turn.
    fn taken() -> i64 {
        // SAFETY: the call has no condition.
        unsafe { libc::mallinfo() }.uordblks.into()
    }

    #[test]
    fn what_a_thread_keeps_at_hand_is_free_for_all_again() {
        if std::env::var_os("GLIBC_TUNABLES").is_some() {
            eprintln!(
                "skipped: this allocator may have been told to keep more than any version does by itself"
            );
            return;
        }
        // On a thread whose memory holds nothing else.
        let (before, kept, after) = thread::spawn(|| {
            let before = taken();
            let blocks = |size: usize| (0..80).map(move |_| black_box(Vec::<u8>::with_capacity(size)));
            let crowd: Vec<Vec<u8>> = (1..=SIZES).flat_map(|place| blocks(place * 16)).collect();
            drop(crowd);
            let kept = taken();
            heap::return_cached();
            (before, kept, taken())
        })
        .join()
        .unwrap();
        if kept < before + 10_000 {
            eprintln!("skipped: this allocator keeps nothing at hand, or is another one");
            return;
        }
        // How much is kept is glibc's to say, from version to version; most of it goes back in any.
        let returned = kept - after;
        assert!(returned > (kept - before) * 8 / 10, "{before} bytes before, {kept} kept, {after} after");
    }

    /// What a shard's tick pays for what a crowd has left, and what it would have if control had not given back before.
    #[test]
    #[ignore = "a measurement: it prints, and asserts nothing"]
    fn how_long_a_thread_takes_to_let_go_after_a_crowd() {
        heap::keep_little();
        for gives_back in [false, true] {
            let (has_left, is_given_back) = (Barrier::new(2), AtomicBool::new(!gives_back));
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _stayed = crowd_that_left();
                    has_left.wait();
                    let waited = longest_wait(&is_given_back);
                    let begun = Instant::now();
                    heap::return_cached();
                    eprintln!("let go in {:?}; allocated before in at most {waited:?}", begun.elapsed());
                });
                has_left.wait();
                if gives_back {
                    let begun = Instant::now();
                    heap::return_free();
                    eprintln!("given back in {:?}", begun.elapsed());
                    is_given_back.store(true, Ordering::Release);
                }
            });
        }
    }

    /// Makes what 10,000 consumers have, 3 KB in 20 blocks each, and drops it in another order. One in a hundred stays.
    fn crowd_that_left() -> Vec<Vec<u8>> {
        let sizes = (0..20).map(|place| if place < 16 { 32 + place * 8 } else { 200 * (place - 14) });
        let made = (0..10_000).flat_map(|_| sizes.clone().map(|size| black_box(Vec::with_capacity(size))));
        let mut made: Vec<Vec<u8>> = made.collect();
        // Multiples of a number that is prime to how many there are: all of them, in no order.
        let count = made.len();
        for place in (0..count).map(|place| place * 7_919 % count).filter(|place| place % 100 > 0) {
            drop(black_box(mem::take(&mut made[place])));
        }
        made.retain(|block| block.capacity() > 0);
        made
    }

    /// The longest that it takes to allocate a little more than is kept at hand, until that is so.
    fn longest_wait(until: &AtomicBool) -> Duration {
        let mut longest = Duration::ZERO;
        while !until.load(Ordering::Acquire) {
            let begun = Instant::now();
            drop(black_box([(); 16].map(|()| black_box(Box::new([0_u8; 64])))));
            longest = longest.max(begun.elapsed());
        }
        longest
    }

    /// Sizes that are made, 16 bytes apart: some less than are kept.
    const SIZES: usize = 60;
}
