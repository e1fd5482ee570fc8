//! Telling the core which memory will be read or written soon. Hints: nothing happens where there is no such
//! instruction.

#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(unsafe_code, reason = "instructions that take an address")
)]

/// Begins to fetch all cache lines of a value, not of what it points to, and does not wait for any.
#[inline]
pub fn soon<T: ?Sized>(what: &T) {
    start_of(what, size_of_val(what));
}

/// Begins to fetch the lines of the first so many bytes of a value.
#[inline]
pub fn start_of<T: ?Sized>(what: &T, bytes: usize) {
    let bytes = bytes.min(size_of_val(what));
    // What is empty is nowhere, and asking for an address without a page costs the walk to it.
    if bytes == 0 {
        return;
    }
    let start = core::ptr::from_ref(what).cast::<u8>();
    // From the beginning of a line, or else the last one would be left out where the value begins within one.
    let before = start.addr() % LINE_BYTES;
    for offset in (0..before + bytes).step_by(LINE_BYTES) {
        line(start.wrapping_sub(before).wrapping_add(offset));
    }
}

/// Begins to fetch all cache lines of `bytes`, and does not wait for any.
#[inline]
pub(crate) fn to_read(bytes: &[u8]) {
    soon(bytes);
}

/// The same, and takes them out of other cores' caches.
#[inline]
pub(crate) fn to_write(bytes: &[u8]) {
    bytes.chunks(LINE_BYTES).for_each(line_to_write);
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn line(start: *const u8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint about an address; it reads nothing that could be seen, and faults for no address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(start.cast()) };
}

/// By name, because the compiler makes a reading prefetch of `_MM_HINT_ET0` unless told that every core has this
/// one. Those that have not take it for a no-op.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn line_to_write(bytes: &[u8]) {
    // SAFETY: as above; whose cache a line is in changes no content.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) bytes.as_ptr(), options(nostack, preserves_flags, readonly));
    };
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
const fn line(_: *const u8) {}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
const fn line_to_write(_: &[u8]) {}

/// What travels between cores at once.
const LINE_BYTES: usize = 64;
