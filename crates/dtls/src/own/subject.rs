//! The one thing that is read of a certificate: its key (RFC 5280 §4.1). Whose it is, the fingerprint says.

use super::bytes::Reader;
use super::suite::Authentication;

/// SubjectPublicKeyInfo, as it stands in the certificate.
#[derive(Debug)]
pub(super) struct SubjectKey {
    pub(super) authentication: Authentication,
    pub(super) info: Box<[u8]>,
}

impl SubjectKey {
    /// None if it is no certificate, or its key is neither RSA nor on a curve.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = inside(&mut Reader::new(certificate), SEQUENCE)?;
        let (_, signed) = inside(&mut Reader::new(certificate), SEQUENCE)?;
        let mut fields = Reader::new(signed);
        // Version, if it is there, then serial number; signature, issuer, validity, subject.
        let (first, ..) = element(&mut fields)?;
        for _ in 0..if first == VERSION { 5 } else { 4 } {
            element(&mut fields)?;
        }
        let (info, content) = inside(&mut fields, SEQUENCE)?;
        let (_, algorithm) = inside(&mut Reader::new(content), SEQUENCE)?;
        let (_, identifier) = inside(&mut Reader::new(algorithm), OBJECT_IDENTIFIER)?;
        let authentication = match identifier {
            RSA_ENCRYPTION => Authentication::Rsa,
            EC_PUBLIC_KEY => Authentication::Ecdsa,
            _ => return None,
        };
        Some(Self { authentication, info: info.into() })
    }

    /// Whether it would take longer to check what it signed than a step of a handshake may: a peer chooses its key.
    pub(super) fn is_too_long(&self) -> bool {
        self.authentication == Authentication::Rsa && self.info.len() > RSA_INFO_MAX
    }
}

/// An element of this tag: whole, and what is in it.
fn inside<'a>(reader: &mut Reader<'a>, expected: u8) -> Option<(&'a [u8], &'a [u8])> {
    let (tag, whole, content) = element(reader)?;
    (tag == expected).then_some((whole, content))
}

/// The next element of DER (X.690 §8.1): its tag, the whole of it, and what is in it.
fn element<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8], &'a [u8])> {
    let mut ahead = *reader;
    let tag = ahead.u8()?;
    let (header, len) = match ahead.u8()? {
        len @ 0..=0x7F => (2, usize::from(len)),
        0x81 => (3, usize::from(ahead.u8()?)),
        0x82 => (4, usize::from(ahead.u16()?)),
        0x83 => (5, ahead.u24()?),
        _ => return None,
    };
    let content = ahead.take(len)?;
    let whole = reader.take(len.checked_add(header)?)?;
    Some((tag, whole, content))
}

/// Of an RSA key of 4096 bits with an exponent of 32: the modulus and 44 bytes around it.
const RSA_INFO_MAX: usize = 512 + 44;
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0] EXPLICIT`.
const VERSION: u8 = 0xA0;
/// 1.2.840.113549.1.1.1.
const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
/// 1.2.840.10045.2.1.
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::PublicKeyData as _;

    #[test]
    fn rsa_is_taken_up_to_4096_bits() {
        let algorithm = &rcgen::PKCS_RSA_SHA256;
        let key = rcgen::KeyPair::generate_rsa_for(algorithm, rcgen::RsaKeySize::_4096).unwrap();
        let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let SubjectKey { authentication, info } = SubjectKey::of(made.der()).unwrap();
        let longer = |by| [&info[..], &vec![0; by]].concat().into();
        assert!(!SubjectKey { authentication, info: longer(0) }.is_too_long());
        // A modulus of 64 bits more.
        assert!(SubjectKey { authentication, info: longer(8) }.is_too_long());
    }

    #[test]
    fn the_key_of_a_certificate_is_found() {
        let of = |algorithm: &'static rcgen::SignatureAlgorithm| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
            let read = SubjectKey::of(made.der());
            assert!(read.as_ref().is_none_or(|read| *read.info == *key.subject_public_key_info()));
            for len in 0..made.der().len() {
                assert!(SubjectKey::of(&made.der()[..len]).is_none(), "{len}");
            }
            read.map(|read| read.authentication)
        };
        assert_eq!(of(&rcgen::PKCS_RSA_SHA256), Some(Authentication::Rsa));
        assert_eq!(of(&rcgen::PKCS_ECDSA_P384_SHA384), Some(Authentication::Ecdsa));
        assert_eq!(of(&rcgen::PKCS_ED25519), None);
    }
}
