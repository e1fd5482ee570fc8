//! Promises, and what became of them: kept, not kept, or not measured, which is no better than not kept.

use core::fmt;

use serde::Serialize;

/// What became of one promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    what: String,
    /// What is promised.
    at_most: f64,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Kept(f64),
    NotKept(f64),
    NotMeasured(String),
}

impl Verdict {
    /// Of a figure that counts. One that is no number is none.
    pub(crate) fn of(what: impl Into<String>, figure: f64, at_most: f64) -> Self {
        let outcome = if !figure.is_finite() {
            Outcome::NotMeasured("there is no figure".to_owned())
        } else if figure <= at_most {
            Outcome::Kept(figure)
        } else {
            Outcome::NotKept(figure)
        };
        Self { what: what.into(), at_most, outcome }
    }

    /// Of a figure that does not count where there is a reason.
    pub(crate) fn unless(why: Option<&str>, what: impl Into<String>, (figure, at_most): (f64, f64)) -> Self {
        match why {
            None => Self::of(what, figure, at_most),
            Some(why) => Self { what: what.into(), at_most, outcome: Outcome::NotMeasured(why.to_owned()) },
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.outcome, Outcome::Kept(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, at_most, outcome } = self;
        match outcome {
            Outcome::Kept(figure) => write!(f, "kept: {what} {figure:.3}, at most {at_most}"),
            Outcome::NotKept(figure) => write!(f, "NOT KEPT: {what} {figure:.3}, at most {at_most}"),
            Outcome::NotMeasured(why) => write!(f, "NOT MEASURED: {what}, at most {at_most}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_figure_that_counts_and_is_small_enough_keeps_a_promise() {
        for (verdict, said, kept) in [
            (Verdict::of("it", 1.0, 1.0), "kept: it 1.000, at most 1", true),
            (Verdict::of("it", 1.01, 1.0), "NOT KEPT: it 1.010, at most 1", false),
            (Verdict::of("it", f64::NAN, 1.0), "NOT MEASURED: it, at most 1: there is no figure", false),
            (Verdict::unless(Some("loss"), "it", (0.5, 1.0)), "NOT MEASURED: it, at most 1: loss", false),
        ] {
            assert_eq!((verdict.to_string().as_str(), verdict.is_kept()), (said, kept));
        }
    }
}
