//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy can check.
//!
//! Owns the crate directions, the limits on file sizes, and where `unsafe`, clocks and sockets may appear. Every
//! rule reads the tree and returns findings; nothing is changed. Sizes of functions are clippy's.

mod clippy_lists;
mod confinement;
mod directions;
mod documents;
#[cfg(test)]
mod fixture;
mod named_tests;
mod sizes;
mod source;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};

use self::tree::Tree;

/// One place that a rule has something to say about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
    /// Said, but no failure.
    pub(crate) warning: bool,
}

impl Finding {
    fn error(rule: &'static str, path: impl Into<PathBuf>, message: String) -> Self {
        Self { rule, path: path.into(), line: None, message, warning: false }
    }

    fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    fn into_warning(mut self) -> Self {
        self.warning = true;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warning { "warning" } else { "error" };
        write!(f, "{kind}[{}] {}", self.rule, self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What every rule found in the workspace at `root`, in the order of the rules.
///
/// # Errors
/// When the workspace cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let tree = Tree::read(root)?;
    let rules: [fn(&Tree) -> Vec<Finding>; 6] = [
        directions::check,
        confinement::check,
        clippy_lists::check,
        sizes::check,
        documents::check,
        named_tests::check,
    ];
    Ok(rules.iter().flat_map(|rule| rule(&tree)).collect())
}
