//! Installing what a step needs and the machine lacks. Every installation is announced; none happens twice.

use std::path::Path;

use crate::command::{Tool, capture, is_installed, program_in, run};

/// Makes sure of a program that a Debian package brings.
///
/// # Errors
/// What to run by hand, where we may not.
pub(crate) fn need_from_apt(root: &Path, program: &str, package: &str) -> Result<(), String> {
    if is_installed(program) { Ok(()) } else { install_from_apt(root, program, &[package]) }
}

/// Makes sure of GStreamer with the elements that the media tests are made of.
///
/// # Errors
/// What to run by hand, where we may not.
pub(crate) fn need_gstreamer(root: &Path) -> Result<(), String> {
    let missing = || {
        let known = |element: &str| {
            // Without a version it wants GStreamer's own, which libnice's plugin has not.
            let arguments = ["--exists", "--atleast-version=0.0.1", element];
            capture(program_in(Path::new("gst-inspect-1.0"), root).args(arguments)).is_ok()
        };
        ELEMENTS.iter().find(|element| !known(element))
    };
    let Some(element) = missing() else { return Ok(()) };
    install_from_apt(root, &format!("GStreamer's {element}"), GSTREAMER)?;
    missing().map_or(Ok(()), |element| Err(format!("GStreamer has no {element}, installed as it is")))
}

/// Makes sure of what lets Debian's own Python, which is not always the first on the path, play GStreamer.
///
/// # Errors
/// What to run by hand, where we may not.
pub(crate) fn need_gstreamer_bindings(root: &Path) -> Result<(), String> {
    let works =
        || capture(program_in(Path::new("/usr/bin/python3"), root).args(["-c", BINDINGS_TEST])).is_ok();
    if works() {
        return Ok(());
    }
    install_from_apt(root, "Python's GStreamer", BINDINGS)?;
    if works() { Ok(()) } else { Err("Python has no GStreamer, installed as it is".to_owned()) }
}

fn install_from_apt(root: &Path, what: &str, packages: &[&str]) -> Result<(), String> {
    let by_hand = format!("{what} is missing: apt-get install {}", packages.join(" "));
    if !is_installed("apt-get") {
        return Err(by_hand);
    }
    let Some(become_root) = way_to_root(root) else {
        return Err(format!("{by_hand} (as root; neither we nor `sudo -n` may)"));
    };
    println!("{what} is missing: installing {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut words =
            become_root.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]);
        let mut command = program_in(Path::new(words.next().unwrap_or("env")), root);
        command.args(words).args(arguments);
        run(&mut command)
    };
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    apt(&install)
        .or_else(|_| apt(&["update"]).and_then(|()| apt(&install)))
        .map_err(|why| format!("{by_hand} ({why})"))
}

/// Makes sure of a Python that makes virtual environments, which Debian keeps in a package of its own.
///
/// # Errors
/// What to run by hand, where we may not.
pub(crate) fn need_python(root: &Path) -> Result<(), String> {
    let works =
        capture(program_in(Path::new("python3"), root).args(["-c", "import ensurepip, venv"])).is_ok();
    if works { Ok(()) } else { install_from_apt(root, "Python's venv", &["python3-venv"]) }
}

/// Makes sure of a cargo subcommand by building it from the registry.
///
/// # Errors
/// What to run by hand, where it cannot be built.
pub(crate) fn need_from_cargo(
    root: &Path,
    subcommand: &str,
    version: &str,
    minutes: u32,
) -> Result<(), String> {
    let package = format!("cargo-{subcommand}");
    if is_installed(&package) {
        return Ok(());
    }
    println!("{package} is missing: building it, once, in about {minutes} minutes");
    // Unoptimised: it runs for seconds, and optimising it takes minutes.
    let install = ["install", "--locked", "--quiet", "--debug", &package, "--version", version];
    run(Tool::Cargo.command(root).args(install).env("CARGO_PROFILE_DEV_DEBUG", "none"))
        .map_err(|why| format!("{package} is missing: cargo install --locked {package} ({why})"))
}

/// The words to put before a command that needs root: none where we are root, `sudo -n` where that works.
fn way_to_root(root: &Path) -> Option<&'static [&'static str]> {
    let we_are = capture(program_in(Path::new("id"), root).arg("-u")).is_ok_and(|id| id.trim() == "0");
    if we_are {
        return Some(&[]);
    }
    capture(program_in(Path::new("sudo"), root).args(["-n", "true"])).is_ok().then_some(&["sudo", "-n"])
}

/// One element of each plugin that the scenarios in `crates/worker/tests/media` and `crates/dtls/tests` use.
const ELEMENTS: &[&str] = &[
    "udpsrc",
    "rtpjitterbuffer",
    "rtph264pay",
    "videotestsrc",
    "audiotestsrc",
    "x264enc",
    "h264parse",
    "avdec_h264",
    "vp8enc",
    "opusenc",
    "srtpenc",
    "dtlsenc",
    "checksumsink",
    "webrtcbin",
    "nicesrc",
];
const GSTREAMER: &[&str] = &[
    "gstreamer1.0-tools",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-libav",
    "gstreamer1.0-nice",
];
/// `crates/worker/tests/python/webrtcbin.py` begins like this.
const BINDINGS_TEST: &str = "import gi
for namespace in (('Gst', '1.0'), ('GstSdp', '1.0'), ('GstWebRTC', '1.0'), ('Nice', '0.1')): gi.require_version(*namespace)
from gi.repository import Gst, GstSdp, GstWebRTC, Nice";
const BINDINGS: &[&str] = &[
    "python3-gi",
    "gir1.2-gstreamer-1.0",
    "gir1.2-gst-plugins-base-1.0",
    "gir1.2-gst-plugins-bad-1.0",
    "gir1.2-nice-0.1",
];
