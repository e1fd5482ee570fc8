//! What the figures must be, for the one case that is promised: 1 to 200, 1200 bytes, GCM-128, one shard.

use crate::case::Shape;
use crate::row::Row;
use crate::verdict::Verdict;

/// One for each promise that the rows say something about.
pub(super) fn verdicts(rows: &[Row]) -> Vec<Verdict> {
    let promised: Vec<&Row> = rows.iter().filter(|row| is_promised(row)).collect();
    let floors = promised.iter().filter_map(|row| {
        let (_, most) = MOST_BY_FLOOR.iter().find(|(burst, _)| *burst == row.burst)?;
        let what = format!("{} at bursts of {} against the floor", row.host, row.burst);
        Some(Verdict::unless(row.invalid.as_deref(), what, (row.ratio, *most)))
    });
    let pairs = promised.iter().filter(|row| row.host == "uring").filter_map(|uring| {
        let epoll = promised.iter().find(|row| row.host == "epoll" && row.burst == uring.burst)?;
        let what = format!("uring at bursts of {} against epoll", uring.burst);
        let invalid = uring.invalid.as_deref().or(epoll.invalid.as_deref());
        Some(Verdict::unless(invalid, what, (uring.cpu_ns / epoll.cpu_ns, MOST_URING_BY_EPOLL)))
    });
    floors.chain(pairs).collect()
}

/// Whether a row is of the promised case.
pub(crate) fn is_promised(row: &Row) -> bool {
    row.shape == Shape::Fan.name()
        && row.sockets == "connected"
        && (row.shards, row.consumers, row.bytes) == (1, 200, 1200)
        && row.suite == "gcm-128"
        && row.host != "floor"
}

/// By burst.
const MOST_BY_FLOOR: [(usize, f64); 3] = [(1, 1.2), (5, 1.15), (10, 1.15)];
const MOST_URING_BY_EPOLL: f64 = 1.05;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, Sockets, Spread};
    use crate::row::Slice;
    use crate::suite::Suite;

    fn row(host: &str, burst: usize, cpu_ns: u64) -> Row {
        let case = Case {
            shape: Shape::Fan,
            shards: 1,
            rooms: 1,
            consumers: 200,
            bytes: 1200,
            burst,
            suite: Suite::Gcm128,
            sockets: Sockets::Connected,
            spread: Spread::Even,
        };
        let slice = Slice {
            cpu_ns,
            expected: 1000,
            received: 1000,
            sent_datagrams: 1000,
            sent_runs: 1000 / crate::case::u64_of(burst),
            floor_ns: 1000.0,
            ..Slice::default()
        };
        Row::of(&case, host, &[slice])
    }

    #[test]
    fn promises_are_judged_by_burst_and_hosts_against_each_other() {
        let rows = [row("uring", 1, 1_190_000), row("epoll", 1, 1_100_000), row("epoll", 5, 1_160_000)];
        let verdicts: Vec<_> = verdicts(&rows).iter().map(ToString::to_string).collect();
        assert_eq!(verdicts.len(), 4);
        assert!(verdicts[0].starts_with("kept: uring"), "{verdicts:?}");
        assert!(verdicts[2].starts_with("NOT KEPT: epoll at bursts of 5"), "{verdicts:?}");
        assert!(verdicts[3].starts_with("NOT KEPT: uring at bursts of 1 against epoll"), "{verdicts:?}");
    }

    #[test]
    fn rows_that_do_not_count_keep_nothing() {
        let mut lossy = row("uring", 1, 1_000_000);
        lossy.invalid = Some("loss".to_owned());
        let verdicts = verdicts(&[lossy, row("epoll", 1, 1_000_000)]);
        let kept: Vec<_> = verdicts.iter().map(Verdict::is_kept).collect();
        assert_eq!(kept, [false, true, false], "{verdicts:?}");
        assert!(verdicts[0].to_string().ends_with(": loss"), "{verdicts:?}");
    }
}
