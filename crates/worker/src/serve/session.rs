//! The conversation with the application, without descriptors: payloads in, what is to be asked of control out;
//! answers and events in, messages out.
//!
//! Every request gets exactly one response, and responses leave in the order of the requests, those that need no
//! control among them. Does not know how many requests control takes at a time; whoever reads stops reading then, and
//! when too many wait here for the answer to one before them.

use std::collections::VecDeque;

use model::reply::{Refusal, RefusalClass};
use net::process::ResourceUsage;
use shardcast::answer::Answered;
use shardcast::request::{RouterRequest, TransportRequest, WorkerRequest};
use shardcast::{Answer, Event, Notification, Request};

use super::log::Log;
use super::usage;
use crate::channel::{Incoming, Losses, Outbox, Overflow, Unreadable, decode};
use crate::handler::{self, Asked, Told};
use crate::schema::notification;
use crate::schema::request::{self, Method};
use crate::schema::response::{Body, Response};
use crate::settings::{LogTag, Settings};

/// The conversation.
#[derive(Debug)]
pub(super) struct Session {
    outbox: Outbox,
    log: Log,
    /// Requests that were not answered yet, in order.
    pending: VecDeque<Pending>,
    /// The number of the first of them.
    first: u64,
    /// It has been said that the kernel does not tell what we use.
    usage_is_refused: bool,
}

/// What a payload asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing more: it has been seen to.
    Done,
    /// This of control; the answer goes to [`Session::answered`] with the number.
    Ask(u64, Request),
    /// To pass this on to control.
    Tell(Notification),
    /// To log what the shards have counted; what was asked for is answered.
    Count,
    /// To end.
    Close,
}

#[derive(Debug)]
struct Pending {
    id: u32,
    method: Method,
    closes: Closes,
    reply: Option<Reply>,
}

#[derive(Debug)]
enum Reply {
    Control(Answered),
    Own(Body<'static>),
}

/// What is gone when the answer is out.
#[derive(Debug, PartialEq, Eq)]
enum Closes {
    Nothing,
    One(Box<str>),
    /// One with others in it.
    Many,
}

impl Session {
    pub(super) fn new(settings: &Settings) -> Self {
        let (outbox, pending) = (Outbox::default(), VecDeque::new());
        Self { outbox, log: Log::new(settings), pending, first: 0, usage_is_refused: false }
    }

    /// Says that the process is ready.
    pub(super) fn running(&mut self, pid: u32) -> Result<(), Overflow> {
        let handler_id = pid.to_string().into();
        let event = notification::Event::WorkerRunning;
        self.outbox.notify(notification::Notification { handler_id, event, body: notification::Body::None })
    }

    /// Whether another message can be taken.
    pub(super) fn can_accept(&self) -> bool {
        self.pending.len() < MOST_PENDING
    }

    /// Takes a message of the application.
    pub(super) fn received(&mut self, payload: &[u8]) -> Result<Step, Overflow> {
        match decode(payload) {
            Ok(Incoming::Request(request)) => self.request(*request),
            Ok(Incoming::Notification(event)) => Ok(match handler::told(*event) {
                Ok(Told::Close) => Step::Close,
                Ok(Told::Control(notification)) => Step::Tell(notification),
                Err(why) => {
                    self.error(format_args!("notification dropped: {why}"));
                    Step::Done
                }
            }),
            Err(Unreadable { why, request: None }) => {
                self.error(format_args!("message of {} bytes dropped: {why}", payload.len()));
                Ok(Step::Done)
            }
            Err(Unreadable { why, request: Some(head) }) => {
                let method = Method::try_from(head.method).unwrap_or_default();
                let reason = format!("the request (method {}) cannot be read: {why}", head.method);
                let refusal = Refusal::new(RefusalClass::Failed, reason);
                self.settled(head.id, method, Reply::Control(Err(refusal)))
            }
        }
    }

    /// Takes an answer of control.
    pub(super) fn answered(&mut self, number: u64, answered: Answered) -> Result<(), Overflow> {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(pending) = place.and_then(|place| self.pending.get_mut(place)) {
            pending.reply = Some(Reply::Control(answered));
        }
        self.flush()
    }

    /// Takes an event.
    pub(super) fn happened(&mut self, event: &Event) -> Result<(), Overflow> {
        self.outbox.notify(handler::notification_of(event))
    }

    /// So much of what waits was written.
    pub(super) fn written(&mut self, len: usize) {
        self.outbox.written(len);
        if let Some(Losses { rtp, rtcp, messages }) = self.outbox.take_losses() {
            self.error(format_args!(
                "the application did not read for too long: {rtp} RTP packets, {rtcp} RTCP packets and {messages} \
                 messages were dropped"
            ));
        }
    }

    /// Something that failed, for the application's log.
    pub(super) fn error(&mut self, text: std::fmt::Arguments<'_>) {
        if let Some(line) = self.log.error(text) {
            self.outbox.log(&line);
        }
    }

    /// Something suspicious, for the application's log.
    pub(super) fn warn(&mut self, text: std::fmt::Arguments<'_>) {
        if let Some(line) = self.log.warn(LogTag::Info, text) {
            self.outbox.log(&line);
        }
    }

    /// Something that happens, for the application's log.
    pub(super) fn debug(&mut self, text: std::fmt::Arguments<'_>) {
        if let Some(line) = self.log.debug(LogTag::Info, text) {
            self.outbox.log(&line);
        }
    }

    /// What is to be written.
    pub(super) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn request(&mut self, request: request::Request<'_>) -> Result<Step, Overflow> {
        let (id, method) = (request.id, request.method);
        match handler::asked(request) {
            Ok(Asked::Control(request)) => {
                let closes = Closes::of(&request);
                let number = self.first + u64::try_from(self.pending.len()).unwrap_or_default();
                self.pending.push_back(Pending { id, method, closes, reply: None });
                Ok(Step::Ask(number, request))
            }
            Ok(Asked::ResourceUsage) => {
                // A seccomp profile that does not know the call. Applications draw what they get, so they get something.
                let usage = net::process::resource_usage().unwrap_or_else(|why| {
                    // They ask each second; it is said once.
                    if !core::mem::replace(&mut self.usage_is_refused, true) {
                        self.error(format_args!(
                            "getrusage fails ({why}): the resource usage is answered with zeros"
                        ));
                    }
                    ResourceUsage::default()
                });
                self.settled(id, method, Reply::Own(usage::body(usage)))?;
                Ok(Step::Count)
            }
            Ok(Asked::UpdateSettings(settings)) => {
                let answered = self.log.update(*settings).map(|()| Answer::Done);
                self.settled(id, method, Reply::Control(answered))
            }
            Err(refusal) => self.settled(id, method, Reply::Control(Err(refusal))),
        }
    }

    /// Answers what needs no control, once everything before it is answered.
    fn settled(&mut self, id: u32, method: Method, reply: Reply) -> Result<Step, Overflow> {
        self.pending.push_back(Pending { id, method, closes: Closes::Nothing, reply: Some(reply) });
        self.flush()?;
        Ok(Step::Done)
    }

    fn flush(&mut self) -> Result<(), Overflow> {
        while self.pending.front().is_some_and(|pending| pending.reply.is_some()) {
            let Some(Pending { id, method, closes, reply: Some(reply) }) = self.pending.pop_front() else {
                break;
            };
            self.first += 1;
            match reply {
                Reply::Control(Err(refusal)) => self.refuse(id, method, &refusal)?,
                Reply::Control(Ok(answer)) => {
                    match closes {
                        Closes::Nothing => {}
                        Closes::One(id) => self.outbox.forget(&id),
                        Closes::Many => self.outbox.release_all(),
                    }
                    self.accept(id, handler::body(method, &answer))?;
                }
                Reply::Own(body) => self.accept(id, body)?,
            }
        }
        Ok(())
    }

    fn accept(&mut self, id: u32, body: Body<'_>) -> Result<(), Overflow> {
        self.outbox.reply(Response { id, accepted: true, body, error: None, reason: None })
    }

    fn refuse(&mut self, id: u32, method: Method, refusal: &Refusal) -> Result<(), Overflow> {
        self.error(format_args!("request {id} ({method:?}) refused: {refusal}"));
        let error = match refusal.class {
            RefusalClass::Invalid => "TypeError",
            RefusalClass::NotFound => "NotFoundError",
            RefusalClass::Failed | RefusalClass::Stuck => "Error",
        };
        let reason = Some((&*refusal.reason).into());
        let error = Some(error.into());
        self.outbox.reply(Response { id, accepted: false, body: Body::None, error, reason })
    }
}

impl Closes {
    fn of(request: &Request) -> Self {
        let one = |id: &str| Self::One(id.into());
        match request {
            Request::Worker(WorkerRequest::CloseRouter(_) | WorkerRequest::CloseWebRtcServer(_))
            | Request::Router(_, RouterRequest::CloseTransport(_)) => Self::Many,
            Request::Router(_, RouterRequest::CloseRtpObserver(id)) => one(id.as_str()),
            Request::Transport(_, TransportRequest::CloseProducer(id)) => one(id.as_str()),
            Request::Transport(_, TransportRequest::CloseConsumer(id)) => one(id.as_str()),
            Request::Transport(_, TransportRequest::CloseDataProducer(id)) => one(id.as_str()),
            Request::Transport(_, TransportRequest::CloseDataConsumer(id)) => one(id.as_str()),
            _ => Self::Nothing,
        }
    }
}

/// Requests that are not answered. More than control takes at a time, so that this stops only those who ask what needs
/// no control while control does not answer. Each is some hundred bytes.
const MOST_PENDING: usize = 8192;

#[cfg(test)]
mod tests;
