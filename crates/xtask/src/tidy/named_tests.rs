//! Tables in `docs/` whose last column is called `test`: each row names one at least, and each that is named exists.
//!
//! A name is `file::function`, in backticks: the file without its ending, and a test in it.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in &tree.documents {
        let mut in_table = false;
        for (index, line) in text.lines().enumerate() {
            let Some(last) = last_cell(line) else {
                in_table = false;
                continue;
            };
            if last == "test" {
                in_table = true;
                continue;
            }
            if !in_table || last.chars().all(|c| c == '-' || c == ':') {
                continue;
            }
            let names: Vec<&str> = last.split('`').filter(|part| part.contains("::")).collect();
            let at = |message| Finding::error("named-tests", path, message).at(index + 1);
            if names.is_empty() {
                findings.push(at("this row names no test, as `file::function`".to_owned()));
            }
            let missing = names.iter().filter(|name| !exists(tree, name));
            findings.extend(missing.map(|name| at(format!("there is no test `{name}`"))));
        }
    }
    findings
}

/// What stands in the last column, of a line that is part of a table.
fn last_cell(line: &str) -> Option<&str> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    inside.rsplit('|').next().map(str::trim)
}

fn exists(tree: &Tree, name: &str) -> bool {
    let Some((file, function)) = name.rsplit_once("::") else { return false };
    let opening = format!("fn {function}()");
    tree.files().any(|(_, path, source)| {
        path.file_stem().is_some_and(|stem| stem == file) && is_test(&source.text, &opening)
    })
}

/// Whether that function is there, right under its attribute.
fn is_test(text: &str, opening: &str) -> bool {
    let mut before = "";
    text.lines().any(|line| {
        let found = line.trim_start().starts_with(opening) && before == "#[test]";
        before = line.trim();
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Fixture;

    fn found(document: &str) -> Vec<(Option<usize>, String)> {
        let tests = "#[test]\nfn it_works() {}\n\nfn it_is_no_test() {}\n";
        let fixture = Fixture::new()
            .package("net", &[])
            .file("crates/net/tests/rooms.rs", tests)
            .file("docs/api.md", document);
        check(&fixture.read()).into_iter().map(|found| (found.line, found.message)).collect()
    }

    #[test]
    fn a_table_whose_tests_exist_passes_and_others_are_not_looked_at() {
        assert_eq!(
            found("| a | test |\n|---|---|\n| x | `rooms::it_works` |\n\n| b | c |\n|---|---|\n| 1 | 2 |\n"),
            []
        );
    }

    #[test]
    fn a_row_without_a_test_and_a_test_that_is_none_are_found() {
        let rows =
            "| x | soon |\n| y | `rooms::it_is_no_test` |\n| z | `rooms::it_works` `halls::it_works` |\n";
        let found = found(&format!("| a | test |\n|---|---|\n{rows}"));
        let lines: Vec<_> = found.iter().map(|(line, _)| line.unwrap_or_default()).collect();
        assert_eq!(lines, [3, 4, 5], "{found:?}");
        assert!(found[2].1.contains("halls::it_works"), "{found:?}");
    }
}
