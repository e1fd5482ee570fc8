//! How loud a packet is (RFC 6464, `urn:ietf:params:rtp-hdrext:ssrc-audio-level`).

/// The level of the audio in one packet, as its sender measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AudioLevel {
    /// The sender believes that somebody speaks. Meaningless unless `vad=on` was negotiated.
    pub voice: bool,
    attenuation: u8,
}

impl AudioLevel {
    /// From a level below overload in dB: 0 is as loud as can be, 127 is silence, and so is everything above.
    #[must_use]
    pub const fn new(voice: bool, attenuation_decibels: u8) -> Self {
        let attenuation = if attenuation_decibels > SILENCE { SILENCE } else { attenuation_decibels };
        Self { voice, attenuation }
    }

    /// The level below overload in dB, 0 to 127: the larger, the quieter.
    #[must_use]
    pub const fn attenuation_decibels(self) -> u8 {
        self.attenuation
    }

    /// Reads an element's value. RFC 6464 §3: the two-byte form carries the same single byte.
    #[must_use]
    pub const fn parse(data: &[u8]) -> Option<Self> {
        match *data {
            [byte] => Some(Self { voice: byte & 0x80 != 0, attenuation: byte & SILENCE }),
            _ => None,
        }
    }

    /// An element's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 1] {
        [if self.voice { self.attenuation | 0x80 } else { self.attenuation }]
    }
}

const SILENCE: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_level_and_comes_back() {
        for byte in 0..=255 {
            let level = AudioLevel::parse(&[byte]).unwrap();
            assert_eq!((level.voice, level.attenuation_decibels()), (byte > 127, byte & 127));
            assert_eq!(level.to_bytes(), [byte]);
        }
        assert_eq!(AudioLevel::parse(&[]), None);
        assert_eq!(AudioLevel::parse(&[1, 2]), None);
        assert_eq!(AudioLevel::new(false, 200).to_bytes(), [127]);
    }
}
