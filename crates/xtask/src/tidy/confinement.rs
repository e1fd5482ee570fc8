//! Things that have one home: `unsafe`, and everything a sans-IO crate takes as an argument instead.

use std::path::Path;

use super::Finding;
use super::directions::is_sans_io;
use super::source::lines_with;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (package, path, source) in tree.files() {
        if package.name != UNSAFE_HOME && excuse(path).is_none() {
            for line in lines_with(&source.code, "unsafe") {
                let message = format!("`unsafe` lives in `{UNSAFE_HOME}` only");
                findings.push(Finding::error("unsafe-home", path, message).at(line));
            }
        }
        if is_sans_io(&package.name) && !is_test_file(&package.folder, path) {
            let needed = |name: &str| {
                SANS_IO_ELSEWHERE.iter().any(|&(place, what, _)| path == Path::new(place) && what == name)
            };
            for (name, instead) in NOT_SANS_IO.iter().filter(|(name, _)| !needed(name)) {
                for line in lines_with(&source.product, name) {
                    let message = format!("`{name}` in a sans-IO crate: {instead}");
                    findings.push(Finding::error("sans-io", path, message).at(line));
                }
            }
        }
    }
    findings
}

fn excuse(path: &Path) -> Option<&'static str> {
    let holds = |place: &str| path.starts_with(place) || path.ends_with(place);
    UNSAFE_ELSEWHERE.iter().find(|(place, _)| holds(place)).map(|&(_, reason)| reason)
}

/// `tests/…`, `benches/…`, and the modules that tests are kept in.
fn is_test_file(folder: &Path, path: &Path) -> bool {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let is_test =
        |name: &str| matches!(name, "tests" | "benches" | "examples" | "tests.rs" | "test_support.rs");
    inside.components().any(|part| part.as_os_str().to_str().is_some_and(is_test))
}

const UNSAFE_HOME: &str = "net";

/// Places outside `net` that cannot do without, by the start or the end of their path, each with its reason.
const UNSAFE_ELSEWHERE: &[(&str, &str)] = &[
    ("bench", "it measures: system calls around the subject, and an allocator that counts; no product code"),
    ("tests/allocations.rs", "a test that counts allocations replaces the global allocator"),
];

/// Files of sans-IO crates that have to name what the others must not, each with its reason.
const SANS_IO_ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "crates/dtls/src/anchor.rs",
        "Instant",
        "its library's moments are instants; it converts and asks no clock",
    ),
    (
        "crates/dtls/src/setup.rs",
        "std::sync",
        "its library takes its settings in an `Arc`, which stays on the shard",
    ),
    (
        "crates/dtls/src/own/random.rs",
        "SystemRandom",
        "aws-lc draws keys and signatures from the kernel whatever it is passed",
    ),
];

/// What a sans-IO crate must not name outside its tests, and what it does instead.
const NOT_SANS_IO: &[(&str, &str)] = &[
    ("Instant", "time is an argument, `Mono`"),
    ("SystemTime", "wall-clock time is an argument"),
    ("UNIX_EPOCH", "wall-clock time is an argument"),
    ("std::thread", "the shard is the only thread, and it is elsewhere"),
    ("thread_local", "state has one owner and is passed to whoever needs it"),
    ("std::sync", "one owner per fact; only values cross shards"),
    ("core::sync", "one owner per fact; only values cross shards"),
    ("alloc::sync", "one owner per fact; only values cross shards"),
    ("UdpSocket", "sockets live in `net`"),
    ("TcpStream", "sockets live in `net`"),
    ("TcpListener", "sockets live in `net`"),
    ("std::fs", "bytes are an argument"),
    ("std::env", "configuration is an argument"),
    ("std::process", "the process belongs to the front doors"),
    ("async", "a call returns a value or a deadline, never a future"),
    ("await", "a call returns a value or a deadline, never a future"),
    ("RandomState", "the hasher's key is an argument"),
    ("SystemRandom", "randomness is an argument"),
    ("OsRng", "randomness is an argument"),
    ("thread_rng", "randomness is an argument"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Fixture;

    fn rules(tree: &Tree) -> Vec<(&'static str, String, Option<usize>)> {
        check(tree)
            .into_iter()
            .map(|found| (found.rule, found.path.display().to_string(), found.line))
            .collect()
    }

    #[test]
    fn unsafe_outside_its_home_is_found_even_in_tests() {
        let tree = Fixture::new()
            .package("net", &[])
            .file("crates/net/src/ring.rs", "fn a() { unsafe {} }\n")
            .package("shard", &[])
            .file("crates/shard/src/a.rs", "// unsafe\n#[cfg(test)]\nmod tests { fn a() { unsafe {} } }\n")
            .file("crates/shard/tests/allocations.rs", "unsafe impl X for Y {}\n")
            .file("crates/shard/tests/other.rs", "unsafe impl X for Y {}\n")
            .read();
        let expected = [("crates/shard/src/a.rs", 3), ("crates/shard/tests/other.rs", 1)];
        assert_eq!(rules(&tree), expected.map(|(path, line)| ("unsafe-home", path.to_owned(), Some(line))));
    }

    #[test]
    fn a_clock_in_a_sans_io_crate_is_found_and_in_its_tests_is_not() {
        let tree = Fixture::new()
            .package("wire", &[])
            .file(
                "crates/wire/src/a.rs",
                "fn a() {\n  let now = Instant::now();\n}\n#[cfg(test)]\nmod tests { use std::thread; }\n",
            )
            .file("crates/wire/tests/b.rs", "use std::time::Instant;\n")
            .package("net", &[])
            .file("crates/net/src/clock.rs", "use std::time::Instant;\n")
            .read();
        assert_eq!(rules(&tree), [("sans-io", "crates/wire/src/a.rs".to_owned(), Some(2))]);
    }

    #[test]
    fn an_exception_is_for_one_name_in_one_file() {
        let both = "use std::time::Instant;\nuse std::sync::Arc;\n";
        let tree = Fixture::new()
            .package("dtls", &[])
            .file("crates/dtls/src/anchor.rs", both)
            .file("crates/dtls/src/other.rs", "use std::time::Instant;\n")
            .read();
        let expected = [("crates/dtls/src/anchor.rs", 2), ("crates/dtls/src/other.rs", 1)];
        assert_eq!(rules(&tree), expected.map(|(path, line)| ("sans-io", path.to_owned(), Some(line))));
    }

    #[test]
    fn every_forbidden_name_is_found() {
        for (name, _) in NOT_SANS_IO {
            let tree = Fixture::new()
                .package("model", &[])
                .file("crates/model/src/a.rs", &format!("{name};\n"))
                .read();
            assert_eq!(rules(&tree).len(), 1, "{name}");
        }
    }
}
