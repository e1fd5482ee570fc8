//! A crate's own `clippy.toml` replaces the root's instead of adding to it, so each must repeat what the root says,
//! and the sans-IO crates must add what keeps them sans-IO.

use std::collections::BTreeMap;
use std::path::Path;

use super::Finding;
use super::directions::is_sans_io;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let rules = entries(&tree.clippy);
    let mut findings = Vec::new();
    for package in &tree.packages {
        let path = package.folder.join("clippy.toml");
        let Some(text) = &package.clippy else {
            if is_sans_io(&package.name) {
                let message = "a sans-IO crate needs its own list: the root's plus clocks, locks and sockets";
                findings.push(Finding::error("clippy-list", path, message.to_owned()));
            }
            continue;
        };
        let own = entries(text);
        findings.extend(missing(&path, &rules, &own));
        if is_sans_io(&package.name) {
            findings.extend(sans_io_gaps(&path, text));
        }
    }
    findings
}

fn missing(path: &Path, rules: &BTreeMap<String, String>, own: &BTreeMap<String, String>) -> Vec<Finding> {
    let say = |message| Finding::error("clippy-list", path, message);
    let mut findings = Vec::new();
    for (key, value) in rules {
        match own.get(key) {
            None => findings.push(say(format!("the root's `{key}` is not repeated"))),
            Some(repeated) if !repeats(value, repeated) => {
                findings.push(say(format!("`{key}` is not what the root says: {value}")));
            }
            Some(_) => {}
        }
    }
    findings
}

/// A list may grow; anything else stays as it is.
fn repeats(value: &str, repeated: &str) -> bool {
    if value.starts_with('[') {
        quoted_paths(value).all(|path| repeated.contains(path))
    } else {
        value == repeated
    }
}

/// The `path = "…"` strings of a list, quotes included.
fn quoted_paths(list: &str) -> impl Iterator<Item = &str> {
    list.split('"').skip(1).step_by(2).filter(|text| text.contains("::"))
}

fn sans_io_gaps(path: &Path, text: &str) -> Vec<Finding> {
    SANS_IO_ENTRIES
        .iter()
        .filter(|entry| {
            !text
                .lines()
                .any(|line| !line.trim_start().starts_with('#') && line.contains(&format!("\"{entry}\"")))
        })
        .map(|entry| {
            Finding::error("clippy-list", path, format!("`{entry}` is not on the list of this sans-IO crate"))
        })
        .collect()
}

/// The top-level `key = value` pairs, each value on one line of text. `clippy.toml` has no tables, so this is enough.
fn entries(text: &str) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((key, mut value)) = open.take() {
            value.push_str(line);
            if line.starts_with(']') {
                entries.insert(key, value);
            } else {
                open = Some((key, value));
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            if value.starts_with('[') && !value.ends_with(']') {
                open = Some((key, value));
            } else {
                entries.insert(key, value);
            }
        }
    }
    entries
}

const SANS_IO_ENTRIES: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Arc",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::net::TcpListener",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{Fixture, SANS_IO_CLIPPY};

    const ROOT: &str = "allow-unwrap-in-tests = true\ndisallowed-methods = [\n  { path = \"std::env::set_var\", reason = \"x\" },\n]\n";

    fn messages(tree: &Tree) -> Vec<String> {
        check(tree).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_sans_io_crate_without_a_list_is_found() {
        let tree = Fixture::new().package("wire", &[]).without("crates/wire/clippy.toml").read();
        assert!(messages(&tree)[0].contains("needs its own list"));
        let net = Fixture::new().package("net", &[]).read();
        assert_eq!(messages(&net), Vec::<String>::new());
    }

    #[test]
    fn a_list_that_forgets_or_changes_the_root_is_found() {
        let fixture = || Fixture::new().package("wire", &[]).file("clippy.toml", ROOT);
        let forgets = fixture().file("crates/wire/clippy.toml", SANS_IO_CLIPPY).read();
        let found = messages(&forgets);
        assert!(found.iter().any(|m| m.contains("`allow-unwrap-in-tests` is not repeated")), "{found:?}");
        assert!(
            found.iter().any(|m| m.contains("`disallowed-methods` is not what the root says")),
            "{found:?}"
        );

        let changed = format!("allow-unwrap-in-tests = false\n{SANS_IO_CLIPPY}");
        let found = messages(&fixture().file("crates/wire/clippy.toml", &changed).read());
        assert!(
            found.iter().any(|m| m.contains("`allow-unwrap-in-tests` is not what the root says")),
            "{found:?}"
        );
    }

    #[test]
    fn each_entry_that_keeps_a_crate_sans_io_is_needed() {
        for entry in SANS_IO_ENTRIES {
            let without: String = SANS_IO_CLIPPY
                .lines()
                .filter(|line| !line.contains(entry))
                .map(|line| format!("{line}\n"))
                .collect();
            let tree = Fixture::new().package("wire", &[]).file("crates/wire/clippy.toml", &without).read();
            assert_eq!(messages(&tree), [format!("`{entry}` is not on the list of this sans-IO crate")]);
        }
    }
}
