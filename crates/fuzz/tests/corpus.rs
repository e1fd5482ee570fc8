//! The fuzz targets on stable: every committed input, and a few thousand seeded mutations of them.

use std::path::{Path, PathBuf};
use std::{collections::BTreeSet, fs};

use fuzz::{TARGETS, Target};

fn crate_directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The committed inputs of a target, in an order that does not depend on the file system.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = crate_directory().join("corpus").join(target.name);
    let entries = fs::read_dir(directory).expect("every target has a corpus");
    let mut paths: Vec<_> =
        entries.map(|entry| entry.map(|entry| entry.path()).unwrap_or_default()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap_or_default())).collect()
}

/// splitmix64: one seed, one sequence.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        let [byte, ..] = self.next().to_le_bytes();
        byte
    }
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.byte()),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            3 => bytes.extend(&other[random.below(other.len())..]),
            4 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
}

#[test]
fn the_committed_corpus_passes() {
    for target in TARGETS {
        for (path, bytes) in corpus(target) {
            println!("{}", path.display());
            (target.run)(&bytes);
        }
    }
}

#[test]
fn mutations_of_the_corpus_pass() {
    for target in TARGETS {
        let corpus = corpus(target);
        let mut random = Random(7);
        for round in 0..MUTATIONS {
            let mut bytes = corpus[random.below(corpus.len())].1.clone();
            let other = &corpus[random.below(corpus.len())].1;
            mutate(&mut random, &mut bytes, other);
            println!("{} {round}: {bytes:02x?}", target.name);
            (target.run)(&bytes);
        }
    }
}

#[test]
fn the_committed_corpus_holds_the_seeds() {
    for target in TARGETS {
        let committed = corpus(target);
        for (name, bytes) in (target.seeds)() {
            let file = committed.iter().find(|(path, _)| path.ends_with(name));
            assert_eq!(
                file.map(|(_, committed)| committed),
                Some(&bytes),
                "{}/{name}: run `cargo run -p fuzz --example seeds`",
                target.name
            );
        }
    }
}

#[test]
fn every_target_has_its_binary_and_every_binary_its_target() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let files = fs::read_dir(crate_directory().join("fuzz_targets")).expect("the binaries are there");
    let binaries: BTreeSet<_> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(targets, binaries);
    assert!(targets.len() <= 12);
    let manifest = fs::read_to_string(crate_directory().join("Cargo.toml")).expect("the manifest is there");
    for target in &targets {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
    }
}

/// Enough to meet every branch that one or two changed bytes lead to, in a few seconds without optimisation.
const MUTATIONS: usize = 4_000;
