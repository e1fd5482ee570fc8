//! The first library behind the face: one handshake of `dimpl`, as a server, in our time and our words.

use dimpl::{CertificateError, CryptoError, Error, Output, SecurityError};
use wire::Mono;

use crate::anchor::Anchor;
use crate::backend::Polled;
use crate::failure::Failure;
use crate::keys::{SrtpKeys, SrtpProfile};
use crate::output::Room;
use crate::role::Role;
use crate::setup::{Dimpl, HANDSHAKE_TIMEOUT};

/// One machine of the library's. It is a server: its hello as a client offers no RSA.
pub(crate) struct ByDimpl {
    dtls: dimpl::Dtls,
    anchor: Anchor,
    /// When it was last told the time.
    now: Mono,
}

impl ByDimpl {
    /// A server that waits for the first hello.
    pub(crate) fn new(dimpl: &Dimpl, anchor: Anchor, now: Mono) -> Result<Self, Failure> {
        let dtls = dimpl.server(anchor, now);
        let mut backend = Self { dtls, anchor, now };
        // The library panics on a packet that comes before it was told the time.
        backend.handle_timeout(now)?;
        Ok(backend)
    }

    pub(crate) fn handle_timeout(&mut self, now: Mono) -> Result<(), Failure> {
        self.now = now;
        self.dtls.handle_timeout(self.anchor.instant(now)).map_err(|why| failure(&why))
    }

    pub(crate) fn handle_packet(&mut self, packet: &[u8]) -> Result<(), Failure> {
        self.dtls.handle_packet(packet).map_err(|why| failure(&why))
    }

    /// Under the keys of the handshake.
    pub(crate) fn send(&mut self, data: &[u8]) -> Result<(), Failure> {
        self.dtls.send_application_data(data).map(|_| ()).map_err(|why| failure(&why))
    }

    /// Says goodbye, if there are keys to say it under.
    pub(crate) fn close(&mut self) {
        // It fails for what can not be sent any more.
        let _ = self.dtls.close();
    }

    pub(crate) fn poll(&mut self, room: &mut Room) -> Polled {
        match self.dtls.poll_output(room.bytes()) {
            Output::Packet(packet) => Polled::Datagram(packet.len()),
            Output::ApplicationData(data) => Polled::Data(data.len()),
            Output::PeerCert(certificate) => Polled::Certificate(certificate.len()),
            Output::Connected => Polled::Complete,
            Output::KeyingMaterial(exported, profile) => Polled::Keys(
                known(profile).and_then(|profile| SrtpKeys::new(profile, Role::Server, &exported)),
            ),
            Output::CloseNotify => Polled::Closed,
            Output::Timeout(at) => Polled::Idle(self.timer(self.anchor.mono(at))),
            // Nothing is longer than the room (a record has 16 KiB), and this version has no other outputs.
            _ => Polled::Idle(Mono::NEVER),
        }
    }

    /// The library always names a moment; one beyond every timer of a handshake means none.
    fn timer(&self, at: Mono) -> Mono {
        if at.since(self.now) > HANDSHAKE_TIMEOUT { Mono::NEVER } else { at }
    }
}

fn known(profile: dimpl::SrtpProfile) -> Option<SrtpProfile> {
    match profile {
        dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(SrtpProfile::AeadAes256Gcm),
        dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(SrtpProfile::AeadAes128Gcm),
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(SrtpProfile::AesCm128HmacSha1_80),
        _ => None,
    }
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::TimedOut,
        Error::SecurityError(SecurityError::FatalAlert { description }) => {
            Failure::Refused { alert: *description }
        }
        Error::SecurityError(
            SecurityError::NoMutuallyAcceptableCipherSuite | SecurityError::NoCommonCipherSuite,
        ) => Failure::NoCommonCipher,
        Error::CertificateError(
            CertificateError::NoServerCertificateReceived | CertificateError::NoClientCertificateReceived,
        ) => Failure::NoPeerCertificate,
        Error::CryptoError(CryptoError::UnsupportedPublicKeyAlgorithm) => {
            Failure::PeerKey { key_type: "a key that is not ECDSA" }
        }
        other => Failure::Broken(other.to_string().into()),
    }
}
