//! A room to test in, and peers that speak RTP over UDP.

use std::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroU16;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use model::rtp::{MediaKind, RtpCapabilities, RtpCodecCapability, RtpParameters};
use model::transport::{ListenInfo, TransportTuple};
use serde_json::json;
use shardcast::api::{
    Consumer, ConsumerOptions, PlainTransport, PlainTransportOptions, Producer, ProducerOptions, Router,
    RouterOptions, Sfu, SfuConfig,
};
use shardcast::core::Policy;
use shardcast::request::TransportAddress;

/// Runs a future to its end, on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// An SFU with that many shards, among which the transports of a router take turns.
pub(crate) async fn sfu(shards: u16) -> Sfu {
    let policy = if shards == 1 { Policy::Home } else { Policy::RoundRobin };
    Sfu::start(SfuConfig { shards: NonZeroU16::new(shards), policy, ..SfuConfig::default() }).await.unwrap()
}

pub(crate) async fn router(sfu: &Sfu) -> Router {
    let codec = |json| RtpCodecCapability::from_json(&json).unwrap();
    let media_codecs = vec![
        codec(json!({ "mimeType": "audio/opus", "clockRate": 48000, "channels": 2 })),
        codec(json!({ "mimeType": "video/VP8", "clockRate": 90000 })),
    ];
    sfu.create_router(RouterOptions { media_codecs, ..RouterOptions::default() }).await.unwrap()
}

/// A transport that learns where its peer is.
pub(crate) async fn comedia(router: &Router) -> PlainTransport {
    let options = PlainTransportOptions { comedia: true, ..loopback() };
    router.create_plain_transport(options).await.unwrap()
}

/// A transport to that peer.
pub(crate) async fn towards(router: &Router, peer: &Peer) -> PlainTransport {
    let transport = router.create_plain_transport(loopback()).await.unwrap();
    let address = peer.socket.local_addr().unwrap();
    let address = TransportAddress {
        ip: Some(address.ip().to_string().into()),
        port: Some(address.port()),
        ..TransportAddress::default()
    };
    transport.connect(address).await.unwrap();
    transport
}

pub(crate) fn loopback() -> PlainTransportOptions {
    PlainTransportOptions::new(ListenInfo::udp("127.0.0.1"))
}

pub(crate) fn audio(ssrc: u32) -> ProducerOptions {
    ProducerOptions::new(MediaKind::Audio, parameters("audio/opus", 48000, Some(2), 111, ssrc))
}

pub(crate) fn video(ssrc: u32) -> ProducerOptions {
    ProducerOptions::new(MediaKind::Video, parameters("video/VP8", 90000, None, 96, ssrc))
}

fn parameters(mime: &str, clock: u32, channels: Option<u8>, payload_type: u8, ssrc: u32) -> RtpParameters {
    let mut codec = json!({ "mimeType": mime, "clockRate": clock, "payloadType": payload_type });
    if let Some(channels) = channels {
        codec["channels"] = channels.into();
    }
    RtpParameters::from_json(&json!({ "codecs": [codec], "encodings": [{ "ssrc": ssrc }] })).unwrap()
}

/// What a client can receive that can receive everything.
pub(crate) fn everything(router: &Router) -> RtpCapabilities {
    router.rtp_capabilities().clone()
}

pub(crate) async fn consume(transport: &PlainTransport, producer: &Producer) -> Consumer {
    let capabilities = everything(transport.router());
    transport.consume(ConsumerOptions::new(producer.id(), capabilities)).await.unwrap()
}

/// One end of RTP over UDP.
pub(crate) struct Peer {
    pub(crate) socket: UdpSocket,
}

/// What of a packet a test looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rtp {
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: Vec<u8>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self { socket: UdpSocket::bind("127.0.0.1:0").unwrap() }
    }

    pub(crate) fn send(&self, to: &TransportTuple, rtp: &Rtp) {
        self.send_bytes(to, &rtp.to_bytes());
    }

    pub(crate) fn send_bytes(&self, to: &TransportTuple, bytes: &[u8]) {
        let to = SocketAddr::new(to.local_address.parse().unwrap(), to.local_port);
        self.socket.send_to(bytes, to).unwrap();
    }

    /// The next RTP packet, which has to come, however slow the machine is.
    pub(crate) fn receive(&self) -> Option<Rtp> {
        self.receive_within(LIMIT)
    }

    /// The next RTP packet; none if nothing comes for a while.
    pub(crate) fn receive_within(&self, wait: Duration) -> Option<Rtp> {
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut bytes = [0; 2048];
        loop {
            let len = match self.socket.recv(&mut bytes) {
                Ok(len) => len,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            // RTCP shares the port: 192 to 223 (RFC 5761 §4).
            if !(192..224).contains(&bytes[1]) {
                return Some(Rtp::from_bytes(&bytes[..len]));
            }
        }
    }

    /// Sends packets, counting on from that, until one of them comes out at the other end: the way is open. Where
    /// nothing is held back that is the first. Gives what came out.
    pub(crate) fn open_way(&self, to: &TransportTuple, first: &Rtp, end: &Peer) -> (Rtp, Rtp) {
        let begun = Instant::now();
        let mut sent = first.clone();
        while begun.elapsed() < LIMIT {
            self.send(to, &sent);
            if let Some(received) = end.receive_within(AGAIN) {
                return (sent, received);
            }
            sent = sent.next();
        }
        panic!("nothing came out of what was sent to {to:?}")
    }
}

impl Rtp {
    pub(crate) fn new(payload_type: u8, ssrc: u32, payload: &[u8]) -> Self {
        Self { payload_type, sequence: 1000, timestamp: 50_000, ssrc, payload: payload.to_vec() }
    }

    /// The packet after this one.
    pub(crate) fn next(&self) -> Self {
        let (sequence, timestamp) = (self.sequence.wrapping_add(1), self.timestamp.wrapping_add(960));
        Self { sequence, timestamp, ..self.clone() }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0x80, self.payload_type];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let (csrcs, extension) = (usize::from(bytes[0] & 0xf), bytes[0] & 0x10 != 0);
        let mut header = 12 + 4 * csrcs;
        if extension {
            header += 4 + 4 * usize::from(u16::from_be_bytes([bytes[header + 2], bytes[header + 3]]));
        }
        Self {
            payload_type: bytes[1] & 0x7f,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: u32::from_be_bytes(bytes[4..8].try_into().unwrap()),
            ssrc: u32::from_be_bytes(bytes[8..12].try_into().unwrap()),
            payload: bytes[header..].to_vec(),
        }
    }
}

/// A VP8 payload that begins a key frame (RFC 7741 §4.2, §4.3).
pub(crate) const KEY_FRAME: &[u8] = &[0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00, 0x10, 0x00, 7, 7];

/// How long a peer listens before it takes it that nothing comes: loopback takes some microseconds.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);
/// How long until the next is sent that may open a way. Of two that come out both a test would expect one.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a test waits for what has to come.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
