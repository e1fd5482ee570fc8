//! What the figures of our own workers must be.

use super::idle::Idle;
use crate::channel::Subject;
use crate::forward::limits::is_promised;
use crate::row::Row;
use crate::verdict::Verdict;

/// One for each promise that the rows say something about.
pub(super) fn verdicts(rows: &[Row], idle: &[Idle], subjects: &[Subject]) -> Vec<Verdict> {
    let ours = |name: &str| subjects.iter().any(|subject| subject.ours && subject.name == name);
    let floors = rows.iter().filter(|row| ours(&row.host) && is_promised(row)).filter_map(|row| {
        let (_, most) = MOST_BY_FLOOR.iter().find(|(burst, _)| *burst == row.burst)?;
        let what = format!("{} at bursts of {} against the floor", row.host, row.burst);
        Some(Verdict::unless(row.invalid.as_deref(), what, (row.ratio, *most)))
    });
    let idles = idle.iter().filter(|row| ours(&row.subject)).flat_map(|row| {
        [
            Verdict::of(format!("{}: ms until it runs", row.subject), row.start_ms, MOST_START_MS),
            Verdict::of(format!("{}: MiB when idle", row.subject), row.router_rss_mib, MOST_RSS_MIB),
            Verdict::of(
                format!("{}: % of a core, idle router", row.subject),
                row.router_cpu_percent,
                MOST_CPU,
            ),
            Verdict::of(format!("{}: % of a core, silent room", row.subject), row.room_cpu_percent, MOST_CPU),
        ]
    });
    floors.chain(idles).collect()
}

/// By burst: 1 to 200, 1200 bytes, GCM-128, one shard.
const MOST_BY_FLOOR: [(usize, f64); 3] = [(1, 1.25), (5, 1.18), (10, 1.18)];
const MOST_START_MS: f64 = 50.0;
const MOST_RSS_MIB: f64 = 30.0;
const MOST_CPU: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_workers_have_promises() {
        let subject = |name: &str, ours| Subject {
            name: name.to_owned(),
            program: "worker".into(),
            environment: Vec::new(),
            ours,
        };
        let idle = |subject: &str| Idle {
            subject: subject.to_owned(),
            start_ms: 60.0,
            router_rss_mib: 20.0,
            router_cpu_percent: 0.1,
            room_rss_mib: 25.0,
            room_cpu_percent: 0.1,
        };
        let subjects = [subject("uring", true), subject("other", false)];
        let verdicts = verdicts(&[], &[idle("uring"), idle("other")], &subjects);
        let verdicts: Vec<_> = verdicts.iter().map(ToString::to_string).collect();
        assert_eq!(verdicts.len(), 4);
        assert!(verdicts[0].starts_with("NOT KEPT: uring: ms until it runs"), "{verdicts:?}");
        assert!(verdicts[1..].iter().all(|line| line.starts_with("kept: uring")), "{verdicts:?}");
    }
}
