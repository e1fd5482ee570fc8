//! The npm package with its tests, installed into the build folder and made fit to be tested there.
//!
//! jest looks for no tests inside `node_modules`, so the package moves out of it, to a place from where it still finds
//! what it depends on. No install script runs: the package's own would download or build another worker.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::command::{is_installed, program_in, run};

/// An installed package.
#[derive(Debug)]
pub(super) struct Package {
    folder: PathBuf,
    /// Held while the package is used: two runs at once would take each other's ports, which some tests fix.
    _lock: File,
}

impl Package {
    /// Installs what `home` pins into `folder`, unless it is there already.
    ///
    /// # Errors
    /// What is missing, or why npm did not do it.
    pub(super) fn prepare(home: &Path, folder: &Path) -> Result<Self, String> {
        for program in ["node", "npm"] {
            if !is_installed(program) {
                return Err(format!("{program} is missing: the suite is written for it"));
            }
        }
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let lock = File::create(folder.join(".lock")).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(|error| format!("{}: {error}", folder.display()))?;
        let package = Self { folder: folder.to_path_buf(), _lock: lock };
        let wanted = pins(home)?;
        let stamp = folder.join("installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(package);
        }
        package.install(home)?;
        fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(package)
    }

    /// The test files by name, without their ending.
    ///
    /// # Errors
    /// When the package carries none.
    pub(super) fn test_files(&self) -> Result<Vec<String>, String> {
        let folder = self.tests();
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let files = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let tests = files.filter(|name| name.starts_with("test-"));
        let mut names: Vec<String> =
            tests.filter_map(|name| name.strip_suffix(".js").map(str::to_owned)).collect();
        names.sort();
        if names.is_empty() { Err(format!("{}: no tests", folder.display())) } else { Ok(names) }
    }

    /// Where a test file is.
    pub(super) fn test_file(&self, name: &str) -> PathBuf {
        self.tests().join(name).with_extension("js")
    }

    /// What runs from here finds jest and what jest needs.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn tests(&self) -> PathBuf {
        self.folder.join("mediasoup/node/lib/test")
    }

    fn install(&self, home: &Path) -> Result<(), String> {
        println!("installing the npm package mediasoup and jest into {}", self.folder.display());
        for old in ["node_modules", "mediasoup"] {
            let old = self.folder.join(old);
            if old.exists() {
                fs::remove_dir_all(&old).map_err(|error| format!("{}: {error}", old.display()))?;
            }
        }
        for name in COPIED {
            let (from, to) = (home.join(name), self.folder.join(name));
            fs::copy(&from, to).map_err(|error| format!("{}: {error}", from.display()))?;
        }
        // Not `npm ci`: with a lock that names no registry it takes the native parts of other platforms for missing.
        let install = ["install", "--no-save", "--ignore-scripts", "--silent"];
        run(program_in(Path::new("npm"), &self.folder).args(install))?;
        let moved = fs::rename(self.folder.join("node_modules/mediasoup"), self.folder.join("mediasoup"));
        moved.map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let certificate = self.tests().join("data");
        run(program_in(Path::new("node"), home).arg("certificate.js").arg(certificate))
    }
}

/// What decides whether an installed package is the one that is wanted.
fn pins(home: &Path) -> Result<String, String> {
    let mut pins = String::new();
    for name in COPIED.iter().chain(&["certificate.js"]) {
        let path = home.join(name);
        pins.push_str(&fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(pins)
}

const COPIED: &[&str] = &["package.json", "package-lock.json", ".npmrc", "jest.config.json"];
