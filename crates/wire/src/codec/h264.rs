//! H.264 (RFC 6184).

use crate::bytes::Reader;

/// What NAL units a payload holds, as far as key frames need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// A sequence parameter set begins in it.
    pub parameters: bool,
    /// A slice of an IDR picture begins in it.
    pub idr: bool,
}

impl Payload {
    /// Looks at every NAL unit that begins in the payload. Of a broken aggregate, at those before the break.
    #[must_use]
    #[inline]
    pub fn parse(payload: &[u8]) -> Self {
        let mut found = Self::default();
        let mut reader = Reader::new(payload);
        let Some(header) = reader.u8() else { return found };
        match header & TYPE {
            STAP_A => found.add_units(reader),
            STAP_B => {
                // RFC 6184 §5.7.1: a decoding order number comes first.
                if reader.u16().is_some() {
                    found.add_units(reader);
                }
            }
            // RFC 6184 §5.8: the type stands in the fragment's own header.
            FU_A | FU_B => {
                if let Some(fragment) = reader.u8()
                    && fragment & START != 0
                {
                    found.add(fragment);
                }
            }
            _ => found.add(header),
        }
        found
    }

    /// Whether a key frame begins in the packet: with its parameter sets, without which no decoder can begin.
    ///
    /// Senders that announce their parameter sets in signalling alone send none; for who knows that of a sender,
    /// [`Self::idr`] tells.
    #[must_use]
    #[inline]
    pub const fn starts_key_frame(self) -> bool {
        self.parameters
    }

    /// RFC 6184 §5.7.1: units with two bytes of length before each.
    fn add_units(&mut self, mut reader: Reader<'_>) {
        while let Some(unit) = reader.u16().and_then(|len| reader.take(usize::from(len))) {
            if let Some(header) = unit.first() {
                self.add(*header);
            }
        }
    }

    const fn add(&mut self, header: u8) {
        match header & TYPE {
            SPS => self.parameters = true,
            IDR => self.idr = true,
            _ => {}
        }
    }
}

// RFC 6184 §1.3 and §5.2: types of NAL units and of packets.
const TYPE: u8 = 0x1f;
const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const STAP_B: u8 = 25;
const FU_A: u8 = 28;
const FU_B: u8 = 29;
/// RFC 6184 §5.8: S of the fragment's header.
const START: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(payload: &[u8]) -> (bool, bool) {
        let payload = Payload::parse(payload);
        (payload.parameters, payload.idr)
    }

    #[test]
    fn a_key_frame_begins_with_its_parameters() {
        assert_eq!(found(&[0x67, 0x42, 0xc0]), (true, false));
        assert_eq!(found(&[0x68, 0xce]), (false, false));
        assert_eq!(found(&[0x65, 0x88]), (false, true));
        assert_eq!(found(&[0x41, 0x9a]), (false, false));
        assert_eq!(found(&[]), (false, false));
    }

    #[test]
    fn aggregates_are_looked_through() {
        // SPS, PPS and an IDR slice in one packet, as browsers send small key frames.
        let stap = [0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68, 0, 3, 0x65, 0x88, 0x80];
        assert_eq!(found(&stap), (true, true));
        assert_eq!(found(&stap[..9]), (true, false));
        // Lengths that reach too far, or are zero.
        assert_eq!(found(&[0x78, 0, 9, 0x67]), (false, false));
        assert_eq!(found(&[0x78, 0, 0, 0, 1, 0x67]), (true, false));
        assert_eq!(found(&[0x79, 0xaa, 0xbb, 0, 1, 0x67]), (true, false));
        // A parameter set's bytes inside another unit are none.
        assert_eq!(found(&[0x78, 0, 2, 0x41, 0x67]), (false, false));
    }

    #[test]
    fn of_a_fragmented_unit_the_first_packet_counts() {
        assert_eq!(found(&[0x7c, 0x85, 0x88]), (false, true));
        assert_eq!(found(&[0x7c, 0x05, 0x88]), (false, false));
        assert_eq!(found(&[0x7c, 0x45, 0x88]), (false, false));
        assert_eq!(found(&[0x7c, 0x87]), (true, false));
        assert_eq!(found(&[0x7c]), (false, false));
    }
}
