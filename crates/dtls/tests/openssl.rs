//! OpenSSL at the other end, over the loopback and in real time: another reading of the RFCs, in both roles.
//!
//! Needs the program `openssl` (Debian's package of that name).

#![expect(clippy::disallowed_methods, reason = "a peer in another process lives in real time")]
#![expect(clippy::disallowed_types, reason = "and behind a socket")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::iter;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use common::{Kind, Said, Side, anchor, wrong};
use dtls::{Failure, Fingerprint, HashFunction, Role, Room, SrtpProfile, State};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use wire::Mono;

const SHA1_80: &str = "SRTP_AES128_CM_SHA1_80";
const GCM_128: &str = "SRTP_AEAD_AES_128_GCM";
const GCM_256: &str = "SRTP_AEAD_AES_256_GCM";

#[test]
fn an_openssl_client_gets_gcm_and_the_same_keys() {
    // Chromium's order, which asks for the slow one first.
    let offered = format!("{SHA1_80}:{GCM_256}:{GCM_128}");
    let mut call = Call::with_client(Kind::Ecdsa, Peer::ecdsa("client"), &["-use_srtp", &offered], 88, None);
    call.play_until(State::Connected);
    call.assert_same_keys(SrtpProfile::AeadAes256Gcm);

    call.side.endpoint.send(b"hello openssl\n").unwrap();
    call.play_for(Duration::ZERO);
    assert!(call.openssl.line_with("hello openssl").is_some());
    call.openssl.say("hello shardcast\n");
    call.play_while(|side| side.data().is_empty());
    assert_eq!(call.side.data(), [b"hello shardcast\n"]);
    call.openssl.say("Q\n");
    call.play_until(State::Closed);
    assert!(matches!(call.side.said.last(), Some(Said::Closed)));
}

#[test]
fn an_openssl_server_has_the_same_keys() {
    let cases = [
        (GCM_256, SrtpProfile::AeadAes256Gcm, 88),
        (GCM_128, SrtpProfile::AeadAes128Gcm, 56),
        (SHA1_80, SrtpProfile::AesCm128HmacSha1_80, 60),
    ];
    for (name, profile, len) in cases {
        let mut call = Call::with_server(Kind::Ecdsa, Peer::ecdsa("server"), &["-use_srtp", name], len, None);
        call.play_until(State::Connected);
        call.assert_same_keys(profile);
        call.side.endpoint.close();
        call.play_for(Duration::ZERO);
        // s_server says so when it heard goodbye.
        assert!(call.openssl.line_with("DONE").is_some() || call.openssl.line_with("shutdown").is_some());
    }
}

#[test]
fn another_certificate_than_signalling_said_is_refused() {
    let options = ["-use_srtp", GCM_256];
    let mut clients =
        Call::with_client(Kind::Ecdsa, Peer::ecdsa("wrong-client"), &options, 88, Some(wrong()));
    let mut servers =
        Call::with_server(Kind::Ecdsa, Peer::ecdsa("wrong-server"), &options, 88, Some(wrong()));
    for call in [&mut clients, &mut servers] {
        call.play_until(State::Failed);
        let why = Failure::Fingerprint { function: HashFunction::Sha256 };
        assert_eq!(call.side.failure(), Some(&why));
        assert_eq!(call.side.said.len(), 1);
    }
}

#[test]
fn dtls_without_srtp_is_of_no_use() {
    let mut clients = Call::with_client(Kind::Ecdsa, Peer::ecdsa("bare-client"), &[], 88, None);
    let mut servers = Call::with_server(Kind::Ecdsa, Peer::ecdsa("bare-server"), &[], 88, None);
    for call in [&mut clients, &mut servers] {
        call.play_until(State::Failed);
        assert_eq!(call.side.failure(), Some(&Failure::NoSrtpProfile));
    }
}

#[test]
fn rsa_works_on_either_side_in_either_role() {
    let options = ["-use_srtp", GCM_256];
    for (ours, theirs) in [(Kind::Ecdsa, Kind::Rsa), (Kind::Rsa, Kind::Ecdsa), (Kind::Rsa, Kind::Rsa)] {
        let name = |role| format!("rsa-{role}-{ours:?}-{theirs:?}");
        let mut clients = Call::with_client(ours, Peer::of(theirs, &name("client")), &options, 88, None);
        let mut servers = Call::with_server(ours, Peer::of(theirs, &name("server")), &options, 88, None);
        for call in [&mut clients, &mut servers] {
            call.play_until(State::Connected);
            call.assert_same_keys(SrtpProfile::AeadAes256Gcm);
            call.side.endpoint.send(b"hello openssl\n").unwrap();
            call.play_for(Duration::ZERO);
            assert!(call.openssl.line_with("hello openssl").is_some());
            call.openssl.say("hello shardcast\n");
            call.play_while(|side| side.data().is_empty());
            assert_eq!(call.side.data(), [b"hello shardcast\n"]);
        }
    }
}

#[test]
fn every_suite_and_group_that_is_offered_works() {
    let suites = ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"];
    for (suite, group) in suites.into_iter().zip(["P-384", "P-256"]) {
        let options = ["-use_srtp", GCM_128, "-cipher", suite, "-groups", group];
        let mut clients = Call::with_client(Kind::Rsa, Peer::rsa(suite), &options, 56, None);
        let mut servers = Call::with_server(Kind::Rsa, Peer::rsa(group), &options, 56, None);
        for call in [&mut clients, &mut servers] {
            call.play_until(State::Connected);
            call.assert_same_keys(SrtpProfile::AeadAes128Gcm);
        }
    }
}

#[test]
fn a_client_without_a_certificate_and_what_is_too_old_are_refused() {
    let options = ["-use_srtp", GCM_256];
    let mut bare = Call::with_client(Kind::Rsa, Peer::none("none"), &options, 88, None);
    bare.play_until(State::Failed);
    assert_eq!(bare.side.failure(), Some(&Failure::NoPeerCertificate));
    let weak = ["-use_srtp", GCM_256, "-cipher", "ECDHE-RSA-AES128-SHA256"];
    let mut old = Call::with_client(Kind::Rsa, Peer::rsa("weak"), &weak, 88, None);
    old.play_until(State::Failed);
    assert_eq!(old.side.failure(), Some(&Failure::NoCommonCipher));
}

/// A certificate in files that go with the value.
struct Peer {
    folder: PathBuf,
    shows: bool,
}

struct OpenSsl {
    child: Child,
    input: ChildStdin,
    /// Its lines, by a thread that reads them: a pipe can not be read with a limit in time.
    lines: Receiver<String>,
}

/// An endpoint of ours and an OpenSSL.
struct Call {
    side: Side,
    room: Room,
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    openssl: OpenSsl,
    /// Its files, which it reads when it comes to it.
    _files: Peer,
}

impl Peer {
    fn ecdsa(name: &str) -> Self {
        Self::new(name, &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    /// It has files, and shows none of them.
    fn none(name: &str) -> Self {
        let mut peer = Self::rsa(name);
        peer.shows = false;
        peer
    }

    fn of(kind: Kind, name: &str) -> Self {
        match kind {
            Kind::Ecdsa => Self::ecdsa(name),
            Kind::Rsa => Self::rsa(name),
        }
    }

    fn rsa(name: &str) -> Self {
        Self::new(name, &["rsa:2048"])
    }

    fn new(name: &str, key: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("shardcast-dtls-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let peer = Self { folder, shows: true };
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=peer", "-newkey"]).args(key);
        command.arg("-keyout").arg(peer.file("key")).arg("-out").arg(peer.file("cert"));
        let made = command.output().expect("the program openssl, of Debian's package openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        peer
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn fingerprint(&self) -> Fingerprint {
        let certificate = CertificateDer::from_pem_slice(self.text("cert").as_bytes()).unwrap();
        Fingerprint::of(HashFunction::Sha256, &certificate)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl OpenSsl {
    fn new(what: &[&str], peer: &Peer, options: &[&str], exported: usize) -> Self {
        let mut command = Command::new("openssl");
        command.args(what).arg("-dtls1_2");
        if peer.shows {
            command.arg("-cert").arg(peer.file("cert")).arg("-key").arg(peer.file("key"));
        }
        // RFC 5764 §4.2.
        command.args(["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", &exported.to_string()]);
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, input, lines }
    }

    /// The next line with this in it; none if the program ends before, or says nothing for long.
    fn line_with(&self, what: &str) -> Option<String> {
        iter::from_fn(|| self.lines.recv_timeout(LIMIT).ok()).find(|line| line.contains(what))
    }

    fn say(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Call {
    fn with_client(
        ours: Kind,
        peer: Peer,
        options: &[&str],
        exported: usize,
        known: Option<Fingerprint>,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = socket.local_addr().unwrap().to_string();
        let openssl = OpenSsl::new(&["s_client", "-connect", &to], &peer, options, exported);
        let side = Side::new(&ours.identity(), Role::Server, known.or_else(|| Some(peer.fingerprint())), 70);
        Self { side, room: Room::new(), socket: patient(socket), peer: None, openssl, _files: peer }
    }

    fn with_server(
        ours: Kind,
        peer: Peer,
        options: &[&str],
        exported: usize,
        known: Option<Fingerprint>,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let what = ["s_server", "-accept", "127.0.0.1:0", "-Verify", "1"];
        let openssl = OpenSsl::new(&what, &peer, options, exported);
        let accepting = openssl.line_with("ACCEPT ").unwrap();
        let at = accepting.trim_start_matches("ACCEPT ").parse().unwrap();
        let side = Side::new(&ours.identity(), Role::Client, known.or_else(|| Some(peer.fingerprint())), 70);
        Self { side, room: Room::new(), socket: patient(socket), peer: Some(at), openssl, _files: peer }
    }

    fn play_until(&mut self, state: State) {
        self.play_while(|side| side.endpoint.state() != state);
    }

    fn play_while(&mut self, condition: impl Fn(&Side) -> bool) {
        let begun = Instant::now();
        while condition(&self.side) {
            assert!(begun.elapsed() < LIMIT, "{:?} {:?}", self.side.endpoint, self.side.said);
            self.turn();
        }
        // What it said together with its last change is sent.
        self.play_for(Duration::ZERO);
    }

    fn play_for(&mut self, span: Duration) {
        let datagrams = self.side.drain(&mut self.room);
        self.send(datagrams);
        let begun = Instant::now();
        while begun.elapsed() < span {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let mut datagrams = self.side.drain(&mut self.room);
        let mut bytes = [0; 4096];
        if let Ok((len, from)) = self.socket.recv_from(&mut bytes) {
            self.peer = Some(from);
            datagrams.extend(self.side.feed(now(), &bytes[..len], &mut self.room));
        }
        self.side.endpoint.handle_timeout(now());
        datagrams.extend(self.side.drain(&mut self.room));
        self.send(datagrams);
    }

    fn send(&self, datagrams: Vec<Vec<u8>>) {
        for datagram in datagrams {
            self.socket.send_to(&datagram, self.peer.unwrap()).unwrap();
        }
    }

    fn assert_same_keys(&self, profile: SrtpProfile) {
        let line = self.openssl.line_with("Keying material: ").unwrap();
        let theirs = line.trim().trim_start_matches("Keying material: ").to_owned();
        let keys = &self.side.connected().unwrap().keys;
        let ours: String = keys.exported().iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!((keys.profile(), ours), (profile, theirs));
    }
}

/// Waits long enough to be no busy loop, and not so long that a timer is late.
fn patient(socket: UdpSocket) -> UdpSocket {
    socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    socket
}

fn now() -> Mono {
    Mono::ZERO + anchor().elapsed()
}

/// Longer than any of this takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);
