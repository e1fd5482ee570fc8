//! How many tests ran, read from what the runners say at their end.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// Numbers of tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// Adds up every summary line in the text: libtest's (one per binary) or nextest's (one per run). What nextest shows
    /// of a test that failed is what libtest said, with a summary of its own, which is not the run's.
    pub(crate) fn read(text: &str) -> Self {
        let mut sum = Self::default();
        // CI likes to force colours (CARGO_TERM_COLOR=always).
        let text = without_colours(text);
        let is_nextest = text.lines().any(|line| line.trim().starts_with(NEXTEST));
        for line in text.lines().map(str::trim) {
            let counts = if line.starts_with("test result:") && !is_nextest {
                line.split_once(". ").map(|(_, counts)| counts)
            } else if line.starts_with(NEXTEST) {
                line.split_once("tests run:")
                    .or_else(|| line.split_once("test run:"))
                    .map(|(_, counts)| counts)
            } else {
                None
            };
            for count in counts.unwrap_or_default().split([';', ',']) {
                sum.count(count.trim());
            }
        }
        sum
    }

    /// The line that a test runner ends with, over everything that ran: what a machine or a hurried reader looks for.
    pub(crate) fn summary(self, took: Duration) -> String {
        let verdict = if self.failed == 0 { "ok" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        format!("test result: {verdict}. {self}; 0 measured; 0 filtered out; finished in {seconds:.2}s")
    }

    fn count(&mut self, count: &str) {
        let mut words = count.split_whitespace();
        let (Some(number), Some(what)) =
            (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
        else {
            return;
        };
        match what {
            "passed" => self.passed += number,
            "failed" | "timed" | "exec" => self.failed += number,
            "ignored" | "skipped" => self.ignored += number,
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed; {} failed; {} ignored", self.passed, self.failed, self.ignored)
    }
}

/// How nextest's summary begins.
const NEXTEST: &str = "Summary [";

/// The text without its `ESC [ … m` sequences.
pub(crate) fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c != ';' && !c.is_ascii_digit());
        plain.push_str(end.and_then(|end| part.get(end..)?.strip_prefix('m')).unwrap_or(part));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_lines_add_up() {
        let text = "test a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(Tally::read(text), Tally { passed: 4, failed: 2, ignored: 1 });
    }

    #[test]
    fn nextest_lines_are_read() {
        let text =
            "     Summary [   0.004s] 6 tests run: 4 passed (1 slow), 1 failed, 1 timed out, 2 skipped\n";
        assert_eq!(Tally::read(text), Tally { passed: 4, failed: 2, ignored: 2 });
        let one = "     Summary [   0.004s] 1 test run: 1 passed, 0 skipped\n";
        assert_eq!(Tally::read(one), Tally { passed: 1, failed: 0, ignored: 0 });
    }

    #[test]
    fn what_a_failed_test_printed_is_not_counted() {
        let said = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 252 filtered out\n";
        let summary = "     Summary [ 163.411s] 1861 tests run: 1860 passed, 1 failed, 102 skipped\n";
        // Once as it fails, and once more at the end.
        let text = [said, summary, said].concat();
        assert_eq!(Tally::read(&text), Tally { passed: 1860, failed: 1, ignored: 102 });
    }

    #[test]
    fn colours_hide_nothing() {
        let text = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.829s] \u{1b}[1m40\u{1b}[0m tests run: \
            \u{1b}[1m39\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m1\u{1b}[0m \u{1b}[31;1mfailed\u{1b}[0m, \
            \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m\n";
        assert_eq!(Tally::read(text), Tally { passed: 39, failed: 1, ignored: 0 });
        let text = "test result: \u{1b}[32mok\u{1b}[0m. 3 passed; 0 failed; 1 ignored\n";
        assert_eq!(Tally::read(text), Tally { passed: 3, failed: 0, ignored: 1 });
    }

    #[test]
    fn the_summary_reads_as_it_was_written() {
        let tally = Tally { passed: 4, failed: 2, ignored: 1 };
        let line = tally.summary(Duration::from_millis(1500));
        assert!(line.starts_with("test result: FAILED. ") && line.ends_with("finished in 1.50s"), "{line}");
        assert_eq!(Tally::read(&line), tally);
        assert!(Tally::default().summary(Duration::ZERO).starts_with("test result: ok. "));
    }
}
