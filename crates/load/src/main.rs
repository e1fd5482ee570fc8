//! `shardcast-load`: joins many WebRTC peers to a server, lets them send and receive, and says how well that went.
//!
//! | module | owns |
//! |---|---|
//! | `arguments`, `plan` | what to do |
//! | `run`, `join`, `progress` | doing it: who joins when, what is asked of the server for each, and what is said meanwhile |
//! | `api` | the server's control API |
//! | `engine` | threads, sockets and timers of peers |
//! | `peer`, `source`, `stamp` | one participant over a foreign WebRTC stack; what it sends, and how packets are known again |
//! | `meter`, `histogram`, `own`, `server_process` | what is measured, of the server and of this program |
//! | `findings`, `report` | what came of it |
//!
//! The thread that runs `main` asks the server; peers live on threads of their own.

mod api;
mod arguments;
mod engine;
mod findings;
mod histogram;
mod join;
mod meter;
mod own;
mod peer;
mod plan;
mod progress;
mod report;
mod run;
mod server_process;
mod source;
mod stamp;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread::available_parallelism;

use arguments::Request;
use findings::Outcome;
use plan::Plan;

fn main() -> ExitCode {
    let cpus = available_parallelism().map_or(1, usize::from);
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    match arguments::read(arguments, cpus) {
        Ok(Request::Run(plan)) => serve(*plan),
        Ok(Request::Help) => say(arguments::HELP),
        Ok(Request::Version) => say(concat!("shardcast-load ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(misuse) => fail(MISUSE, &misuse),
    }
}

fn serve(mut plan: Plan) -> ExitCode {
    plan.token = plan.token.or_else(|| std::env::var("SHARDCAST_TOKEN").ok());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(NO_RUN, &error),
    };
    let findings = match runtime.block_on(run::run(&plan)) {
        Ok(findings) => findings,
        Err(failed) => return fail(NO_RUN, &failed),
    };
    if let Err(error) = report::write(&findings) {
        return fail(NO_RUN, &format!("the report cannot be written: {error}"));
    }
    match findings.outcome() {
        Outcome::Fine => ExitCode::SUCCESS,
        Outcome::Missed => ExitCode::from(MISSED),
        Outcome::Interrupted => ExitCode::from(INTERRUPTED),
    }
}

fn say(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(NO_RUN, &error),
    }
}

fn fail(code: u8, why: &dyn Display) -> ExitCode {
    // There is nobody else to tell.
    let _ = writeln!(io::stderr(), "shardcast-load: {why}");
    ExitCode::from(code)
}

/// A threshold is.
const MISSED: u8 = 1;
const MISUSE: u8 = 2;
/// No server, or nothing of our own to run with.
const NO_RUN: u8 = 3;
/// As shells say of who ended by SIGINT.
const INTERRUPTED: u8 = 130;
