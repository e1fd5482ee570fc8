//! SRTP keys that are signalled: made here, and those of peers checked.

use model::command::SrtpKeys;
use model::reply::Refusal;
use model::transport::{SrtpCryptoSuite, SrtpParameters};

use super::random::Random;
use super::refusal::invalid;

/// A key of ours.
pub(super) fn fresh(crypto_suite: SrtpCryptoSuite, random: &mut Random) -> SrtpParameters {
    let bytes: [u8; LONGEST] = random.bytes();
    let len = crypto_suite.key_and_salt_len();
    SrtpParameters { crypto_suite, key_base64: encode(bytes.get(..len).unwrap_or_default()) }
}

/// The keys of both directions, when the peer has said its own. Both are of the peer's suite: if ours was of another, we
/// make another.
pub(super) fn agreed(
    ours: Option<&SrtpParameters>,
    peers: Option<&SrtpParameters>,
    random: &mut Random,
) -> Result<Option<SrtpKeys>, Refusal> {
    let (ours, remote) = match (ours, peers) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let expected = "absent, because SRTP is not enabled on this transport";
            return Err(invalid("srtpParameters", "given", expected));
        }
        (Some(_), None) => {
            let expected = "given, because SRTP is enabled on this transport";
            return Err(invalid("srtpParameters", "missing", expected));
        }
        (Some(ours), Some(peers)) => (ours, peers.clone()),
    };
    if decoded_len(&remote.key_base64) != Some(remote.crypto_suite.key_and_salt_len()) {
        // The key has no business in a message.
        let expected =
            "key and salt of the suite in base64, which is of 60 characters for AEAD_AES_256_GCM, else of 40";
        return Err(invalid("srtpParameters.keyBase64", "of another length", expected));
    }
    let is_of_another = ours.crypto_suite != remote.crypto_suite;
    let local = if is_of_another { fresh(remote.crypto_suite, random) } else { ours.clone() };
    Ok(Some(SrtpKeys { local, remote }))
}

/// RFC 4648 §4.
fn encode(bytes: &[u8]) -> Box<str> {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let mut padded = [0; 3];
        padded.iter_mut().zip(three).for_each(|(place, byte)| *place = *byte);
        let [a, b, c] = padded.map(u32::from);
        let word = a << 16 | b << 8 | c;
        for at in 0..4 {
            let sextet = word >> (18 - 6 * at) & 63;
            let character = usize::try_from(sextet).ok().and_then(|sextet| ALPHABET.get(sextet));
            text.push(if at > three.len() { '=' } else { character.map_or('=', |byte| char::from(*byte)) });
        }
    }
    text.into()
}

/// How many bytes a text stands for, if it is base64.
fn decoded_len(text: &str) -> Option<usize> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_base64 = padding <= 2 && digits.bytes().all(|byte| ALPHABET.contains(&byte));
    is_base64.then(|| text.len() / 4 * 3 - padding)
}

/// Key and salt of the longest suite.
const LONGEST: usize = 44;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // §10.
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(&*encode(bytes.as_bytes()), text);
            assert_eq!(decoded_len(text), Some(bytes.len()), "{text}");
        }
        assert_eq!(&*encode(&[0xfb, 0xff, 0xbf]), "+/+/");
        for wrong in ["Zg=", "Z===", "Zg==Zg==", "Zm9_", "Zm8 "] {
            assert_eq!(decoded_len(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_has_the_length_of_its_suite() {
        let mut random = Random::new(|bytes| bytes.fill(7));
        let ours = fresh(SrtpCryptoSuite::AesCm128HmacSha1_80, &mut random);
        assert_eq!(ours.key_base64.len(), 40);
        let mut peers = fresh(SrtpCryptoSuite::AeadAes256Gcm, &mut random);
        assert_eq!(peers.key_base64.len(), 60);
        let keys = agreed(Some(&ours), Some(&peers), &mut random).unwrap().unwrap();
        assert_eq!(keys.local.crypto_suite, SrtpCryptoSuite::AeadAes256Gcm);
        assert_eq!(keys.remote, peers);
        peers.crypto_suite = SrtpCryptoSuite::AeadAes128Gcm;
        assert!(agreed(Some(&ours), Some(&peers), &mut random).is_err());
        assert!(agreed(None, Some(&ours), &mut random).is_err());
        assert!(agreed(Some(&ours), None, &mut random).is_err());
    }
}
