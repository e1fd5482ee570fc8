//! Requests, answers and events through a session, with the test in the place of control.

use model::id::RouterId;
use shardcast::event::{ConsumerEvent, ProducerEvent};

use super::*;
use crate::flat::{Table as _, Writer};
use crate::schema::message::{self, Message};
use crate::schema::notification::Event as Number;
use crate::schema::{router, transport, worker};

struct Talk {
    session: Session,
    writer: Writer,
}

/// What a message to the application says, as a line.
fn line(payload: &[u8]) -> String {
    match Message::from_payload(payload).unwrap().data {
        message::Body::Response(response) if response.accepted => format!("{} accepted", response.id),
        message::Body::Response(response) => {
            format!("{} {}: {}", response.id, response.error.unwrap(), response.reason.unwrap())
        }
        message::Body::Notification(event) => format!("{} {:?}", event.handler_id, event.event),
        message::Body::Log(log) => format!("log {}", log.data),
        other => panic!("a worker never sends {other:?}"),
    }
}

impl Talk {
    fn new(level: &str) -> Self {
        let mut session = Session::new(&Settings::default());
        let log_level = Some(level.into());
        session.log.update(worker::UpdateSettingsRequest { log_level, log_tags: None }).unwrap();
        Self { session, writer: Writer::default() }
    }

    fn ask(&mut self, id: u32, method: Method, handler_id: &'static str, body: request::Body<'_>) -> Step {
        let request = request::Request { id, method, handler_id: handler_id.into(), body };
        let message = Message { data: message::Body::Request(Box::new(request)) };
        let bytes = self.writer.message(&message).to_vec();
        self.session.received(&bytes[4..]).unwrap()
    }

    /// Everything that waits, as lines.
    fn said(&mut self) -> Vec<String> {
        let (front, back) = self.session.outbox().waiting();
        let bytes = [front, back].concat();
        self.session.outbox().written(bytes.len());
        let mut rest = bytes.as_slice();
        let mut lines = Vec::new();
        while let Some((prefix, after)) = rest.split_first_chunk() {
            let (payload, after) = after.split_at(u32::from_le_bytes(*prefix) as usize);
            lines.push(line(payload));
            rest = after;
        }
        lines
    }
}

fn number(step: &Step) -> u64 {
    match step {
        Step::Ask(number, _) => *number,
        other => panic!("nothing is asked: {other:?}"),
    }
}

fn close_router(id: &str) -> request::Body<'_> {
    let body = worker::CloseRouterRequest { router_id: id.into() };
    request::Body::WorkerCloseRouterRequest(Box::new(body))
}

#[test]
fn responses_leave_in_the_order_of_requests_those_of_the_process_too() {
    let mut talk = Talk::new("none");
    let dump = talk.ask(1, Method::RouterDump, "r", request::Body::None);
    assert_eq!(dump, Step::Ask(0, Request::Router(RouterId::from("r"), RouterRequest::Dump)));
    assert_eq!(talk.ask(2, Method::WorkerGetResourceUsage, "", request::Body::None), Step::Count);
    let close = talk.ask(3, Method::WorkerCloseRouter, "", close_router("r"));
    assert_eq!(talk.ask(4, Method::RouterCloseTransport, "r", request::Body::None), Step::Done, "no body");
    assert_eq!(talk.said(), Vec::<String>::new());
    talk.session.answered(number(&close), Ok(Answer::Done)).unwrap();
    assert_eq!(talk.said(), Vec::<String>::new());
    let unknown = Refusal::new(RefusalClass::NotFound, "there is no router r");
    talk.session.answered(number(&dump), Err(unknown)).unwrap();
    let mismatch = "4 Error: the body of the request is not that of its method, RouterCloseTransport";
    assert_eq!(talk.said(), ["1 NotFoundError: there is no router r", "2 accepted", "3 accepted", mismatch]);
}

#[test]
fn an_error_is_logged_before_its_response_if_errors_are() {
    let mut talk = Talk::new("error");
    let body = transport::SetMaxIncomingBitrateRequest { max_incoming_bitrate: 7 };
    let body = request::Body::TransportSetMaxIncomingBitrateRequest(Box::new(body));
    let step = talk.ask(9, Method::TransportSetMaxIncomingBitrate, "t", body);
    let refusal = Refusal::new(RefusalClass::Invalid, "too much");
    talk.session.answered(number(&step), Err(refusal)).unwrap();
    let log = "log Erequest 9 (TransportSetMaxIncomingBitrate) refused: too much";
    assert_eq!(talk.said(), [log, "9 TypeError: too much"]);
}

#[test]
fn settings_change_what_is_logged() {
    let mut talk = Talk::new("none");
    let settings = |level: &'static str| {
        let body = worker::UpdateSettingsRequest { log_level: Some(level.into()), log_tags: None };
        request::Body::WorkerUpdateSettingsRequest(Box::new(body))
    };
    talk.ask(1, Method::WorkerUpdateSettings, "", settings("loud"));
    talk.ask(2, Method::WorkerUpdateSettings, "", settings("error"));
    talk.session.error(format_args!("heard"));
    let refused = "1 TypeError: logLevel is \"loud\"; it must be debug, warn, error or none";
    assert_eq!(talk.said(), [refused, "2 accepted", "log Eheard"]);
}

#[test]
fn what_cannot_be_read_is_answered_where_it_has_a_head_and_logged_where_not() {
    let mut talk = Talk::new("error");
    let request = request::Request {
        id: 5,
        method: Method::RouterDump,
        handler_id: "needle".into(),
        body: request::Body::None,
    };
    let message = Message { data: message::Body::Request(Box::new(request)) };
    let sound = talk.writer.message(&message)[4..].to_vec();
    assert_eq!(talk.session.received(&[]), Ok(Step::Done));
    assert_eq!(talk.session.received(&[0xff; 64]), Ok(Step::Done));
    assert!(talk.said().iter().all(|line| line.starts_with("log Emessage of ")));
    // A method that nobody knows: found by asking which byte makes it one.
    let answered = (0..sound.len()).any(|at| {
        let (mut talk, mut payload) = (Talk::new("none"), sound.clone());
        payload[at] = 200;
        talk.session.received(&payload).unwrap();
        talk.said().iter().any(|line| line.starts_with("5 Error: the request (method 200) cannot be read"))
    });
    assert!(answered);
}

#[test]
fn a_message_that_only_a_worker_sends_is_dropped() {
    let mut talk = Talk::new("error");
    talk.session.running(1234).unwrap();
    assert_eq!(talk.said(), ["1234 WorkerRunning"]);
    let event = notification::Notification {
        handler_id: "x".into(),
        event: Number::ConsumerScore,
        body: notification::Body::None,
    };
    let message = Message { data: message::Body::Notification(Box::new(event)) };
    let bytes = talk.writer.message(&message)[4..].to_vec();
    assert_eq!(talk.session.received(&bytes), Ok(Step::Done));
    assert!(talk.said()[0].starts_with("log Enotification dropped: ConsumerScore"));
}

#[test]
fn the_end_is_told() {
    let mut talk = Talk::new("none");
    let event = notification::Notification {
        handler_id: "".into(),
        event: Number::WorkerClose,
        body: notification::Body::None,
    };
    let message = Message { data: message::Body::Notification(Box::new(event)) };
    let bytes = talk.writer.message(&message)[4..].to_vec();
    assert_eq!(talk.session.received(&bytes), Ok(Step::Close));
}

#[test]
fn no_event_of_what_is_closed_comes_after_the_answer_however_far_the_reader_is_behind() {
    let mut talk = Talk::new("none");
    let packet = Event::Consumer("filler".into(), ConsumerEvent::Rtp(vec![0; 1 << 20].into()));
    (0..5).for_each(|_| talk.session.happened(&packet).unwrap());
    for id in ["p", "q"] {
        talk.session.happened(&Event::Producer(id.into(), ProducerEvent::Score(Vec::new()))).unwrap();
    }
    let body = transport::CloseProducerRequest { producer_id: "p".into() };
    let body = request::Body::TransportCloseProducerRequest(Box::new(body));
    let one = talk.ask(1, Method::TransportCloseProducer, "t", body);
    talk.session.answered(number(&one), Ok(Answer::Done)).unwrap();
    let body = router::CloseTransportRequest { transport_id: "t".into() };
    let body = request::Body::RouterCloseTransportRequest(Box::new(body));
    let many = talk.ask(2, Method::RouterCloseTransport, "r", body);
    talk.session.answered(number(&many), Ok(Answer::Done)).unwrap();
    let mut said = talk.said();
    said.retain(|line| !line.starts_with("filler"));
    assert_eq!(said, ["1 accepted", "q ProducerScore", "2 accepted"]);
}
