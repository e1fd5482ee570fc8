//! Small workspaces on disk for the tests of the rules; each is removed when it has been read.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::tree::Tree;

/// A workspace under construction. A fresh package keeps every rule.
pub(crate) struct Fixture {
    root: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tidy-fixture-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(name);
        let fixture = Self { root };
        fixture
            .file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n")
            .file("clippy.toml", "")
    }

    /// A library that uses these packages of the same workspace.
    pub(crate) fn package(self, name: &str, uses: &[&str]) -> Self {
        let folder = format!("crates/{name}");
        let uses: String = uses.iter().map(|used| format!("{used} = {{ path = \"../{used}\" }}\n")).collect();
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n[dependencies]\n{uses}");
        self.file(&format!("{folder}/Cargo.toml"), &manifest)
            .file(&format!("{folder}/src/lib.rs"), "//! A library.\n//! It owns nothing.\n")
            .file(&format!("{folder}/README.md"), &format!("# {name}\n\n{}\n", "word ".repeat(30)))
            .file(&format!("{folder}/clippy.toml"), SANS_IO_CLIPPY)
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a temporary folder");
        fs::write(path, text).expect("a temporary file");
        self
    }

    pub(crate) fn append(self, path: &str, text: &str) -> Self {
        let before = fs::read_to_string(self.root.join(path)).expect("a file of the fixture");
        self.file(path, &format!("{before}{text}"))
    }

    pub(crate) fn without(self, path: &str) -> Self {
        fs::remove_file(self.root.join(path)).expect("a file of the fixture");
        self
    }

    pub(crate) fn read(self) -> Tree {
        Tree::read(&self.root).expect("a workspace that cargo understands")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

pub(crate) const SANS_IO_CLIPPY: &str = r#"disallowed-methods = [
  { path = "std::time::Instant::now", reason = "x" },
  { path = "std::time::SystemTime::now", reason = "x" },
  { path = "std::thread::spawn", reason = "x" },
]
disallowed-types = [
  { path = "std::sync::Mutex", reason = "x" },
  { path = "std::sync::RwLock", reason = "x" },
  { path = "std::sync::Arc", reason = "x" },
  { path = "std::net::UdpSocket", reason = "x" },
  { path = "std::net::TcpStream", reason = "x" },
  { path = "std::net::TcpListener", reason = "x" },
]
"#;
