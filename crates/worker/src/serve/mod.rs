//! Serving the application: one thread, which also drives control. It sleeps until there is something to read, room
//! to write, something that control has to say, or a signal.
//!
//! Nothing here blocks. What control or the application is too slow for is not read from descriptor 3: control says
//! how much it takes at a time, and the outbox says when too much waits.

mod log;
mod pipe;
mod session;
mod signals;
mod usage;

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use shardcast::core::{DoorId, Output, Tag};
use shardcast::runtime::{CertificateError, CertificateSource, Runtime, RuntimeConfig, StartError};
use thiserror::Error;

use crate::channel::{FrameTooLong, Frames, Overflow};
use crate::environment::{Environment, OnPanic};
use crate::settings::{EXIT_CANNOT_SERVE, EXIT_PANICKED, EXIT_WRONG_SETTINGS, Settings};
use pipe::{Messages, Requests};
use session::{Session, Step};
use signals::Signals;

/// Why the worker could not start, or could not go on.
#[derive(Debug, Error)]
pub enum Failed {
    /// Descriptors, signals or the reactor.
    #[error("{what}: {cause}")]
    System {
        /// What was missing.
        what: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// Control did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The requests can not be told apart any more.
    #[error(transparent)]
    OutOfStep(#[from] FrameTooLong),
    /// The application does not read.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// A shard panicked, or ended, and that is to end the process.
    #[error("a shard {message}; lost with it: {routers}")]
    ShardLost {
        /// Names of routers.
        routers: String,
        /// What became of the shard.
        message: Box<str>,
    },
}

impl Failed {
    /// The code to exit with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            // Files that the application named and that are not what they should be.
            Self::Start(StartError::Certificate(
                CertificateError::Read { .. } | CertificateError::Unusable { .. },
            )) => EXIT_WRONG_SETTINGS,
            Self::ShardLost { .. } => EXIT_PANICKED,
            _ => EXIT_CANNOT_SERVE,
        }
    }
}

/// Serves until the application, or a signal, says that it is over.
///
/// # Errors
/// When the worker could not start, or could not go on.
pub fn serve(settings: &Settings, environment: &Environment) -> Result<(), Failed> {
    let system = |what| move |cause| Failed::System { what, cause };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    runtime.map_err(system("the reactor"))?.block_on(async {
        let signals = Signals::listen().map_err(system("signals"))?;
        let requests = Requests::inherited().map_err(system("descriptor 3, for requests"))?;
        let messages = Messages::inherited().map_err(system("descriptor 4, for messages"))?;
        let mut control = Runtime::new(config(settings, environment))?;
        let door = control.open_door();
        let session = Session::new(settings);
        let on_panic = environment.on_panic;
        let frames = Frames::default();
        let mut worker = Worker { signals, requests, messages, frames, session, control, door, on_panic };
        let ended = worker.run().await;
        worker.end(ended).await
    })
}

fn config(settings: &Settings, environment: &Environment) -> RuntimeConfig {
    let (min, max) = settings.rtc_ports;
    let certificate = settings.dtls_files.clone().map_or_else(CertificateSource::default, |files| {
        CertificateSource::PemFiles { certificate: files.0, private_key: files.1 }
    });
    RuntimeConfig {
        shards: environment.shards,
        host: environment.host,
        policy: environment.spread,
        rtc_ports: model::transport::PortRange { min, max },
        certificate,
        levelling: environment.levelling,
        fault: environment.fault,
        ..RuntimeConfig::default()
    }
}

/// Everything that serves one application.
struct Worker {
    signals: Signals,
    requests: Requests,
    messages: Messages,
    frames: Frames,
    session: Session,
    control: Runtime,
    door: DoorId,
    on_panic: OnPanic,
}

/// What ended a sleep; often several at once.
#[derive(Debug, Default)]
struct Woken {
    signalled: bool,
    /// Control has something to say, or room again.
    has_room: bool,
    said: Option<Output>,
    read: Option<io::Result<usize>>,
    /// Nobody is there any more who could ask, while nothing is read.
    has_parted: bool,
    written: Option<io::Result<usize>>,
}

impl Worker {
    /// Serves until it is over.
    async fn run(&mut self) -> Result<(), Failed> {
        for decision in self.control.decisions() {
            self.session.debug(format_args!("{decision}"));
        }
        self.session.running(std::process::id())?;
        loop {
            let is_behind = self.work()?;
            let Some(is_behind) = is_behind else { return Ok(()) };
            let woken = self.sleep(is_behind).await;
            if let Some(said) = woken.said {
                self.say(said)?;
            }
            match woken.written {
                Some(Ok(len)) => self.session.written(len),
                // Nobody reads any more, so nobody can be told.
                Some(Err(_)) => return Ok(()),
                None => {}
            }
            match woken.read {
                Some(Ok(len)) if len > 0 => self.frames.filled(len),
                // An error is an end, too: the application's process was killed with answers unread.
                Some(_) => {
                    self.parted();
                    return Ok(());
                }
                None => {}
            }
            if woken.signalled || woken.has_parted {
                return Ok(());
            }
        }
    }

    /// Takes what control has to say and what was read, as far as there is room for it. Says whether something of
    /// what was read had to wait; nothing when it is over.
    fn work(&mut self) -> Result<Option<bool>, Failed> {
        for _ in 0..OUTPUTS_PER_TURN {
            let Some(output) = self.control.try_next() else { break };
            self.say(output)?;
        }
        while self.may_ask() {
            let Some(payload) = self.frames.next_payload()? else { return Ok(Some(false)) };
            match self.session.received(payload)? {
                Step::Done => {}
                Step::Ask(number, request) => self.control.request(self.door, Tag(number), request),
                Step::Tell(notification) => self.control.notify(self.door, notification),
                Step::Count => {
                    for shard in self.control.counters() {
                        self.session.debug(format_args!("{}", usage::Counted(&shard)));
                    }
                }
                Step::Close => return Ok(None),
            }
        }
        Ok(Some(true))
    }

    fn may_ask(&mut self) -> bool {
        self.control.can_accept() && self.session.can_accept() && self.session.outbox().may_read()
    }

    /// Waits for any of the four. With requests that wait for room, no more are read; but that the application is gone
    /// is noticed, because what they wait for may never come.
    async fn sleep(&mut self, is_behind: bool) -> Woken {
        let Self { signals, requests, messages, frames, session, control, .. } = self;
        let mut next = pin!(control.next_or_room());
        let mut parted = pin!(requests.parted());
        poll_fn(|context: &mut Context<'_>| {
            let mut woken = Woken { signalled: signals.poll_end(context).is_ready(), ..Woken::default() };
            if let Poll::Ready(said) = next.as_mut().poll(context) {
                (woken.said, woken.has_room) = (said, true);
            }
            let waiting = session.outbox().waiting();
            if !waiting.0.is_empty() {
                woken.written = ready(messages.poll_write(context, waiting));
            }
            if is_behind {
                woken.has_parted = parted.as_mut().poll(context).is_ready();
            } else {
                woken.read = ready(requests.poll_read(context, frames.room()));
            }
            let any = woken.signalled || woken.has_room || woken.has_parted;
            if any || woken.read.is_some() || woken.written.is_some() {
                Poll::Ready(woken)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    fn say(&mut self, output: Output) -> Result<(), Failed> {
        match output {
            Output::Answer { tag, answered, .. } => self.session.answered(tag.0, answered)?,
            Output::Event(event) => self.session.happened(&event)?,
            Output::Undelivered { refusal, .. } => {
                self.session.error(format_args!("notification dropped: {refusal}"));
            }
            Output::ShardStuck(shard) => {
                self.session.error(format_args!(
                    "shard {} hangs: what it is asked is refused until it goes on",
                    shard.0
                ));
            }
            Output::ShardGoesOn(shard) => self.session.warn(format_args!("shard {} goes on again", shard.0)),
            Output::ShardLost { shard, routers, message } => {
                let names: Vec<_> = routers.iter().map(|router| router.as_str()).collect();
                let routers = if names.is_empty() { "no router".to_owned() } else { names.join(", ") };
                self.session.error(format_args!("shard {} {message}; lost with it: {routers}", shard.0));
                if self.on_panic == OnPanic::Exit {
                    return Err(Failed::ShardLost { routers, message });
                }
            }
        }
        Ok(())
    }

    /// The application is gone without a word.
    fn parted(&mut self) {
        if self.frames.is_in_message() {
            self.session.warn(format_args!("the requests ended in the middle of a message"));
        }
    }

    /// Says why, as far as the application listens, and lets the shards end.
    async fn end(mut self, ended: Result<(), Failed>) -> Result<(), Failed> {
        if let Err(why) = &ended {
            self.session.error(format_args!("the worker ends: {why}"));
        }
        // Where the application is gone already, the first write says so.
        let _ = tokio::time::timeout(PATIENCE, self.drain()).await;
        let Self { messages, mut session, control, .. } = self;
        for hung in control.shutdown(PATIENCE).await {
            session.error(format_args!("{hung}"));
        }
        // What is left after that finds room at once or nobody.
        poll_fn(|context| Poll::Ready(drain(&messages, &mut session, context).is_ready())).await;
        ended
    }

    /// Writes what waits.
    async fn drain(&mut self) {
        let Self { messages, session, .. } = self;
        poll_fn(|context| drain(messages, session, context)).await;
    }
}

/// Writes what waits. Whoever does not listen any more has heard everything.
fn drain(messages: &Messages, session: &mut Session, context: &mut Context<'_>) -> Poll<()> {
    loop {
        let waiting = session.outbox().waiting();
        if waiting.0.is_empty() {
            return Poll::Ready(());
        }
        match messages.poll_write(context, waiting) {
            Poll::Ready(Ok(len)) => session.written(len),
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Outputs of control that are taken before the descriptors have their turn again.
const OUTPUTS_PER_TURN: usize = 512;
/// How long the end waits for a reader, and then for the shards. The application waits for our end without a limit of
/// its own, and its tests for five seconds.
const PATIENCE: Duration = Duration::from_secs(1);
