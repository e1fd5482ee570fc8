//! Length of files. Length of functions and number of arguments are clippy's (`clippy.toml`).

use std::path::Path;

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    check_against(tree, LONG_ON_PURPOSE)
}

fn check_against(tree: &Tree, exceptions: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.files() {
        let lines = source.lines();
        let excused = exceptions.iter().any(|(name, _)| path == Path::new(name));
        if lines > SPLIT_ABOVE && !excused {
            let message =
                format!("{lines} lines: split it, or list it in xtask/src/tidy/sizes.rs with a reason");
            findings.push(Finding::error("file-size", path, message));
        } else if lines > THINK_ABOVE && !excused {
            let message = format!("{lines} lines, which is over {THINK_ABOVE}: does it have one subject?");
            findings.push(Finding::error("file-size", path, message).into_warning());
        } else if lines <= SPLIT_ABOVE && excused {
            let message =
                format!("{lines} lines: it no longer needs its exception in xtask/src/tidy/sizes.rs");
            findings.push(Finding::error("file-size", path, message));
        }
    }
    for (name, _) in exceptions {
        if !tree.files().any(|(_, path, _)| path == Path::new(name)) {
            let message = "has an exception in xtask/src/tidy/sizes.rs and does not exist".to_owned();
            findings.push(Finding::error("file-size", *name, message));
        }
    }
    findings
}

/// Aim for 150 to 300 lines; from here on a reader asks whether it is still one subject.
const THINK_ABOVE: usize = 500;
/// From here on it is not.
const SPLIT_ABOVE: usize = 1000;
/// Files that are longer than that on purpose, each with the reason.
const LONG_ON_PURPOSE: &[(&str, &str)] = &[];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Fixture;

    fn tree(lines: usize) -> Tree {
        Fixture::new().package("net", &[]).file("crates/net/src/a.rs", &"//! A.\n".repeat(lines)).read()
    }

    #[test]
    fn a_long_file_warns_and_a_very_long_one_fails() {
        assert_eq!(check_against(&tree(500), &[]), []);
        assert!(check_against(&tree(501), &[])[0].warning);
        assert!(check_against(&tree(1000), &[])[0].warning);
        assert!(!check_against(&tree(1001), &[])[0].warning);
    }

    #[test]
    fn an_exception_counts_only_while_it_is_needed() {
        let exceptions = [("crates/net/src/a.rs", "a table")];
        assert_eq!(check_against(&tree(1001), &exceptions), []);
        assert!(check_against(&tree(900), &exceptions)[0].message.contains("no longer needs"));
        assert!(
            check_against(&tree(10), &[("crates/net/src/gone.rs", "a table")])[0]
                .message
                .contains("does not exist")
        );
    }
}
