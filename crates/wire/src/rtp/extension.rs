//! Header extension elements (RFC 8285), both forms.

use core::num::NonZeroU8;

/// The local id of a header extension. Zero is padding in both forms and therefore no id (RFC 8285 §4.2, §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionId(NonZeroU8);

impl ExtensionId {
    /// `None` for zero.
    #[must_use]
    #[inline]
    pub const fn new(value: u8) -> Option<Self> {
        match NonZeroU8::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The number, never zero.
    #[must_use]
    #[inline]
    pub const fn value(self) -> u8 {
        self.0.get()
    }
}

/// How a header extension is laid out, as its "defined by profile" field says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtensionForm {
    /// The packet has none.
    #[default]
    Absent,
    /// 0xBEDE (RFC 8285 §4.2).
    OneByte,
    /// 0x100 and four bits for the application (RFC 8285 §4.3).
    TwoByte,
    /// Something else (RFC 3550 §5.3.1); it has no elements that we know of.
    Opaque,
}

impl ExtensionForm {
    #[inline]
    pub(super) const fn of_profile(profile: u16) -> Self {
        match profile {
            ONE_BYTE_PROFILE => Self::OneByte,
            TWO_BYTE_PROFILE..=0x100f => Self::TwoByte,
            _ => Self::Opaque,
        }
    }
}

/// One element of a header extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its local id.
    pub id: ExtensionId,
    /// Its value: 1 to 16 bytes in the one-byte form, 0 to 255 in the two-byte form.
    pub data: &'a [u8],
}

/// Iterates over the elements of one header extension; ends early where they are broken.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: ExtensionForm,
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    #[inline]
    pub(super) const fn new(form: ExtensionForm, bytes: &'a [u8]) -> Self {
        Self { form, rest: bytes }
    }

    #[inline]
    fn next_one_byte(&mut self) -> Option<Element<'a>> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                self.rest = rest;
                continue;
            }
            // RFC 8285 §4.2: at id 15, or id 0 with a length, the whole extension ends.
            let id = ExtensionId::new(first >> 4).filter(|id| id.value() != 15)?;
            return self.split(id, usize::from(first & 0x0f).saturating_add(1), rest);
        }
    }

    #[inline]
    fn next_two_byte(&mut self) -> Option<Element<'a>> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            let Some(id) = ExtensionId::new(first) else {
                // RFC 8285 §4.3: a padding byte stands alone, without a length.
                self.rest = rest;
                continue;
            };
            let (&len, rest) = rest.split_first()?;
            return self.split(id, usize::from(len), rest);
        }
    }

    #[inline]
    fn split(&mut self, id: ExtensionId, len: usize, rest: &'a [u8]) -> Option<Element<'a>> {
        let (data, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        Some(Element { id, data })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let found = match self.form {
            ExtensionForm::OneByte => self.next_one_byte(),
            ExtensionForm::TwoByte => self.next_two_byte(),
            ExtensionForm::Absent | ExtensionForm::Opaque => None,
        };
        if found.is_none() {
            self.rest = &[];
        }
        found
    }
}

impl core::iter::FusedIterator for Elements<'_> {}

pub(super) const ONE_BYTE_PROFILE: u16 = 0xbede;
pub(super) const TWO_BYTE_PROFILE: u16 = 0x1000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn elements(form: ExtensionForm, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        Elements::new(form, bytes).map(|element| (element.id.value(), element.data.to_vec())).collect()
    }

    #[test]
    fn one_byte_elements_with_padding_between() {
        // The layout of RFC 8285 §4.2's example: ids with one, two and four bytes, padding in the middle.
        let bytes = [0x10, 0xaa, 0x21, 0xbb, 0xbb, 0, 0, 0x33, 1, 2, 3, 4];
        let expected = [(1, [0xaa].to_vec()), (2, [0xbb, 0xbb].to_vec()), (3, [1, 2, 3, 4].to_vec())];
        assert_eq!(elements(ExtensionForm::OneByte, &bytes), expected);
    }

    #[test]
    fn one_byte_iteration_ends_at_id_15_and_at_id_0_with_a_length() {
        for stop in [0xf0, 0xff, 0x01, 0x0f] {
            let bytes = [0x10, 7, stop, 1, 0x20, 8, 0, 0];
            assert_eq!(elements(ExtensionForm::OneByte, &bytes), [(1, [7].to_vec())], "{stop:#x}");
        }
    }

    #[test]
    fn two_byte_elements_may_be_empty_and_long() {
        let mut bytes = [0, 1, 0, 15, 1, 9, 0, 200, 20].to_vec();
        bytes.extend([5; 20]);
        let expected = [(1, [].to_vec()), (15, [9].to_vec()), (200, [5; 20].to_vec())];
        assert_eq!(elements(ExtensionForm::TwoByte, &bytes), expected);
    }

    #[test]
    fn an_element_that_reaches_too_far_ends_the_iteration() {
        assert_eq!(elements(ExtensionForm::OneByte, &[0x10, 7, 0x22, 1, 2]), [(1, [7].to_vec())]);
        assert_eq!(elements(ExtensionForm::TwoByte, &[1, 1, 7, 2]), [(1, [7].to_vec())]);
        assert_eq!(elements(ExtensionForm::TwoByte, &[1, 1, 7, 2, 2, 0]), [(1, [7].to_vec())]);
    }

    #[test]
    fn profiles_are_told_apart() {
        assert_eq!(ExtensionForm::of_profile(0xbede), ExtensionForm::OneByte);
        assert_eq!(ExtensionForm::of_profile(0x1000), ExtensionForm::TwoByte);
        assert_eq!(ExtensionForm::of_profile(0x100f), ExtensionForm::TwoByte);
        assert_eq!(ExtensionForm::of_profile(0x1010), ExtensionForm::Opaque);
        assert_eq!(elements(ExtensionForm::Opaque, &[0x10, 7, 0, 0]), []);
    }
}
