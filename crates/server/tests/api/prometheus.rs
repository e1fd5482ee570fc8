//! A real Prometheus: what it makes of our page, our rules and our dashboards. `cargo xtask test --only server` installs it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::guest;
use crate::room::{Room, audio, id, key_frame, sound, video};
use crate::support::Server;

/// A Prometheus that looks at one server every two seconds, and gives it as long to answer.
struct Prometheus {
    process: Child,
    at: SocketAddr,
    folder: PathBuf,
}

impl Prometheus {
    /// Somebody else may take its port before it does: it ends then, and another has another.
    fn start(server: SocketAddr) -> Self {
        (0..5).find_map(|_| Self::launch(server)).expect("Prometheus starts")
    }

    /// Nothing where it ends before it answers.
    fn launch(server: SocketAddr) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("shardcast-prometheus-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Of a process that had this number before.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "global: {{ scrape_interval: 2s, evaluation_interval: 2s }}\nrule_files: [{:?}]\nscrape_configs:\n  \
             - job_name: shardcast\n    static_configs: [{{ targets: [\"{server}\"] }}]\n",
            deploy("prometheus/rules.yml")
        );
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address={at}"));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut started = Self { process, at, folder };
        let end = Instant::now() + DEADLINE;
        while !started.answers() {
            if started.process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < end, "Prometheus does not answer");
            std::thread::sleep(LOOK);
        }
        Some(started)
    }

    /// Whether it is this one that answers there.
    fn answers(&self) -> bool {
        let flags = self.ask("/api/v1/status/flags", "").unwrap_or_default();
        flags["data"]["storage.tsdb.path"].as_str() == self.folder.join("data").to_str()
    }

    /// The answer to a question of its API, or nothing while it is not there yet.
    fn ask(&self, path: &str, form: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.at).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // HTTP/1.0, so that the answer comes in one piece.
        let len = form.len();
        let method = if form.is_empty() { "GET" } else { "POST" };
        let head = format!(
            "{method} {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(form.as_bytes())).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    fn query(&self, expression: &str) -> Option<Value> {
        let mut form = "query=".to_owned();
        expression.bytes().for_each(|byte| write!(form, "%{byte:02X}").unwrap());
        self.ask("/api/v1/query", &form)
    }

    /// Asks until there is a number: a share of nothing is none (NaN). What is no expression fails at once.
    fn until_data(&self, what: &str, expression: &str) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(answer) = self.query(expression) {
                assert_eq!(answer["status"], "success", "{what}: {expression}: {answer}");
                let result = &answer["data"]["result"];
                if result.as_array().unwrap().iter().any(is_number) {
                    return result.clone();
                }
            }
            assert!(Instant::now() < deadline, "{what}: no data for {expression}");
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether a sample is one that can be drawn.
fn is_number(sample: &Value) -> bool {
    sample["value"][1].as_str().unwrap().parse().is_ok_and(f64::is_finite)
}

/// Sets it when it is dropped, whether or not something broke: others end by it.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path).canonicalize().unwrap()
}

fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.current_dir(deploy("prometheus")).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

/// Every expression of every dashboard, with the dashboard and the panel that it is on.
fn expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(deploy("grafana/dashboards")).unwrap() {
        let path = file.unwrap().path();
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().unwrap();
                let expression = expression.replace("$__rate_interval", "20s").replace("$instance", ".*");
                assert!(!expression.contains('$'), "a variable that is not set here: {expression}");
                // It would be data, whatever there is.
                assert!(!expression.contains("vector("), "made of nothing: {expression}");
                found.push((format!("{}: {}", board["title"], panel["title"]), expression));
            }
        }
    }
    found
}

#[test]
#[ignore = "needs Prometheus"]
fn the_rules_hold_and_ring_when_they_should() {
    promtool(&["check", "config", "prometheus.yml"], "");
    promtool(&["check", "rules", "rules.yml"], "");
    promtool(&["test", "rules", "rules.test.yml"], "");
}

#[test]
#[ignore = "needs Prometheus"]
fn a_shard_that_breaks_raises_the_alert() {
    // More commands than it takes to make a router.
    let server = Server::start_with(&[("SHARDCAST_FAULT", "0:20")], &[]);
    let router = server.post("/v1/routers", json!({}));
    let prometheus = Prometheus::start(server.at());
    prometheus.until_data("before", "shardcast_shard_panics_total{shard=\"0\"} == 0");
    let firing = "ALERTS{alertname=\"ShardcastShardLost\", alertstate=\"firing\"}";
    assert_eq!(prometheus.query(firing).unwrap()["data"]["result"], json!([]), "nothing is wrong yet");
    let transports = format!("/v1/routers/{}/direct-transports", id(&router));
    let made = (0..40).filter(|_| server.ask("POST", &transports, Some(&json!({}))).0 == 201).count();
    assert!(made < 40, "it does not break");
    let alert = prometheus.until_data("alert", firing);
    assert_eq!(alert[0]["metric"]["shard"], "0", "{alert}");
    assert_eq!(alert[0]["metric"]["severity"], "critical");
}

#[test]
#[ignore = "needs Prometheus"]
fn each_panel_of_each_dashboard_shows_data_of_a_server_in_use() {
    let room = Room::new();
    let (voice, camera) = (room.produce(audio(1)), room.produce(video(&[2])));
    room.consume(&voice, json!({}));
    room.consume(&camera, json!({}));
    let listen = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
    room.server.post(&format!("/v1/routers/{}/webrtc-transports", id(&room.router)), listen);
    let plain = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" } });
    let plain = room.server.post(&format!("/v1/routers/{}/plain-transports", id(&room.router)), plain);
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let peer = json!({ "ip": "127.0.0.1", "port": receiver.local_addr().unwrap().port() });
    room.server.post(&format!("/v1/transports/{}/connect", id(&plain)), peer);
    let asked = json!({ "producerId": voice["id"], "rtpCapabilities": room.router["rtpCapabilities"] });
    room.server.post(&format!("/v1/transports/{}/consumers", id(&plain)), asked);
    let mut follower = room.server.events("?after=0&events=new");
    follower.next();

    let prometheus = Prometheus::start(room.server.at());
    let (ended, is_settled) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _ended = Ends(&ended);
        scope.spawn(|| {
            let mut sequence = 0_u16;
            while !ended.load(Ordering::Relaxed) {
                sequence = sequence.wrapping_add(1);
                room.send(&voice, &sound(1, sequence, 20));
                room.send(&camera, &key_frame(2, sequence, 0));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        std::thread::scope(|scope| {
            let _settled = Ends(&is_settled);
            scope.spawn(|| come_and_go(&room, &is_settled));
            each_panel_shows_data(&prometheus);
        });
        scores_and_rules_agree(&room, &prometheus);
    });
    promtool(&["check", "metrics"], &room.server.text("/metrics"));
}

/// People who shake hands, say something, are heard and leave again, so that there are handshakes and reports of scores at any
/// time.
fn come_and_go(room: &Room, is_over: &AtomicBool) {
    let mut ssrc = 100;
    while !is_over.load(Ordering::Relaxed) {
        ssrc += 1;
        let listen = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }] });
        let path = format!("/v1/routers/{}/webrtc-transports", id(&room.router));
        let transport = room.server.post(&path, listen);
        guest::shake_hands(&room.server, &transport);
        let voice = room.produce(audio(ssrc));
        let consumer = room.consume(&voice, json!({}));
        let mut scores = [&voice, &consumer].map(|object| room.events_of(object));
        room.send(&voice, &sound(ssrc, 1, 20));
        scores.iter_mut().for_each(|events| drop(events.until("score")));
        room.done("DELETE", &format!("/v1/producers/{}", id(&voice)), None);
        room.done("DELETE", &format!("/v1/transports/{}", id(&transport)), None);
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn each_panel_shows_data(prometheus: &Prometheus) {
    let expressions = expressions();
    assert!(expressions.len() > 40, "{}", expressions.len());
    for (panel, expression) in &expressions {
        prometheus.until_data(panel, expression);
    }
}

fn scores_and_rules_agree(room: &Room, prometheus: &Prometheus) {
    // What Prometheus says of scores is what the API says, once it has looked again.
    let shown = room.server.get("/v1/producers?worst=100");
    let best = |producer: &&Value| producer["score"][0]["score"] == 10;
    let best = shown.as_array().unwrap().iter().filter(best).count();
    let agree = format!("sum(shardcast_producers{{score=\"10\"}}) == {best}");
    prometheus.until_data("scores", &agree);

    let rules = prometheus.ask("/api/v1/rules", "").unwrap();
    let groups = rules["data"]["groups"].as_array().unwrap();
    let rules: Vec<&Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 10 && rules.iter().all(|rule| rule["health"] == "ok"), "{rules:?}");
    let alerts = prometheus.ask("/api/v1/alerts", "").unwrap();
    let alerts = alerts["data"]["alerts"].as_array().unwrap();
    assert!(alerts.iter().all(|alert| alert["state"] != "firing"), "nothing is wrong: {alerts:?}");
}

/// For each thing that is waited for.
const DEADLINE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);
