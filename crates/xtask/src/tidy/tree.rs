//! The workspace as the rules see it: its packages, what they depend on, and their Rust files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::source::Source;
use crate::command::{Tool, capture};

/// Everything that is read before the first rule runs.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The root's `clippy.toml`.
    pub(crate) clippy: String,
    pub(crate) packages: Vec<Package>,
    /// What stands in `docs/`, relative to the root.
    pub(crate) documents: Vec<(PathBuf, String)>,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// Every Rust file of the package, relative to the root, in order.
    pub(crate) files: Vec<(PathBuf, Source)>,
    /// The crate roots (`src/lib.rs`, `src/main.rs`), relative to the root.
    pub(crate) roots: Vec<PathBuf>,
    /// Its `README.md`, if it has one.
    pub(crate) readme: Option<String>,
    /// Its own `clippy.toml`, if it has one.
    pub(crate) clippy: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// A package of this workspace.
    pub(crate) ours: bool,
    /// Only tests, examples and benches see it.
    pub(crate) dev: bool,
}

impl Tree {
    /// Reads the workspace at `root`.
    ///
    /// # Errors
    /// When cargo does not understand the workspace or a file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let metadata = capture(Tool::Cargo.command(root).args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ]))?;
        let metadata: Value =
            serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
        let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        let mut packages = Vec::new();
        for package in array(&metadata, "packages") {
            packages.push(Package::read(&root, package)?);
        }
        packages.sort_by(|a, b| a.folder.cmp(&b.folder));
        let clippy = fs::read_to_string(root.join("clippy.toml")).unwrap_or_default();
        Ok(Self { clippy, packages, documents: documents(&root) })
    }

    /// All Rust files of all packages, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Package, &Path, &Source)> {
        self.packages.iter().flat_map(|package| {
            package.files.iter().map(move |(path, source)| (package, path.as_path(), source))
        })
    }
}

impl Package {
    fn read(root: &Path, package: &Value) -> Result<Self, String> {
        let relative = |path: &str| {
            let path = Path::new(path);
            path.strip_prefix(root)
                .map(Path::to_path_buf)
                .map_err(|_| format!("{} is outside", path.display()))
        };
        let manifest = relative(text(package, "manifest_path"))?;
        let folder = manifest.parent().map(Path::to_path_buf).unwrap_or_default();
        let dependencies = array(package, "dependencies")
            .iter()
            .map(|dependency| Dependency {
                name: text(dependency, "name").to_owned(),
                ours: dependency.get("path").is_some_and(Value::is_string),
                dev: text(dependency, "kind") == "dev",
            })
            .collect();
        let mut roots = Vec::new();
        for target in array(package, "targets") {
            let kinds = array(target, "kind");
            if kinds.iter().any(|kind| matches!(kind.as_str(), Some("lib" | "bin"))) {
                roots.push(relative(text(target, "src_path"))?);
            }
        }
        let mut files = Vec::new();
        collect_rust_files(root, &folder, &mut files)?;
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let beside = |name: &str| fs::read_to_string(root.join(&folder).join(name)).ok();
        let (readme, clippy) = (beside("README.md"), beside("clippy.toml"));
        let name = text(package, "name").to_owned();
        Ok(Self { name, folder, dependencies, files, roots, readme, clippy })
    }
}

/// A root without documents has none.
fn documents(root: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(root.join("docs")) else { return Vec::new() };
    let mut documents: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"))
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path()).ok()?;
            Some((Path::new("docs").join(entry.file_name()), text))
        })
        .collect();
    documents.sort();
    documents
}

fn collect_rust_files(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Source)>) -> Result<(), String> {
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(root.join(folder)).map_err(say)? {
        let entry = entry.map_err(say)?;
        let path = folder.join(entry.file_name());
        let kind = entry.file_type().map_err(say)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) && !name.starts_with('.') {
            // A package inside a package is its own entry in the metadata, or deliberately outside the workspace.
            if !root.join(&path).join("Cargo.toml").exists() {
                collect_rust_files(root, &path, files)?;
            }
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(root.join(&path))
                .map_err(|error| format!("{}: {error}", path.display()))?;
            files.push((path, Source::new(text)));
        }
    }
    Ok(())
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Folders that tools fill and nobody commits.
const NOT_OURS: [&str; 3] = ["target", "node_modules", "__pycache__"];
