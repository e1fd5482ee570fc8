//! ERROR-CODE (RFC 8489 §14.8): why a request was refused.

use crate::bytes::Reader;

/// A refusal, from 300 to 699.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(u16);

impl ErrorCode {
    /// The request lacks something or makes no sense.
    pub const BAD_REQUEST: Self = Self(400);
    /// The credentials are not ours.
    pub const UNAUTHENTICATED: Self = Self(401);
    /// It has attributes that must be understood and are not.
    pub const UNKNOWN_ATTRIBUTE: Self = Self(420);
    /// Both ends claim the same role (RFC 8445 §7.3.1.1).
    pub const ROLE_CONFLICT: Self = Self(487);

    /// `None` for what is no refusal.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 300 && number <= 699 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Reads a value; the reason in words that follows is for people and not kept.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let [_, _, class, number] = Reader::new(value).array()?;
        let (class, number) = (u16::from(class & 7), u16::from(number));
        if number > 99 {
            return None;
        }
        Self::new(class.checked_mul(100)?.checked_add(number)?)
    }

    /// A value without a reason in words.
    pub(super) fn to_bytes(self) -> [u8; 4] {
        let class = u8::try_from(self.0 / 100).unwrap_or_default();
        let number = u8::try_from(self.0 % 100).unwrap_or_default();
        [0, 0, class, number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back() {
        for number in 300..=699 {
            let code = ErrorCode::new(number).unwrap();
            assert_eq!(ErrorCode::read(&code.to_bytes()), Some(code));
        }
        assert_eq!(ErrorCode::new(299), None);
        assert_eq!(ErrorCode::new(700), None);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        assert_eq!(ErrorCode::read(&[0, 0, 4]), None);
        assert_eq!(ErrorCode::read(&[0, 0, 4, 100]), None);
        assert_eq!(ErrorCode::read(&[0, 0, 2, 0]), None);
        assert_eq!(ErrorCode::read(&[0, 0, 4, 1, b'N', b'o']), Some(ErrorCode::UNAUTHENTICATED));
    }
}
