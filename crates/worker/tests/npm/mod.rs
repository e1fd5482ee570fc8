//! The npm package that our worker has to satisfy, installed on first use from the lock file beside this one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `node_modules` folder with the pinned package in it.
pub(crate) fn package() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm");
        let folder = here.join("node_modules");
        // Tests run in processes of their own, those of `model` too; the first one installs, the others wait for it.
        let lock_file = File::open(here.join("package-lock.json")).expect("the lock file is committed");
        lock_file.lock().expect("nobody else locks it for long");
        if !folder.join("mediasoup/package.json").is_file() {
            let npm =
                Command::new("npm").args(["ci", "--ignore-scripts", "--silent"]).current_dir(&here).status();
            assert!(
                npm.is_ok_and(|status| status.success()),
                "`npm ci` in {} failed: is npm there?",
                here.display()
            );
        }
        folder
    })
}
