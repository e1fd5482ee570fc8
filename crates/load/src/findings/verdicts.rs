//! What the thresholds say.

use std::time::Duration;

use super::Findings;
use crate::histogram::Percentiles;
use crate::meter::nanos;

/// One threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The argument that set it.
    pub(crate) argument: &'static str,
    pub(crate) limit: String,
    pub(crate) found: String,
    pub(crate) met: bool,
}

/// Of each threshold that was set. Where nothing was measured nothing is met.
pub(super) fn of(findings: &Findings) -> Vec<Verdict> {
    let thresholds = findings.plan.thresholds;
    let mut verdicts = vec![Verdict {
        argument: "--max-failures",
        limit: thresholds.failures.to_string(),
        found: findings.peers.failed.to_string(),
        met: findings.peers.failed <= thresholds.failures,
    }];
    verdicts.extend(within("--max-p99", thresholds.latency_p99, findings.latency.all));
    verdicts.extend(within("--max-join-p99", thresholds.join_p99, findings.joining.total));
    if let Some(limit) = thresholds.loss_ppm {
        let loss = findings.loss;
        let percent = |ppm: u128| format!("{}.{:04} %", ppm / 10_000, ppm % 10_000);
        let found = u128::from(loss.lost) * 1_000_000 / u128::from(loss.expected.max(1));
        verdicts.push(Verdict {
            argument: "--max-loss",
            limit: percent(limit.into()),
            found: if loss.expected == 0 { NOTHING.to_owned() } else { percent(found) },
            // Exactly, since a share in millionths is rounded down.
            met: loss.expected > 0
                && u128::from(loss.lost) * 1_000_000 <= u128::from(limit) * u128::from(loss.expected),
        });
    }
    verdicts
}

fn within(argument: &'static str, limit: Option<Duration>, found: Option<Percentiles>) -> Option<Verdict> {
    let limit = limit?;
    let p99 = found.map(|found| found.p99);
    Some(Verdict {
        argument,
        limit: format!("{limit:?}"),
        found: p99.map_or(NOTHING.to_owned(), |p99| format!("{:?}", Duration::from_nanos(p99))),
        met: p99.is_some_and(|p99| p99 <= nanos(limit)),
    })
}

const NOTHING: &str = "nothing measured";
