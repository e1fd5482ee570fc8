//! How long this machine kept somebody waiting who had something to do, as the kernel counts it (its pressure stall
//! information, `some`): what takes longer because of that is nobody's fault here.

use std::time::Duration;

/// Since the machine was started; nothing where the kernel does not say so.
pub(crate) fn waited() -> Option<Duration> {
    // A mean over the cores that had something to do: one of them may have kept somebody waiting for as many times as
    // long as there are cores. Memory and disks count for all cores alike; what a hypervisor takes is told elsewhere.
    let cores = u32::try_from(std::thread::available_parallelism().ok()?.get()).ok()?;
    Some(pressure("cpu")? * cores + pressure("memory")? + pressure("io")? + stolen()?)
}

fn pressure(of: &str) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/pressure/{of}")).ok()?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    some.rsplit_once("total=")?.1.parse().ok().map(Duration::from_micros)
}

/// The eighth number of the first line, in hundredths of a second.
fn stolen() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let hundredths: u64 = text.lines().next()?.split_whitespace().nth(8)?.parse().ok()?;
    Some(Duration::from_millis(10 * hundredths))
}
