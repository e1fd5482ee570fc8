//! The page at `/` in a real browser: Chromium, driven over its DevTools protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::room::{Room, audio, sound};
use crate::support::Server;

/// A browser with one page, until this is dropped.
struct Browser {
    process: Child,
    folder: PathBuf,
    socket: WebSocket<TcpStream>,
    last: u64,
    /// What its console had to say against the page.
    complaints: Vec<String>,
}

impl Browser {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("shardcast-{name}-{}", std::process::id()));
        let mut command = Command::new("chromium");
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--no-first-run", "--remote-debugging-port=0", "about:blank"]);
        command.arg(format!("--user-data-dir={}", folder.display()));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let port: u16 = until(|| {
            let text = std::fs::read_to_string(folder.join("DevToolsActivePort")).ok()?;
            text.lines().next()?.parse().ok()
        });
        let page = until(|| page_of(port));
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let socket = tungstenite::client(page, stream).unwrap().0;
        let mut browser = Self { process, folder, socket, last: 0, complaints: Vec::new() };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, json!({}));
        }
        browser
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let request = json!({ "id": self.last, "method": method, "params": parameters });
        self.socket.send(Message::text(request.to_string())).unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            // A page that never stops talking is no answer.
            assert!(Instant::now() < end, "{method} is not answered");
            let message = self.socket.read().unwrap();
            let said: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if said["id"] == self.last {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            let entry = &said["params"];
            let is_complaint = match said["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Runtime.consoleAPICalled") => entry["type"] == "error",
                Some("Log.entryAdded") => entry["entry"]["level"] == "error",
                _ => false,
            };
            if is_complaint {
                self.complaints.push(entry.to_string());
            }
        }
    }

    fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.call("Runtime.evaluate", parameters)["result"]["value"].clone()
    }

    fn open(&mut self, url: &str, width: u32) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        self.call("Page.navigate", json!({ "url": url }));
    }

    fn until(&mut self, expression: &str, value: &Value) {
        let end = Instant::now() + DEADLINE;
        loop {
            let found = self.evaluate(expression);
            if found == *value {
                return;
            }
            assert!(Instant::now() < end, "{expression} is {found}; {:?}", self.complaints);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A picture of the whole page, beside what else tests leave behind.
    fn picture(&mut self, name: &str) {
        let shot = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where the one page can be driven.
fn page_of(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    write!(stream, "GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    // It may keep the connection open: what came until then is the answer, and all of it is shorter than this.
    let _ = stream.take(LONGEST_LIST).read_to_end(&mut answer);
    let answer = String::from_utf8(answer).ok()?;
    let pages: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    let page = pages.as_array()?.iter().find(|page| page["type"] == "page")?;
    Some(page["webSocketDebuggerUrl"].as_str()?.to_owned())
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "the browser does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const DEADLINE: Duration = Duration::from_secs(60);
/// Of the pages of a browser that has one.
const LONGEST_LIST: u64 = 65_536;
/// How many pixels of a canvas have something on them.
const PAINTED: &str = "[...document.querySelectorAll('canvas')].every((canvas) => canvas.getContext('2d')\
                       .getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0))";

#[test]
#[ignore = "needs Chromium"]
fn the_page_shows_what_is_there_wide_and_narrow_by_day_and_night() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    room.consume(&producer, json!({}));
    (1..=50).for_each(|sequence| room.send(&producer, &sound(1, sequence, 20)));
    let mut browser = Browser::start("page");
    let url = format!("http://{}/", room.server.at());
    for width in [1280, 390] {
        browser.open(&url, width);
        browser.until("document.getElementById('consumers')?.textContent", &json!("1"));
        browser.until("document.getElementById('shardrows').rows.length", &json!(1));
        browser.until(PAINTED, &json!(true));
        let fits = browser.evaluate("document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "it has to be moved sideways at {width}");
        for scheme in ["light", "dark"] {
            let scheme_is = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.call("Emulation.setEmulatedMedia", scheme_is);
            browser.until(PAINTED, &json!(true));
            browser.picture(&format!("page-{width}-{scheme}"));
        }
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn the_page_asks_for_a_token_that_is_typed_and_entered() {
    let token = "reader-reader-reader-reader-reader-";
    let tokens = format!("[{{ token = \"{token}\", scope = \"read\" }}]");
    let server = Server::start_with(&[("SHARDCAST_AUTH_TOKENS", &tokens)], &[]);
    let mut browser = Browser::start("token");
    browser.open(&format!("http://{}/", server.at()), 390);
    browser.until("document.activeElement.id", &json!("token"));
    browser.call("Input.insertText", json!({ "text": token }));
    let enter = |kind| json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13 });
    browser.call("Input.dispatchKeyEvent", enter("keyDown"));
    browser.call("Input.dispatchKeyEvent", enter("keyUp"));
    browser.until("document.getElementById('state').textContent.startsWith('live')", &json!(true));
    assert_eq!(browser.evaluate("document.getElementById('ask').hidden"), true);
}

#[test]
#[ignore = "needs Chromium"]
fn a_page_of_somebody_else_makes_nothing() {
    let (ours, other) = (Server::start(&[]), Server::start(&[]));
    let mut browser = Browser::start("foreign");
    // The other server stands for any page: it has another origin.
    browser.open(&format!("http://{}/healthz", other.at()), 1280);
    browser.until("document.body?.textContent.trim()", &json!("ok"));
    let post = format!(
        "fetch('http://{}/v1/routers', {{ method: 'POST', mode: 'no-cors', body: '{{}}' }}).then(() => 'sent', String)",
        ours.at()
    );
    assert_eq!(browser.evaluate(&post), "sent");
    let read = format!("fetch('http://{}/v1/routers').then(() => 'read', () => 'refused')", ours.at());
    assert_eq!(browser.evaluate(&read), "refused");
    assert_eq!(ours.get("/v1/routers"), json!([]));
    let page = ours.text("/metrics");
    assert!(page.contains("shardcast_api_answers_total{status=\"403\"} 2\n"), "{page}");
}
