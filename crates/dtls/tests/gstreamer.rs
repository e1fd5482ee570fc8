//! GStreamer's DTLS at the other end, which makes itself an RSA certificate: what its webrtcbin speaks underneath.
//!
//! Needs GStreamer with the `dtls` plugin (Debian's gstreamer1.0-tools and gstreamer1.0-plugins-bad).

#![expect(clippy::disallowed_methods, reason = "a peer in another process lives in real time")]
#![expect(clippy::disallowed_types, reason = "and behind a socket")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

mod common;

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Kind, Side, anchor};
use dtls::{Role, Room, State};
use wire::Mono;

#[test]
#[ignore = "it takes GStreamer; `cargo xtask test --only media` installs and runs it"]
fn gstreamer_is_a_client_and_a_server_with_rsa() {
    for ours in [Kind::Ecdsa, Kind::Rsa] {
        for role in [Role::Server, Role::Client] {
            handshake(ours, role);
        }
    }
}

fn handshake(ours: Kind, role: Role) {
    let [socket, theirs] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    let to = theirs.local_addr().unwrap();
    // GStreamer takes the port by its number.
    drop(theirs);
    let _gstreamer = GStreamer::new(to.port(), socket.local_addr().unwrap().port(), role == Role::Server);
    socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut room = Room::new();
    // It shows its certificate to nobody but us, so the handshake waits for its fingerprint at the end.
    let mut side = Side::new(&ours.identity(), role, None, 1);
    let begun = Instant::now();
    let mut bytes = [0; 4096];
    while side.endpoint.state() != State::Unverified {
        assert!(begun.elapsed() < LIMIT, "{ours:?} {role:?}: {:?} {:?}", side.endpoint, side.said);
        let mut datagrams = side.drain(&mut room);
        if let Ok((len, _)) = socket.recv_from(&mut bytes) {
            datagrams.extend(side.feed(now(), &bytes[..len], &mut room));
        }
        side.endpoint.handle_timeout(now());
        datagrams.extend(side.drain(&mut room));
        for datagram in datagrams {
            // It may not listen yet.
            let _ = socket.send_to(&datagram, to);
        }
    }
    assert!(side.said.is_empty(), "nothing leaves before the fingerprint is known: {:?}", side.said);
}

/// A pipeline that ends with the value.
struct GStreamer(Child);

impl GStreamer {
    fn new(from: u16, to: u16, is_client: bool) -> Self {
        let pipeline = format!(
            "dtlsenc connection-id=c is-client={is_client} ! udpsink host=127.0.0.1 port={to} sync=false async=false \
             udpsrc address=127.0.0.1 port={from} caps=application/x-dtls ! dtlsdec connection-id=c ! \
             fakesink async=false"
        );
        let mut command = Command::new("gst-launch-1.0");
        command.args(pipeline.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::inherit());
        Self(command.spawn().expect("GStreamer's gst-launch-1.0"))
    }
}

impl Drop for GStreamer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn now() -> Mono {
    Mono::ZERO + anchor().elapsed()
}

/// GStreamer takes its time to start, the first time above all.
const LIMIT: Duration = Duration::from_secs(60);
