//! A server on the same machine, from the outside: the CPU and memory that its process uses.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Looked at before anybody joins, when all have, and at the end.
#[derive(Clone, Debug)]
pub(crate) struct ServerProcess {
    pid: u32,
    before: Look,
    joined: Option<Look>,
    after: Option<Look>,
}

/// What it used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerUsage {
    /// Until all had joined: CPU seconds, in all and of each thread that used any.
    pub(crate) joining_cpu_s: Option<f64>,
    pub(crate) joining_cpu_s_by_thread: BTreeMap<String, f64>,
    /// Of a CPU, afterwards.
    pub(crate) afterwards_cpu_percent: Option<f64>,
    pub(crate) memory_before_bytes: u64,
    pub(crate) memory_joined_bytes: Option<u64>,
    pub(crate) memory_after_bytes: Option<u64>,
}

#[derive(Clone, Debug)]
struct Look {
    at: Instant,
    resident_bytes: u64,
    /// By the names of threads, which may be shared.
    ran: BTreeMap<String, Duration>,
}

impl ServerProcess {
    /// Nothing if there is no such process here.
    pub(crate) fn look(pid: u32) -> Option<Self> {
        Some(Self { pid, before: Look::at(pid)?, joined: None, after: None })
    }

    pub(crate) fn joined(&mut self) {
        self.joined = Look::at(self.pid);
    }

    pub(crate) fn after(&mut self) {
        self.after = Look::at(self.pid);
    }

    pub(crate) fn usage(self) -> ServerUsage {
        let Self { before, joined, after, .. } = self;
        let spent = joined.as_ref().map(|joined| joined.since(&before));
        let all = |spent: &BTreeMap<String, Duration>| spent.values().sum::<Duration>().as_secs_f64();
        let afterwards = joined.as_ref().zip(after.as_ref()).map(|(joined, after)| {
            let passed = after.at.saturating_duration_since(joined.at).as_secs_f64();
            all(&after.since(joined)) * 100.0 / passed.max(f64::MIN_POSITIVE)
        });
        ServerUsage {
            joining_cpu_s: spent.as_ref().map(all),
            joining_cpu_s_by_thread: spent
                .unwrap_or_default()
                .into_iter()
                .filter(|(_, ran)| *ran >= Duration::from_millis(1))
                .map(|(name, ran)| (name, ran.as_secs_f64()))
                .collect(),
            afterwards_cpu_percent: afterwards,
            memory_before_bytes: before.resident_bytes,
            memory_joined_bytes: joined.map(|look| look.resident_bytes),
            memory_after_bytes: after.map(|look| look.resident_bytes),
        }
    }
}

impl Look {
    fn at(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let resident_kb: u64 = resident.split_whitespace().next()?.parse().ok()?;
        let mut ran: BTreeMap<String, Duration> = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
            let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let nanos = read("schedstat").split_whitespace().next().and_then(|text| text.parse().ok());
            let name = read("comm").trim().to_owned();
            *ran.entry(name).or_default() += Duration::from_nanos(nanos.unwrap_or_default());
        }
        Some(Self { at: Instant::now(), resident_bytes: resident_kb * 1_024, ran })
    }

    fn since(&self, before: &Self) -> BTreeMap<String, Duration> {
        let spent = |(name, ran): (&String, &Duration)| {
            let earlier = before.ran.get(name).copied().unwrap_or_default();
            (name.clone(), ran.saturating_sub(earlier))
        };
        self.ran.iter().map(spent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_to_work() {
        let mut process = ServerProcess::look(std::process::id()).unwrap();
        let held = std::hint::black_box(vec![1_u8; 64 << 20]);
        process.joined();
        drop(held);
        process.after();
        let usage = process.usage();
        let joined = usage.memory_joined_bytes.unwrap();
        assert!(joined >= usage.memory_before_bytes + (60 << 20), "{usage:?}");
        assert!(usage.joining_cpu_s.unwrap() > 0.0, "{usage:?}");
    }

    #[test]
    fn there_is_no_process_without_a_number() {
        assert!(ServerProcess::look(u32::MAX).is_none());
    }
}
