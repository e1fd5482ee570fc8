//! Finding again what a test run started, whoever its parent is by now.
//!
//! A run puts a mark of its own into its environment, which every process below it inherits; so nothing is ended that
//! this run did not start, and an interrupt from the keyboard still reaches all of them as it should.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::program_in;

/// The mark of one run.
#[derive(Debug)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(super) fn put_on(&self, command: &mut Command) {
        command.env(VARIABLE, &self.0);
    }

    /// Waits for all of them to end by themselves, and ends those that do not. How many that were.
    pub(super) fn end_all(&self, grace: Duration) -> usize {
        let end = Instant::now() + grace;
        loop {
            let left = self.living();
            if left.is_empty() {
                return 0;
            }
            if Instant::now() >= end {
                let mut kill = program_in(Path::new("kill"), Path::new("/"));
                // One that ended meanwhile makes it complain, and is what was wanted.
                let _ = kill.arg("-KILL").args(&left).output();
                return left.len();
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn living(&self) -> Vec<String> {
        let wanted = format!("{VARIABLE}={}", self.0);
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let processes = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        let ours = processes.filter(|id| {
            // That of a zombie reads as empty: its end is somebody else's to hear of, but it has ended.
            fs::read(format!("/proc/{id}/environ")).is_ok_and(|environment| {
                environment.split(|&byte| byte == 0).any(|entry| entry == wanted.as_bytes())
            })
        });
        ours.collect()
    }
}

const VARIABLE: &str = "SHARDCAST_SUITE_RUN";
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_leaves_behind_is_found_by_its_mark_and_ended() {
        let (mark, other) = (Mark::new(), Mark::new());
        // The shell ends at once and leaves a grandchild to nobody.
        let mut command = program_in(Path::new("sh"), Path::new("/"));
        command.args(["-c", "sleep 1000 >/dev/null 2>&1 &"]);
        mark.put_on(&mut command);
        assert!(command.status().is_ok_and(|status| status.success()));
        // Between a shell and `sleep` it shows no environment for a moment.
        let is_sleeping = |id: &String| {
            fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "sleep")
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !mark.living().iter().any(is_sleeping) {
            assert!(Instant::now() < deadline, "it never sleeps");
            thread::yield_now();
        }
        assert_eq!(other.end_all(Duration::ZERO), 0);
        assert_eq!(mark.end_all(Duration::ZERO), 1);
        assert_eq!(mark.end_all(Duration::from_secs(60)), 0);
    }
}
