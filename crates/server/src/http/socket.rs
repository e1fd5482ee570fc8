//! WebSockets, and when they end: with their reader, with its token, or when nobody answers any more.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::App;
use crate::auth::Caller;

/// A WebSocket to somebody who listens.
#[derive(Debug)]
pub(super) struct Socket {
    inner: WebSocket,
    terms: Terms,
    /// When something is to be done about a silent reader: to ask whether it is there, or to give it up.
    next: Instant,
    is_asked: bool,
}

/// How long one may last.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// When the reader's token ends.
    until: Option<Instant>,
    /// Closed once somebody of the demo call has left, who has a token that holds longer.
    stay: Option<watch::Receiver<()>>,
    /// How long a reader may say nothing after it was asked whether it is there.
    patience: Duration,
    /// Whether the server ends.
    ending: watch::Receiver<bool>,
}

/// Why one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its reader went away.
    Left,
    Expired,
    /// Whom its token is for left the room that it is for.
    Gone,
    Silent,
    /// The server ends. What is left to tell can still be told.
    Ending,
}

impl Terms {
    pub(super) fn of(app: &App, caller: &Caller) -> Self {
        let until = caller.0.as_ref().and_then(|grant| grant.until);
        let left = until.map(|until| until.saturating_sub(super::guard::seconds_since_1970()));
        let until = left.and_then(|left| Instant::now().checked_add(Duration::from_secs(left)));
        // Half of it passes before it is asked.
        let patience = Duration::from_secs(app.limits.idle_seconds.into()) / 2;
        let participant = caller.0.as_ref().filter(|_| caller.participant().is_some());
        let stay = app.demo.as_ref().zip(participant).and_then(|(demo, grant)| demo.stay(grant));
        Self { until, stay, patience, ending: app.ending.subscribe() }
    }
}

impl Socket {
    pub(super) fn new(inner: WebSocket, terms: Terms) -> Self {
        let next = Instant::now() + terms.patience;
        Self { inner, terms, next, is_asked: false }
    }

    /// Tells its reader, unless it is over.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Ended> {
        let Self { inner, terms, .. } = self;
        tokio::select! {
            biased;
            () = over(terms.until) => Err(Ended::Expired),
            () = gone(&mut terms.stay) => Err(Ended::Gone),
            sent = inner.send(message) => sent.map_err(|_| Ended::Left),
        }
    }

    /// Waits until it is over. May be dropped and asked for again.
    pub(super) async fn ended(&mut self) -> Ended {
        loop {
            let next = self.next;
            tokio::select! {
                () = over(self.terms.until) => return Ended::Expired,
                () = gone(&mut self.terms.stay) => return Ended::Gone,
                () = ends(&mut self.terms.ending) => return Ended::Ending,
                () = sleep_until(next) => {
                    if self.is_asked {
                        return Ended::Silent;
                    }
                    (self.is_asked, self.next) = (true, Instant::now() + self.terms.patience);
                    if let Err(ended) = self.send(Message::Ping(Vec::new().into())).await {
                        return ended;
                    }
                }
                heard = self.inner.recv() => match heard {
                    // Whatever it says, it is there.
                    Some(Ok(message)) if !matches!(message, Message::Close(_)) => {
                        (self.is_asked, self.next) = (false, Instant::now() + self.terms.patience);
                    }
                    _ => return Ended::Left,
                },
            }
        }
    }

    /// Says why it is over, to a reader who may still be there.
    pub(super) async fn close(self, app: &App, ended: Ended) {
        let (what, reason) = match ended {
            Ended::Left => return,
            Ended::Ending => {
                return self
                    .finish(CloseFrame { code: close_code::AWAY, reason: "the server ends".into() })
                    .await;
            }
            Ended::Expired => ("expired", "the token has expired"),
            Ended::Gone => ("gone", "whom the token is for has left the room"),
            Ended::Silent => ("silent", "no ping was answered"),
        };
        app.metrics.api.ended(what);
        // For reasons that no other code names (RFC 6455 §7.4.1).
        self.finish(CloseFrame { code: close_code::POLICY, reason: reason.into() }).await;
    }

    /// There is nothing more to tell.
    pub(super) async fn finish(mut self, why: CloseFrame) {
        let farewell = async {
            self.inner.send(Message::Close(Some(why))).await.ok()?;
            // What is not read when the connection goes would take the farewell with it (RFC 6455 §7.1.1).
            while let Some(Ok(_)) = self.inner.recv().await {}
            Some(())
        };
        // Whether the reader hears of it is its affair.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

async fn ends(ending: &mut watch::Receiver<bool>) {
    // Whoever would say so lives as long as the server.
    let _ = ending.wait_for(|ends| *ends).await;
}

async fn gone(stay: &mut Option<watch::Receiver<()>>) {
    match stay {
        Some(stay) => while stay.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Some round trips.
const FAREWELL: Duration = Duration::from_secs(2);
