//! A call that goes on: sound from one socket through a room to as many others as there are consumers, each packet
//! numbered.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::room::{audio, id, sound};
use crate::support::Server;

/// A room whose sound is sent until this is asked how it went.
pub(crate) struct Call {
    pub(crate) router: Value,
    pub(crate) producer: Value,
    pub(crate) consumers: Vec<Value>,
    sent: Arc<AtomicU16>,
    ends: Arc<AtomicBool>,
    /// Nothing is sent any more: what was, is all there is.
    sent_all: Arc<AtomicBool>,
    sender: Option<JoinHandle<()>>,
    receiver: Option<JoinHandle<Vec<BTreeSet<u16>>>>,
}

impl Call {
    pub(crate) fn start(server: &Server, consumers: usize) -> Self {
        let codecs =
            json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
        let router = server.post("/v1/routers", json!({ "mediaCodecs": codecs }));
        let plain = |comedia: bool| {
            let options =
                json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" }, "comedia": comedia });
            server.post(&format!("/v1/routers/{}/plain-transports", id(&router)), options)
        };
        let from = plain(true);
        let producer = server.post(&format!("/v1/transports/{}/producers", id(&from)), audio(1));
        let mut sockets = Vec::new();
        let consumers = (0..consumers).map(|_| {
            let (to, socket) = (plain(false), UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
            let peer = json!({ "ip": "127.0.0.1", "port": socket.local_addr().unwrap().port() });
            server.post(&format!("/v1/transports/{}/connect", id(&to)), peer);
            sockets.push(socket);
            let asked = json!({ "producerId": producer["id"], "rtpCapabilities": router["rtpCapabilities"] });
            server.post(&format!("/v1/transports/{}/consumers", id(&to)), asked)
        });
        let consumers: Vec<Value> = consumers.collect();
        let sent = Arc::<AtomicU16>::default();
        let [ends, sent_all] = [(); 2].map(|()| Arc::<AtomicBool>::default());
        let port = u16::try_from(from["tuple"]["localPort"].as_u64().unwrap()).unwrap();
        let sender = {
            let (sent, ends) = (Arc::clone(&sent), Arc::clone(&ends));
            std::thread::spawn(move || send(port, &sent, &ends))
        };
        let receiver = {
            let (sent, sent_all) = (Arc::clone(&sent), Arc::clone(&sent_all));
            std::thread::spawn(move || receive(&sockets, &sent, &sent_all))
        };
        let (sender, receiver) = (Some(sender), Some(receiver));
        let call = Self { router, producer, consumers, sent, ends, sent_all, sender, receiver };
        call.goes_on(1);
        call
    }

    /// Waits until so many more packets were sent.
    pub(crate) fn goes_on(&self, packets: u16) {
        let (end, until) = (Instant::now() + DEADLINE, self.sent.load(Ordering::Relaxed) + packets);
        while self.sent.load(Ordering::Relaxed) < until {
            assert!(Instant::now() < end, "nothing is sent");
            std::thread::sleep(EVERY);
        }
    }

    /// Ends it: how many packets each consumer lost from the first that it got on.
    pub(crate) fn lost(mut self) -> Vec<usize> {
        self.ends.store(true, Ordering::Relaxed);
        self.sender.take().unwrap().join().unwrap();
        // Who receives would miss the last one if it went by `ends`: that may be sent after it.
        self.sent_all.store(true, Ordering::Release);
        let last = self.sent.load(Ordering::Relaxed);
        let received = self.receiver.take().unwrap().join().unwrap();
        let lost = |got: &BTreeSet<u16>| match got.first() {
            Some(first) => usize::from(last - first) + 1 - got.len(),
            None => usize::from(last),
        };
        received.iter().map(lost).collect()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.sent_all.store(true, Ordering::Release);
    }
}

fn send(port: u16, sent: &AtomicU16, ends: &AtomicBool) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for number in 1_u16.. {
        if ends.load(Ordering::Relaxed) {
            return;
        }
        let mut packet = sound(1, number, 20);
        packet.extend(number.to_be_bytes());
        // A room that broke has no socket any more, and the kernel says so.
        let _ = socket.send_to(&packet, (Ipv4Addr::LOCALHOST, port));
        sent.store(number, Ordering::Relaxed);
        std::thread::sleep(EVERY);
    }
}

/// Takes what comes until everything that was sent is there, or nothing has come for a while after the last of it.
fn receive(sockets: &[UdpSocket], sent: &AtomicU16, sent_all: &AtomicBool) -> Vec<BTreeSet<u16>> {
    let mut received = vec![BTreeSet::new(); sockets.len()];
    sockets.iter().for_each(|socket| socket.set_nonblocking(true).unwrap());
    let mut news = Instant::now();
    loop {
        let mut buffer = [0; 1_500];
        for (socket, numbers) in sockets.iter().zip(&mut received) {
            while let Ok(len) = socket.recv(&mut buffer) {
                news = Instant::now();
                // RTCP has payload types of its own (RFC 5761 §4).
                if len > 12 && buffer[1] & 0x7f == 100 {
                    numbers.insert(u16::from_be_bytes([buffer[len - 2], buffer[len - 1]]));
                }
            }
        }
        // In this order: the number is that of the last packet only if that was sent before.
        let is_sent = sent_all.load(Ordering::Acquire);
        let last = sent.load(Ordering::Relaxed);
        let is_all = received.iter().all(|numbers| numbers.last() == Some(&last));
        if is_sent && (is_all || news.elapsed() > QUIET) {
            return received;
        }
        std::thread::sleep(EVERY);
    }
}

const DEADLINE: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_millis(10);
/// What was not there by then does not come: sockets hold what was sent meanwhile.
const QUIET: Duration = Duration::from_secs(3);
