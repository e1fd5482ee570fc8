//! `shardcast`, the server.
//!
//! Owns the process: its arguments, its exit code, where it listens and how it ends. What it serves is the `shardcast`
//! crate's: the control API over HTTP, and the page for Prometheus, are thin faces over it.
//!
//! | module | owns |
//! |---|---|
//! | `arguments`, `config` | the command line, and the configuration |
//! | `machine`, `doctor` | what this machine offers, and what is wrong with it |
//! | `serve`, `drain` | the process while it serves, and how it ends |
//! | `auth` | tokens, and what they allow |
//! | `tls` | its certificate, where it has one |
//! | `http` | the control API |
//! | `catalogue` | what was made over it, by name |
//! | `demo` | rooms of the demo call, and who is in them |
//! | `events` | what happened, in one numbered sequence |
//! | `quota` | how much a participant may have |
//! | `metrics` | what Prometheus is told |

mod arguments;
mod auth;
mod catalogue;
mod config;
mod demo;
mod doctor;
mod drain;
mod events;
mod http;
mod machine;
mod metrics;
mod quota;
mod serve;
mod tls;

use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Options, Request};
use config::{Config, ConfigError};
use doctor::Report;
use machine::Machine;

fn main() -> ExitCode {
    net::heap::keep_little();
    let answered = match arguments::read(std::env::args_os().skip(1)) {
        Ok(Request::Help) => say(&mut io::stdout(), arguments::HELP),
        Ok(Request::Version) => {
            say(&mut io::stdout(), concat!("shardcast ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Ok(Request::Machine) => say(&mut io::stdout(), &Machine::look().to_string()),
        Ok(Request::Serve(options)) => return with_config(&options, serve),
        Ok(Request::CheckConfig(options)) => {
            return with_config(&options, |config| {
                if let Err(error) = config.tls() {
                    log(&error.to_string());
                    return ExitCode::FAILURE;
                }
                let _ = say(&mut io::stdout(), &format!("right: {config}\n"));
                ExitCode::SUCCESS
            });
        }
        Ok(Request::Doctor(options)) => return with_config(&options, examine),
        Err(misuse) => {
            log(&misuse.to_string());
            return ExitCode::from(EXIT_MISUSE);
        }
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that went away (`shardcast | head -1`) has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn with_config(options: &Options, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    let read = config::read(options.config.as_deref(), config::variables());
    let read = read.and_then(|config| config.with(options).map_err(ConfigError::Senseless));
    match read {
        Ok(config) => then(config),
        Err(error) => {
            log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn examine(config: Config) -> ExitCode {
    let report = Report::of(&config);
    let _ = say(&mut io::stdout(), &report.to_string());
    if report.is_fit() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn serve(config: Config) -> ExitCode {
    // Before anything else runs: the look can interrupt blocking calls shortly afterwards.
    let machine = Machine::look();
    machine.to_string().lines().for_each(log);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = match runtime {
        Ok(runtime) => runtime.block_on(serve::serve(&config, &log)),
        Err(error) => {
            log(&format!("no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn log(line: &str) {
    let _ = say(&mut io::stderr(), &format!("shardcast: {line}\n"));
}

fn say(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes()).and_then(|()| to.flush())
}

/// The conventional code for a command line that makes no sense.
const EXIT_MISUSE: u8 = 2;
