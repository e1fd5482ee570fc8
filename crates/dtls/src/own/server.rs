//! The server's side (RFC 5246 §7.3): a hello is answered by a flight, and the client's by the end.

use aws_lc_rs::agreement::{UnparsedPublicKey, agree_ephemeral};

use super::bytes::{Reader, Writer};
use super::flight::Part;
use super::hello::{ClientHello, ServerHello};
use super::incoming::Message;
use super::machine::Machine;
use super::random;
use super::record::VERSION;
use super::signature::{SCHEMES, is_signed};
use super::suite::{GROUPS, PROFILES, SUITES, group, srtp_code};
use super::{DECRYPT_ERROR, Fatal, ILLEGAL_PARAMETER, PROTOCOL_VERSION, Stage, kind};

impl Machine {
    pub(super) fn handle_client_hello(&mut self, message: &Message) -> Result<(), Fatal> {
        let hello = ClientHello::read(message.body()).ok_or_else(Fatal::unreadable)?;
        // Versions count downwards. Who offers 1.3 says so elsewhere, and 1.2 here (RFC 9147 §5.3).
        if hello.version > VERSION {
            return Err(Fatal::broken(PROTOCOL_VERSION, "the peer speaks no DTLS 1.2"));
        }
        let asked = &hello.extensions;
        let key = &self.config.key;
        let suite = SUITES
            .iter()
            .find(|suite| suite.authentication == key.authentication() && hello.suites.contains(&suite.code));
        let group_code = GROUPS.into_iter().find(|code| asked.groups.contains(code));
        let (Some(suite), Some(group_code)) = (suite, group_code) else {
            return Err(Fatal::nothing_in_common());
        };
        let is_understood = asked.has_extended_master_secret
            && asked.schemes.contains(&key.scheme())
            && hello.compressions.contains(&0);
        if !is_understood {
            return Err(Fatal::nothing_in_common());
        }
        let srtp = PROFILES.into_iter().find(|profile| asked.profiles.contains(&srtp_code(*profile)));
        let random = random::hello()?;
        self.agreed.suite = Some(suite);
        self.agreed.srtp = srtp;
        self.agreed.randoms = [hello.random, random];
        self.hear(message);
        let certificate = certificate_list(&self.config.certificate);
        let key_exchange = self.key_exchange(group_code)?;
        let flight = [
            (kind::SERVER_HELLO, ServerHello::write(&random, suite, srtp, asked)),
            (kind::CERTIFICATE, certificate),
            (kind::SERVER_KEY_EXCHANGE, key_exchange),
            (kind::CERTIFICATE_REQUEST, certificate_request()),
            (kind::SERVER_HELLO_DONE, Vec::new()),
        ]
        .map(|(kind, body)| Part::Message(self.say(kind, &body)));
        self.send_and_wait(flight.into());
        self.stage = Stage::Certificate;
        Ok(())
    }

    pub(super) fn handle_client_key(&mut self, message: &Message) -> Result<(), Fatal> {
        let mut body = Reader::new(message.body());
        let theirs = body.vector8().filter(|_| body.is_empty()).ok_or_else(Fatal::unreadable)?;
        let share = self.share.take().ok_or_else(Fatal::internal)?;
        self.hear(message);
        let theirs = UnparsedPublicKey::new(share.algorithm(), theirs);
        let refused = || Fatal::broken(ILLEGAL_PARAMETER, "the peer's share is no point of the group");
        agree_ephemeral(share, theirs, refused(), |shared| self.begin_keys(shared))?;
        self.stage = Stage::CertificateVerify;
        Ok(())
    }

    /// RFC 5246 §7.4.8: over all that was heard before it.
    pub(super) fn handle_certificate_verify(&mut self, message: &Message) -> Result<(), Fatal> {
        let mut body = Reader::new(message.body());
        let (scheme, signature) = (body.u16(), body.vector16());
        let (Some(scheme), Some(signature), true) = (scheme, signature, body.is_empty()) else {
            return Err(Fatal::unreadable());
        };
        let peer = self.peer.as_ref().ok_or_else(Fatal::internal)?;
        if !is_signed(peer, scheme, &self.transcript, signature) {
            return Err(Fatal::broken(DECRYPT_ERROR, "the peer has not the key of its certificate"));
        }
        self.hear(message);
        self.stage = Stage::Finished;
        Ok(())
    }

    /// RFC 8422 §5.4: a fresh share, signed together with both randoms.
    fn key_exchange(&mut self, group_code: u16) -> Result<Vec<u8>, Fatal> {
        let algorithm = group(group_code).ok_or_else(Fatal::internal)?;
        let share = random::share(algorithm)?;
        let public = share.compute_public_key().map_err(|_| Fatal::internal())?;
        let mut exchange = Writer::default();
        exchange.u8(NAMED_CURVE).u16(group_code).vector8(public.as_ref());
        let signed = [&self.agreed.randoms.concat(), &exchange.0[..]].concat();
        let signature = self.config.key.sign(&signed).ok_or_else(Fatal::internal)?;
        exchange.u16(self.config.key.scheme()).vector16(&signature);
        self.share = Some(share);
        Ok(exchange.0)
    }
}

/// One certificate: nobody asks for a chain.
pub(super) fn certificate_list(certificate: &[u8]) -> Vec<u8> {
    let mut entry = Writer::default();
    entry.vector24(certificate);
    let mut list = Writer::default();
    list.vector24(&entry.0);
    list.0
}

/// RFC 5246 §7.4.4: of either kind, by anybody.
fn certificate_request() -> Vec<u8> {
    let mut request = Writer::default();
    request.vector8(&[RSA_SIGN, ECDSA_SIGN]).numbers16(SCHEMES).vector16(&[]);
    request.0
}

pub(super) const NAMED_CURVE: u8 = 3;
pub(super) const RSA_SIGN: u8 = 1;
pub(super) const ECDSA_SIGN: u8 = 64;
