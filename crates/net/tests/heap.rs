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
    use std::thread;

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

    /// Sizes that are made, 16 bytes apart: some less than are kept.
    const SIZES: usize = 60;
}
