//! A bad network between two real sockets: passes datagrams on both ways, as late, as often and as far as a seeded model
//! says. For tests that put other people's programs at the ends; rooms in virtual time need no sockets.

mod arguments;
mod relay;
mod report;

use std::io::Write as _;
use std::process::ExitCode;

use arguments::Arguments;
use relay::Relay;

fn main() -> ExitCode {
    let ended = match Arguments::read(std::env::args().skip(1)) {
        Ok(None) => {
            // A reader that has gone away is nothing to report, and nobody to report it to.
            let _ = std::io::stdout().write_all(arguments::HELP.as_bytes());
            Ok(())
        }
        Ok(Some(arguments)) => Relay::open(arguments).and_then(Relay::run),
        Err(why) => Err(why),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "shim: {why}");
            ExitCode::FAILURE
        }
    }
}
