//! The command line.

use std::ffi::OsString;

use thiserror::Error;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Start,
    Help,
    Version,
}

/// A command line that makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{argument}` is not an argument of shardcast; `shardcast --help` lists them")]
pub(crate) struct UnknownArgument {
    argument: String,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// For the first argument that is not known.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, UnknownArgument> {
    let mut request = Request::Start;
    for argument in arguments {
        match argument.to_str() {
            // The first request wins, but every argument is read: a typo beside `--help` is still a typo.
            Some("-h" | "--help") if request == Request::Start => request = Request::Help,
            Some("-V" | "--version") if request == Request::Start => request = Request::Version,
            Some("-h" | "--help" | "-V" | "--version") => {}
            _ => return Err(UnknownArgument { argument: argument.to_string_lossy().into_owned() }),
        }
    }
    Ok(request)
}

pub(crate) const HELP: &str = "\
shardcast: a WebRTC selective forwarding unit that uses every core of a machine

usage: shardcast [--help | --version]

Without arguments it looks at the machine and says which cores and which I/O it would use.

  -h, --help       this text
  -V, --version    the version

exit codes: 0 done, 1 output could not be written, 2 unknown argument
";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<Request, UnknownArgument> {
        read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn requests_are_read() {
        assert_eq!(of(&[]), Ok(Request::Start));
        assert_eq!(of(&["-h"]), Ok(Request::Help));
        assert_eq!(of(&["--version", "--help"]), Ok(Request::Version));
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let misuse = of(&["--help", "--prot=8080"]).expect_err("a typo");
        assert!(misuse.to_string().starts_with("`--prot=8080` is not an argument"), "{misuse}");
    }
}
