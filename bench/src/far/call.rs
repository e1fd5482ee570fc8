//! What peers of WebRTC transports do before there are keys: a Binding request that nominates, and DTLS as its client.

use core::fmt;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use dtls::{Anchor, Endpoint, Fingerprint, HashFunction, Identity, Output, Role, Room, Setup};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use socket2::Socket;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;
use wire::stun::{self, Builder, TransactionId};
use wire::{Mono, NoRoom};

use crate::os;

/// Whom a peer calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    /// SHA-256, as signalling says it.
    pub(crate) fingerprint: String,
}

/// What all peers have in common: a certificate.
pub(super) struct Callers {
    setup: Setup,
    room: Room,
    fingerprint: String,
    /// Requests so far.
    asked: u64,
}

/// What a call brought.
pub(super) struct Keys {
    /// Key and salt in one that the other end seals with.
    pub(super) theirs: Vec<u8>,
    pub(super) sealer: Box<Context>,
}

impl Callers {
    pub(super) fn new() -> io::Result<Self> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
        let parameters = rcgen::CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        let certificate = parameters.self_signed(&key).map_err(io::Error::other)?;
        let identity = Identity::new(certificate.der(), &key.serialize_der()).map_err(io::Error::other)?;
        let anchor = Anchor::new(std::time::Instant::now());
        Ok(Self {
            setup: Setup::new(&identity, anchor).map_err(io::Error::other)?,
            room: Room::new(),
            asked: 0,
            fingerprint: Fingerprint::of(HashFunction::Sha256, certificate.der()).to_string(),
        })
    }

    /// SHA-256 of the certificate.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Asks the other end whether it is there, as peers do every few seconds (RFC 7675).
    pub(super) fn check(&mut self, socket: &Socket, call: &Call) -> io::Result<()> {
        self.asked += 1;
        let mut request = [0; 256];
        let len = binding_request(call, self.asked, &mut request)
            .map_err(|_| io::Error::other("a long user name"))?;
        socket.send_to(&request[..len], &SocketAddr::from((Ipv4Addr::LOCALHOST, call.port)).into())?;
        Ok(())
    }

    /// ICE and DTLS from this socket.
    pub(super) fn call(&mut self, socket: &Socket, call: &Call) -> io::Result<Keys> {
        socket.set_read_timeout(Some(LISTEN))?;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, call.port));
        let mut datagram = [0; 2048];
        let end = os::monotonic_ns()? + PATIENCE_NS;
        let in_time = |what: &str| match os::monotonic_ns()? < end {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::TimedOut, format!("{what} of port {}", call.port))),
        };
        loop {
            in_time("no answer of ICE")?;
            self.check(socket, call)?;
            // RFC 8489 §5: a success response.
            if listen(socket, &mut datagram)?.starts_with(&[1, 1]) {
                break;
            }
        }
        let expected =
            Fingerprint::parse(HashFunction::Sha256, &call.fingerprint).map_err(io::Error::other)?;
        let mut endpoint = Endpoint::new(&self.setup, Role::Client, Some(expected), now()?);
        loop {
            in_time("no end of DTLS")?;
            while let Some(output) = endpoint.poll(&mut self.room) {
                match output {
                    Output::Datagram(bytes) => _ = socket.send_to(bytes, &to.into())?,
                    Output::Connected(connected) => return Keys::of(&connected.keys),
                    Output::Failed(failure) => return Err(io::Error::other(failure.to_string())),
                    Output::Data(_) | Output::Closed => {}
                }
            }
            let heard = listen(socket, &mut datagram)?;
            // RFC 7983.
            if heard.first().is_some_and(|first| (20..64).contains(first)) {
                endpoint.handle_packet(now()?, heard);
                while endpoint.waiting() > 0 {
                    endpoint.step(now()?);
                }
            }
            if now()? >= endpoint.next_timeout() {
                endpoint.handle_timeout(now()?);
            }
        }
    }
}

impl Keys {
    fn of(keys: &dtls::SrtpKeys) -> io::Result<Self> {
        // Ours as well as theirs prefer it (crates/dtls/README.md), and a case says that it is so.
        if keys.profile() != dtls::SrtpProfile::AeadAes256Gcm {
            return Err(io::Error::other(format!("{:?} was chosen", keys.profile())));
        }
        let (key, salt) = keys.local();
        let sealer = Context::new(key, salt, ProtectionProfile::AeadAes256Gcm, None, None);
        let (key, salt) = keys.remote();
        Ok(Self { theirs: [key, salt].concat(), sealer: Box::new(sealer.map_err(io::Error::other)?) })
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// The next datagram, or nothing for a moment.
fn listen<'a>(mut socket: &Socket, datagram: &'a mut [u8]) -> io::Result<&'a [u8]> {
    match socket.read(datagram) {
        Ok(len) => Ok(&datagram[..len]),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(&[]),
        Err(error) => Err(error),
    }
}

fn binding_request(call: &Call, number: u64, out: &mut [u8]) -> Result<usize, NoRoom> {
    let mut id = *b"peer--------";
    id[4..].copy_from_slice(&number.to_be_bytes());
    let mut builder = Builder::request(out, TransactionId(id))?;
    builder.username(format!("{}:peer", call.username).as_bytes())?;
    builder.priority(1)?;
    builder.role(stun::Role::Controlling(1))?;
    builder.use_candidate()?;
    builder.integrity(&|parts: &[&[u8]]| {
        let mut code = [0; 20];
        // No key is too long for it.
        if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(call.password.as_bytes()) {
            parts.iter().for_each(|part| mac.update(part));
            code.copy_from_slice(&mac.finalize().into_bytes());
        }
        code
    })?;
    builder.fingerprint()
}

fn now() -> io::Result<Mono> {
    os::monotonic_ns().map(Mono::from_nanos)
}

const LISTEN: Duration = Duration::from_millis(50);
const PATIENCE_NS: u64 = 10_000_000_000;
