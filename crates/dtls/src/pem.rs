//! Certificates as text (RFC 7468): what applications are told of a peer's.

/// A certificate in PEM.
pub(crate) fn certificate(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    // RFC 7468 §2: 64 characters a line, so 48 bytes.
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            push(&mut text, group);
        }
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// One to three bytes as four characters (RFC 4648 §4).
fn push(text: &mut String, group: &[u8]) {
    let byte = |at: usize| group.get(at).copied().map_or(0, u32::from);
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (at, shift) in [18_u32, 12, 6, 0].into_iter().enumerate() {
        let digit = ALPHABET.get(usize::try_from(bits >> shift & 63).unwrap_or(0));
        text.push(if at <= group.len() { digit.copied().map_or('=', char::from) } else { '=' });
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    #[test]
    fn another_reader_reads_what_is_written() {
        for len in [0, 1, 2, 3, 47, 48, 49, 255] {
            let der: Vec<u8> = (0..len).map(|byte| u8::try_from(byte * 7 % 256).unwrap()).collect();
            let text = super::certificate(&der);
            assert_eq!(CertificateDer::from_pem_slice(text.as_bytes()).unwrap().as_ref(), der);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        }
    }
}
