//! Which worker binaries are measured, and under which names.

use std::io;
use std::path::{Path, PathBuf};

use crate::args::Options;

/// One way to start one binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// As it stands in tables.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    /// Whether it is one of ours: promises are about those.
    pub(crate) ours: bool,
}

impl Subject {
    /// Those that the options name, ours by default; ours once for each host.
    pub(crate) fn chosen(options: &Options) -> io::Result<Vec<Self>> {
        let programs = match options.subjects.as_slice() {
            [] => vec![own_binary()?],
            given => given.iter().map(|path| existing(path)).collect::<io::Result<_>>()?,
        };
        let single = programs.len() == 1;
        Ok(programs.iter().flat_map(|program| Self::of(program, single, options)).collect())
    }

    /// With one more variable in its environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn of(program: &Path, single: bool, options: &Options) -> Vec<Self> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ours = name(program).starts_with(OWN_NAME);
        let subject =
            |name: String| Self { name, program: program.to_owned(), environment: Vec::new(), ours };
        if !ours {
            return vec![subject(name(program))];
        }
        let hosts = options.hosts.iter();
        hosts
            .map(|host| {
                // Two builds of ours differ by the folder they are in.
                let folder = program.parent().map(name).filter(|_| !single);
                let label = folder.map_or_else(|| host.to_string(), |folder| format!("{folder}/{host}"));
                subject(label).with(HOST_VARIABLE, &host.to_string())
            })
            .collect()
    }
}

/// What the same build made beside us.
fn own_binary() -> io::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name(OWN_NAME);
    existing(&beside)
        .map_err(|error| io::Error::new(error.kind(), format!("{error}; cargo xtask bench builds it")))
}

fn existing(path: &Path) -> io::Result<PathBuf> {
    if path.is_file() {
        Ok(path.to_owned())
    } else {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no worker at {}", path.display())))
    }
}

const OWN_NAME: &str = "shardcast-worker";
/// Which of its drivers our worker uses.
const HOST_VARIABLE: &str = "SHARDCAST_IO";
