//! The process face of the worker: what it answers to its arguments, and with which code it ends.

use std::io::Write as _;
use std::process::ExitCode;

use worker::environment::{Environment, VARIABLES};
use worker::serve::{self, Failed};
use worker::settings::{EXIT_WRONG_SETTINGS, SUPPORTED_VERSIONS, Start};

fn main() -> ExitCode {
    net::heap::keep_little();
    let version = std::env::var("MEDIASOUP_VERSION").ok();
    let started = Start::read(std::env::args_os().skip(1), version.as_deref());
    match started {
        Ok(Start::Help) => say(&help()),
        Ok(Start::Version) => say(concat!("shardcast-worker ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Start::Serve(settings)) => match Environment::read(|name| std::env::var(name).ok()) {
            Ok(environment) => end(serve::serve(&settings, &environment)),
            Err(error) => refuse(&error.to_string(), EXIT_WRONG_SETTINGS),
        },
        Err(error) => refuse(&error.to_string(), error.exit_code()),
    }
}

fn help() -> String {
    format!(
        "shardcast-worker is started by the npm package mediasoup ({versions}), not by hand:\n\
         \n    MEDIASOUP_WORKER_BIN=/path/to/shardcast-worker node application.js\n\
         \nThe package passes these, as --name=value:\n\
         \n    logLevel               debug, warn, error or none (error)\
         \n    logTag                 a topic whose lines are passed on; may be repeated (none)\
         \n    rtcMinPort             first port for sockets that name none (10000)\
         \n    rtcMaxPort             last of them (59999)\
         \n    dtlsCertificateFile    certificate for DTLS, PEM; goes with the next\
         \n    dtlsPrivateKeyFile     its private key, PEM\
         \n    libwebrtcFieldTrials   taken and ignored\n\
         \nThe environment names the package's version in MEDIASOUP_VERSION, and may say:\n\
         \n{variables}\n\
         Exit codes: 0 after an orderly end, 40 cannot serve, 41 no version, 42 wrong settings, 134 a shard panicked.\n",
        versions = SUPPORTED_VERSIONS.join(", "),
        variables = VARIABLES.map(|(name, what)| format!("    {name:<22} {what}\n")).concat(),
    )
}

fn end(served: Result<(), Failed>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => refuse(&why.to_string(), why.exit_code()),
    }
}

/// A reader that has gone away is nothing to report, and nobody to report it to.
fn say(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn refuse(why: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "shardcast-worker: {why}");
    ExitCode::from(code)
}
