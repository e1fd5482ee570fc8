//! Keys of SRTP that travel in signalling.

use model::transport::{SrtpCryptoSuite, SrtpParameters};

use super::words;
use crate::schema::srtp_parameters;

words! {
    SrtpCryptoSuite, srtp_parameters::SrtpCryptoSuite:
        AeadAes256Gcm = AeadAes256Gcm, AeadAes128Gcm = AeadAes128Gcm,
        AesCm128HmacSha1_80 = AesCm128HmacSha180, AesCm128HmacSha1_32 = AesCm128HmacSha132;
}

impl From<srtp_parameters::SrtpParameters<'_>> for SrtpParameters {
    fn from(from: srtp_parameters::SrtpParameters<'_>) -> Self {
        Self { crypto_suite: from.crypto_suite.into(), key_base64: from.key_base64.into() }
    }
}

impl<'a> From<&'a SrtpParameters> for srtp_parameters::SrtpParameters<'a> {
    fn from(from: &'a SrtpParameters) -> Self {
        Self { crypto_suite: from.crypto_suite.into(), key_base64: (&*from.key_base64).into() }
    }
}
