//! What the allocator keeps of what is free, and when it gives that back. The allocator is glibc's (docs/adr/0027); with
//! another C library nothing here does anything.

/// Has the allocator keep little of what is free at the end of a thread's memory, however large what was freed before, and put
/// together what is free when it is freed. It otherwise keeps twice the largest block that it ever gave back, which after a
/// table has grown is megabytes a thread; and puts small pieces together some time later, tens of thousands at a time. For
/// a program that begins: what is decided here is the whole process's.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    glibc::keep_little();
}

/// Gives free memory back to the system, wherever it lies. The allocator keeps what lies below something that is still
/// used otherwise, which is most of what a crowd leaves behind. Takes milliseconds (docs/adr/0027 has figures), and threads
/// that allocate meanwhile more than they keep at hand wait.
pub fn return_free() {
    #[cfg(target_env = "gnu")]
    {
        glibc::return_cached();
        glibc::trim();
    }
}

/// Lets the allocator have back what it keeps at hand for the calling thread: a few free blocks of each small size, of
/// which each holds a page wherever it lies, which is where a crowd was that has left. Takes part of a millisecond, and
/// the time to give back what is free at the end of the thread's memory (0.06 ms a MB). In a program that did not begin with
/// [`keep_little`] it takes 10 ms and more after a crowd, unless [`return_free`] came just before.
pub fn return_cached() {
    #[cfg(target_env = "gnu")]
    glibc::return_cached();
}

#[cfg(target_env = "gnu")]
mod glibc {
    #![expect(unsafe_code, reason = "the allocator's own calls, which std does not wrap")]

    use std::cmp::Reverse;
    use std::hint::black_box;

    pub(super) fn keep_little() {
        let wishes = [
            (libc::M_TRIM_THRESHOLD, KEPT_AT_MOST_BYTES),
            (libc::M_TOP_PAD, KEPT_AT_LEAST_BYTES),
            (libc::M_MXFAST, PUT_OFF_BYTES),
        ];
        for (parameter, bytes) in wishes {
            // SAFETY: the call takes two numbers; what it does not like it leaves as it is.
            let _ = unsafe { libc::mallopt(parameter, bytes) };
        }
    }

    pub(super) fn trim() {
        // SAFETY: the call has no condition; it works on the allocator's own locks and lists.
        let _ = unsafe { libc::malloc_trim(0) };
    }

    /// There is no call for this before the thread ends. But a block goes to the free memory around it when it is larger
    /// than those that are kept at hand, and one can be made that large where it is, if what follows it is free. So all of
    /// them are taken and grown, the last in memory first, since each goes to what the one before it grows into.
    pub(super) fn return_cached() {
        let of_each = cached_of_each();
        let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(SIZES * of_each);
        for size in (0..SIZES).map(|place| SMALLEST_BYTES + place * STEP_BYTES) {
            blocks.extend((0..of_each).map(|_| block_of(size)));
        }
        blocks.sort_unstable_by_key(|block| Reverse(place_of(block)));
        for mut block in blocks {
            block.reserve_exact(BEYOND_BYTES);
            drop(black_box(block));
        }
        // So large a piece, freed, has the allocator look at the end of the thread's memory.
        drop(block_of(LOOKED_AT_BYTES));
    }

    /// How many blocks of a size are kept at hand, which differs between versions and can be set: of many that are freed
    /// one after the other the first are, and the last of those is the first to be used again. Where none
    /// are kept, what is found means nothing: then it is a little work for nothing, at worst for 64 of each.
    fn cached_of_each() -> usize {
        let freed: Vec<Vec<u8>> = (0..OF_EACH_AT_MOST).map(|_| block_of(TRIED_BYTES)).collect();
        let places = freed.iter().map(|block| place_of(block)).collect::<Vec<_>>();
        drop(freed);
        let again = block_of(TRIED_BYTES);
        places.iter().position(|place| *place == place_of(&again)).map_or(0, |place| place + 1)
    }

    fn block_of(bytes: usize) -> Vec<u8> {
        black_box(Vec::with_capacity(bytes))
    }

    fn place_of(block: &[u8]) -> usize {
        block.as_ptr().addr()
    }

    /// glibc's own beginning, from which it goes upwards unless it is told where to stay. A page is touched anew in a
    /// fraction of a microsecond, so that more is not worth keeping.
    const KEPT_AT_MOST_BYTES: libc::c_int = 128 * 1024;
    /// What is left when that is exceeded: the next few consumers.
    const KEPT_AT_LEAST_BYTES: libc::c_int = 16 * 1024;
    /// Blocks that are put together with the free memory around them not when they are freed but all at once, some time
    /// later: of no size. That time takes as long as there are pieces, 10 ms after 10,000 consumers, and may come in any tick;
    /// nothing becomes slower without. Newer versions have no such thing any more.
    const PUT_OFF_BYTES: libc::c_int = 0;
    /// What is kept at hand (malloc/malloc.c, `tcache`): blocks of 64 sizes, 16 bytes apart, of each seven in glibc 2.36 and
    /// 16 in 2.43. Where more are kept than are looked for, or others, this does less, and no harm.
    const SIZES: usize = 64;
    const OF_EACH_AT_MOST: usize = 64;
    const TRIED_BYTES: usize = 200;
    const SMALLEST_BYTES: usize = 24;
    const STEP_BYTES: usize = 16;
    /// The largest of those is 1032.
    const BEYOND_BYTES: usize = 1200;
    /// From 64 KB on it looks (`FASTBIN_CONSOLIDATION_THRESHOLD`); from 128 KB on a block has a mapping of its own.
    const LOOKED_AT_BYTES: usize = 96 * 1024;
}
