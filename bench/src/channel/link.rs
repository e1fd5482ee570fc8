//! The channel from the application's end: requests out, answers in, and who still owes what.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use worker::channel::Frames;
use worker::flat::{Table, Writer};
use worker::schema::message::{Body, Message};
use worker::schema::notification::Event;
use worker::schema::request::{Method, Request};

use super::answer::{Answer, Outcome};
use super::ask::Ask;
use crate::case::u64_of;
use crate::{os, out};

/// One end of a channel.
#[derive(Debug)]
pub(crate) struct Link {
    requests: UnixStream,
    replies: UnixStream,
    frames: Frames,
    writer: Writer,
    waiting: HashMap<u32, Waiting>,
    counts: Counts,
}

/// What went over a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    /// Answers that say no.
    pub(crate) refused: u64,
    /// Answers to what was never asked, or was answered before.
    pub(crate) unasked: u64,
    pub(crate) events: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    method: Method,
    asked_at: u64,
}

/// A message, as far as it concerns us.
enum Heard {
    Running(String),
    Answer(Answer),
    Other,
}

impl Link {
    pub(super) fn new(requests: UnixStream, replies: UnixStream) -> Self {
        Self {
            requests,
            replies,
            frames: Frames::default(),
            writer: Writer::default(),
            waiting: HashMap::new(),
            counts: Counts::default(),
        }
    }

    /// Waits until the worker says that it runs.
    pub(super) fn wait_until_running(&mut self, pid: u32) -> io::Result<()> {
        let end = os::monotonic_ns()? + PATIENCE_NS;
        while os::monotonic_ns()? < end {
            match self.hear()? {
                Some(Heard::Running(who)) if who == pid.to_string() => return Ok(()),
                Some(Heard::Running(who)) => {
                    return Err(io::Error::other(format!("{who} runs, but process {pid} was started")));
                }
                Some(_) => {}
                None => {
                    self.fill(Duration::from_millis(100))?;
                }
            }
        }
        Err(io::Error::other("the worker does not say that it runs"))
    }

    /// Sends a request. Its number is what the answer will carry.
    pub(crate) fn send(&mut self, ask: Ask) -> io::Result<u32> {
        let Ask { method, handler, body } = ask;
        let id = self.next_id();
        self.counts.asked += 1;
        let request = Request { id, method, handler_id: handler.into(), body };
        let message = self.writer.message(&Message { data: Body::Request(Box::new(request)) });
        let asked_at = os::monotonic_ns()?;
        self.requests.write_all(message)?;
        self.waiting.insert(id, Waiting { method, asked_at });
        Ok(id)
    }

    /// The next answer, if one comes in time. It may wait a millisecond longer than asked.
    pub(crate) fn next_answer(&mut self, within: Duration) -> io::Result<Option<Answer>> {
        let end = os::monotonic_ns()? + u64::try_from(within.as_nanos()).unwrap_or(u64::MAX / 2);
        loop {
            while let Some(heard) = self.hear()? {
                if let Heard::Answer(answer) = heard {
                    return Ok(Some(answer));
                }
            }
            let left = end.saturating_sub(os::monotonic_ns()?);
            if !self.fill(Duration::from_nanos(left))? && left == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends a request and waits for its answer, which must say yes. Nothing else may be under way.
    pub(crate) fn ask(&mut self, ask: Ask) -> io::Result<Outcome> {
        let mut outcome = Outcome::Done;
        self.ask_all([ask].into_iter(), 1, |_, answer| outcome = answer.outcome)?;
        Ok(outcome)
    }

    /// Sends requests, so many at a time, and calls `each` with the answers, which must all say yes, and with the
    /// place of the request that each is for. Says how long it took.
    pub(crate) fn ask_all(
        &mut self,
        asks: impl Iterator<Item = Ask>,
        in_flight: usize,
        mut each: impl FnMut(usize, Answer),
    ) -> io::Result<u64> {
        let first = self.next_id();
        let start = os::monotonic_ns()?;
        let mut asks = asks.peekable();
        while asks.peek().is_some() || !self.waiting.is_empty() {
            while self.waiting.len() < in_flight
                && let Some(ask) = asks.next()
            {
                self.send(ask)?;
            }
            let answer = self.next_answer(Duration::from_nanos(PATIENCE_NS))?;
            let answer = answer.ok_or_else(|| self.silent())?;
            if let Outcome::Refused(why) = &answer.outcome {
                return Err(io::Error::other(format!("{:?} was refused: {why}", answer.method)));
            }
            let place = usize::try_from(answer.id.wrapping_sub(first)).unwrap_or(usize::MAX);
            each(place, answer);
        }
        Ok(os::monotonic_ns()? - start)
    }

    /// How many requests have no answer yet.
    pub(crate) fn unanswered(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// As the package counts: from 1, and again after the highest.
    fn next_id(&self) -> u32 {
        u32::try_from((self.counts.asked + 1) & u64::from(u32::MAX)).unwrap_or(0)
    }

    /// Takes in what is there, waiting at most this long. False when nothing came.
    fn fill(&mut self, within: Duration) -> io::Result<bool> {
        // Rounded up, or the last fraction of a millisecond would be spent asking again and again.
        let milliseconds = u64::try_from(within.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        if !os::readable_within(&self.replies, milliseconds)? {
            return Ok(false);
        }
        let len = self.replies.read(self.frames.room())?;
        if len == 0 {
            return Err(io::Error::other("the worker ended; its own words stand above"));
        }
        self.frames.filled(len);
        Ok(true)
    }

    fn hear(&mut self) -> io::Result<Option<Heard>> {
        let Some(payload) = self.frames.next_payload().map_err(io::Error::other)? else { return Ok(None) };
        let message = Message::from_payload(payload)
            .map_err(|why| io::Error::other(format!("the worker sent a malformed message: {why:?}")))?;
        let heard = match message.data {
            Body::Notification(event) if event.event == Event::WorkerRunning => {
                Heard::Running(event.handler_id.into_owned())
            }
            Body::Notification(_) => {
                self.counts.events += 1;
                Heard::Other
            }
            Body::Response(response) => {
                let outcome = Outcome::of(&response);
                self.counts.answered += 1;
                self.counts.refused += u64::from(matches!(outcome, Outcome::Refused(_)));
                match self.waiting.remove(&response.id) {
                    Some(Waiting { method, asked_at }) => {
                        let took_ns = os::monotonic_ns()? - asked_at;
                        Heard::Answer(Answer { id: response.id, method, took_ns, outcome })
                    }
                    None => {
                        self.counts.unasked += 1;
                        Heard::Other
                    }
                }
            }
            Body::Log(line) => {
                out::progress(&format!("the worker says: {}", line.data));
                Heard::Other
            }
            Body::Request(_) | Body::None => {
                return Err(io::Error::other("the worker sent what only an application sends"));
            }
        };
        Ok(Some(heard))
    }

    fn silent(&self) -> io::Error {
        let methods: Vec<_> = self.waiting.values().map(|waiting| format!("{:?}", waiting.method)).collect();
        io::Error::other(format!(
            "no answer within {} s, {} requests wait: {}",
            PATIENCE_NS / 1_000_000_000,
            u64_of(methods.len()),
            methods.first().map_or("", String::as_str)
        ))
    }
}

/// A worker that answers nothing for so long never will.
const PATIENCE_NS: u64 = 30_000_000_000;

#[cfg(test)]
mod tests {
    use worker::schema::response::{self, Response};

    use super::*;
    use crate::channel::{Id, Kind};

    /// A worker that waits for `count` requests and then answers as `answer` says: to whom, and whether with yes.
    fn against(count: usize, answers: Vec<(u32, bool)>) -> Link {
        let (requests, mut theirs) = UnixStream::pair().unwrap();
        let (replies, mut back) = UnixStream::pair().unwrap();
        std::thread::spawn(move || {
            let mut frames = Frames::default();
            let mut seen = 0;
            while seen < count {
                let len = theirs.read(frames.room()).unwrap();
                frames.filled(len);
                while frames.next_payload().unwrap().is_some() {
                    seen += 1;
                }
            }
            let mut writer = Writer::default();
            let mut bytes = Vec::new();
            for (id, accepted) in answers {
                let word = (!accepted).then(|| "Error".into());
                let body = response::Body::None;
                let response = Response { id, accepted, body, error: word.clone(), reason: word };
                bytes
                    .extend_from_slice(writer.message(&Message { data: Body::Response(Box::new(response)) }));
            }
            // In one go: who has the first has the others, and waits for nobody.
            back.write_all(&bytes).unwrap();
            // Until we hang up.
            let _ = theirs.read(frames.room());
        });
        Link::new(requests, replies)
    }

    fn routers(count: u64) -> impl Iterator<Item = Ask> {
        (0..count).map(|number| Ask::create_router(Id(Kind::Router, number)))
    }

    #[test]
    fn answers_are_matched_in_whatever_order_they_come() {
        let mut link = against(3, vec![(2, true), (3, true), (1, true)]);
        let mut order = Vec::new();
        link.ask_all(routers(3), 3, |place, answer| order.push((place, answer.outcome))).unwrap();
        assert_eq!(order, [1, 2, 0].map(|place| (place, Outcome::Done)));
        assert_eq!((link.unanswered(), link.counts().answered, link.counts().unasked), (0, 3, 0));
    }

    #[test]
    fn a_second_answer_and_a_missing_one_are_counted() {
        let mut link = against(2, vec![(1, true), (1, true)]);
        let ids: Vec<u32> = routers(2).map(|ask| link.send(ask).unwrap()).collect();
        assert_eq!(ids, [1, 2]);
        assert!(link.next_answer(Duration::from_secs(10)).unwrap().is_some());
        assert_eq!(link.next_answer(Duration::from_millis(20)).unwrap(), None);
        assert_eq!((link.unanswered(), link.counts().unasked), (1, 1));
    }

    #[test]
    fn a_refusal_says_what_and_why() {
        let mut link = against(1, vec![(1, false)]);
        let error = link.ask(Ask::create_router(Id(Kind::Router, 1))).unwrap_err().to_string();
        assert!(error.contains("WorkerCreateRouter") && error.contains("Error: Error"), "{error}");
        assert_eq!(link.counts().refused, 1);
    }
}
