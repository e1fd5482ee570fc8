//! Transport-wide numbers of packets, as sources write them and receivers read them.

use rtp_rs::RtpReader;

use crate::case::TRANSPORT_NUMBER_ID;

/// A header extension with one element: a number (RFC 8285 §4.2,
/// draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
pub(super) fn element_of(number: u16) -> [u8; 4] {
    let [high, low] = number.to_be_bytes();
    // A length is written as one less.
    [TRANSPORT_NUMBER_ID << 4 | 1, high, low, 0]
}

/// The number that a packet carries.
pub(super) fn number_of(packet: &[u8]) -> Option<u16> {
    let (_, mut elements) =
        RtpReader::new(packet).ok()?.extension().filter(|(profile, _)| *profile == ONE_BYTE_ELEMENTS)?;
    loop {
        let (&first, rest) = elements.split_first()?;
        if first == 0 {
            elements = rest;
            continue;
        }
        let (data, rest) = rest.split_at_checked(usize::from(first & 0x0F) + 1)?;
        if first >> 4 == TRANSPORT_NUMBER_ID {
            return data.try_into().ok().map(u16::from_be_bytes);
        }
        elements = rest;
    }
}

/// The profile of such extensions, and the bytes that this one adds to a packet.
pub(super) const ONE_BYTE_ELEMENTS: u16 = 0xBEDE;
pub(super) const EXTENSION_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_among_other_elements_or_not_at_all() {
        let packet = |elements: &[u8]| {
            let fixed = [0x90, 100, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xBE, 0xDE, 0];
            let words = u8::try_from(elements.len() / 4).unwrap();
            [fixed.as_slice(), &[words], elements, &[7; 20]].concat()
        };
        assert_eq!(number_of(&packet(&element_of(0x1234))), Some(0x1234));
        assert_eq!(number_of(&packet(&[0x10, 9, 0, 0x51, 0xAB, 0xCD, 0, 0])), Some(0xABCD));
        assert_eq!(number_of(&packet(&[0x11, 9, 9, 0])), None);
        assert_eq!(number_of(&[0x80, 100, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 7, 7]), None);
    }
}
