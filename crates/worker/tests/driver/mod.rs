//! A stand-in for the application's process: starts the worker and talks to it over descriptors 3 and 4.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};

use worker::channel::Frames;
use worker::flat::{Table as _, Writer};
use worker::schema::message::{Body, Message};
use worker::schema::notification::{self, Event, Notification};
use worker::schema::request::{self, Method, Request};
use worker::schema::{direct_transport, router, transport, worker as tables};

/// A worker, and the ends of its descriptors.
pub(crate) struct Driver {
    pub(crate) child: Child,
    /// Its descriptor 3. Absent once closed.
    pub(crate) requests: Option<UnixStream>,
    /// Its descriptor 4.
    pub(crate) messages: UnixStream,
    frames: Frames,
    writer: Writer,
    next_id: u32,
}

/// A message of the worker, as far as tests look into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A response: the request, and the error and reason if it was refused.
    Response(u32, Result<usize, (String, String)>),
    /// An event: whose, which, and how long the message was.
    Event(String, Event, usize),
    /// A line for the log.
    Log(String),
}

impl Driver {
    /// Starts a worker and waits until it says that it runs.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut driver = Self::spawn(&["--logLevel=error"], variables);
        let pid = driver.child.id().to_string();
        let Some(Said::Event(id, Event::WorkerRunning, _)) = driver.next() else { panic!("it does not run") };
        assert_eq!(id, pid, "the process that runs is not the one that was started");
        driver
    }

    /// Starts a worker.
    pub(crate) fn spawn(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (requests, theirs_in) = UnixStream::pair().unwrap();
        let (messages, theirs_out) = UnixStream::pair().unwrap();
        // The shell puts standard input and output where the worker looks for its channel, and becomes the worker.
        let child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#])
            .arg(env!("CARGO_BIN_EXE_shardcast-worker"))
            .args(arguments)
            .env("MEDIASOUP_VERSION", "3.27.1")
            .envs(variables.iter().copied())
            .stdin(Stdio::from(OwnedFd::from(theirs_in)))
            .stdout(Stdio::from(OwnedFd::from(theirs_out)))
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        Self {
            child,
            requests: Some(requests),
            messages,
            frames: Frames::default(),
            writer: Writer::default(),
            next_id: 0,
        }
    }

    /// Sends a request, and says under which number.
    pub(crate) fn ask(&mut self, method: Method, handler_id: &str, body: request::Body<'_>) -> u32 {
        let (id, bytes) = self.request(method, handler_id, body);
        self.send(&bytes);
        id
    }

    /// A request, encoded.
    pub(crate) fn request(
        &mut self,
        method: Method,
        handler_id: &str,
        body: request::Body<'_>,
    ) -> (u32, Vec<u8>) {
        self.next_id += 1;
        let request = Request { id: self.next_id, method, handler_id: handler_id.into(), body };
        let message = Message { data: Body::Request(Box::new(request)) };
        (self.next_id, self.writer.message(&message).to_vec())
    }

    /// Sends a request and waits for its answer, passing over everything else.
    pub(crate) fn done(&mut self, method: Method, handler_id: &str, body: request::Body<'_>) {
        let id = self.ask(method, handler_id, body);
        let answer = self.answer(id);
        assert!(answer.is_ok(), "{method:?}: {answer:?}");
    }

    /// The answer to a request, everything before it passed over.
    pub(crate) fn answer(&mut self, id: u32) -> Result<usize, (String, String)> {
        loop {
            match self.next() {
                Some(Said::Response(of, answer)) if of == id => return answer,
                Some(_) => {}
                None => panic!("the worker ended without an answer to {id}"),
            }
        }
    }

    /// Tells the worker something.
    pub(crate) fn tell(&mut self, event: Event, handler_id: &str, body: notification::Body<'_>) {
        let bytes = self.told(event, handler_id, body);
        self.send(&bytes);
    }

    /// Something to tell, encoded.
    pub(crate) fn told(&mut self, event: Event, handler_id: &str, body: notification::Body<'_>) -> Vec<u8> {
        let event = Notification { handler_id: handler_id.into(), event, body };
        let message = Message { data: Body::Notification(Box::new(event)) };
        self.writer.message(&message).to_vec()
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.requests.as_mut().expect("it is open").write_all(bytes).unwrap();
    }

    /// The next message; nothing once the worker has closed its end.
    pub(crate) fn next(&mut self) -> Option<Said> {
        self.next_payload().map(|payload| Said::of(&payload))
    }

    /// The next message as it came; nothing once the worker has closed its end.
    pub(crate) fn next_payload(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(payload) = self.frames.next_payload().unwrap() {
                return Some(payload.to_vec());
            }
            let len = self.messages.read(self.frames.room()).unwrap();
            if len == 0 {
                return None;
            }
            self.frames.filled(len);
        }
    }

    /// Everything up to the end.
    pub(crate) fn rest(&mut self) -> Vec<Said> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Waits for the end: status and standard error.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Makes a router.
    pub(crate) fn router(&mut self, id: &str) {
        let body = tables::CreateRouterRequest { router_id: id.into() };
        self.done(Method::WorkerCreateRouter, "", request::Body::WorkerCreateRouterRequest(Box::new(body)));
    }

    /// Makes a direct transport.
    pub(crate) fn direct_transport(&mut self, router: &str, id: &str) {
        let options = direct_transport::DirectTransportOptions { base: OPTIONS };
        let body = router::CreateDirectTransportRequest { transport_id: id.into(), options };
        let body = request::Body::RouterCreateDirectTransportRequest(Box::new(body));
        self.done(Method::RouterCreateDirecttransport, router, body);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Where a test failed before the end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    fn of(payload: &[u8]) -> Self {
        match Message::from_payload(payload).expect("what a worker writes can be read").data {
            Body::Response(response) if response.accepted => Self::Response(response.id, Ok(payload.len())),
            Body::Response(response) => {
                let text =
                    |text: Option<worker::flat::Str<'_>>| text.expect("an error has both").into_owned();
                Self::Response(response.id, Err((text(response.error), text(response.reason))))
            }
            Body::Notification(event) => {
                Self::Event(event.handler_id.into_owned(), event.event, payload.len())
            }
            Body::Log(log) => Self::Log(log.data.into_owned()),
            other => panic!("a worker never sends {other:?}"),
        }
    }
}

/// What the npm package sends for a direct transport.
pub(crate) const OPTIONS: transport::Options = transport::Options {
    direct: true,
    initial_available_outgoing_bitrate: None,
    enable_sctp: false,
    max_send_message_size: 262_144,
    max_receive_message_size: 262_144,
    sctp_send_buffer_size: 262_144,
    sctp_per_stream_send_queue_limit: 262_144,
    sctp_max_receiver_window_buffer_size: 262_144,
    sctp_default_stream_buffered_amount_low_threshold: 0,
    is_data_channel: false,
};
