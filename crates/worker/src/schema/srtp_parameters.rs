//! Keys of SRTP that travel in signalling.

use crate::flat::{Layout, Str, Table, enums, tables};

enums! {
    SrtpCryptoSuite {
        0 AeadAes256Gcm,
        1 AeadAes128Gcm,
        2 AesCm128HmacSha180,
        3 AesCm128HmacSha132,
    }
}

tables! {
    /// A suite, and key and salt as one base64 text.
    SrtpParameters<'a> {
        0 crypto_suite: SrtpCryptoSuite,
        1 key_base64: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[SrtpCryptoSuite::LAYOUT, <SrtpParameters as Table>::LAYOUT];
