//! Who judges a world: each oracle sees everything and says at the end what was wrong, and what it measured.
//!
//! An oracle is worth what it can find: each has a test in which something is broken on purpose, and it says so.

mod continuity;
mod delivery;
mod one_index;
mod repair;
mod reports;
mod scores;
mod transcript;

pub use continuity::Continuity;
pub use delivery::Delivery;
pub use one_index::OneIndex;
pub use repair::{Goal, Repair};
pub use reports::Reports;
pub use scores::{Interval, Scorer, Scores, sample};
pub use transcript::Transcript;

use core::fmt;

/// What an oracle says.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Which oracle.
    pub oracle: &'static str,
    /// What was wrong; the first of it in words.
    pub wrong: Wrong,
    /// What it measured.
    pub figures: Vec<String>,
}

/// What was wrong, of which the first few are kept in words.
#[derive(Clone, Debug, Default)]
pub struct Wrong {
    words: Vec<String>,
    count: usize,
}

impl Wrong {
    /// Something more was wrong.
    pub fn add(&mut self, words: impl FnOnce() -> String) {
        self.count += 1;
        if self.words.len() < KEPT {
            self.words.push(words());
        }
    }

    /// Something more was wrong, which a reader should see first.
    pub fn add_first(&mut self, words: String) {
        self.count += 1;
        self.words.insert(0, words);
    }

    /// How much was wrong.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The first of it.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judgement =
            if self.wrong.count == 0 { "ok".to_owned() } else { format!("{} WRONG", self.wrong.count) };
        write!(f, "{:<12} {judgement}", self.oracle)?;
        for figure in &self.figures {
            write!(f, "\n             {figure}")?;
        }
        for words in &self.wrong.words {
            write!(f, "\n           ! {words}")?;
        }
        Ok(())
    }
}

/// A share in percent, for a reader.
#[expect(clippy::cast_precision_loss, reason = "for a reader")]
#[must_use]
pub fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// More say nothing new.
const KEPT: usize = 12;
