//! What this machine offers: the cores that we may use and the kernel beneath.

use std::fmt;
use std::fs;
use std::num::NonZero;
use std::thread;

/// One look at the machine, taken at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    kernel: Option<String>,
    /// Cores that the affinity mask allows, in the kernel's notation (`0-3,8`).
    allowed: Option<String>,
    /// Cores worth using: the affinity mask, cut by a cgroup's CPU quota.
    usable: usize,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let kernel =
            fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|release| release.trim().to_owned());
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let usable = thread::available_parallelism().map_or(1, NonZero::get);
        Self { kernel, allowed: allowed(&status), usable }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "unknown".to_owned();
        writeln!(f, "kernel   {}", self.kernel.clone().unwrap_or_else(unknown))?;
        writeln!(f, "cores    {} allowed by affinity", self.allowed.clone().unwrap_or_else(unknown))?;
        writeln!(f, "shards   up to {}, one per core, each started on first use", self.usable)
    }
}

fn allowed(status: &str) -> Option<String> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_affinity_list_is_found() {
        assert_eq!(
            allowed("Name:\tx\nCpus_allowed:\t5\nCpus_allowed_list:\t0,2\nMems:\t1\n").as_deref(),
            Some("0,2")
        );
        assert_eq!(allowed(""), None);
    }

    #[test]
    fn what_is_unknown_is_called_unknown() {
        let text = Machine { kernel: None, allowed: None, usable: 3 }.to_string();
        assert!(text.contains("kernel   unknown") && text.contains("up to 3"), "{text}");
    }
}
