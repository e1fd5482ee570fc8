//! What a thread's allocator keeps at hand goes back when it is asked to. A process of its own: the allocator counts for
//! all threads together.

#![cfg(target_env = "gnu")]
#![expect(unsafe_code, reason = "the allocator's own count has no safe face")]

use std::hint::black_box;
use std::thread;

use net::heap;

/// Bytes that are not free, as far as the allocator's own lists go: what is kept at hand is not in them.
fn taken() -> usize {
    // SAFETY: the call has no condition.
    unsafe { libc::mallinfo2() }.uordblks
}

#[test]
fn what_a_thread_keeps_at_hand_is_free_for_all_again() {
    // On a thread whose memory holds nothing else.
    let (before, kept, after) = thread::spawn(|| {
        let before = taken();
        let blocks = |size: usize| (0..16).map(move |_| black_box(Vec::<u8>::with_capacity(size)));
        let crowd: Vec<Vec<u8>> = (1..=60).flat_map(|place| blocks(place * 16)).collect();
        drop(crowd);
        let kept = taken();
        heap::return_cached();
        (before, kept, taken())
    })
    .join()
    .unwrap();
    assert!(kept > before + 100_000, "the allocator keeps something at hand: {before}, {kept}");
    assert!(after < before + 40_000, "{before} bytes before, {kept} kept, {after} after");
}
