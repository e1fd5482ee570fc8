//! The server as a process, and a client that speaks as much HTTP as it takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A server that is there until this is dropped.
pub(crate) struct Server {
    process: Child,
    at: SocketAddr,
    /// What its addresses begin with.
    scheme: String,
}

impl Server {
    /// On a port of the kernel's choice.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(&[], arguments)
    }

    /// With these variables of the environment.
    pub(crate) fn start_with(variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", variables, arguments)
    }

    /// At an address where there was one before. Somebody may have the port for a moment meanwhile.
    pub(crate) fn start_at(at: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match Self::try_start(at, variables, arguments) {
                Ok(server) => return server,
                Err(said) => assert!(
                    said.contains("cannot be listened on") && Instant::now() < deadline,
                    "it does not say where it listens: {said}"
                ),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What it said, if it ended before it said where it listens.
    fn try_start(at: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Self, String> {
        let mut process = command(variables, &[&["--listen", at], arguments].concat());
        let lines = BufReader::new(process.stderr.take().unwrap());
        let mut lines = lines.lines().map(Result::unwrap);
        let mut said = String::new();
        let Some(line) = lines.find(|line| {
            said += line;
            line.contains("://")
        }) else {
            let _ = process.wait();
            return Err(said);
        };
        let (scheme, rest) = line.split_once("://").unwrap();
        let scheme = scheme.rsplit(' ').next().unwrap_or_default().to_owned();
        let at = rest.split('/').next().unwrap().parse().unwrap();
        // Somebody has to read what else it says.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, at, scheme })
    }

    /// One that does not start: its exit code, and what it said.
    pub(crate) fn refused(arguments: &[&str]) -> (Option<i32>, String) {
        Self::says(&[], arguments)
    }

    /// One that only answers: its exit code, and what it said of what is wrong.
    pub(crate) fn says(variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
        let output = command(variables, arguments).wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Status and body.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        self.ask_as(&format!("Host: {}", self.at), method, path, body)
    }

    pub(crate) fn ask_as(
        &self,
        headers: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        self.speak(headers, method, path, body.map(Value::to_string).unwrap_or_default().as_bytes())
    }

    fn speak(&self, headers: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let len = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{headers}\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n"
        );
        // A body that is refused need not be read to its end.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        (status, body.to_owned())
    }

    /// What happens from now on, or what the query asks for.
    pub(crate) fn events(&self, query: &str) -> Follower {
        self.follow(&format!("/v1/events{query}"))
    }

    /// A WebSocket.
    pub(crate) fn follow(&self, path: &str) -> Follower {
        self.try_follow(path).unwrap()
    }

    /// A WebSocket that may be refused.
    pub(crate) fn try_follow(&self, path: &str) -> Result<Follower, String> {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let taken = tungstenite::client(format!("ws://{}{path}", self.at), stream);
        taken.map(|(socket, _)| Follower(socket)).map_err(|why| why.to_string())
    }

    /// Posts bytes: a packet, or a message.
    pub(crate) fn send(&self, path: &str, content: &str, bytes: &[u8]) -> (u16, String) {
        let headers = format!("Host: {}\r\nContent-Type: {content}", self.at);
        self.speak(&headers, "POST", path, bytes)
    }

    /// As somebody who has a token.
    pub(crate) fn ask_with(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        let headers = format!("Host: example.org\r\nAuthorization: Bearer {token}");
        self.ask_as(&headers, method, path, body)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }

    /// A page of it, for a browser.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.at)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask("POST", path, Some(&body));
        assert!(status == 201 || status == 200, "{path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path)).unwrap()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        let (status, answer) = self.ask("GET", path, None);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) fn status(&self, method: &str, path: &str) -> u16 {
        self.ask(method, path, None).0
    }

    /// What `/metrics` says after this name and its labels.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = self.text("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("no {name} in {page}"))
    }

    /// Asks until the answer has these words in it. To ask too often is to ask again.
    pub(crate) fn until(&self, path: &str, words: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let (status, text) = self.ask("GET", path, None);
            assert!(status == 200 || status == 429, "{path}: {text}");
            if status == 200 && text.contains(words) {
                return;
            }
            assert!(Instant::now() < deadline, "{words:?} is not in {text}");
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn until_status(&self, path: &str, status: u16) {
        let deadline = Instant::now() + DEADLINE;
        while self.status("GET", path) != status {
            assert!(Instant::now() < deadline, "{path} is never {status}");
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Its exit code once it has ended.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(LOOK);
        }
    }
}

/// Who reads events.
pub(crate) struct Follower(tungstenite::WebSocket<TcpStream>);

impl Follower {
    /// The next text: pings pass by.
    pub(crate) fn next(&mut self) -> Value {
        self.try_next().expect("there is more")
    }

    /// Nothing where the server has ended it.
    pub(crate) fn try_next(&mut self) -> Option<Value> {
        loop {
            let message = self.0.read().unwrap();
            if message.is_text() {
                return serde_json::from_str(message.to_text().unwrap()).unwrap();
            }
            if message.is_close() {
                return None;
            }
            assert!(message.is_ping(), "{message:?}");
        }
    }

    /// What the server says when it ends this: a code and a reason.
    pub(crate) fn end(&mut self) -> (u16, String) {
        loop {
            if let tungstenite::Message::Close(Some(why)) = self.0.read().unwrap() {
                return (why.code.into(), why.reason.to_string());
            }
        }
    }

    /// The next one that is there; nothing if none comes at once.
    pub(crate) fn next_if_any(&mut self) -> Option<Value> {
        self.0.get_ref().set_read_timeout(Some(AT_ONCE)).unwrap();
        let message = self.0.read();
        self.0.get_ref().set_read_timeout(Some(DEADLINE)).unwrap();
        match message {
            Ok(message) if message.is_text() => {
                Some(serde_json::from_str(message.to_text().unwrap()).unwrap())
            }
            // A ping.
            Ok(_) => None,
            Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next event of that name; others pass by.
    pub(crate) fn until(&mut self, event: &str) -> Value {
        loop {
            let next = self.next();
            if next["event"] == event {
                return next;
            }
        }
    }

    pub(crate) fn say(&mut self, word: &str) {
        self.0.send(tungstenite::Message::text(word)).unwrap();
    }

    /// Whatever is said passes by until the other side ends it.
    pub(crate) fn until_end(&mut self) {
        while self.0.read().is_ok_and(|message| !message.is_close()) {}
    }

    /// The next message that is a packet.
    pub(crate) fn packet(&mut self) -> Vec<u8> {
        loop {
            let message = self.0.read().unwrap();
            if message.is_binary() {
                return message.into_data().to_vec();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(variables: &[(&str, &str)], arguments: &[&str]) -> Child {
    let built = env!("CARGO_BIN_EXE_shardcast");
    // Another build of it may be asked the same, as by the tests of the load generator.
    let program = std::env::var("SHARDCAST_TEST_SERVER").unwrap_or_else(|_| built.to_owned());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

const DEADLINE: Duration = Duration::from_secs(30);
const AT_ONCE: Duration = Duration::from_millis(20);
/// Who looks without a pause takes the time of those who are looked at.
const LOOK: Duration = Duration::from_millis(5);
