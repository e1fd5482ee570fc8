//! One handshake: records in, messages in their order, flights out, and data under the keys afterwards.

use core::time::Duration;
use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;

use aws_lc_rs::agreement::EphemeralPrivateKey;
use wire::Mono;

use super::bytes::Reader;
use super::flight::{Part, Writing};
use super::incoming::{Incoming, Message, Piece};
use super::record::{ALERT, DATA, FATAL, HANDSHAKE, Heard, Protection, Record};
use super::schedule::Schedule;
use super::subject::SubjectKey;
use super::{
    CLOSE_NOTIFY, Config, DECODE_ERROR, DECRYPT_ERROR, Fatal, HANDSHAKE_FAILURE, Stage, Suite,
    UNEXPECTED_MESSAGE, UNSUPPORTED_CERTIFICATE, kind,
};
use crate::backend::Polled;
use crate::failure::Failure;
use crate::keys::{SrtpKeys, SrtpProfile};
use crate::output::Room;
use crate::role::Role;
use crate::setup::{FIRST_RETRANSMISSION, HANDSHAKE_TIMEOUT};

/// One handshake and its connection.
pub(crate) struct Machine {
    pub(super) config: Rc<Config>,
    pub(super) role: Role,
    pub(super) stage: Stage,
    now: Mono,
    /// [`Mono::NEVER`] until anything was kept of what a client says, and after the last message.
    deadline: Mono,
    resend_at: Mono,
    interval: Duration,
    sent_at: Mono,
    pub(super) writing: Writing,
    reading: Option<Protection>,
    heard: Heard,
    /// Records under keys that are not there yet.
    early: Vec<Box<[u8]>>,
    pub(super) incoming: Incoming,
    /// What both sides said, as they hash it.
    pub(super) transcript: Vec<u8>,
    flight: Vec<Part>,
    sequence: u16,
    pub(super) agreed: Agreed,
    pub(super) share: Option<EphemeralPrivateKey>,
    pub(super) schedule: Option<Schedule>,
    pub(super) peer: Option<SubjectKey>,
    says: VecDeque<Said>,
}

/// What the hellos settled.
#[derive(Default)]
pub(super) struct Agreed {
    pub(super) suite: Option<&'static Suite>,
    pub(super) srtp: Option<SrtpProfile>,
    /// Client's and server's.
    pub(super) randoms: [[u8; 32]; 2],
    /// The server's group and its share, as the client heard them.
    pub(super) server_share: Option<(u16, Box<[u8]>)>,
    pub(super) is_certificate_asked: bool,
    pub(super) has_cookie: bool,
}

enum Said {
    Datagram(Vec<u8>),
    Data(Vec<u8>),
    Certificate(Box<[u8]>),
    Complete,
    Keys(Option<SrtpKeys>),
    Closed,
}

impl Machine {
    /// Begins: a client's first message waits to be polled.
    pub(crate) fn new(config: Rc<Config>, role: Role, now: Mono) -> Result<Self, Failure> {
        let mut machine = Self {
            config,
            role,
            stage: Stage::Hello,
            now,
            deadline: Mono::NEVER,
            resend_at: Mono::NEVER,
            interval: FIRST_RETRANSMISSION,
            sent_at: now,
            writing: Writing::default(),
            reading: None,
            heard: Heard::default(),
            early: Vec::new(),
            incoming: Incoming::default(),
            transcript: Vec::new(),
            flight: Vec::new(),
            sequence: 0,
            agreed: Agreed::default(),
            share: None,
            schedule: None,
            peer: None,
            says: VecDeque::new(),
        };
        if role == Role::Client {
            machine.deadline = now + HANDSHAKE_TIMEOUT;
            machine.begin_client().map_err(|fatal| fatal.why)?;
        }
        Ok(machine)
    }

    pub(crate) fn handle_timeout(&mut self, now: Mono) -> Result<(), Failure> {
        self.now = now;
        if now >= self.deadline {
            return Err(Failure::TimedOut);
        }
        if now >= self.resend_at {
            self.interval = self.interval.saturating_mul(2);
            self.resend_at = now + self.interval;
            self.send_flight();
        }
        Ok(())
    }

    pub(crate) fn handle_packet(&mut self, packet: &[u8]) -> Result<(), Failure> {
        let worked = self.work_through(packet);
        worked.map_err(|Fatal { alert, why }| {
            if let Some(alert) = alert {
                self.send_alert(FATAL, alert);
            }
            why
        })
    }

    /// Under the keys of the handshake.
    pub(crate) fn send(&mut self, data: &[u8]) {
        if self.stage == Stage::Done {
            let record = self.writing.record(true, DATA, data);
            self.says.extend(record.map(Said::Datagram));
        }
    }

    /// Says under the keys what the peer did wrong.
    pub(crate) fn refuse(&mut self, alert: u8) {
        if self.stage == Stage::Done {
            self.send_alert(FATAL, alert);
        }
    }

    /// Says goodbye, if there are keys to say it under.
    pub(crate) fn close(&mut self) {
        if self.stage == Stage::Done {
            self.send_alert(WARNING, CLOSE_NOTIFY);
        }
    }

    pub(crate) fn poll(&mut self, room: &mut Room) -> Polled {
        match self.says.pop_front() {
            Some(Said::Datagram(bytes)) => Polled::Datagram(room.fill(&bytes)),
            Some(Said::Data(bytes)) => Polled::Data(room.fill(&bytes)),
            Some(Said::Certificate(bytes)) => Polled::Certificate(room.fill(&bytes)),
            Some(Said::Complete) => Polled::Complete,
            Some(Said::Keys(keys)) => Polled::Keys(keys),
            Some(Said::Closed) => Polled::Closed,
            None => Polled::Idle(self.resend_at.min(self.deadline)),
        }
    }

    fn work_through(&mut self, packet: &[u8]) -> Result<(), Fatal> {
        let mut records = Reader::new(packet);
        while let Some(record) = Record::read(&mut records) {
            self.handle_record(&record)?;
        }
        if self.reading.is_some() {
            for record in mem::take(&mut self.early) {
                if let Some(record) = Record::read(&mut Reader::new(&record)) {
                    self.handle_record(&record)?;
                }
            }
        }
        Ok(())
    }

    fn handle_record(&mut self, record: &Record<'_>) -> Result<(), Fatal> {
        match (record.epoch, record.content, &self.reading) {
            // Anybody can write these; once there are keys, nobody is believed without. Who has not heard the end says
            // Finished again with the rest of its flight (RFC 6347 §4.2.4), and is answered for that.
            (0, HANDSHAKE, _) if self.stage != Stage::Done => self.handle_pieces(record.body, false),
            (0, ALERT, _) if self.stage != Stage::Done => self.handle_alert(record.body),
            (1, content, Some(keys)) if self.heard.is_new(record.number()) => {
                // RFC 6347 §4.1.2.7: what is not authentic changes nothing.
                let Some(bytes) = keys.open(record) else { return Ok(()) };
                self.heard.note(record.number());
                match content {
                    HANDSHAKE => self.handle_pieces(&bytes, true)?,
                    ALERT => self.handle_alert(&bytes)?,
                    DATA if self.stage == Stage::Done => self.says.push_back(Said::Data(bytes)),
                    _ => {}
                }
                Ok(())
            }
            (1, HANDSHAKE, None) if self.early.len() < EARLY_MAX => {
                self.begin_deadline();
                self.early.push(record.whole.into());
                Ok(())
            }
            // ChangeCipherSpec among others: the epoch of a record says what it would (RFC 6347 §4.1).
            _ => Ok(()),
        }
    }

    fn handle_pieces(&mut self, body: &[u8], is_sealed: bool) -> Result<(), Fatal> {
        let mut pieces = Reader::new(body);
        while let Some(piece) = Piece::read(&mut pieces) {
            // Finished is the one message under keys; one in the clear, or another under them, is somebody else's.
            if (piece.kind == kind::FINISHED) != is_sealed {
                continue;
            }
            if self.incoming.is_old(&piece) {
                self.answer_again();
            } else if self.stage != Stage::Done {
                if self.incoming.push(&piece) {
                    self.begin_deadline();
                }
                while self.stage != Stage::Done
                    && let Some(message) = self.incoming.pop()
                {
                    self.handle_message(&message)?;
                }
            }
        }
        Ok(())
    }

    /// Whoever begins a hello has as long to end it as everything else: what is kept of it is not kept for ever.
    fn begin_deadline(&mut self) {
        if self.deadline == Mono::NEVER {
            self.deadline = self.now + HANDSHAKE_TIMEOUT;
        }
    }

    fn handle_message(&mut self, message: &Message) -> Result<(), Fatal> {
        match (self.role, self.stage, message.kind) {
            (Role::Server, Stage::Hello, kind::CLIENT_HELLO) => self.handle_client_hello(message),
            (Role::Client, Stage::Hello, kind::HELLO_VERIFY_REQUEST) => self.handle_hello_verify(message),
            (Role::Client, Stage::Hello, kind::SERVER_HELLO) => self.handle_server_hello(message),
            (_, Stage::Certificate, kind::CERTIFICATE) => self.handle_certificate(message),
            (Role::Server, Stage::KeyExchange, kind::CLIENT_KEY_EXCHANGE) => self.handle_client_key(message),
            (Role::Client, Stage::KeyExchange, kind::SERVER_KEY_EXCHANGE) => self.handle_server_key(message),
            (Role::Server, Stage::CertificateVerify, kind::CERTIFICATE_VERIFY) => {
                self.handle_certificate_verify(message)
            }
            (Role::Client, Stage::RequestOrDone, kind::CERTIFICATE_REQUEST) => self.handle_request(message),
            (Role::Client, Stage::RequestOrDone | Stage::HelloDone, kind::SERVER_HELLO_DONE) => {
                self.handle_hello_done(message)
            }
            (_, Stage::Finished, kind::FINISHED) => self.handle_finished(message),
            _ => Err(Fatal::broken(UNEXPECTED_MESSAGE, "a message of the handshake came out of its turn")),
        }
    }

    /// RFC 5246 §7.4.2, §7.4.6: the first certificate is the peer's own.
    fn handle_certificate(&mut self, message: &Message) -> Result<(), Fatal> {
        let mut list = Reader::new(message.body());
        let mut list = Reader::new(list.vector24().ok_or_else(Fatal::unreadable)?);
        if list.is_empty() {
            return Err(Fatal::new(HANDSHAKE_FAILURE, Failure::NoPeerCertificate));
        }
        let certificate = list.vector24().ok_or_else(Fatal::unreadable)?;
        self.says.push_back(Said::Certificate(certificate.into()));
        let unfit = |key_type| Fatal::new(UNSUPPORTED_CERTIFICATE, Failure::PeerKey { key_type });
        let key = SubjectKey::of(certificate).ok_or_else(|| unfit("a key that is neither ECDSA nor RSA"))?;
        if key.is_too_long() {
            return Err(unfit("an RSA key of more than 4096 bits"));
        }
        // RFC 5246 §7.4.2: a server's key is of the kind that the suite names. A client's may be of either.
        let is_fit = self.role == Role::Server
            || self.agreed.suite.is_some_and(|suite| suite.authentication == key.authentication);
        if !is_fit {
            return Err(Fatal::broken(
                UNSUPPORTED_CERTIFICATE,
                "the certificate is of another kind than the suite",
            ));
        }
        self.peer = Some(key);
        self.hear(message);
        self.stage = Stage::KeyExchange;
        Ok(())
    }

    /// RFC 5246 §7.4.9. The client's is the first.
    fn handle_finished(&mut self, message: &Message) -> Result<(), Fatal> {
        let label = finished_label(match self.role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        });
        let schedule = self.schedule.as_ref().ok_or_else(Fatal::internal)?;
        if !schedule.is_verified(label, &self.transcript, message.body()) {
            return Err(Fatal::broken(DECRYPT_ERROR, "the peer heard another handshake than we did"));
        }
        self.hear(message);
        if self.role == Role::Server {
            let finished = self.finished()?;
            self.send_parts(vec![Part::ChangeCipherSpec, Part::Finished(finished)]);
        } else {
            // Who completes a handshake is not asked again.
            self.flight.clear();
        }
        self.complete();
        Ok(())
    }

    fn complete(&mut self) {
        self.stage = Stage::Done;
        (self.resend_at, self.deadline) = (Mono::NEVER, Mono::NEVER);
        // There are thousands of connections, each for hours.
        (self.transcript, self.early, self.peer) = (Vec::new(), Vec::new(), None);
        self.incoming.end();
        self.says.push_back(Said::Complete);
        // RFC 5764 §4.2. The secret has done its work then.
        if let (Some(profile), Some(schedule)) = (self.agreed.srtp, self.schedule.take()) {
            let exported = schedule.export(b"EXTRACTOR-dtls_srtp", profile.exported_len());
            self.says.push_back(Said::Keys(SrtpKeys::new(profile, self.role, &exported)));
        }
    }

    fn handle_alert(&mut self, body: &[u8]) -> Result<(), Fatal> {
        match *body {
            [_, CLOSE_NOTIFY] => {
                // RFC 5246 §7.2.1.
                self.close();
                self.says.push_back(Said::Closed);
                Ok(())
            }
            [FATAL, alert] => Err(Fatal { alert: None, why: Failure::Refused { alert } }),
            [WARNING, _] => Ok(()),
            _ => Err(Fatal::broken(DECODE_ERROR, "an alert is malformed")),
        }
    }

    /// Derives what both directions are protected by, from what the client and the server brought.
    pub(super) fn begin_keys(&mut self, shared: &[u8]) -> Result<(), Fatal> {
        let suite = self.agreed.suite.ok_or_else(Fatal::internal)?;
        let schedule = Schedule::new(suite, shared, &self.transcript, self.agreed.randoms);
        let [of_client, of_server] = schedule.protections().ok_or_else(Fatal::internal)?;
        let (ours, theirs) = match self.role {
            Role::Client => (of_client, of_server),
            Role::Server => (of_server, of_client),
        };
        (self.writing.keys, self.reading) = (Some(ours), Some(theirs));
        self.schedule = Some(schedule);
        Ok(())
    }

    /// A message of ours: numbered, and heard by both sides.
    pub(super) fn say(&mut self, kind: u8, body: &[u8]) -> Message {
        let message = Message::new(kind, self.sequence, body);
        self.sequence = self.sequence.saturating_add(1);
        self.hear(&message);
        message
    }

    pub(super) fn finished(&mut self) -> Result<Message, Fatal> {
        let schedule = self.schedule.as_ref().ok_or_else(Fatal::internal)?;
        let verify_data = schedule.verify_data(finished_label(self.role), &self.transcript);
        Ok(self.say(kind::FINISHED, &verify_data))
    }

    pub(super) fn hear(&mut self, message: &Message) {
        self.transcript.extend_from_slice(&message.bytes);
    }

    /// Sends a flight that an answer is expected to.
    pub(super) fn send_and_wait(&mut self, flight: Vec<Part>) {
        self.send_parts(flight);
        self.interval = FIRST_RETRANSMISSION;
        self.resend_at = self.now + self.interval;
    }

    /// RFC 6347 §4.2.4: who repeats itself has not heard the answer. Not more often than the first timer, or whoever
    /// sends old messages would have us send more than he does.
    fn answer_again(&mut self) {
        if self.now >= self.sent_at + FIRST_RETRANSMISSION {
            self.send_flight();
        }
    }

    fn send_parts(&mut self, flight: Vec<Part>) {
        self.flight = flight;
        self.send_flight();
    }

    fn send_flight(&mut self) {
        self.sent_at = self.now;
        let datagrams = self.writing.datagrams(&self.flight);
        self.says.extend(datagrams.into_iter().map(Said::Datagram));
    }

    fn send_alert(&mut self, level: u8, alert: u8) {
        let is_sealed = self.stage == Stage::Done;
        let record = self.writing.record(is_sealed, ALERT, &[level, alert]);
        self.says.extend(record.map(Said::Datagram));
    }
}

const fn finished_label(role: Role) -> &'static [u8] {
    match role {
        Role::Client => b"client finished",
        Role::Server => b"server finished",
    }
}

const WARNING: u8 = 1;
/// Finished in as many pieces as anybody would cut it into, once again.
const EARLY_MAX: usize = 4;
