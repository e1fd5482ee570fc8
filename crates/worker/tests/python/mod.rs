//! The Python packages whose judgement tests ask for: installed on first use from the list beside this file.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// Makes sure of `venv` beside this file, with the pinned packages in it.
pub(crate) fn packages() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let list = here.join("requirements.txt");
    // Tests run in processes of their own; the first one installs, the others wait for it.
    let lock_file = File::open(&list).expect("the list is committed");
    lock_file.lock().expect("nobody else locks it for long");
    let wanted = fs::read_to_string(&list).expect("the list is text");
    let stamp = here.join("venv/installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return;
    }
    let run = |command: &mut Command| {
        let status = command.current_dir(&here).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{command:?} failed: is Python 3.10 or later there, with venv?"
        );
    };
    run(Command::new("python3").args(["-m", "venv", "--clear", "venv"]));
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    run(Command::new(here.join("venv/bin/python")).args(install).args(["-r", "requirements.txt"]));
    fs::write(stamp, wanted).expect("pip has written here before");
}
