//! The process while it serves: where it listens, and how it ends.
//!
//! The first SIGTERM or SIGINT drains: nothing new is taken, calls go on until the last room is closed or the deadline
//! has come. A second one ends at once.

mod notify;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::id::RouterId;
use shardcast::api::{Sfu, SfuEvent};
use shardcast::runtime::ShardCounters;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::demo::Demo;
use crate::drain::Drain;
use crate::http::{self, App, Connections};
use crate::tls::{Tls, TlsError};
use notify::Supervisor;

/// Why the server did not start, or does not go on.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("the operating system gives no random bytes")]
    Randomness,
    #[error("{address} cannot be listened on: {cause}")]
    Listen { address: SocketAddr, cause: io::Error },
    #[error("the SFU does not start: {0}")]
    Sfu(#[from] shardcast::runtime::StartError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0}")]
    Metrics(#[from] prometheus::Error),
    #[error("signals cannot be listened for: {0}")]
    Signals(io::Error),
    #[error("control has ended: this is a defect")]
    NoControl,
}

/// Serves until a signal ends it. `say` is told what an operator wants to know.
///
/// # Errors
/// What did not allow to start, or to go on.
pub(crate) async fn serve(config: &Config, say: &(impl Fn(&str) + Sync)) -> Result<(), StartError> {
    let address = config.server.listen;
    let tls = config.tls()?.map(Arc::new);
    let listener = listen(address).map_err(|cause| StartError::Listen { address, cause })?;
    let address = listener.local_addr().map_err(|cause| StartError::Listen { address, cause })?;
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    // Without a certificate there is nothing to read again, and SIGHUP ends us as it ends whatever runs in a terminal.
    let hangups = tls.is_some().then(|| signal(SignalKind::hangup())).transpose();
    let hangups = hangups.map_err(StartError::Signals)?;
    let sfu = Sfu::start(config.sfu()).await?;
    let auth = config.auth().map_err(|_| StartError::Randomness)?;
    let app = App::new(sfu.clone(), auth, config)?.with_demo(config.demo().map(Demo::new));
    let patience = Duration::from_secs(config.server.drain_seconds);
    let happened = sfu.events();
    let (catalogue, drain) = (Arc::clone(&app.catalogue), Arc::clone(&app.drain));
    let ending = Arc::clone(&app.ending);
    let connections = Connections::new(config.limits, &app, tls.clone());
    let routes = http::routes(app);
    let supervisor = Supervisor::of_this_process();
    supervisor.tell("READY=1");
    let scheme = config.scheme();
    if config.shows_tokens() {
        say(
            "warning: tokens are sent in the clear: there is no server.certificate, and this is no loopback address",
        );
    }
    say(&format!("control API: {scheme}://{address}/v1 - metrics: {scheme}://{address}/metrics"));
    if config.demo().is_some() {
        say(&format!("live: {scheme}://{address}/ - demo call: {scheme}://{address}/demo"));
    }
    let served = tokio::select! {
        never = connections.serve(&listener, &routes) => match never {},
        // Nobody closes it but we: whoever supervises has to start it anew.
        () = tell_events(happened, &sfu, say) => Err(StartError::NoControl),
        () = watch(&supervisor, &sfu) => Err(StartError::NoControl),
        () = read_again(hangups.zip(tls.as_deref()), say) => Err(StartError::NoControl),
        () = until_drained(&mut signals, &drain, &catalogue, patience, say) => Ok(()),
    };
    supervisor.tell("STOPPING=1");
    for hung in sfu.close().await {
        say(&format!("shard {} did not end in time; its sockets are the kernel's to close", hung.shard.0));
    }
    ending.send_replace(true);
    // WebSockets say how everything ended, and that this is the end.
    let _ = tokio::time::timeout(FAREWELL, ending.closed()).await;
    served
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that was restarted takes the port of the one before, whose connections may not be quite gone.
    socket.set_reuseaddr(true)?;
    // Connections inherit that: who reads nothing would hold megabytes of the kernel's memory.
    socket.set_send_buffer_size(SEND_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Looks whether control answers and every shard goes on: then the supervisor is told that we live, as often as it wants to
/// hear it.
async fn watch(supervisor: &Supervisor, sfu: &Sfu) {
    let mut next = tokio::time::interval(supervisor.every.unwrap_or(LOOK_AT_SHARDS).min(LOOK_AT_SHARDS));
    // A process that was stopped has no looks to make up for.
    next.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Ok(shards) = sfu.shards().await {
        if !shards.iter().any(ShardCounters::is_stuck) {
            supervisor.tell("WATCHDOG=1");
        }
        next.tick().await;
    }
}

/// Waits for a signal, and then until every room is closed, the deadline has come or there is another signal.
async fn until_drained(
    signals: &mut Signals,
    drain: &Drain,
    catalogue: &Catalogue,
    patience: Duration,
    say: &impl Fn(&str),
) {
    signals.next().await;
    drain.begin();
    let rooms = catalogue.routers.len();
    if rooms > 0 {
        say(&format!("draining: {rooms} rooms are open, and nothing new is taken for at most {patience:?}"));
    }
    let empty = async {
        let mut look = tokio::time::interval(LOOK);
        while catalogue.routers.len() > 0 {
            look.tick().await;
        }
    };
    match race(empty, signals, patience).await {
        Drained::Empty => say("ending: no room is open"),
        Drained::Deadline => say("ending: the time for draining is over"),
        Drained::Forced => say("ending at once: asked a second time"),
    }
}

/// Reads the certificate again at each SIGHUP.
async fn read_again(both: Option<(Signal, &Tls)>, say: &impl Fn(&str)) {
    let Some((mut hangups, tls)) = both else { return std::future::pending().await };
    while hangups.recv().await.is_some() {
        match tls.read_again() {
            Ok(()) => say("SIGHUP: the certificate was read again"),
            Err(error) => say(&format!("error: SIGHUP: the certificate of before stays: {error}")),
        }
    }
}

enum Drained {
    Empty,
    Deadline,
    Forced,
}

async fn race(empty: impl Future<Output = ()>, signals: &mut Signals, patience: Duration) -> Drained {
    tokio::select! {
        () = empty => Drained::Empty,
        () = tokio::time::sleep(patience) => Drained::Deadline,
        () = signals.next() => Drained::Forced,
    }
}

async fn tell_events(mut events: shardcast::api::Events<SfuEvent>, sfu: &Sfu, say: &impl Fn(&str)) {
    while let Some(event) = events.next().await {
        match event {
            Ok(SfuEvent::ShardLost { shard, routers, message }) => {
                let rooms: Vec<_> = routers.iter().map(RouterId::as_str).collect();
                say(&loss(shard.0, &rooms, &message));
            }
            Ok(SfuEvent::ShardStuck(shard)) => say(&format!(
                "error: shard {} does not go on; its rooms stand still, and what it is asked is refused",
                shard.0
            )),
            Ok(SfuEvent::ShardGoesOn(shard)) => say(&format!("shard {} goes on again", shard.0)),
            Ok(SfuEvent::Undelivered(reason)) => say(&format!("warning: not delivered: {reason}")),
            Err(missed) => {
                say(&format!("warning: {missed}"));
                // What was missed may have been said of one that hangs, and is said once.
                if let Ok(shards) = sfu.shards().await {
                    let stuck = shards.iter().filter(|shard| shard.is_stuck()).map(|shard| shard.shard.0);
                    say(&standing(&stuck.collect::<Vec<_>>()));
                }
            }
        }
    }
}

/// What the log says of shards as they stand, of which these hang.
fn standing(stuck: &[u16]) -> String {
    match stuck {
        [] => "no shard hangs".to_owned(),
        stuck => {
            let named: Vec<_> = stuck.iter().map(u16::to_string).collect();
            format!("error: of the shards these do not go on: {}", named.join(", "))
        }
    }
}

/// What the log says of a lost shard: which rooms, too, by the names that the API gave them, as far as a line has room.
fn loss(shard: u16, rooms: &[&str], message: &str) -> String {
    let told = rooms.get(..MOST_ROOMS).unwrap_or(rooms);
    let named = match rooms.len() - told.len() {
        _ if rooms.is_empty() => String::new(),
        0 => format!(" ({})", told.join(", ")),
        more => format!(" ({}, and {more} more)", told.join(", ")),
    };
    format!("error: shard {shard} broke and went on empty; {} rooms are gone{named}: {message}", rooms.len())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Of a connection to the API. A round trip around the world carries that eight times a second.
const SEND_BYTES: u32 = 128 * 1024;
/// Connections that wait to be taken.
const BACKLOG: u32 = 1_024;
/// A slow reader has that long to hear the end of it.
const FAREWELL: Duration = Duration::from_secs(3);
/// How often it is seen whether a shard hangs, which control itself looks at as often.
const LOOK_AT_SHARDS: Duration = Duration::from_secs(1);
/// Rooms that a line of the log names. An id has 36 characters.
const MOST_ROOMS: usize = 16;
/// How often a draining server looks whether rooms are left.
const LOOK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_missed_something_hears_which_shards_hang() {
        assert_eq!(standing(&[]), "no shard hangs");
        assert_eq!(standing(&[1, 3]), "error: of the shards these do not go on: 1, 3");
    }

    #[test]
    fn a_loss_names_its_rooms_as_far_as_a_line_has_room() {
        let begin = "error: shard 3 broke and went on empty;";
        assert_eq!(loss(3, &[], "why"), format!("{begin} 0 rooms are gone: why"));
        assert_eq!(loss(3, &["a", "b"], "why"), format!("{begin} 2 rooms are gone (a, b): why"));
        let said = loss(3, &["r"; MOST_ROOMS], "why");
        assert!(said.ends_with("r, r): why") && !said.contains("more"), "{said}");
        let said = loss(3, &["r"; MOST_ROOMS + 9], "why");
        assert!(said.starts_with(&format!("{begin} 25 rooms are gone (r, ")), "{said}");
        assert!(said.ends_with("r, and 9 more): why"), "{said}");
        assert_eq!(said.matches("r, ").count(), MOST_ROOMS, "{said}");
    }
}
