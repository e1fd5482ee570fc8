//! What the process used, and what its shards have counted.

use std::fmt;

use model::dump::WorkerResourceUsage;
use net::process::ResourceUsage;
use shardcast::runtime::ShardCounters;

use crate::schema::response::Body;

/// What getrusage said. What Linux does not maintain is 0, as it is in the kernel's answer.
pub(super) fn body(usage: ResourceUsage) -> Body<'static> {
    let usage = WorkerResourceUsage {
        ru_utime: usage.user_ms,
        ru_stime: usage.system_ms,
        ru_maxrss: usage.max_rss_kib,
        ru_minflt: usage.minor_faults,
        ru_majflt: usage.major_faults,
        ru_inblock: usage.blocks_in,
        ru_oublock: usage.blocks_out,
        ru_nvcsw: usage.voluntary_switches,
        ru_nivcsw: usage.involuntary_switches,
        ..WorkerResourceUsage::default()
    };
    Body::WorkerResourceUsageResponse(Box::new(usage.into()))
}

/// What a shard has counted, as a line of the log; what it never met is left out.
pub(super) struct Counted<'a>(pub(super) &'a ShardCounters);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ShardCounters { shard, driver, counters, .. }) = self;
        write!(f, "shard {} ({driver}) has counted", shard.0)?;
        let mut written = Ok(());
        counters.totals.each(|name, _, count| {
            if count > 0 && written.is_ok() {
                written = write!(f, " {name}={count}");
            }
        });
        written
    }
}
