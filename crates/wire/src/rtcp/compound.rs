//! A datagram of RTCP: a compound (RFC 3550 §6.1) or a reduced-size packet (RFC 5506).

use super::packet::{RECEIVER_REPORT, SENDER_REPORT};
use super::{Block, Malformed, Packet};

/// RTCP whose framing was checked from the first byte to the last.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    bytes: &'a [u8],
    framing: Framing,
}

/// What the first packet makes of the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It begins with a sender or receiver report, as RFC 3550 §6.1 asks.
    Compound,
    /// It begins with something else: allowed where RFC 5506 was negotiated.
    ReducedSize,
}

impl<'a> Compound<'a> {
    /// Checks that `bytes` are one or more packets and nothing else.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong with the framing; contents are not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (first, mut rest) = Block::split_first(bytes)?;
        while !rest.is_empty() {
            (_, rest) = Block::split_first(rest)?;
        }
        let framing = match first.packet_type {
            SENDER_REPORT | RECEIVER_REPORT => Framing::Compound,
            _ => Framing::ReducedSize,
        };
        Ok(Self { bytes, framing })
    }

    /// Whether it is a full compound.
    #[must_use]
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// The packets, not yet looked into.
    #[must_use]
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks { rest: self.bytes }
    }

    /// The packets, each decoded or said to be malformed by itself.
    pub fn packets(&self) -> impl Iterator<Item = Result<Packet<'a>, Malformed>> + use<'a> {
        self.blocks().map(|block| Packet::decode(&block))
    }
}

/// Iterates over the packets of a [`Compound`].
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let (block, rest) = Block::split_first(self.rest).ok()?;
        self.rest = rest;
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_told_by_the_first_packet() {
        let report = [0x80, 201, 0, 1, 0, 0, 0, 7];
        let pli = [0x81, 206, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8];
        let both = [&report[..], &pli].concat();
        let compound = Compound::parse(&both).unwrap();
        assert_eq!(compound.framing(), Framing::Compound);
        assert_eq!(
            compound.blocks().map(|block| block.packet_type).collect::<std::vec::Vec<_>>(),
            [201, 206]
        );
        assert_eq!(Compound::parse(&pli).unwrap().framing(), Framing::ReducedSize);
    }

    #[test]
    fn broken_framing_spoils_all_and_broken_contents_only_themselves() {
        // A sender report without its sender info, then a whole receiver report.
        let bytes = [0x80, 200, 0, 1, 0, 0, 0, 7, 0x80, 201, 0, 1, 0, 0, 0, 9];
        let decoded: std::vec::Vec<_> = Compound::parse(&bytes).unwrap().packets().collect();
        assert_eq!(decoded[0].as_ref().err(), Some(&Malformed::Truncated));
        assert!(matches!(decoded[1], Ok(Packet::ReceiverReport(_))));
        for len in (0..16).filter(|len| *len != 8) {
            assert_eq!(Compound::parse(&bytes[..len]).err(), Some(Malformed::Truncated));
        }
    }
}
