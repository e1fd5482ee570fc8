//! Benchmarks of shardcast. `README.md` says what is measured and how to read it.

mod alloc;
mod args;
mod case;
mod channel;
mod child;
mod control;
mod far;
mod floor;
mod floor_seal;
mod forward;
mod forwarder;
mod garbage;
mod host;
mod known;
mod machine;
mod micro;
mod os;
mod os_batch;
mod os_process;
mod os_steer;
mod os_train;
mod out;
mod relay;
mod row;
mod schedule;
mod server_port;
mod suite;
mod verdict;
mod worker;
mod workers;

use std::io;
use std::process::ExitCode;

use crate::args::Options;
use crate::verdict::Verdict;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let result = match command.as_str() {
        role if role.starts_with("role-") => {
            play(role, words.next().unwrap_or_default().as_str()).map(|()| true)
        }
        "" | "help" | "--help" | "-h" => {
            out::line(&HELP);
            Ok(true)
        }
        bench => measure(bench, words.collect()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(BROKEN_PROMISE),
        Err(error) => {
            out::progress(&format!("{command}: {error}"));
            ExitCode::from(NO_FIGURES)
        }
    }
}

/// Runs a bench. Whether all that it judged is kept, or nobody wants to know.
fn measure(bench: &str, mut words: Vec<String>) -> io::Result<bool> {
    if words.iter().any(|word| word == "--help" || word == "-h") {
        out::line(&HELP);
        return Ok(true);
    }
    let kind = words.first().filter(|word| !word.starts_with('-')).cloned().unwrap_or_default();
    if !kind.is_empty() {
        words.remove(0);
    }
    let options = Options::read(words.into_iter())?;
    let none = |()| Vec::new();
    let verdicts: Vec<Verdict> = match (bench, kind.as_str()) {
        ("micro", "") => micro::main(&options).map(none),
        ("forward", kind) => forward::main(kind, &options),
        ("worker", "") => worker::main(&options),
        ("workers", "") => workers::main(&options),
        ("garbage", "") => garbage::main(&options).map(none),
        ("server-port", "") => server_port::main(&options).map(none),
        ("control", kind) => control::main(kind, &options),
        _ => Err(io::Error::other(format!("there is no bench {bench} {kind}; try --help"))),
    }?;
    Ok(options.report_only || verdicts.iter().all(Verdict::is_kept))
}

/// A child process: parents speak to it through pipes, and it never outlives them.
fn play(role: &str, setup: &str) -> io::Result<()> {
    os::become_child()?;
    match role {
        "role-far" => far::main(serde_json::from_str(setup)?),
        "role-floor" => floor::main(&serde_json::from_str(setup)?),
        "role-flood" => forward::flood::role(&serde_json::from_str(setup)?),
        "role-garbage" => garbage::role(&serde_json::from_str(setup)?),
        "role-forwarder" => forwarder::main(&serde_json::from_str(setup)?),
        _ => Err(io::Error::other("no such role")),
    }
}

/// Exit codes: a promise is not kept, or what it is about was not measured; there are no figures at all.
const BROKEN_PROMISE: u8 = 1;
const NO_FIGURES: u8 = 2;
const HELP: &str = "\
Benchmarks of shardcast (bench/README.md explains what the figures mean).

cargo xtask bench forward [OPTIONS]          CPU per forwarded packet against the floor

cargo xtask bench forward cross [OPTIONS]    what a consumer on another shard costs more
cargo xtask bench forward device [OPTIONS]   two shards, destinations on devices that drop (as root)
cargo xtask bench forward flood [OPTIONS]    datagrams of unknown peers, with 10 and 5,000 transports
cargo xtask bench micro [OPTIONS]            parse, stamp, seal, open, timers, pool, rings

cargo xtask bench worker [OPTIONS]           CPU per packet of whole workers, driven over their channel; idling
cargo xtask bench workers [OPTIONS]          16 workers with a room each against one with 16
cargo xtask bench server-port [OPTIONS]      one port, three shards: ways to the right one, what a hand-over costs
cargo xtask bench garbage [OPTIONS]          what strangers at a WebRTC port cost, and what a call beside them loses
cargo xtask bench control [OPTIONS]          creates per second, 10,000 consumers and their memory
cargo xtask bench control churn [OPTIONS]    rooms come and go under media: memory stays flat, no answer is lost

  --quick            1 to 200, 1200 bytes, GCM-128, bursts 1, 5 and 10 only
  --filter WORDS     cases whose name has all these words: --filter 'fan-50 burst-5 gcm-128'
  --list             name the cases and end
  --feedback         of worker: what repairs, reports and talking receivers cost, by the same without
  --web-rtc          of worker: WebRTC transports by plain ones with SRTP
  --host A,B         uring, epoll, glommio, floor (the floor against itself: the noise); default uring,epoll
  --subject PATH     a worker binary, again for more; default ours, which runs once for each host
  --json FILE        write machine and rows there
  --cores A,B        forwarder's and far end's core, or none; default 0,1
  --load SHARE       how busy the forwarder should be; default 0.5
  --pairs N          slices of each subject; default 5
  --slice-ms MS      length of a slice; default 300
  --minutes M        how long churn lasts; default 15
  --report-only      exit with 0 whatever is promised

exit codes: 0 all that is promised is kept, 1 something is not or was not measured, 2 no figures";
