//! Which CPUs a thread may run on.
//!
//! Reading the mask and pinning are the only two things here; which shard goes where is decided above.

#![expect(unsafe_code, reason = "the affinity mask is read and set by system calls")]

use std::io;

/// CPUs that the calling thread may run on, in ascending order.
///
/// # Errors
/// When the machine has more CPUs than the mask has bits (1024).
pub fn allowed() -> io::Result<Vec<usize>> {
    // SAFETY: a mask is an array of integers, for which zeros are a value: the empty mask.
    let mut mask: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: `mask` is writable for the size given; 0 names the calling thread.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut mask) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `cpu` is below the number of bits of the mask.
    let is_set = |cpu: &usize| unsafe { libc::CPU_ISSET(*cpu, &mask) };
    Ok((0..MASK_BITS).filter(is_set).collect())
}

/// Restricts the calling thread, and threads it starts from now on, to one CPU.
///
/// # Errors
/// When the CPU does not exist or is not allowed.
pub fn pin(cpu: usize) -> io::Result<()> {
    if cpu >= MASK_BITS {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: as in `allowed`.
    let mut mask: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: `cpu` is below the number of bits of the mask.
    unsafe { libc::CPU_SET(cpu, &mut mask) };
    // SAFETY: `mask` is readable for the size given; 0 names the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const mask) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Bits of libc's fixed mask. Larger machines need a larger mask, and say so by failing.
const MASK_BITS: usize = size_of::<libc::cpu_set_t>() * 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_may_run_on_one_cpu_only() {
        let cpus = allowed().unwrap();
        let last = *cpus.last().unwrap();
        std::thread::spawn(move || {
            pin(last).unwrap();
            assert_eq!(allowed().unwrap(), [last]);
        })
        .join()
        .unwrap();
        assert_eq!(allowed().unwrap(), cpus, "other threads are not touched");
    }

    #[test]
    fn cpus_that_do_not_exist_are_refused() {
        assert!(pin(MASK_BITS - 1).is_err() || allowed().unwrap().len() > 1);
        assert!(pin(MASK_BITS).is_err());
    }
}
