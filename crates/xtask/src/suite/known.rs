//! The list of tests that are known not to pass, and what a run says against it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::run::FileRun;

/// The committed list.
#[derive(Debug, Default)]
pub(super) struct Known {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    file: String,
    test: String,
    reason: String,
}

impl Known {
    /// # Errors
    /// When the list is not what it should be; it says how.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        Self::parse(&fs::read_to_string(path).map_err(|error| say(&error))?).map_err(|why| say(&why))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let entry = |entry: &Value| {
            let word = |key: &str| entry.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
            let words = word("file").zip(word("test")).zip(word("reason"));
            let ((file, test), reason) =
                words.ok_or_else(|| format!("an entry has a file, a test and a reason: {entry}"))?;
            Ok(Entry { file: file.to_owned(), test: test.to_owned(), reason: reason.to_owned() })
        };
        let entries = json.as_array().ok_or("it is an array")?;
        Ok(Self { entries: entries.iter().map(entry).collect::<Result<_, String>>()? })
    }

    /// Why a test is known not to pass, if it is.
    pub(super) fn reason(&self, file: &str, test: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.file == file && entry.test == test)?;
        Some(&entry.reason)
    }
}

/// What a whole run says.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) tests: u64,
    pub(super) passed: u64,
    /// How many did not pass and are on the list.
    pub(super) known: u64,
    /// Tests, and files in trouble, that did not pass and are not on the list.
    pub(super) failed: Vec<String>,
    /// Tests that are on the list and passed.
    pub(super) repaired: Vec<String>,
    seen: Vec<(String, String)>,
}

impl Verdict {
    /// Takes a file into account; the lines say what there is to say about it.
    pub(super) fn judge(&mut self, known: &Known, ran: &FileRun) -> Vec<String> {
        let total = ran.tests.len() + ran.missing;
        if total == 0 && ran.trouble.is_none() {
            return Vec::new();
        }
        let file = &ran.file;
        let mut lines = vec![format!("{:>4}/{total:<3} {file}", ran.passed())];
        for test in &ran.tests {
            let name = format!("{file}: {}", test.name);
            match (test.passed, known.reason(file, &test.name)) {
                (true, None) => {}
                (true, Some(_)) => self.repaired.push(name),
                (false, Some(reason)) => {
                    self.known += 1;
                    lines.push(format!("         known: {} ({reason})", test.name));
                }
                (false, None) => {
                    lines.push(format!("         failed: {}: {}", test.name, test.why));
                    self.failed.push(name);
                }
            }
            self.seen.push((file.clone(), test.name.clone()));
        }
        if ran.missing > 0 {
            lines.push(format!("         no result for {} tests", ran.missing));
            self.failed.extend((0..ran.missing).map(|_| format!("{file}: a test without a result")));
        }
        if let Some(trouble) = &ran.trouble {
            lines.push(format!("         {trouble}"));
            self.failed.push(format!("{file}: {trouble}"));
        }
        self.tests += u64::try_from(total).unwrap_or(u64::MAX);
        self.passed += ran.passed();
        lines
    }

    /// What the list and the run have to say about each other. Only a whole run has seen every test there is.
    pub(super) fn lines(&mut self, known: &Known, whole: bool) -> Vec<String> {
        let mut lines: Vec<_> =
            self.repaired.iter().map(|name| format!("on the list, but passes: {name}")).collect();
        let unseen = known
            .entries
            .iter()
            .filter(|entry| !self.seen.iter().any(|(file, test)| *file == entry.file && *test == entry.test));
        for entry in unseen.filter(|_| whole) {
            let name = format!("{}: {}", entry.file, entry.test);
            lines.push(format!("on the list, but gave no result: {name}"));
            self.failed.push(name);
        }
        lines
    }

    pub(super) fn count(&self) -> String {
        format!("passed {} of {}", self.passed, self.tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::run::Test;

    fn ran(tests: &[(&str, bool)], missing: usize, trouble: Option<&str>) -> FileRun {
        let test = |&(name, passed): &(&str, bool)| Test { name: name.into(), passed, why: "why".into() };
        FileRun {
            file: "f".into(),
            tests: tests.iter().map(test).collect(),
            missing,
            trouble: trouble.map(str::to_owned),
        }
    }

    fn known() -> Known {
        Known::parse(r#"[{"file": "f", "test": "b", "reason": "later"}]"#).expect("an entry")
    }

    #[test]
    fn only_what_is_listed_may_fail() {
        let mut verdict = Verdict::default();
        let lines = verdict.judge(&known(), &ran(&[("a", true), ("b", false), ("c", false)], 0, None));
        assert_eq!(lines[0], "   1/3   f");
        assert!(lines[1].contains("b (later)") && lines[2].contains("c: why"), "{lines:?}");
        assert_eq!((verdict.known, verdict.failed.as_slice()), (1, ["f: c".to_owned()].as_slice()));
        assert!(verdict.lines(&known(), true).is_empty());
        assert_eq!(verdict.count(), "passed 1 of 3");
    }

    #[test]
    fn what_passes_does_not_stay_on_the_list() {
        let mut verdict = Verdict::default();
        verdict.judge(&known(), &ran(&[("b", true)], 0, None));
        assert_eq!(verdict.lines(&known(), true), ["on the list, but passes: f: b"]);
    }

    #[test]
    fn a_listed_test_that_is_not_there_any_more_is_told_by_a_whole_run() {
        let mut verdict = Verdict::default();
        assert!(verdict.lines(&known(), false).is_empty());
        assert_eq!((verdict.lines(&known(), true).len(), verdict.failed.len()), (1, 1));
    }

    #[test]
    fn a_file_without_results_fails_as_often_as_it_has_tests() {
        let mut verdict = Verdict::default();
        let lines = verdict.judge(&Known::default(), &ran(&[], 2, Some("no end within 60 s")));
        assert_eq!((verdict.tests, verdict.failed.len(), lines.len()), (2, 3, 3));
        assert!(verdict.judge(&Known::default(), &ran(&[], 0, None)).is_empty());
    }

    #[test]
    fn an_entry_without_a_reason_is_refused() {
        assert!(Known::parse(r#"[{"file": "f", "test": "b"}]"#).is_err_and(|why| why.contains("reason")));
        assert!(Known::parse("{}").is_err());
    }
}
