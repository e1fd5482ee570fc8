//! `shardcast`, the server.
//!
//! Owns the process: its arguments, its exit code and what it says before anything runs. For now it looks at the
//! machine, says how it would use it, and ends; the control API comes with a later version.

mod arguments;
mod machine;

use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Request;
use machine::Machine;

fn main() -> ExitCode {
    let answered = match arguments::read(std::env::args_os().skip(1)) {
        Ok(Request::Help) => say(&mut io::stdout(), arguments::HELP),
        Ok(Request::Version) => {
            say(&mut io::stdout(), concat!("shardcast ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Ok(Request::Start) => say(&mut io::stdout(), &start(&Machine::look())),
        Err(misuse) => {
            let _ = say(&mut io::stderr(), &format!("shardcast: {misuse}\n"));
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

fn start(machine: &Machine) -> String {
    format!("shardcast {}\n\n{machine}\n{STATUS}", env!("CARGO_PKG_VERSION"))
}

fn say(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes()).and_then(|()| to.flush())
}

/// What is and is not here, as long as that needs saying.
const STATUS: &str = "\
This server's control API comes later: nothing is listening, and this process ends here.
Rooms and media are served by the drop-in worker for mediasoup applications: cargo build --release -p shardcast-worker
What forwarding costs on this machine: cargo xtask bench forward --quick
";

/// The conventional code for a command line that makes no sense.
const EXIT_MISUSE: u8 = 2;
