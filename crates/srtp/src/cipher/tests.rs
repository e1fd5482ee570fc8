//! The vectors of RFC 3711 appendix B.2 and RFC 7714 §16 and §17, which start from session keys.

use super::{Address, Cipher, Plaintext, RtcpAddress};
use crate::kdf::SessionKeys;
use crate::suite::Suite;
use zeroize::Zeroizing;

pub(crate) fn unhex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn cipher(suite: Suite, key: &[u8], salt: &[u8]) -> Cipher {
    let mut keys = SessionKeys {
        suite,
        encryption: Zeroizing::new([0; 32]),
        salt: Zeroizing::new([0; 14]),
        authentication: Zeroizing::new([5; 20]),
    };
    keys.encryption[..key.len()].copy_from_slice(key);
    keys.salt[..salt.len()].copy_from_slice(salt);
    Cipher::from_session(&keys).unwrap()
}

fn gcm(suite: Suite) -> Cipher {
    let key: Vec<u8> = (0..32).collect();
    cipher(suite, &key[..suite.key_len()], b"Quid pro quo")
}

#[test]
fn rfc_7714_16_rtp() {
    let header: [u8; 12] = unhex("8040f17b8041f8d35501a0b2");
    let payload = b"Gallia est omnis divisa in partes tres";
    let at = Address { ssrc: 0x5501_a0b2, index: 0xf17b };
    for (suite, sealed) in [(Suite::AeadAes128Gcm, SRTP_128), (Suite::AeadAes256Gcm, SRTP_256)] {
        let sealed: [u8; 66] = unhex(sealed);
        // Whatever part of the plaintext comes as padding, the bytes are the same.
        for split in [0, 1, 16, 37, 38] {
            let (payload, padding) = payload.split_at(split);
            let mut out = [0; 66];
            out[..12].copy_from_slice(&header);
            gcm(suite).seal_rtp(at, &mut out, Plaintext { header_len: 12, payload, padding }).unwrap();
            assert_eq!(out, sealed, "{suite:?} {split}");
        }
        let mut out = [0; 66];
        out[..12].copy_from_slice(&header);
        out[12..50].copy_from_slice(payload);
        gcm(suite).seal_rtp_in_place(at, &mut out, 12).unwrap();
        assert_eq!(out, sealed);

        let mut opened = [0; 50];
        gcm(suite).open_rtp(at, &sealed, 12, &mut opened).unwrap();
        assert_eq!((&opened[..12], &opened[12..]), (&header[..], &payload[..]));
    }
}

#[test]
fn rfc_7714_17_rtcp() {
    let plain: [u8; 52] = unhex(RTCP);
    for (suite, sealed) in [(Suite::AeadAes128Gcm, SRTCP_128), (Suite::AeadAes256Gcm, SRTCP_256)] {
        let sealed: [u8; 72] = unhex(sealed);
        let mut out = [0; 72];
        gcm(suite).seal_rtcp(Address { ssrc: MARS, index: 0x5d4 }, &plain, &mut out).unwrap();
        assert_eq!(out, sealed, "{suite:?}");
        let mut opened = [0; 72];
        gcm(suite).open_rtcp(RtcpAddress { ssrc: MARS, word: 0x8000_05d4 }, &sealed, &mut opened).unwrap();
        assert_eq!(opened[..52], plain);
    }
}

#[test]
fn rfc_7714_17_rtcp_that_is_authenticated_only() {
    let sealed: [u8; 72] = unhex(SRTCP_128_CLEAR);
    let at = RtcpAddress { ssrc: MARS, word: 0x5d4 };
    let mut opened = [0; 72];
    gcm(Suite::AeadAes128Gcm).open_rtcp(at, &sealed, &mut opened).unwrap();
    assert_eq!(opened[..52], unhex::<52>(RTCP));
    for position in 0..sealed.len() {
        let mut altered = sealed;
        altered[position] ^= 0x10;
        if position < 68 {
            let opened = gcm(Suite::AeadAes128Gcm).open_rtcp(at, &altered, &mut opened);
            assert!(opened.is_err(), "{position}");
        }
    }
}

#[test]
fn rfc_3711_b2_keystream() {
    let cipher = cipher(
        Suite::AesCm128HmacSha1_80,
        &unhex::<16>("2b7e151628aed2a6abf7158809cf4f3c"),
        &unhex::<14>("f0f1f2f3f4f5f6f7f8f9fafbfcfd"),
    );
    let zeros = vec![0; 16 * 0xff02];
    let mut out = vec![0; 12 + zeros.len() + 10];
    let at = Address { ssrc: 0, index: 0 };
    cipher.seal_rtp(at, &mut out, Plaintext { header_len: 12, payload: &zeros, padding: &[] }).unwrap();
    let keystream = |block: usize| &out[12 + 16 * block..12 + 16 * (block + 1)];
    assert_eq!(keystream(0), unhex::<16>("e03ead0935c95e80e166b16dd92b4eb4"));
    assert_eq!(keystream(1), unhex::<16>("d23513162b02d0f72a43a2fe4a5f97ab"));
    assert_eq!(keystream(2), unhex::<16>("41e95b3bb0a2e8dd477901e4fca894c0"));
    assert_eq!(keystream(0xfeff), unhex::<16>("ec8cdf7398607cb0f2d21675ea9ea1e4"));
    assert_eq!(keystream(0xff00), unhex::<16>("362b7c3c6773516318a077d7fc5073ae"));
    assert_eq!(keystream(0xff01), unhex::<16>("6a2cc3787889374fbeb4c81b17ba6c44"));
}

/// "Mars".
const MARS: u32 = 0x4d61_7273;
const SRTP_128: &str = "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a\
                        51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce";
const SRTP_256: &str = "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a02\
                        76ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13";
/// The packet §17.1 to §17.4 work on; the one printed before them differs and is not used there.
const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdead\
                    beefdeadbeefdeadbeef";
const SRTCP_128: &str = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda\
                         4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4";
const SRTCP_256: &str = "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be\
                         8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4";
const SRTCP_128_CLEAR: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeef\
                               deadbeefdeadbeefdeadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4";
