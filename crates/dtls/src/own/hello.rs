//! The two hellos (RFC 5246 §7.4.1, RFC 6347 §4.2.1) and the extensions that matter here.

use super::bytes::{Reader, Writer};
use super::record::{HANDSHAKE, Record, VERSION};
use super::signature::SCHEMES;
use super::suite::{GROUPS, PROFILES, SUITES, Suite, srtp_code};
use crate::keys::SrtpProfile;

/// What a client offers.
pub(super) struct ClientHello {
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) suites: Vec<u16>,
    pub(super) compressions: Vec<u8>,
    pub(super) extensions: Extensions,
}

/// What a server took of it.
pub(super) struct ServerHello {
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) suite: u16,
    pub(super) compression: u8,
    pub(super) extensions: Extensions,
}

/// Those of either hello that are read here.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) groups: Vec<u16>,
    pub(super) schemes: Vec<u16>,
    pub(super) profiles: Vec<u16>,
    /// RFC 5764 §4.1.3: of a master key of SRTP. Here nobody has any.
    pub(super) has_key_identifier: bool,
    /// RFC 7627.
    pub(super) has_extended_master_secret: bool,
    /// RFC 5746.
    pub(super) has_renegotiation: bool,
    /// RFC 8422 §5.1.2.
    pub(super) has_point_formats: bool,
}

impl ClientHello {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.array()?;
        let (_session, _cookie) = (reader.vector8()?, reader.vector8()?);
        let suites = reader.numbers16()?;
        let compressions = reader.vector8()?.to_vec();
        let mut extensions = Extensions::read(&mut reader)?;
        // RFC 5746 §3.6: a client may say it by a suite that is none.
        extensions.has_renegotiation |= suites.contains(&RENEGOTIATION_SUITE);
        Some(Self { version, random, suites, compressions, extensions })
    }

    /// What we offer. `has_rsa` is whether our own certificate is one: [`may_have_rsa`] of another of our kind asks.
    pub(super) fn write(random: &[u8; 32], cookie: &[u8], has_rsa: bool) -> Vec<u8> {
        let mut hello = Writer::default();
        hello.u16(VERSION).bytes(random).vector8(&[]).vector8(cookie);
        hello.numbers16(SUITES.iter().map(|suite| suite.code)).vector8(&[0]);
        let mut extensions = Writer::default();
        extension(&mut extensions, SUPPORTED_GROUPS, |body| {
            body.numbers16(GROUPS);
        });
        extension(&mut extensions, SIGNATURE_ALGORITHMS, |body| {
            body.numbers16(SCHEMES);
        });
        extension(&mut extensions, USE_SRTP, |body| {
            body.numbers16(PROFILES.map(srtp_code)).vector8(&[]);
        });
        if has_rsa {
            // Of no effect on an AEAD (RFC 7366 §2).
            extension(&mut extensions, ENCRYPT_THEN_MAC, |_| {});
        }
        common_extensions(&mut extensions, true, true);
        hello.vector16(&extensions.0);
        hello.0
    }
}

impl ServerHello {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.array()?;
        let _session = reader.vector8()?;
        let (suite, compression) = (reader.u16()?, reader.u8()?);
        let extensions = Extensions::read(&mut reader)?;
        Some(Self { version, random, suite, compression, extensions })
    }

    /// What we take of an offer.
    pub(super) fn write(
        random: &[u8; 32],
        suite: &Suite,
        srtp: Option<SrtpProfile>,
        asked: &Extensions,
    ) -> Vec<u8> {
        let mut hello = Writer::default();
        hello.u16(VERSION).bytes(random).vector8(&[]).u16(suite.code).u8(0);
        let mut extensions = Writer::default();
        if let Some(profile) = srtp {
            extension(&mut extensions, USE_SRTP, |body| {
                body.numbers16([srtp_code(profile)]).vector8(&[]);
            });
        }
        common_extensions(&mut extensions, asked.has_renegotiation, asked.has_point_formats);
        hello.vector16(&extensions.0);
        hello.0
    }
}

impl Extensions {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut extensions = Self::default();
        if reader.is_empty() {
            return Some(extensions);
        }
        let mut all = Reader::new(reader.vector16()?);
        while !all.is_empty() {
            let kind = all.u16()?;
            let mut body = Reader::new(all.vector16()?);
            match kind {
                SUPPORTED_GROUPS => extensions.groups = body.numbers16()?,
                SIGNATURE_ALGORITHMS => extensions.schemes = body.numbers16()?,
                USE_SRTP => {
                    extensions.profiles = body.numbers16()?;
                    extensions.has_key_identifier = !body.vector8()?.is_empty();
                }
                EXTENDED_MASTER_SECRET => extensions.has_extended_master_secret = true,
                // RFC 5746 §3.4, §3.6: of a first handshake it is empty, or somebody put two together.
                RENEGOTIATION_INFO => {
                    extensions.has_renegotiation = body.vector8()?.is_empty().then_some(true)?;
                }
                EC_POINT_FORMATS => extensions.has_point_formats = true,
                _ => {}
            }
        }
        Some(extensions)
    }
}

/// Whether the client may have an RSA certificate and nothing else, if this datagram begins a hello.
///
/// No hello says what its client will show. Those of general libraries (OpenSSL, GnuTLS, Mbed TLS, Bouncy Castle), whose
/// applications bring any certificate, offer to encrypt before they authenticate (RFC 7366); browsers, which make
/// themselves one with ECDSA, have not implemented that. Of a hello in pieces only the first counts, and GStreamer's has
/// 256 bytes: there an offer of DHE with RSA says as much, which comes before the extensions.
pub(crate) fn may_have_rsa(datagram: &[u8]) -> Option<bool> {
    let record = Record::read(&mut Reader::new(datagram))?;
    let mut message = Reader::new(record.body);
    let kind = message.u8()?;
    let len = message.u24()?;
    let (_sequence, offset, first) = (message.u16()?, message.u24()?, message.vector24()?);
    if (record.content, record.epoch, kind, offset) != (HANDSHAKE, 0, CLIENT_HELLO, 0) {
        return None;
    }
    let is_cut = first.len() < len;
    Some(shows_general_library(first, is_cut).unwrap_or(false))
}

fn shows_general_library(first: &[u8], is_cut: bool) -> Option<bool> {
    let mut reader = Reader::new(first);
    let (_version, _random) = (reader.u16()?, reader.array::<32>()?);
    let (_session, _cookie) = (reader.vector8()?, reader.vector8()?);
    let suites = reader.numbers16()?;
    if is_cut && DHE_RSA_SUITES.iter().any(|suite| suites.contains(suite)) {
        return Some(true);
    }
    let (_compressions, _len) = (reader.vector8()?, reader.u16()?);
    while !reader.is_empty() {
        let kind = reader.u16()?;
        if kind == ENCRYPT_THEN_MAC {
            return Some(true);
        }
        reader.vector16()?;
    }
    Some(false)
}

fn extension(all: &mut Writer, kind: u16, body: impl FnOnce(&mut Writer)) {
    let mut written = Writer::default();
    body(&mut written);
    all.u16(kind).vector16(&written.0);
}

/// Those that are the same in both hellos: a server answers only what was asked (RFC 5246 §7.4.1.4).
fn common_extensions(all: &mut Writer, has_renegotiation: bool, has_point_formats: bool) {
    extension(all, EXTENDED_MASTER_SECRET, |_| {});
    if has_renegotiation {
        // RFC 5746 §3.4: nothing was negotiated before.
        extension(all, RENEGOTIATION_INFO, |body| {
            body.vector8(&[]);
        });
    }
    if has_point_formats {
        extension(all, EC_POINT_FORMATS, |body| {
            body.vector8(&[0]);
        });
    }
}

pub(super) const CLIENT_HELLO: u8 = 1;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const USE_SRTP: u16 = 14;
const ENCRYPT_THEN_MAC: u16 = 22;
const EXTENDED_MASTER_SECRET: u16 = 23;
const RENEGOTIATION_INFO: u16 = 0xFF01;
/// TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 and its 256 (RFC 5288 §3).
const DHE_RSA_SUITES: [u16; 2] = [0x009E, 0x009F];
/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV.
const RENEGOTIATION_SUITE: u16 = 0x00FF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_of_ours_is_read_and_a_cut_one_is_not() {
        let bytes = ClientHello::write(&[3; 32], b"cookie", false);
        let hello = ClientHello::read(&bytes).unwrap();
        assert_eq!((hello.version, hello.random, hello.suites.len()), (VERSION, [3; 32], SUITES.len()));
        assert_eq!((hello.extensions.groups, hello.extensions.schemes), (GROUPS.to_vec(), SCHEMES.to_vec()));
        assert_eq!(hello.extensions.profiles, [8, 7, 1]);
        assert!(hello.extensions.has_extended_master_secret && hello.extensions.has_renegotiation);
        // Extensions may be missing as a whole, and nothing else.
        let before = 2 + 32 + 1 + 7 + 2 + 2 * SUITES.len() + 2;
        for len in 0..bytes.len() {
            assert_eq!(ClientHello::read(&bytes[..len]).is_some(), len == before, "{len}");
        }
        let asked = Extensions::default();
        let answer = ServerHello::write(&[4; 32], &SUITES[1], Some(PROFILES[0]), &asked);
        let answer = ServerHello::read(&answer).unwrap();
        assert_eq!((answer.suite, answer.compression, answer.random), (0xC02F, 0, [4; 32]));
        assert!(!answer.extensions.has_renegotiation && !answer.extensions.has_point_formats, "not asked");
    }

    #[test]
    fn a_hello_shows_which_kind_of_library_wrote_it() {
        let datagram = |body: &[u8], len: usize| {
            let mut message = Writer::default();
            message.u8(CLIENT_HELLO).u24(body.len()).u16(0).u24(0).vector24(&body[..len]);
            super::super::record::write(None, 0, HANDSHAKE, &message.0).unwrap()
        };
        let [browser, library] = [false, true].map(|has_rsa| ClientHello::write(&[3; 32], &[], has_rsa));
        assert_eq!(may_have_rsa(&datagram(&library, library.len())), Some(true));
        assert_eq!(may_have_rsa(&datagram(&browser, browser.len())), Some(false));
        assert_eq!(may_have_rsa(b"\x16\xfe\xfd nothing"), None);
        // In pieces: the last suite is another one.
        let mut old = browser.clone();
        let at = browser.windows(2).position(|window| window == [0xC0, 0x30]).unwrap();
        old[at..at + 2].copy_from_slice(&[0x00, 0x9F]);
        assert_eq!(may_have_rsa(&datagram(&old, 60)), Some(true));
        assert_eq!(may_have_rsa(&datagram(&browser, 60)), Some(false));
        for len in 0..60 {
            assert!(may_have_rsa(&datagram(&old, len)).is_some(), "{len}");
        }
    }

    /// Stricter readers refuse these. Here they change what their client is offered, and what both sides hash.
    #[test]
    fn an_extension_that_comes_twice_counts_once_and_what_is_behind_them_not_at_all() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&ClientHello::write(&[3; 32], &[], false));
        let after = 2 + 32 + 1 + 1 + 2 + 2 * SUITES.len() + 2;
        let mut extensions = Writer::default();
        for groups in [vec![1; 20_000], vec![29]] {
            extension(&mut extensions, SUPPORTED_GROUPS, |body| {
                body.numbers16(groups.iter().copied());
            });
        }
        bytes.truncate(after);
        let mut rest = Writer::default();
        rest.vector16(&extensions.0).bytes(b"nothing that anybody asked for");
        bytes.extend_from_slice(&rest.0);
        assert_eq!(ClientHello::read(&bytes).unwrap().extensions.groups, [29]);
    }
}
