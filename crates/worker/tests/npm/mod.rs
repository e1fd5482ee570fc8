//! The npm package that our worker has to satisfy, and what its peers are made of: installed on first use from the lock
//! file beside this one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The `node_modules` folder with the pinned package in it.
pub(crate) fn package() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| install("npm"))
}

/// The `node_modules` folder of what a folder of tests pins.
pub(crate) fn install(folder: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    // Tests run in processes of their own, those of `model` too; the first one installs, the others wait for it.
    let lock_file = File::open(here.join("package-lock.json")).expect("the lock file is committed");
    lock_file.lock().expect("nobody else locks it for long");
    if !is_installed(&here) {
        let npm = Command::new("npm").args(INSTALL).current_dir(&here).status();
        assert!(
            npm.is_ok_and(|status| status.success()),
            "`npm ci` in {} failed: is npm there?",
            here.display()
        );
    }
    here.join("node_modules")
}

/// A registry that does not answer at once is asked again.
const INSTALL: &[&str] = &["ci", "--ignore-scripts", "--silent", "--prefer-offline", "--fetch-retries", "5"];

/// Whether every package that the tests name is there in the version that they name.
fn is_installed(here: &Path) -> bool {
    let read =
        |path: PathBuf| -> Option<Value> { serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok() };
    let wanted = read(here.join("package.json")).expect("it is committed");
    let mut wanted = wanted["dependencies"].as_object().into_iter().flatten();
    wanted.all(|(name, version)| {
        let installed = read(here.join("node_modules").join(name).join("package.json"));
        installed.is_some_and(|installed| installed["version"] == *version)
    })
}
