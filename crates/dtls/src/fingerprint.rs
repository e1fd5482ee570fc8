//! Hashes by which signalling names a certificate (RFC 8122 §5).

use core::fmt;
use core::str::FromStr;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512};

/// A hash function of RFC 8122 §5 that mediasoup's clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum HashFunction {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// A hash of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    function: HashFunction,
    bytes: Box<[u8]>,
}

/// Why a text is no fingerprint. Signalling's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Nobody here knows the function.
    #[error("\"{0}\" is no hash function of fingerprints; sha-1, sha-224, sha-256, sha-384 and sha-512 are")]
    Function(Box<str>),
    /// The value has another form.
    #[error("a fingerprint is pairs of hexadecimal digits with colons between; \"{0}\" is not")]
    Form(Box<str>),
    /// The value is that of another function.
    #[error("a fingerprint by {function} has {expected} bytes, not {actual}")]
    Length {
        /// Which function.
        function: HashFunction,
        /// What it gives.
        expected: usize,
        /// What was there.
        actual: usize,
    },
}

impl HashFunction {
    /// Every one, the weakest first.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name in signalling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &SHA224,
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }
}

impl FromStr for HashFunction {
    type Err = FingerprintError;

    fn from_str(name: &str) -> Result<Self, FingerprintError> {
        // RFC 8122 §5: hash functions are tokens, and those know no case.
        let found = Self::ALL.into_iter().find(|function| function.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| FingerprintError::Function(name.into()))
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Fingerprint {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of(function: HashFunction, certificate: &[u8]) -> Self {
        Self { function, bytes: digest::digest(function.algorithm(), certificate).as_ref().into() }
    }

    /// As signalling writes it: `4A:AD:B9…`. Small letters are taken too.
    ///
    /// # Errors
    /// When it is not of that form, or not as long as the function's hashes are.
    pub fn parse(function: HashFunction, value: &str) -> Result<Self, FingerprintError> {
        let form = || FingerprintError::Form(value.into());
        let byte = |pair: &str| match pair.as_bytes() {
            // `from_str_radix` alone would take a sign.
            [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                u8::from_str_radix(pair, 16).map_err(|_| form())
            }
            _ => Err(form()),
        };
        let bytes = value.split(':').map(byte).collect::<Result<Box<[u8]>, _>>()?;
        let (expected, actual) = (function.algorithm().output_len(), bytes.len());
        if expected != actual {
            return Err(FingerprintError::Length { function, expected, actual });
        }
        Ok(Self { function, bytes })
    }

    /// By which function it is.
    #[must_use]
    pub const fn function(&self) -> HashFunction {
        self.function
    }

    /// Whether it is this certificate's.
    #[must_use]
    pub fn matches(&self, certificate: &[u8]) -> bool {
        // Neither side is a secret, so comparing may take as long as it likes.
        *self == Self::of(self.function, certificate)
    }
}

/// The value alone, in the form of RFC 8122 §5.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.bytes.iter().enumerate() {
            if at > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_abc_is_what_fips_180_says() {
        let print = Fingerprint::of(HashFunction::Sha1, b"abc");
        assert_eq!(print.to_string(), "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D");
        assert!(print.matches(b"abc") && !print.matches(b"abd"));
    }

    #[test]
    fn every_function_reads_what_it_writes() {
        for function in HashFunction::ALL {
            let print = Fingerprint::of(function, b"a certificate");
            assert_eq!(Fingerprint::parse(function, &print.to_string()), Ok(print.clone()));
            assert_eq!(Fingerprint::parse(function, &print.to_string().to_lowercase()), Ok(print));
            assert_eq!(function.name().to_uppercase().parse(), Ok(function));
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused_with_its_reason() {
        let parse = |value: &str| Fingerprint::parse(HashFunction::Sha256, value).unwrap_err().to_string();
        assert!(parse("AA:BB").ends_with("sha-256 has 32 bytes, not 2"), "{}", parse("AA:BB"));
        for value in ["", "AA:", "A", "AAA:BB", "+A:BB", "GG", "AA BB", "é"] {
            assert!(parse(value).contains("pairs of hexadecimal digits"), "{value}: {}", parse(value));
        }
        let md5 = "md5".parse::<HashFunction>().unwrap_err().to_string();
        assert!(md5.starts_with("\"md5\" is no hash function"), "{md5}");
    }
}
