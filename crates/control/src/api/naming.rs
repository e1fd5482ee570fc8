//! Names and numbers that control's users usually leave to us.

use model::id::Ssrc;

use crate::runtime::fill_with_randomness;

/// A fresh name for an object: a UUID of version 4 (RFC 9562 §5.4).
pub(crate) fn id() -> String {
    let mut bytes = [0; 16];
    fill_with_randomness(&mut bytes);
    let random = u128::from_be_bytes(bytes);
    let uuid = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{uuid:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// A canonical name for the sources of a transport (RFC 3550 §6.5.1, RFC 7022 §4.2).
pub(crate) fn cname() -> Box<str> {
    let mut bytes = [0; 4];
    fill_with_randomness(&mut bytes);
    format!("{:08x}", u32::from_be_bytes(bytes)).into()
}

/// Where a row of ssrcs begins: nine digits, as mediasoup's, which leaves room for a row.
pub(crate) fn ssrc() -> Ssrc {
    let mut bytes = [0; 4];
    fill_with_randomness(&mut bytes);
    Ssrc(100_000_000 + u32::from_be_bytes(bytes) % 900_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_four() {
        let id = id();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(id, super::id());
    }

    #[test]
    fn ssrcs_have_nine_digits() {
        assert!((0..1000).all(|_| (100_000_000..1_000_000_000).contains(&ssrc().0)));
    }
}
