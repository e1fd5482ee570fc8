//! What the user sees: tables on stdout, progress on stderr, JSON in a file.

use core::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

/// A line of a table. A closed stdout ends nothing: the JSON may still be wanted.
pub(crate) fn line(what: &impl Display) {
    let _ = writeln!(io::stdout().lock(), "{what}");
}

/// What is going on.
pub(crate) fn progress(what: &str) {
    let _ = writeln!(io::stderr().lock(), "bench: {what}");
}

/// Writes a report.
pub(crate) fn json(path: &Path, report: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    std::fs::write(path, text)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))
}
