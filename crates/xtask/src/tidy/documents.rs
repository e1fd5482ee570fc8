//! What a reader finds at every door: a README per crate, and a module doc at the top of every file.

use super::Finding;
use super::tree::{Package, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        findings.extend(readme(package));
        findings.extend(module_docs(package));
    }
    findings
}

fn readme(package: &Package) -> Option<Finding> {
    let path = package.folder.join("README.md");
    let Some(text) = &package.readme else {
        return Some(Finding::error(
            "readme",
            path,
            "every crate says in a README.md what it is for".to_owned(),
        ));
    };
    let words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).count();
    (words < README_WORDS).then(|| {
        Finding::error(
            "readme",
            path,
            format!("{words} words beside the title: say what it owns and what it does not"),
        )
    })
}

fn module_docs(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in &package.files {
        let is_root = package.roots.contains(path);
        let in_source = path.starts_with(package.folder.join("src"));
        if !is_root && !in_source || path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let doc = source.text.lines().skip_while(|line| line.starts_with("#!") || line.trim().is_empty());
        let lines =
            doc.take_while(|line| line.starts_with("//!")).filter(|line| line.len() > "//! ".len()).count();
        if lines == 0 {
            findings.push(Finding::error(
                "module-doc",
                path,
                "starts with no `//!` that says what it owns".to_owned(),
            ));
        } else if is_root && lines < ROOT_DOC_LINES && path.ends_with("lib.rs") {
            let message = format!(
                "a crate's own doc has {lines} line: say what it owns, its invariants, what it leaves out"
            );
            findings.push(Finding::error("module-doc", path, message));
        }
    }
    findings
}

/// Fewer than this is a title, not an explanation.
const README_WORDS: usize = 20;
/// A library's doc is where its reader starts; one line does not say what it owns and what it does not.
const ROOT_DOC_LINES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Fixture;

    fn found(fixture: Fixture) -> Vec<(&'static str, String)> {
        check(&fixture.read())
            .into_iter()
            .map(|found| (found.rule, found.path.display().to_string()))
            .collect()
    }

    #[test]
    fn a_crate_with_both_passes() {
        assert_eq!(found(Fixture::new().package("net", &[])), []);
    }

    #[test]
    fn a_missing_or_empty_readme_is_found() {
        let missing = Fixture::new().package("net", &[]).without("crates/net/README.md");
        assert_eq!(found(missing), [("readme", "crates/net/README.md".to_owned())]);
        let title = Fixture::new().package("net", &[]).file("crates/net/README.md", "# net\n\nSockets.\n");
        assert_eq!(found(title), [("readme", "crates/net/README.md".to_owned())]);
    }

    #[test]
    fn a_file_without_a_module_doc_is_found_and_a_test_file_needs_none() {
        let file = Fixture::new()
            .package("net", &[])
            .file("crates/net/src/a.rs", "use std::fmt;\n")
            .file("crates/net/src/b.rs", "#![cfg(unix)]\n\n//! B.\n")
            .file("crates/net/src/a/tests.rs", "use std::fmt;\n")
            .file("crates/net/tests/c.rs", "use std::fmt;\n");
        assert_eq!(found(file), [("module-doc", "crates/net/src/a.rs".to_owned())]);
    }

    #[test]
    fn a_library_with_a_one_line_doc_is_found() {
        let short = Fixture::new().package("net", &[]).file("crates/net/src/lib.rs", "//! Sockets.\n");
        assert_eq!(found(short), [("module-doc", "crates/net/src/lib.rs".to_owned())]);
    }
}
