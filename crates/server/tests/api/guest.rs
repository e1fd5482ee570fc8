//! Somebody with a WebRTC stack that is not ours, who checks, shakes hands and is connected.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use str0m::config::{DtlsCert, Fingerprint};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc, RtcConfig};

use crate::room::id;
use crate::support::Server;

/// Connects to a WebRTC transport that is connected to nobody. Returns when there are keys.
pub(crate) fn shake_hands(server: &Server, transport: &Value) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let crypto = str0m::crypto::from_feature_flags();
    let certificate = crypto.dtls_provider.generate_certificate().unwrap();
    let digest = crypto.sha256_provider.sha256(&certificate.certificate);
    let digest: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    // RFC 8122 §5.
    let fingerprint = json!({ "algorithm": "sha-256", "value": digest.join(":") });
    let ours = json!({ "dtlsParameters": { "role": "client", "fingerprints": [fingerprint] } });
    let (status, answer) =
        server.ask("POST", &format!("/v1/transports/{}/connect", id(transport)), Some(&ours));
    assert!((200..300).contains(&status), "{answer}");
    until_connected(&mut caller(certificate, transport, &socket), &socket);
}

fn caller(certificate: DtlsCert, transport: &Value, socket: &UdpSocket) -> Rtc {
    let mut rtc = RtcConfig::new().set_dtls_cert(certificate).set_rtp_mode(true).build(Instant::now());
    let candidate = &transport["iceCandidates"][0];
    let remote: SocketAddr =
        format!("{}:{}", candidate["address"].as_str().unwrap(), candidate["port"]).parse().unwrap();
    let local = socket.local_addr().unwrap();
    rtc.add_local_candidate(Candidate::host(local, Protocol::Udp).unwrap());
    rtc.add_remote_candidate(Candidate::host(remote, Protocol::Udp).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ice = &transport["iceParameters"];
    let fingerprints = transport["dtlsParameters"]["fingerprints"].as_array().unwrap();
    let theirs = fingerprints.iter().find(|fingerprint| fingerprint["algorithm"] == "sha-256").unwrap();
    let bytes = text(&theirs["value"]);
    let bytes = bytes.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let mut api = rtc.direct_api();
    api.set_ice_controlling(true);
    api.set_remote_ice_credentials(IceCreds {
        ufrag: text(&ice["usernameFragment"]),
        pass: text(&ice["password"]),
    });
    api.set_remote_fingerprint(Fingerprint { hash_func: "sha-256".to_owned(), bytes });
    api.start_dtls(true).unwrap();
    rtc
}

fn until_connected(rtc: &mut Rtc, socket: &UdpSocket) {
    let (deadline, local) = (Instant::now() + Duration::from_secs(60), socket.local_addr().unwrap());
    let mut datagram = [0; 2_048];
    loop {
        let due = match rtc.poll_output().unwrap() {
            Output::Event(Event::Connected) => return,
            Output::Event(_) => continue,
            Output::Transmit(send) => {
                socket.send_to(&send.contents, send.destination).unwrap();
                continue;
            }
            Output::Timeout(due) => due,
        };
        assert!(Instant::now() < deadline, "nobody shakes hands");
        let patience = due.saturating_duration_since(Instant::now());
        socket.set_read_timeout(Some(patience.max(Duration::from_millis(1)))).unwrap();
        match socket.recv_from(&mut datagram) {
            Ok((len, from)) => {
                let received = Receive::new(Protocol::Udp, from, local, &datagram[..len]).unwrap();
                rtc.handle_input(Input::Receive(Instant::now(), received)).unwrap();
            }
            Err(_) => rtc.handle_input(Input::Timeout(Instant::now())).unwrap(),
        }
    }
}
