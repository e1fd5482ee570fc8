//! Scores: what the SFU says of each stream as it happens is what the API, the metrics and the page's overview say.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chromium::{Browser, Page};
use crate::room::{audio, id, sound};
use crate::support::{Follower, Server};

/// Of each [`REPORTED`] packets, so many do not come: of half of the producers none are lost.
const LOSSES: [u16; 4] = [0, 0, 5, 12];
/// As many packets from one report to the next: each tells of as many that were lost, so that a score stays as it is long
/// enough for all to say it.
const REPORTED: u16 = 25;

/// How many producers have each score, as the page says to those who do not see it.
const SAID: &str = "(() => {
    const text = document.getElementById('now').getAttribute('aria-label').split('; ')[0];
    const counts = Array(11).fill(0);
    for (const [, count, score] of text.matchAll(/(\\d+) with (\\d+)/g)) counts[score] = Number(count);
    return counts;
})()";
/// The same by the heights of its bars, of which the highest of all is as many as are said.
const DRAWN: &str = "(() => {
    const canvas = document.getElementById('now');
    const { width, height } = canvas;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const scale = devicePixelRatio;
    const tint = getComputedStyle(document.documentElement).getPropertyValue('--b').trim();
    const own = new OffscreenCanvas(1, 1).getContext('2d');
    own.fillStyle = tint;
    own.fillRect(0, 0, 1, 1);
    const colour = own.getImageData(0, 0, 1, 1).data;
    const [left, right, top, bottom] = [44 * scale, width - 8 * scale, 26 * scale, height - 20 * scale];
    const is = (x, y) => [0, 1, 2].every((part) => Math.abs(pixels[4 * (y * width + x) + part] - colour[part]) < 3);
    const step = (right - left) / 11;
    // In the middle of the second of two bars, which take eight tenths of the room.
    return Array.from({ length: 11 }, (_, score) => {
        const x = Math.round(left + score * step + step * 0.7);
        let high = 0;
        for (let y = Math.ceil(top); y < bottom; y += 1) high += is(x, y) ? 1 : 0;
        return Math.round((4 * high) / (bottom - top));
    });
})()";

/// A stream from a socket of its own, with losses in it, until it is told to end.
fn play(port: u16, ssrc: u32, lost: u16, ends: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    std::thread::spawn(move || {
        for sequence in 1_u16.. {
            if ends.load(Ordering::Relaxed) {
                return;
            }
            // Spread evenly: 9 has no divisor in common with 25.
            if (sequence % REPORTED) * 9 % REPORTED >= lost {
                socket.send_to(&sound(ssrc, sequence, 20), (Ipv4Addr::LOCALHOST, port)).unwrap();
            }
            // Scores are taken at each report of the sender.
            if sequence % REPORTED == 0 {
                socket.send_to(&report(ssrc, sequence), (Ipv4Addr::LOCALHOST, port)).unwrap();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    })
}

/// A sender report (RFC 3550 §6.4.1), at the moment of a packet.
fn report(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut report = vec![0x80, 200, 0, 6];
    report.extend(ssrc.to_be_bytes());
    let (seconds, rest) = (u32::from(sequence) / 100, u32::from(sequence) % 100);
    for word in
        [3_900_000_000 + seconds, rest * (u32::MAX / 100), u32::from(sequence) * 960, u32::from(sequence), 0]
    {
        report.extend(word.to_be_bytes());
    }
    report
}

/// What the SFU said of each producer last, and how often it said something.
fn heard(events: &mut Follower, last: &mut BTreeMap<String, u64>) -> u64 {
    let mut count = 0;
    while let Some(event) = events.next_if_any() {
        last.insert(id(&event).to_owned(), event["data"][0]["score"].as_u64().unwrap());
        count += 1;
    }
    count
}

#[test]
fn events_api_metrics_and_overview_agree_under_loss() {
    agree(&Server::start(&[]), None);
}

#[test]
#[ignore = "needs Chromium"]
fn the_page_shows_the_same_scores() {
    let server = Server::start(&[]);
    let mut page = Browser::start("scores", &[]).page();
    page.open(&server.url("/"), 1280);
    agree(&server, Some(&mut page));
    page.picture("page-scores", true);
    assert_eq!(page.complaints, Vec::<String>::new());
}

/// Waits until all say of the same streams, some of which lose packets, what the SFU said as it happened.
fn agree(server: &Server, mut page: Option<&mut Page>) {
    let mut events = server.events("?after=0&events=score");
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    let router = server.post("/v1/routers", json!({ "mediaCodecs": codecs }));
    let ends = Arc::new(AtomicBool::new(false));
    let mut producers = Vec::new();
    let mut players = Vec::new();
    for (ssrc, lost) in (1..).zip(LOSSES) {
        let listen = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": true });
        let transport = server.post(&format!("/v1/routers/{}/plain-transports", id(&router)), listen);
        let producer = server.post(&format!("/v1/transports/{}/producers", id(&transport)), audio(ssrc));
        let port = u16::try_from(transport["tuple"]["localPort"].as_u64().unwrap()).unwrap();
        producers.push(id(&producer).to_owned());
        players.push(play(port, ssrc, lost, Arc::clone(&ends)));
    }
    let (mut said, mut reports) = (BTreeMap::new(), 0);
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        reports += heard(&mut events, &mut said);
        let scores: Vec<u64> = producers.iter().filter_map(|id| said.get(id).copied()).collect();
        let found = Found::look(server, &producers, page.as_deref_mut());
        let is_bad = scores.len() == LOSSES.len() && scores[2] < 9 && scores[3] < scores[2];
        if is_bad
            && scores[..2] == [10, 10]
            && found == Found::expected(&scores, reports, found.counted.len())
        {
            break;
        }
        assert!(Instant::now() < end, "events say {scores:?} in {reports}: {found:?}");
    }
    ends.store(true, Ordering::Relaxed);
    players.into_iter().for_each(|player| player.join().unwrap());
}

/// What is said elsewhere.
#[derive(Debug, PartialEq)]
struct Found {
    /// By `GET /v1/producers/{id}`.
    shown: Vec<u64>,
    /// By `GET /v1/producers?worst=…`, the worst first.
    worst: Vec<u64>,
    /// How many have each score, by `/metrics`, by the overview, and by what the page says and draws of that.
    counted: Vec<Vec<u64>>,
    reports: u64,
}

impl Found {
    fn expected(scores: &[u64], reports: u64, places: usize) -> Self {
        let mut worst = scores.to_vec();
        worst.sort_unstable();
        let count = |score| scores.iter().filter(|its| **its == score).count() as u64;
        let counted: Vec<u64> = (0..=10).map(count).collect();
        Self { shown: scores.to_vec(), worst, counted: vec![counted; places], reports }
    }

    fn look(server: &Server, producers: &[String], page: Option<&mut Page>) -> Self {
        let best = |producer: &Value| producer["score"][0]["score"].as_u64().unwrap_or_default();
        let shown = producers.iter().map(|id| best(&server.get(&format!("/v1/producers/{id}")))).collect();
        let worst = server.get("/v1/producers?worst=9").as_array().unwrap().iter().map(best).collect();
        let text = server.text("/metrics");
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map_or(0, |value| value.trim().parse().unwrap())
        };
        let labels =
            |score| format!("shardcast_producers{{kind=\"audio\",score=\"{score}\",type=\"simple\"}}");
        let metrics = (0..=10).map(|score| value(&labels(score))).collect();
        let drawn = server.follow("/v1/overview").next()["scores"]["producers"].clone();
        let numbers =
            |of: &Value| of.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
        let mut counted = vec![metrics, numbers(&drawn)];
        if let Some(page) = page {
            counted.extend([SAID, DRAWN].map(|look| numbers(&page.evaluate(look))));
        }
        let reports = value("shardcast_producer_score_count{kind=\"audio\",type=\"simple\"}");
        Self { shown, worst, counted, reports }
    }
}
