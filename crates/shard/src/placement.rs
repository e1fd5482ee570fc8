//! How many shards a machine is good for, and on which CPU each belongs.
//!
//! A container sees all CPUs of its machine and may use fewer: those of its affinity mask, and of them only
//! as much time as its cgroup's quota gives. A shard beyond that would take time from the others, in bursts
//! of throttling that no packet survives on time. The mask is read from the thread; the quota from the files
//! of cgroup v2 or v1, for every group from the process's own to the root, because the tightest holds. What
//! cannot be read limits nothing.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::key::ShardId;

/// What this process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    /// CPUs of the affinity mask, in ascending order.
    pub allowed: Vec<usize>,
    /// CPUs' worth of time per second that the tightest cgroup gives, in thousandths; `None` for no limit.
    pub quota_milli: Option<u64>,
}

/// Whether a shard stays on one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// The scheduler moves it as it sees fit: right where shards share CPUs with others.
    #[default]
    Floating,
    /// Each on a CPU of its own: steadier where CPUs are reserved, worse where they are not.
    Pinned,
}

impl Cpus {
    /// Reads the mask of the calling thread and the quotas of this process's cgroups.
    #[must_use]
    pub fn of_this_process() -> Self {
        let all = || (0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get)).collect();
        let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let quotas = quota_files(&membership).into_iter().filter_map(|file| file.read());
        Self { allowed: net::affinity::allowed().unwrap_or_else(|_| all()), quota_milli: quotas.min() }
    }

    /// How many shards can run at full speed: at least one.
    #[must_use]
    pub fn shards(&self) -> usize {
        let by_quota =
            self.quota_milli.map_or(usize::MAX, |milli| usize::try_from(milli / 1000).unwrap_or(usize::MAX));
        self.allowed.len().min(by_quota).max(1)
    }

    /// The CPU of a shard: round about the mask, from its end, because interrupts and other people's single
    /// threads gather at its beginning.
    #[must_use]
    pub fn cpu_of(&self, shard: ShardId) -> Option<usize> {
        let place = shard.index() % self.allowed.len().max(1);
        self.allowed.iter().rev().nth(place).copied()
    }
}

/// Where one cgroup's quota is written.
#[derive(Debug, PartialEq, Eq)]
enum QuotaFile {
    /// `cpu.max`: quota and period in one file.
    V2(PathBuf),
    /// `cpu.cfs_quota_us`, with the period beside it.
    V1(PathBuf),
}

impl QuotaFile {
    fn read(&self) -> Option<u64> {
        match self {
            Self::V2(path) => {
                let text = fs::read_to_string(path).ok()?;
                let (quota, period) = text.trim().split_once(' ')?;
                quota_milli(quota, period)
            }
            Self::V1(path) => {
                let quota = fs::read_to_string(path).ok()?;
                let period = fs::read_to_string(path.with_file_name("cpu.cfs_period_us")).ok()?;
                quota_milli(quota.trim(), period.trim())
            }
        }
    }
}

/// Thousandths of a CPU; `None` where the quota is "max" or -1, or makes no sense.
fn quota_milli(quota: &str, period: &str) -> Option<u64> {
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    quota.checked_mul(1000)?.checked_div(period)
}

/// The files to look at, given `/proc/self/cgroup`: one line per hierarchy, `id:controllers:path`.
fn quota_files(membership: &str) -> Vec<QuotaFile> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let path = Path::new(path.trim_start_matches('/'));
        // Ancestors end with the empty path, which is the root: in a container, usually the only one that
        // exists.
        if controllers.is_empty() {
            let groups = path.ancestors();
            files.extend(groups.map(|group| QuotaFile::V2(Path::new(ROOT).join(group).join("cpu.max"))));
        } else if controllers.split(',').any(|controller| controller == "cpu") {
            let root = Path::new(ROOT).join("cpu");
            files.extend(
                path.ancestors().map(|group| QuotaFile::V1(root.join(group).join("cpu.cfs_quota_us"))),
            );
        }
    }
    files
}

/// Where cgroups are mounted on every distribution of the last ten years.
const ROOT: &str = "/sys/fs/cgroup";

#[cfg(test)]
mod tests {
    use super::*;

    fn cpus(allowed: &[usize], quota_milli: Option<u64>) -> Cpus {
        Cpus { allowed: allowed.to_vec(), quota_milli }
    }

    #[test]
    fn the_tighter_of_mask_and_quota_counts() {
        assert_eq!(cpus(&[0, 1, 2, 3], None).shards(), 4);
        assert_eq!(cpus(&[0, 1, 2, 3], Some(2_500)).shards(), 2, "half a CPU carries no shard");
        assert_eq!(cpus(&[0, 1], Some(64_000)).shards(), 2);
        assert_eq!(cpus(&[5], Some(200)).shards(), 1, "never none");
        assert_eq!(cpus(&[], None).shards(), 1);
    }

    #[test]
    fn shards_spread_over_the_mask() {
        let cpus = cpus(&[2, 3, 6], None);
        let places: Vec<_> = (0..4).map(|shard| cpus.cpu_of(ShardId(shard)).unwrap()).collect();
        assert_eq!(places, [6, 3, 2, 6]);
        assert_eq!(super::Cpus { allowed: vec![], quota_milli: None }.cpu_of(ShardId(1)), None);
    }

    #[test]
    fn quotas_are_read_as_thousandths() {
        assert_eq!(quota_milli("150000", "100000"), Some(1_500));
        assert_eq!(quota_milli("max", "100000"), None);
        assert_eq!(quota_milli("-1", "100000"), None);
        assert_eq!(quota_milli("1000", "0"), None);
    }

    #[test]
    fn every_group_up_to_the_root_is_looked_at() {
        let paths = |membership: &str| -> Vec<String> {
            let path = |file: &QuotaFile| match file {
                QuotaFile::V2(path) | QuotaFile::V1(path) => path.display().to_string(),
            };
            quota_files(membership).iter().map(path).collect()
        };
        assert_eq!(
            paths("0::/a.slice/b\n"),
            ["/sys/fs/cgroup/a.slice/b/cpu.max", "/sys/fs/cgroup/a.slice/cpu.max", "/sys/fs/cgroup/cpu.max"]
        );
        assert_eq!(
            paths("4:memory:/x\n3:cpu,cpuacct:/x\nnonsense\n"),
            ["/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"]
        );
        assert_eq!(paths("5:cpuset:/x"), [""; 0], "cpuset is another controller");
    }

    #[test]
    fn this_process_may_use_something() {
        let cpus = Cpus::of_this_process();
        assert!(cpus.shards() >= 1 && !cpus.allowed.is_empty());
    }
}
