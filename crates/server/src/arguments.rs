//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Serve(Options),
    CheckConfig(Options),
    Doctor(Options),
    Machine,
    Help,
    Version,
}

/// What it says about the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The file; none if absent.
    pub(crate) config: Option<PathBuf>,
    /// In place of what the configuration says.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) drain: Option<Duration>,
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
    let mut options = Options::default();
    let mut instead: Option<fn(Options) -> Request> = None;
    let mut arguments = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        // The first request wins, but every argument is read: a typo beside `--help` is still a typo.
        match &*argument {
            "-h" | "--help" => instead = instead.or(Some(|_| Request::Help)),
            "-V" | "--version" => instead = instead.or(Some(|_| Request::Version)),
            "--machine" => instead = instead.or(Some(|_| Request::Machine)),
            "doctor" => instead = instead.or(Some(Request::Doctor)),
            "check-config" => {
                instead = instead.or(Some(Request::CheckConfig));
                options.config = arguments.next().map(PathBuf::from).or(options.config);
            }
            "--config" => {
                let file = |text: &str| Some(PathBuf::from(text)).filter(|_| !text.is_empty());
                options.config =
                    Some(value("--config", arguments.next().or(Some(String::new())), "a file", file)?);
            }
            "--listen" => {
                let address =
                    value("--listen", arguments.next(), "an address and a port", |text| text.parse().ok())?;
                options.listen = Some(address);
            }
            "--drain" => {
                let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
                options.drain = Some(value("--drain", arguments.next(), "a number of seconds", seconds)?);
            }
            _ => return Err(Misuse::Unknown(argument)),
        }
    }
    Ok(instead.unwrap_or(Request::Serve)(options))
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

usage: shardcast [--config FILE] [--listen ADDRESS] [--drain SECONDS]
       shardcast check-config [FILE]
       shardcast doctor [--config FILE]
       shardcast --machine | --help | --version

Serves the control API, described in docs/api.md, until SIGTERM or SIGINT; then it takes no new rooms and ends once the
last one is closed, at the deadline, or at once with a second signal.

  check-config           say whether a configuration is right, and if not what is wrong in which line
  doctor                 say what of this machine is not as it should be, and how to mend it
      --config FILE      the configuration; config/shardcast.toml has every key with its default, and none is needed.
                         Variables of the environment override it: SHARDCAST_SERVER_LISTEN is server.listen
      --listen ADDRESS   in place of server.listen: where the control API listens; 127.0.0.1:8480, and a loopback
                         address as long as there are no tokens
      --drain SECONDS    in place of server.drain_seconds: how long calls may go on after the first signal; 300
      --machine          say which cores and which I/O would be used, and end
  -h, --help             this text
  -V, --version          the version

exit codes: 0 done, 1 it could not start, its output not be written, or something is wrong with the configuration or the
machine, 2 an argument makes no sense
";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<Request, Misuse> {
        read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn requests_are_read() {
        assert_eq!(of(&[]), Ok(Request::Serve(Options::default())));
        assert_eq!(of(&["-h"]), Ok(Request::Help));
        assert_eq!(of(&["--version", "--help"]), Ok(Request::Version));
        assert_eq!(of(&["--machine"]), Ok(Request::Machine));
        let listen = Some("[::1]:9".parse().unwrap());
        let options = Options { listen, drain: Some(Duration::ZERO), config: None };
        assert_eq!(of(&["--drain", "0", "--listen", "[::1]:9"]), Ok(Request::Serve(options)));
        let with = |file: &str| Options { config: Some(file.into()), ..Options::default() };
        assert_eq!(of(&["check-config", "a.toml"]), Ok(Request::CheckConfig(with("a.toml"))));
        assert_eq!(of(&["check-config"]), Ok(Request::CheckConfig(Options::default())));
        assert_eq!(of(&["doctor", "--config", "b.toml"]), Ok(Request::Doctor(with("b.toml"))));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let misuse = |arguments| of(arguments).expect_err("misuse").to_string();
        assert!(misuse(&["--help", "--prot=8080"]).starts_with("`--prot=8080` is not an argument"));
        assert_eq!(misuse(&["--listen", "8480"]), "--listen is 8480; it must be an address and a port");
        assert_eq!(misuse(&["--drain"]), "--drain is missing; it must be a number of seconds");
        assert_eq!(misuse(&["--config"]), "--config is ; it must be a file");
    }
}
