//! What became of each step, and the table at the end.

use std::fmt::Write as _;
use std::time::Duration;

use super::tally::Tally;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything it looks at is as it should be; the note says what was left out, if anything was.
    Passed { note: Option<String> },
    /// It could not run here, and why. Not a failure.
    Skipped { reason: String },
    /// It found something, or broke.
    Failed { reason: String },
}

impl Outcome {
    pub(crate) fn passed() -> Self {
        Self::Passed { note: None }
    }

    pub(crate) fn from_result(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::passed(),
            Err(reason) => Self::Failed { reason },
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed { .. } => "passed",
            Self::Skipped { .. } => "skipped",
            Self::Failed { .. } => "FAILED",
        }
    }

    fn note(&self) -> &str {
        match self {
            Self::Passed { note } => note.as_deref().unwrap_or_default(),
            Self::Skipped { reason } | Self::Failed { reason } => reason,
        }
    }
}

/// All steps of one run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(&'static str, Outcome, Duration)>,
    tally: Tally,
}

impl Report {
    pub(crate) fn add(&mut self, step: &'static str, outcome: Outcome, took: Duration, tally: Tally) {
        self.rows.push((step, outcome, took));
        self.tally += tally;
    }

    pub(crate) fn failed_steps(&self) -> usize {
        self.rows.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed { .. })).count()
    }

    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<14} {:<8} {:>8}  {}\n", "step", "result", "seconds", "note");
        for (step, outcome, took) in &self.rows {
            let row =
                format!("{step:<14} {:<8} {:>8.1}  {}", outcome.word(), took.as_secs_f64(), outcome.note());
            let _ = writeln!(table, "{}", row.trim_end());
        }
        table
    }

    /// The last line. A step that failed without failing a test (formatting, say) counts as one failed test, so
    /// that this line never says `ok` when the run does not.
    pub(crate) fn summary(&self) -> String {
        let mut tally = self.tally;
        if tally.failed == 0 {
            tally.failed = u64::try_from(self.failed_steps()).unwrap_or(u64::MAX);
        }
        tally.summary(self.rows.iter().map(|(_, _, took)| *took).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_why_and_the_summary_follows_the_steps() {
        let mut report = Report::default();
        report.add(
            "test",
            Outcome::passed(),
            Duration::from_secs(2),
            Tally { passed: 5, failed: 0, ignored: 1 },
        );
        report.add(
            "miri",
            Outcome::Skipped { reason: "no nightly".to_owned() },
            Duration::ZERO,
            Tally::default(),
        );
        assert!(
            report.table().contains("miri           skipped       0.0  no nightly\n"),
            "{}",
            report.table()
        );
        assert_eq!(report.failed_steps(), 0);
        assert!(report.summary().starts_with("test result: ok. 5 passed; 0 failed; 1 ignored"));

        let reason = "cargo: exit status: 1".to_owned();
        report.add("fmt", Outcome::Failed { reason }, Duration::ZERO, Tally::default());
        assert_eq!(report.failed_steps(), 1);
        assert!(report.summary().starts_with("test result: FAILED. 5 passed; 1 failed; 1 ignored"));
    }
}
