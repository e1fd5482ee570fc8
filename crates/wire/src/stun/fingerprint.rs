//! FINGERPRINT (RFC 8489 §14.7): a checksum that tells STUN from what only looks like it.

/// What the attribute carries for a message whose bytes before the attribute are `parts`.
pub(super) fn of(parts: &[&[u8]]) -> u32 {
    let crc = parts.iter().fold(u32::MAX, |crc, part| part.iter().fold(crc, |crc, &byte| step(crc, byte)));
    !crc ^ MASK
}

/// CRC-32 of ITU V.42, four bits at a time: sixteen words of table stay in one line of cache.
fn step(crc: u32, byte: u8) -> u32 {
    let crc = crc ^ u32::from(byte);
    let crc = crc >> 4 ^ entry(crc);
    crc >> 4 ^ entry(crc)
}

fn entry(crc: u32) -> u32 {
    usize::try_from(crc & 15).ok().and_then(|at| TABLE.get(at)).copied().unwrap_or_default()
}

/// Every four bits divided by the reversed polynomial 0xedb88320.
const TABLE: [u32; 16] = [
    0x0000_0000,
    0x1db7_1064,
    0x3b6e_20c8,
    0x26d9_30ac,
    0x76dc_4190,
    0x6b6b_51f4,
    0x4db2_6158,
    0x5005_713c,
    0xedb8_8320,
    0xf00f_9344,
    0xd6d6_a3e8,
    0xcb61_b38c,
    0x9b64_c2b0,
    0x86d3_d2d4,
    0xa00a_e278,
    0xbdbd_f21c,
];
/// "STUN", so that a protocol with a CRC of its own is not taken for STUN.
const MASK: u32 = 0x5354_554e;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_crc_32() {
        assert_eq!(of(&[b"123456789"]), 0xcbf4_3926 ^ MASK);
        assert_eq!(of(&[b"1234", b"", b"56789"]), of(&[b"123456789"]));
        assert_eq!(of(&[]), MASK);
    }
}
