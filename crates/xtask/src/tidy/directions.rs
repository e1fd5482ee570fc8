//! Who may use whom. The table below is the architecture; `docs/architecture.md` says why.

use super::Finding;
use super::tree::{Dependency, Package, Tree};

/// A crate's place: its layer and the crates of ours that it may use outside tests.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) package: &'static str,
    pub(crate) layer: u8,
    pub(crate) may_use: &'static [&'static str],
}

/// Layers 0 and 1 are sans-IO: time and randomness come in as arguments, bytes as slices.
pub(crate) const LAST_SANS_IO_LAYER: u8 = 1;

/// A crate's place, if the table has it.
pub(crate) fn place(package: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.package == package)
}

/// Whether the crate has no socket, thread, clock, randomness, async or lock of its own.
pub(crate) fn is_sans_io(package: &str) -> bool {
    place(package).is_some_and(|place| place.layer <= LAST_SANS_IO_LAYER)
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        let manifest = package.folder.join("Cargo.toml");
        let Some(place) = place(&package.name) else {
            let message = format!(
                "`{}` has no place in the table of layers (xtask/src/tidy/directions.rs)",
                package.name
            );
            findings.push(Finding::error("directions", manifest, message));
            continue;
        };
        // Tests may look wherever they want: an oracle is often the layer above or another project's crate.
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if let Some(message) = objection(package, place, dependency) {
                findings.push(Finding::error("directions", manifest.clone(), message));
            }
        }
    }
    findings
}

fn objection(package: &Package, place: &Place, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if dependency.ours {
        if place.may_use.contains(&name) {
            return None;
        }
        let allowed =
            if place.may_use.is_empty() { "nothing of ours".to_owned() } else { place.may_use.join(", ") };
        return Some(format!(
            "`{}` (layer {}) uses `{name}`; it may use {allowed}",
            package.name, place.layer
        ));
    }
    if place.layer > LAST_SANS_IO_LAYER {
        return None;
    }
    let (_, what) = NOT_BELOW.iter().find(|(crate_name, _)| *crate_name == name)?;
    Some(format!("`{}` is sans-IO and `{name}` brings {what}", package.name))
}

const PLACES: &[Place] = &[
    Place { package: "wire", layer: 0, may_use: &[] },
    Place { package: "srtp", layer: 0, may_use: &["wire"] },
    Place { package: "model", layer: 0, may_use: &[] },
    Place { package: "ice", layer: 1, may_use: &["wire"] },
    Place { package: "dtls", layer: 1, may_use: &["wire"] },
    Place { package: "sctp", layer: 1, may_use: &["wire"] },
    Place { package: "bwe", layer: 1, may_use: &["wire"] },
    Place { package: "streams", layer: 1, may_use: &["wire"] },
    Place {
        package: "sfu",
        layer: 1,
        may_use: &["wire", "srtp", "model", "streams", "ice", "dtls", "sctp", "bwe"],
    },
    Place { package: "net", layer: 2, may_use: &["wire"] },
    Place { package: "shard", layer: 2, may_use: &["wire", "model", "sfu", "net", "dtls", "ice"] },
    // `net` for the look at the machine before a shard starts, and for the sleep that shards end.
    Place { package: "shardcast", layer: 3, may_use: &["model", "shard", "net"] },
    // `net` only for what the parent process left open and what this one used.
    Place { package: "shardcast-worker", layer: 4, may_use: &["model", "shardcast", "net"] },
    // `net` and `shard` only for the look at the machine before anything starts.
    Place { package: "shardcast-server", layer: 4, may_use: &["model", "shardcast", "net", "shard"] },
    Place { package: "shardcast-client", layer: 4, may_use: &["model", "wire"] },
    Place { package: "shardcast-load", layer: 4, may_use: &["model", "wire", "shardcast-client"] },
    // Tools beside the product: they look at every layer on purpose, and nothing may use them.
    Place { package: "xtask", layer: 4, may_use: &[] },
    Place {
        package: "fuzz",
        layer: 4,
        may_use: &["wire", "srtp", "model", "streams", "ice", "dtls", "sctp"],
    },
    // Rooms in virtual time, played against scripted peers.
    Place { package: "sim", layer: 4, may_use: &["wire", "srtp", "model", "streams", "sfu", "net", "shard"] },
    // `shardcast-worker` only for its codec: workers are driven over the channel, whoever made them. `dtls` for peers that
    // call them.
    Place {
        package: "shardcast-bench",
        layer: 4,
        may_use: &["wire", "srtp", "dtls", "net", "shard", "shardcast-worker"],
    },
];

/// Crates that would give a sans-IO crate what it must not have, and what that is.
const NOT_BELOW: &[(&str, &str)] = &[
    ("tokio", "async, sockets, threads and a clock"),
    ("async-std", "async, sockets, threads and a clock"),
    ("smol", "async, sockets, threads and a clock"),
    ("glommio", "async, sockets, threads and a clock"),
    ("futures", "async"),
    ("futures-util", "async"),
    ("mio", "sockets"),
    ("socket2", "sockets"),
    ("io-uring", "system calls"),
    ("libc", "system calls"),
    ("rustix", "system calls"),
    ("nix", "system calls"),
    ("rand", "randomness of its own"),
    ("fastrand", "randomness of its own"),
    ("getrandom", "randomness of its own"),
    ("parking_lot", "locks"),
    ("crossbeam-channel", "queues between threads"),
    ("crossbeam", "queues between threads"),
    ("rayon", "threads"),
    ("chrono", "a clock"),
    ("time", "a clock"),
    ("quanta", "a clock"),
    ("tracing", "global state"),
    ("log", "global state"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Fixture;

    #[test]
    fn the_directions_of_the_table_pass() {
        let tree =
            Fixture::new().package("wire", &[]).package("srtp", &["wire"]).package("net", &["wire"]).read();
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_dependency_upwards_is_found() {
        let tree = Fixture::new().package("wire", &["srtp"]).package("srtp", &[]).read();
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].message.contains("`wire` (layer 0) uses `srtp`; it may use nothing of ours"),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn a_dependency_of_tests_is_free() {
        let tree = Fixture::new()
            .package("wire", &[])
            .package("srtp", &[])
            .append(
                "crates/wire/Cargo.toml",
                "[dev-dependencies]\nsrtp = { path = \"../srtp\" }\ntokio = \"1\"\n",
            )
            .read();
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_sans_io_crate_may_not_bring_a_runtime_and_net_may_bring_sockets() {
        let tree = Fixture::new()
            .package("wire", &[])
            .append("crates/wire/Cargo.toml", "tokio = \"1\"\n")
            .package("net", &[])
            .append("crates/net/Cargo.toml", "socket2 = \"0.6\"\n")
            .read();
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].message.contains("`tokio` brings async"), "{}", findings[0]);
    }

    #[test]
    fn a_target_specific_or_build_dependency_counts() {
        let tree = Fixture::new()
            .package("wire", &[])
            .append(
                "crates/wire/Cargo.toml",
                "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[build-dependencies]\nrand = \"0.9\"\n",
            )
            .read();
        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        let tree = Fixture::new().package("newcomer", &[]).read();
        assert!(check(&tree)[0].message.contains("`newcomer` has no place"));
    }

    #[test]
    fn the_table_itself_only_points_down() {
        for place in PLACES {
            for used in place.may_use {
                let used = super::place(used).expect("only crates of the table");
                assert!(used.layer <= place.layer, "{} uses {}", place.package, used.package);
                assert_ne!(used.package, place.package);
            }
        }
        assert!(["wire", "srtp", "model", "sfu"].iter().all(|package| is_sans_io(package)));
        assert!(!is_sans_io("net"));
    }
}
