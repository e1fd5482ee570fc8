//! Chromium, driven over its DevTools protocol.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// A browser, until it and its pages are dropped.
#[derive(Clone)]
pub(crate) struct Browser(Rc<Process>);

/// One of its windows.
pub(crate) struct Page {
    browser: Browser,
    session: Session,
    /// What its console had to say against the page.
    pub(crate) complaints: Vec<String>,
}

struct Process {
    child: Child,
    folder: PathBuf,
    port: u16,
    path: String,
}

struct Session {
    socket: WebSocket<TcpStream>,
    last: u64,
}

impl Browser {
    /// Debian's Chromium crashes as it starts, once in some hundred times. That is before there is a page, so nothing of ours
    /// is in it: another is started, and how often is said.
    #[expect(clippy::print_stderr, reason = "says what was tried again")]
    pub(crate) fn start(name: &str, more: &[&str]) -> Self {
        let started = (1..=STARTS).find_map(|attempt| {
            let started = Self::launch(name, more);
            if started.is_none() {
                eprintln!("Chromium crashed as it started, {attempt} of {STARTS}");
            }
            started
        });
        started.expect("Chromium starts")
    }

    /// Nothing where it crashes before it can be spoken with.
    fn launch(name: &str, more: &[&str]) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("shardcast-{name}-{}", std::process::id()));
        // Of a process that had this number before.
        let _ = std::fs::remove_dir_all(&folder);
        let mut command = Command::new("chromium");
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        // A window that another one hides draws nothing otherwise.
        command.args(["--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"]);
        command.args(["--no-first-run", "--remote-debugging-port=0"]).args(more).arg("about:blank");
        command.arg(format!("--user-data-dir={}", folder.display()));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut process = Process { child, folder, port: 0, path: String::new() };
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some((port, path)) = process.devtools() {
                (process.port, process.path) = (port, path);
                return Some(Self(Rc::new(process)));
            }
            if let Some(status) = process.child.try_wait().unwrap() {
                assert_eq!(status.signal(), Some(SIGSEGV), "the browser ends as it starts: {status}");
                return None;
            }
            assert!(Instant::now() < end, "the browser does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Opens a window.
    pub(crate) fn page(&self) -> Page {
        let made = self.ask("Target.createTarget", json!({ "url": "about:blank", "newWindow": true }));
        let session = self.connect(&format!("/devtools/page/{}", made["targetId"].as_str().unwrap()));
        let mut page = Page { browser: self.clone(), session, complaints: Vec::new() };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({}));
        }
        page
    }

    /// Something that concerns the whole of it.
    pub(crate) fn ask(&self, method: &str, parameters: Value) -> Value {
        self.connect(&self.0.path).call(method, &parameters, |_| {})
    }

    fn connect(&self, path: &str) -> Session {
        let stream = TcpStream::connect(("127.0.0.1", self.0.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let at = format!("ws://127.0.0.1:{}{path}", self.0.port);
        Session { socket: tungstenite::client(at, stream).unwrap().0, last: 0 }
    }
}

impl Session {
    fn call(&mut self, method: &str, parameters: &Value, mut hear: impl FnMut(&Value)) -> Value {
        self.last += 1;
        let request = json!({ "id": self.last, "method": method, "params": parameters });
        self.socket.send(Message::text(request.to_string())).unwrap();
        loop {
            let message = self.socket.read().unwrap();
            let said: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if said["id"] == self.last {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            hear(&said);
        }
    }
}

impl Page {
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        let complaints = &mut self.complaints;
        self.session.call(method, &parameters, |said| {
            let entry = &said["params"];
            let text = |of: &str| entry["entry"][of].as_str().unwrap_or_default().to_owned();
            // Whoever leaves takes what others are about to ask for with them: the answer says so, and browsers say it again.
            let is_gone = text("url").contains("/v1/")
                && ["status of 403", "status of 404"].iter().any(|status| text("text").contains(status));
            let is_complaint = match said["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Runtime.consoleAPICalled") => entry["type"] == "error",
                Some("Log.entryAdded") => entry["entry"]["level"] == "error" && !is_gone,
                _ => false,
            };
            if is_complaint {
                complaints.push(entry.to_string());
            }
        })
    }

    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true,
            // As if somebody had clicked: pages that nobody touched play no sound.
            "userGesture": true });
        self.call("Runtime.evaluate", parameters)["result"]["value"].clone()
    }

    pub(crate) fn open(&mut self, url: &str, width: u32) {
        self.size(width);
        self.call("Page.navigate", json!({ "url": url }));
    }

    pub(crate) fn size(&mut self, width: u32) {
        let height = if width < 500 { 844 } else { 800 };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    pub(crate) fn scheme(&mut self, scheme: &str) {
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", scheme);
    }

    pub(crate) fn until(&mut self, expression: &str, value: &Value) {
        let end = Instant::now() + DEADLINE;
        loop {
            let found = self.evaluate(expression);
            if found == *value {
                return;
            }
            if Instant::now() > end {
                self.picture("failed", false);
                panic!("{expression} is {found}; {:?}", self.complaints);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Until it holds.
    pub(crate) fn until_true(&mut self, expression: &str) {
        self.until(&format!("Boolean({expression})"), &Value::Bool(true));
    }

    /// Presses a key and lets it go.
    pub(crate) fn press(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Enter" => ("Enter", 13, "\r"),
            " " => ("Space", 32, " "),
            "Tab" => ("Tab", 9, ""),
            other => panic!("{other} is no key of these tests"),
        };
        let event = |kind: &str| {
            let mut event =
                json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            event
        };
        self.call("Input.dispatchKeyEvent", event("keyDown"));
        self.call("Input.dispatchKeyEvent", event("keyUp"));
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// A picture of the page, beside what else tests leave behind.
    pub(crate) fn picture(&mut self, name: &str, beyond: bool) {
        let shot = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": beyond }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        note(&format!("{name}.png"), &bytes);
    }

    pub(crate) fn browser(&self) -> &Browser {
        &self.browser
    }
}

impl Process {
    /// Where it is spoken with, once it has said so.
    fn devtools(&self) -> Option<(u16, String)> {
        let text = std::fs::read_to_string(self.folder.join("DevToolsActivePort")).ok()?;
        let (port, path) = text.trim().split_once('\n')?;
        Some((port.parse().ok()?, path.to_owned()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Leaves something behind for people to look at: `target/tmp/pictures`.
pub(crate) fn note(name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

const DEADLINE: Duration = Duration::from_secs(60);
const STARTS: usize = 3;
const SIGSEGV: i32 = 11;
