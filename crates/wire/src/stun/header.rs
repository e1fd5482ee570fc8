//! The fixed header (RFC 8489 §5).

use super::{HEADER_LEN, Malformed};
use crate::bytes::Reader;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// A request was granted.
    Success,
    /// A request was refused.
    Error,
}

/// What is asked for; twelve bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method(u16);

impl Method {
    /// The only one that ICE has.
    pub const BINDING: Self = Self(1);

    /// `None` when the number has more than twelve bits.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number < 1 << 12 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// What ties an answer to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// The header's fields; the length is checked against the bytes and not kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) class: Class,
    pub(super) method: Method,
    pub(super) transaction: TransactionId,
}

impl Header {
    /// Reads the header of a message that fills `bytes`, and what follows it.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u16().ok_or(Malformed::Truncated)?;
        let length = reader.u16().ok_or(Malformed::Truncated)?;
        let cookie = reader.u32().ok_or(Malformed::Truncated)?;
        let transaction = reader.array().ok_or(Malformed::Truncated)?;
        if kind >> 14 != 0 || length & 3 != 0 || cookie != MAGIC_COOKIE {
            return Err(Malformed::Header);
        }
        // On UDP a message is the datagram, on TCP a frame (RFC 4571): nothing may follow.
        match reader.rest().len().cmp(&usize::from(length)) {
            core::cmp::Ordering::Less => return Err(Malformed::Truncated),
            core::cmp::Ordering::Greater => return Err(Malformed::Header),
            core::cmp::Ordering::Equal => {}
        }
        let (class, method) = taken_apart(kind);
        Ok((Self { class, method, transaction: TransactionId(transaction) }, reader.rest()))
    }

    /// The header with a length of zero.
    pub(super) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [k0, k1] = put_together(self.class, self.method).to_be_bytes();
        let [c0, c1, c2, c3] = MAGIC_COOKIE.to_be_bytes();
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11] = self.transaction.0;
        [k0, k1, 0, 0, c0, c1, c2, c3, t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11]
    }
}

/// §5, figure 3: the bits of the class stand between those of the method.
const fn taken_apart(kind: u16) -> (Class, Method) {
    let class = match (kind >> 8 & 1, kind >> 4 & 1) {
        (0, 0) => Class::Request,
        (0, _) => Class::Indication,
        (_, 0) => Class::Success,
        _ => Class::Error,
    };
    (class, Method(kind >> 2 & 0xf80 | kind >> 1 & 0x70 | kind & 0xf))
}

const fn put_together(class: Class, Method(method): Method) -> u16 {
    let class = match class {
        Class::Request => 0,
        Class::Indication => 0x010,
        Class::Success => 0x100,
        Class::Error => 0x110,
    };
    (method & 0xf80) << 2 | (method & 0x70) << 1 | method & 0xf | class
}

/// Where the length stands in a header.
pub(super) const LENGTH_AT: usize = 2;
/// §5.
pub(super) const MAGIC_COOKIE: u32 = 0x2112_a442;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_and_method_are_interleaved_and_come_back() {
        assert_eq!(put_together(Class::Request, Method::BINDING), 0x0001);
        assert_eq!(put_together(Class::Success, Method::BINDING), 0x0101);
        assert_eq!(put_together(Class::Error, Method::BINDING), 0x0111);
        assert_eq!(put_together(Class::Indication, Method::BINDING), 0x0011);
        for kind in 0..1 << 14 {
            let (class, method) = taken_apart(kind);
            assert_eq!(put_together(class, method), kind);
        }
        assert_eq!(Method::new(1 << 12), None);
    }

    #[test]
    fn the_length_is_that_of_the_bytes_exactly() {
        let header =
            Header { class: Class::Request, method: Method::BINDING, transaction: TransactionId([7; 12]) };
        let bytes = header.to_bytes();
        assert!(Header::parse(&bytes).is_ok_and(|(parsed, rest)| rest.is_empty()
            && (parsed.class, parsed.method, parsed.transaction)
                == (header.class, header.method, header.transaction)));
        let of = |change: &dyn Fn(&mut std::vec::Vec<u8>)| {
            let mut bytes = bytes.to_vec();
            change(&mut bytes);
            Header::parse(&bytes).map(|_| ()).unwrap_err()
        };
        assert_eq!(of(&|bytes| bytes.truncate(19)), Malformed::Truncated);
        assert_eq!(of(&|bytes| bytes.push(0)), Malformed::Header);
        assert_eq!(of(&|bytes| bytes[3] = 4), Malformed::Truncated);
        assert_eq!(of(&|bytes| bytes[3] = 1), Malformed::Header);
        assert_eq!(of(&|bytes| bytes[4] = 0), Malformed::Header);
        assert_eq!(of(&|bytes| bytes[0] |= 0x40), Malformed::Header);
    }
}
