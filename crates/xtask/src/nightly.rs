//! The nightly toolchain that miri needs, found or installed.
//!
//! Any nightly that is already there will do; only where there is none, the pinned one is installed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::command::{Tool, capture, run_for};

/// A nightly toolchain, by the name that rustup knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nightly {
    name: String,
}

impl Nightly {
    /// Finds one, or installs the pinned one and says so.
    ///
    /// # Errors
    /// Why there is none, as a note in the table.
    pub(crate) fn find(root: &Path) -> Result<Self, String> {
        let toolchains = capture(Tool::Rustup.command(root).args(["toolchain", "list"]))
            .map_err(|why| format!("no nightly toolchain: {why}"))?;
        if let Some(name) = pick(&toolchains) {
            return Ok(Self { name });
        }
        println!("no nightly toolchain here: installing {PINNED}");
        let install = ["toolchain", "install", PINNED, "--profile", "minimal", "--no-self-update"];
        run_for(Tool::Rustup.command(root).args(install), DOWNLOAD_LIMIT)
            .map_err(|why| format!("no nightly toolchain, and {PINNED} could not be installed ({why})"))?;
        Ok(Self { name: PINNED.to_owned() })
    }

    /// Makes sure of a component, installing it where it is absent.
    ///
    /// # Errors
    /// Why it is not there, as a note in the table.
    pub(crate) fn need(&self, root: &Path, component: &str) -> Result<(), String> {
        let list = ["component", "list", "--installed", "--toolchain", &self.name];
        let installed = capture(Tool::Rustup.command(root).args(list)).unwrap_or_default();
        if installed.lines().any(|line| line.starts_with(component)) {
            return Ok(());
        }
        println!("{component} is not part of {}: installing it", self.name);
        run_for(
            Tool::Rustup.command(root).args(["component", "add", "--toolchain", &self.name, component]),
            DOWNLOAD_LIMIT,
        )
        .map_err(|why| format!("{component} could not be added to {} ({why})", self.name))
    }

    /// A cargo of this toolchain.
    pub(crate) fn cargo(&self, root: &Path) -> Command {
        let mut command = Tool::Rustup.command(root);
        command.args(["run", &self.name, "cargo"]);
        command
    }
}

/// The pinned one where it is installed, else the last of the list, which is the newest by date.
fn pick(toolchains: &str) -> Option<String> {
    let names = toolchains.lines().filter_map(|line| line.split_whitespace().next());
    let nightlies: Vec<&str> = names.filter(|name| name.starts_with("nightly")).collect();
    let pinned = nightlies.iter().find(|name| name.starts_with(PINNED));
    pinned.or(nightlies.last()).map(|name| (*name).to_owned())
}

/// What is installed where there is no nightly at all. Raised when a tool asks for a newer one.
const PINNED: &str = "nightly-2026-05-20";
/// A toolchain is some 100 MB; a network that swallows packets must not hold up the other steps for longer.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_nightly_is_preferred_over_a_download() {
        let list = "stable-x86_64-unknown-linux-gnu (default)\nnightly-x86_64-unknown-linux-gnu\n";
        assert_eq!(pick(list).as_deref(), Some("nightly-x86_64-unknown-linux-gnu"));
        assert_eq!(pick("stable-x86_64-unknown-linux-gnu (active)\n"), None);
        let both = format!("{PINNED}-x86_64-unknown-linux-gnu\nnightly-x86_64-unknown-linux-gnu\n");
        assert_eq!(pick(&both), Some(format!("{PINNED}-x86_64-unknown-linux-gnu")));
    }
}
