//! The ICE-lite agent of one transport.

use core::time::Duration;

use wire::Mono;
use wire::stun::Message;

use crate::Credentials;
use crate::check::{self, Check};
use crate::consent::Consent;
use crate::outcome::{Changes, Ignored, Outcome, Verdict};
use crate::tuples::{Tuple, Tuples};

/// How far ICE has come.
///
/// ```text
///               request                nomination
///        New ------------> Connected ---------------> Completed
///         |                    |                          |
///         +--- nomination -----+------------------------->|
///                              |                          |
///                              +-- consent ends, the last |
///                                  tuple is lost ---------+--> Disconnected, which goes on as New does
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has proved anything.
    New,
    /// A peer has, and has not said yet which tuple it wants.
    Connected,
    /// The peer has nominated.
    Completed,
    /// The peer was there.
    Disconnected,
}

/// Answers Binding requests and knows which tuple is in use.
///
/// `L` is how the owner of sockets names our end of a tuple. Answers and changes are returned by the call that makes
/// them; [`deadline`](Self::deadline) may be another after every call that takes the time.
#[derive(Debug)]
pub struct Agent<L> {
    state: State,
    credentials: Credentials,
    /// Those of before a restart, until the peer shows the new ones.
    previous: Option<Credentials>,
    tuples: Tuples<L>,
    /// The highest nomination value that moved the selection.
    nomination: Option<u32>,
    consent: Consent,
}

impl<L: Copy + Eq> Agent<L> {
    /// An agent that nobody has talked to. Without `consent_timeout`, silence means nothing.
    #[must_use]
    pub const fn new(credentials: Credentials, consent_timeout: Option<Duration>) -> Self {
        Self {
            state: State::New,
            credentials,
            previous: None,
            tuples: Tuples::new(),
            nomination: None,
            consent: Consent::new(consent_timeout),
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The tuple to send to; there is one while the state is connected or completed.
    #[must_use]
    pub const fn selected(&self) -> Option<Tuple<L>> {
        self.tuples.selected()
    }

    /// All tuples that the peer proved to own, the newest last.
    pub fn tuples(&self) -> impl Iterator<Item = Tuple<L>> + '_ {
        self.tuples.iter()
    }

    /// The ufrag that peers are told.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        self.credentials.ufrag()
    }

    /// The ufrag of before a restart, as long as it still counts.
    #[must_use]
    pub fn previous_ufrag(&self) -> Option<&str> {
        self.previous.as_ref().map(Credentials::ufrag)
    }

    /// Takes a message that came from `from`, and writes the answer to `out`, which should hold 200 bytes. It was parsed
    /// by the caller, who had to find this agent by its ufrag, and counted what did not parse.
    pub fn handle(&mut self, now: Mono, from: Tuple<L>, message: &Message<'_>, out: &mut [u8]) -> Outcome<L> {
        let ignore = |why| Outcome { answer_len: 0, verdict: Verdict::Ignored(why), changes: Changes::NONE };
        match check::judge(message, &self.credentials, self.previous.as_ref()) {
            Check::Ignore(why) => ignore(why),
            Check::Refuse { code, with } => {
                let len = check::refuse(out, message, code, with).unwrap_or(0);
                if len > message.bytes().len() {
                    return ignore(Ignored::TooShort);
                }
                Outcome { answer_len: len, verdict: Verdict::Refused(code), changes: Changes::NONE }
            }
            Check::Valid { with, is_new } => {
                let answer_len = check::grant(out, message, &from, with).unwrap_or(0);
                let restarted = is_new && self.previous.take().is_some();
                let changes = Changes { restarted, ..self.accept(now, from, message) };
                Outcome { answer_len, verdict: Verdict::Granted, changes }
            }
        }
    }

    /// Takes note of RTP, RTCP or DTLS that proved to be the peer's: some peers just begin to send on another tuple
    /// that they checked before, without nominating it.
    pub fn heard(&mut self, from: Tuple<L>) -> Changes<L> {
        // Asked for every packet, and nearly always this.
        if self.tuples.selected() == Some(from) {
            return Changes::NONE;
        }
        let selected = self.tuples.contains(from) && self.tuples.select(from);
        Changes { selected, ..Changes::NONE }
    }

    /// Forgets a tuple whose connection ended.
    pub fn lost(&mut self, tuple: Tuple<L>) -> Changes<L> {
        let before = self.tuples.selected();
        if !self.tuples.remove(tuple) {
            return Changes::NONE;
        }
        let selected = self.tuples.selected();
        let state = selected.is_none() && self.disconnect();
        Changes { dropped: Some(tuple), selected: selected != before, state, ..Changes::NONE }
    }

    /// Takes new credentials. The old ones hold until the peer shows the new, so that nothing stops meanwhile.
    /// The ufrag that means nothing any more, if a restart was under way already.
    pub fn restart(&mut self, credentials: Credentials) -> Option<Box<str>> {
        let current = core::mem::replace(&mut self.credentials, credentials);
        self.nomination = None;
        self.previous.replace(current).map(|older| older.ufrag().into())
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn deadline(&self) -> Mono {
        self.consent.ends()
    }

    /// Ends the peer's consent if it is time (RFC 7675 §5.1): nothing may be sent any more. A call too early is harmless.
    pub fn handle_timeout(&mut self, now: Mono) -> Changes<L> {
        if now < self.consent.ends() {
            return Changes::NONE;
        }
        let selected = self.tuples.selected().is_some();
        self.tuples.clear();
        Changes { selected, state: self.disconnect(), ..Changes::NONE }
    }

    fn accept(&mut self, now: Mono, from: Tuple<L>, request: &Message<'_>) -> Changes<L> {
        self.consent.given(now);
        let is_known = self.tuples.contains(from);
        let dropped = if is_known { None } else { self.tuples.add(from) };
        let nominated = self.is_nominated(request);
        let state = match self.state {
            State::New | State::Disconnected if !nominated => State::Connected,
            state if !nominated => state,
            _ => State::Completed,
        };
        let selects = nominated || self.tuples.selected().is_none();
        let selected = selects && self.tuples.select(from);
        let state = core::mem::replace(&mut self.state, state) != state;
        Changes { added: (!is_known).then_some(from), dropped, selected, state, restarted: false }
    }

    /// Whether the peer wants this tuple. Where it numbers its nominations, a lower number is one that was overtaken.
    fn is_nominated(&mut self, request: &Message<'_>) -> bool {
        match request.nomination {
            None => request.use_candidate,
            Some(value) if self.nomination.is_none_or(|highest| value > highest) => {
                self.nomination = Some(value);
                true
            }
            Some(_) => false,
        }
    }

    /// Whether that is new.
    fn disconnect(&mut self) -> bool {
        self.consent.stop();
        self.nomination = None;
        core::mem::replace(&mut self.state, State::Disconnected) != State::Disconnected
    }
}
