//! The client's side (RFC 5246 §7.3): it begins, checks the server's flight message by message, and answers it at once.

use aws_lc_rs::agreement::{UnparsedPublicKey, agree_ephemeral};

use super::bytes::{Reader, Writer};
use super::flight::Part;
use super::hello::{ClientHello, ServerHello};
use super::incoming::Message;
use super::machine::Machine;
use super::random;
use super::record::VERSION;
use super::server::{ECDSA_SIGN, NAMED_CURVE, RSA_SIGN, certificate_list};
use super::signature::is_signed;
use super::suite::{Authentication, GROUPS, PROFILES, SUITES, group, srtp_code};
use super::{DECRYPT_ERROR, Fatal, ILLEGAL_PARAMETER, PROTOCOL_VERSION, Stage, UNEXPECTED_MESSAGE, kind};

impl Machine {
    pub(super) fn begin_client(&mut self) -> Result<(), Fatal> {
        let random = random::hello()?;
        let [client, _] = &mut self.agreed.randoms;
        *client = random;
        self.say_hello(&[]);
        Ok(())
    }

    /// RFC 6347 §4.2.1: the hello again with the cookie, and neither of the first two counts for what was heard.
    pub(super) fn handle_hello_verify(&mut self, message: &Message) -> Result<(), Fatal> {
        let mut body = Reader::new(message.body());
        let (_version, cookie) = (body.u16(), body.vector8());
        let cookie = cookie.filter(|_| body.is_empty()).ok_or_else(Fatal::unreadable)?;
        if self.agreed.has_cookie {
            return Err(Fatal::broken(UNEXPECTED_MESSAGE, "the peer asks for a cookie twice"));
        }
        self.agreed.has_cookie = true;
        self.transcript.clear();
        self.say_hello(cookie);
        Ok(())
    }

    fn say_hello(&mut self, cookie: &[u8]) {
        let has_rsa = self.config.key.authentication() == Authentication::Rsa;
        let [random, _] = &self.agreed.randoms;
        let hello = ClientHello::write(random, cookie, has_rsa);
        let hello = self.say(kind::CLIENT_HELLO, &hello);
        self.send_and_wait(vec![Part::Message(hello)]);
    }

    pub(super) fn handle_server_hello(&mut self, message: &Message) -> Result<(), Fatal> {
        let hello = ServerHello::read(message.body()).ok_or_else(Fatal::unreadable)?;
        if hello.version != VERSION {
            return Err(Fatal::broken(PROTOCOL_VERSION, "the peer speaks no DTLS 1.2"));
        }
        let suite = SUITES.iter().find(|suite| suite.code == hello.suite);
        let taken = &hello.extensions;
        let (Some(suite), 0, true) = (suite, hello.compression, taken.has_extended_master_secret) else {
            return Err(Fatal::nothing_in_common());
        };
        // RFC 5764 §4.1.3: none was offered.
        if taken.has_key_identifier {
            let what = "the peer takes a key identifier of SRTP that was not offered";
            return Err(Fatal::broken(ILLEGAL_PARAMETER, what));
        }
        self.agreed.suite = Some(suite);
        self.agreed.srtp = match taken.profiles[..] {
            [] => None,
            [code] => PROFILES.into_iter().find(|profile| srtp_code(*profile) == code),
            _ => return Err(Fatal::broken(ILLEGAL_PARAMETER, "the peer takes more than one SRTP profile")),
        };
        let [_, server] = &mut self.agreed.randoms;
        *server = hello.random;
        self.hear(message);
        self.stage = Stage::Certificate;
        Ok(())
    }

    /// RFC 8422 §5.4: the share is the server's if its signature says so.
    pub(super) fn handle_server_key(&mut self, message: &Message) -> Result<(), Fatal> {
        let mut body = Reader::new(message.body());
        let (curve, group_code, share) = (body.u8(), body.u16(), body.vector8());
        let (scheme, signature) = (body.u16(), body.vector16());
        let (Some(NAMED_CURVE), Some(group_code), Some(share)) = (curve, group_code, share) else {
            return Err(Fatal::unreadable());
        };
        let (Some(scheme), Some(signature), true) = (scheme, signature, body.is_empty()) else {
            return Err(Fatal::unreadable());
        };
        if !GROUPS.contains(&group_code) {
            return Err(Fatal::broken(ILLEGAL_PARAMETER, "the peer chose a group that was not offered"));
        }
        let mut params = Writer::default();
        params.u8(NAMED_CURVE).u16(group_code).vector8(share);
        let signed = [&self.agreed.randoms.concat(), &params.0[..]].concat();
        let peer = self.peer.as_ref().ok_or_else(Fatal::internal)?;
        if !is_signed(peer, scheme, &signed, signature) {
            return Err(Fatal::broken(DECRYPT_ERROR, "the peer has not the key of its certificate"));
        }
        self.agreed.server_share = Some((group_code, share.into()));
        self.hear(message);
        self.stage = Stage::RequestOrDone;
        Ok(())
    }

    pub(super) fn handle_request(&mut self, message: &Message) -> Result<(), Fatal> {
        let mut body = Reader::new(message.body());
        let (kinds, schemes, authorities) = (body.vector8(), body.numbers16(), body.vector16());
        let (Some(kinds), Some(schemes), Some(_)) = (kinds, schemes, authorities) else {
            return Err(Fatal::unreadable());
        };
        let key = &self.config.key;
        let ours = match key.authentication() {
            Authentication::Ecdsa => ECDSA_SIGN,
            Authentication::Rsa => RSA_SIGN,
        };
        if !kinds.contains(&ours) || !schemes.contains(&key.scheme()) {
            return Err(Fatal::nothing_in_common());
        }
        self.agreed.is_certificate_asked = true;
        self.hear(message);
        self.stage = Stage::HelloDone;
        Ok(())
    }

    pub(super) fn handle_hello_done(&mut self, message: &Message) -> Result<(), Fatal> {
        self.hear(message);
        let (group_code, theirs) = self.agreed.server_share.take().ok_or_else(Fatal::internal)?;
        let algorithm = group(group_code).ok_or_else(Fatal::internal)?;
        let share = random::share(algorithm)?;
        let public = share.compute_public_key().map_err(|_| Fatal::internal())?;
        let is_asked = self.agreed.is_certificate_asked;
        let mut flight = Vec::new();
        if is_asked {
            let certificate = certificate_list(&self.config.certificate);
            flight.push(Part::Message(self.say(kind::CERTIFICATE, &certificate)));
        }
        let mut exchange = Writer::default();
        exchange.vector8(public.as_ref());
        flight.push(Part::Message(self.say(kind::CLIENT_KEY_EXCHANGE, &exchange.0)));
        let theirs = UnparsedPublicKey::new(algorithm, &theirs);
        let refused = || Fatal::broken(ILLEGAL_PARAMETER, "the peer's share is no point of the group");
        agree_ephemeral(share, theirs, refused(), |shared| self.begin_keys(shared))?;
        if is_asked {
            let signature = self.config.key.sign(&self.transcript).ok_or_else(Fatal::internal)?;
            let mut verify = Writer::default();
            verify.u16(self.config.key.scheme()).vector16(&signature);
            flight.push(Part::Message(self.say(kind::CERTIFICATE_VERIFY, &verify.0)));
        }
        let finished = self.finished()?;
        flight.extend([Part::ChangeCipherSpec, Part::Finished(finished)]);
        self.send_and_wait(flight);
        self.stage = Stage::Finished;
        Ok(())
    }
}
