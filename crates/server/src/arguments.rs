//! The command line.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use crate::serve::Settings;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Serve(Settings),
    Machine,
    Help,
    Version,
}

/// A command line that makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Misuse {
    #[error("`{0}` is not an argument of shardcast; `shardcast --help` lists them")]
    Unknown(String),
    #[error("{argument} is {value}; it must be {expected}")]
    Value { argument: &'static str, value: String, expected: &'static str },
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// For the first argument that makes no sense.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, Misuse> {
    let mut settings = Settings { listen: LISTEN, drain: DRAIN };
    let mut instead = None;
    let mut arguments = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        // The first request wins, but every argument is read: a typo beside `--help` is still a typo.
        match &*argument {
            "-h" | "--help" => instead = instead.or(Some(Request::Help)),
            "-V" | "--version" => instead = instead.or(Some(Request::Version)),
            "--machine" => instead = instead.or(Some(Request::Machine)),
            "--listen" => {
                settings.listen =
                    value("--listen", arguments.next(), "an address and a port", |text| text.parse().ok())?;
            }
            "--drain" => {
                let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
                settings.drain = value("--drain", arguments.next(), "a number of seconds", seconds)?;
            }
            _ => return Err(Misuse::Unknown(argument)),
        }
    }
    Ok(instead.unwrap_or(Request::Serve(settings)))
}

fn value<T>(
    argument: &'static str,
    given: Option<String>,
    expected: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Misuse> {
    let value = given.unwrap_or_else(|| "missing".to_owned());
    read(&value).ok_or(Misuse::Value { argument, value, expected })
}

pub(crate) const HELP: &str = "\
shardcast: a WebRTC selective forwarding unit that uses every core of a machine

usage: shardcast [--listen ADDRESS] [--drain SECONDS]
       shardcast --machine | --help | --version

Serves the control API, described in docs/api.md, until SIGTERM or SIGINT; then it takes no new rooms and ends once the
last one is closed, at the deadline, or at once with a second signal.

      --listen ADDRESS   where the control API listens; 127.0.0.1:8480, and a loopback address as long as there are no
                         tokens
      --drain SECONDS    how long calls may go on after the first signal; 300
      --machine          say which cores and which I/O would be used, and end
  -h, --help             this text
  -V, --version          the version

exit codes: 0 done, 1 it could not start or its output not be written, 2 an argument makes no sense
";

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8480);
const DRAIN: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<Request, Misuse> {
        read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn requests_are_read() {
        assert_eq!(of(&[]), Ok(Request::Serve(Settings { listen: LISTEN, drain: DRAIN })));
        assert_eq!(of(&["-h"]), Ok(Request::Help));
        assert_eq!(of(&["--version", "--help"]), Ok(Request::Version));
        assert_eq!(of(&["--machine"]), Ok(Request::Machine));
        let settings = Settings { listen: "[::1]:9".parse().unwrap(), drain: Duration::ZERO };
        assert_eq!(of(&["--drain", "0", "--listen", "[::1]:9"]), Ok(Request::Serve(settings)));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let misuse = |arguments| of(arguments).expect_err("misuse").to_string();
        assert!(misuse(&["--help", "--prot=8080"]).starts_with("`--prot=8080` is not an argument"));
        assert_eq!(misuse(&["--listen", "8480"]), "--listen is 8480; it must be an address and a port");
        assert_eq!(misuse(&["--drain"]), "--drain is missing; it must be a number of seconds");
    }
}
