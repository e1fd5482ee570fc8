//! What kind of packet a datagram on a multiplexed port is, by its first two bytes (RFC 7983 §7, RFC 5761 §4).
//!
//! This is demultiplexing, not validation: whatever a datagram is classified as still has to parse.

/// The protocols that share a WebRTC port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// STUN (RFC 8489).
    Stun,
    /// ZRTP (RFC 6189).
    Zrtp,
    /// DTLS (RFC 6347, RFC 9147).
    Dtls,
    /// TURN channel data (RFC 8656).
    TurnChannel,
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP.
    Rtcp,
}

/// Tells what a datagram claims to be; `None` for what RFC 7983 has no name for, and for RTP cut to one byte.
#[must_use]
#[inline]
pub const fn classify(datagram: &[u8]) -> Option<Kind> {
    match datagram {
        // RFC 5761 §4: payload types 64 to 95 are not used for RTP, so that with the marker bit set they are
        // the RTCP packet types 192 to 223.
        [128..=191, 192..=223, ..] => Some(Kind::Rtcp),
        [128..=191, _, ..] => Some(Kind::Rtp),
        [0..=3, ..] => Some(Kind::Stun),
        [20..=63, ..] => Some(Kind::Dtls),
        [16..=19, ..] => Some(Kind::Zrtp),
        [64..=79, ..] => Some(Kind::TurnChannel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_is_classified_as_rfc_7983_says() {
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => Some(Kind::Stun),
                16..=19 => Some(Kind::Zrtp),
                20..=63 => Some(Kind::Dtls),
                64..=79 => Some(Kind::TurnChannel),
                128..=191 => Some(Kind::Rtp),
                _ => None,
            };
            assert_eq!(classify(&[first, 96, 0, 0]), expected, "first byte {first}");
        }
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_packet_type() {
        for second in 0..=255u8 {
            let expected = if (192..=223).contains(&second) { Kind::Rtcp } else { Kind::Rtp };
            assert_eq!(classify(&[0x80, second]), Some(expected), "second byte {second}");
        }
        // Dynamic payload type 96 with the marker bit is 224: RTP.
        assert_eq!(classify(&[0x90, 0x80 | 96]), Some(Kind::Rtp));
    }

    #[test]
    fn what_is_too_short_is_nothing() {
        assert_eq!(classify(&[]), None);
        assert_eq!(classify(&[0x80]), None);
    }
}
