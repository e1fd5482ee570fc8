//! Messages from the records that carry pieces of them (RFC 6347 §4.2.2, §4.2.3), in their order.

use std::collections::BTreeMap;

use super::bytes::{Reader, Writer};

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    /// In one piece, as both sides hash it (RFC 6347 §4.2.6): twelve bytes of header, then the body.
    pub(super) bytes: Vec<u8>,
}

/// A piece of one, as a record has it.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) kind: u8,
    pub(super) sequence: u16,
    len: usize,
    offset: usize,
    bytes: &'a [u8],
}

/// Messages that wait for their pieces or for their turn. Whoever sends too many or too long ones is not kept.
#[derive(Default)]
pub(super) struct Incoming {
    next: u16,
    partial: BTreeMap<u16, Partial>,
}

struct Partial {
    kind: u8,
    bytes: Vec<u8>,
    is_there: Vec<bool>,
    missing: usize,
}

impl Message {
    pub(super) fn new(kind: u8, sequence: u16, body: &[u8]) -> Self {
        let mut message = Writer::default();
        message.u8(kind).u24(body.len()).u16(sequence).u24(0).vector24(body);
        Self { kind, bytes: message.0 }
    }

    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER_LEN..).unwrap_or_default()
    }
}

impl<'a> Piece<'a> {
    /// The next piece of a record's. None if it is cut or reaches beyond its message.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let (kind, len, sequence) = (reader.u8()?, reader.u24()?, reader.u16()?);
        let (offset, bytes) = (reader.u24()?, reader.vector24()?);
        let is_inside = offset.checked_add(bytes.len())? <= len;
        is_inside.then_some(Self { kind, sequence, len, offset, bytes })
    }
}

impl Incoming {
    /// Whether the whole message was heard before.
    pub(super) const fn is_old(&self, piece: &Piece<'_>) -> bool {
        piece.sequence < self.next
    }

    /// Bytes of messages that are not whole, or not in their turn.
    pub(super) fn held(&self) -> usize {
        self.partial.values().map(|partial| partial.bytes.len()).sum()
    }

    pub(super) fn push(&mut self, piece: &Piece<'_>) {
        let ahead = piece.sequence.checked_sub(self.next);
        if ahead.is_none_or(|ahead| ahead >= AHEAD_MAX) {
            return;
        }
        if !self.partial.contains_key(&piece.sequence) {
            if self.held().saturating_add(piece.len) > HELD_MAX {
                return;
            }
            self.partial.insert(piece.sequence, Partial::new(piece));
        }
        if let Some(partial) = self.partial.get_mut(&piece.sequence) {
            partial.fill(piece);
        }
    }

    /// There will be no more messages. What is not whole may be anybody's.
    pub(super) fn end(&mut self) {
        self.partial = BTreeMap::new();
    }

    /// The next message of the sequence, once all of it is there.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let sequence = self.next;
        let partial = self.partial.get(&sequence).filter(|partial| partial.missing == 0)?;
        let message = Message::new(partial.kind, sequence, &partial.bytes);
        self.partial.remove(&sequence);
        // No handshake has so many; one that did would stand still.
        self.next = self.next.saturating_add(1);
        Some(message)
    }
}

impl Partial {
    fn new(piece: &Piece<'_>) -> Self {
        let (kind, missing) = (piece.kind, piece.len);
        Self { kind, bytes: vec![0; missing], is_there: vec![false; missing], missing }
    }

    fn fill(&mut self, piece: &Piece<'_>) {
        // What says otherwise than the first piece belongs to something else.
        if (self.kind, self.bytes.len()) != (piece.kind, piece.len) {
            return;
        }
        let slots = self.bytes.iter_mut().zip(&mut self.is_there).skip(piece.offset);
        for ((byte, is_there), new) in slots.zip(piece.bytes) {
            if !*is_there {
                (*byte, *is_there) = (*new, true);
                self.missing = self.missing.saturating_sub(1);
            }
        }
    }
}

pub(super) const HEADER_LEN: usize = 12;
/// A flight has six messages at most.
const AHEAD_MAX: u16 = 8;
/// All messages of a flight: as long as what the other backend keeps, which has room for a certificate of that length.
const HELD_MAX: usize = crate::output::KEPT_MAX * crate::waiting::DATAGRAM_MAX / 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(sequence: u16, len: usize, offset: usize, bytes: &[u8]) -> Piece<'_> {
        Piece { kind: 1, sequence, len, offset, bytes }
    }

    #[test]
    fn pieces_in_any_order_and_more_than_once_make_the_message() {
        let mut incoming = Incoming::default();
        incoming.push(&piece(1, 0, 0, b""));
        for (offset, bytes) in [(4, b"efg"), (0, b"abc"), (4, b"xyz"), (2, b"cde")] {
            assert_eq!(incoming.pop(), None);
            incoming.push(&piece(0, 7, offset, bytes));
        }
        let message = incoming.pop().unwrap();
        assert_eq!((message.kind, message.body()), (1, &b"abcdefg"[..]), "what came first stays");
        assert_eq!(message.bytes[..HEADER_LEN], [1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(incoming.pop().unwrap().body(), b"");
        assert!(incoming.is_old(&piece(1, 1, 0, b"a")) && !incoming.is_old(&piece(2, 1, 0, b"a")));
    }

    #[test]
    fn nobody_fills_it_with_what_is_never_complete() {
        let mut incoming = Incoming::default();
        for sequence in 0..u16::MAX {
            incoming.push(&piece(sequence, 10_000, 0, b"a"));
        }
        assert_eq!(incoming.held(), 30_000);
        incoming.push(&piece(7, 60_000, 0, b"a"));
        assert_eq!(incoming.partial.len(), 3);
        // Another message under a number that is taken changes nothing.
        incoming.push(&piece(0, 2, 0, b"ab"));
        assert_eq!(incoming.pop(), None);
    }

    #[test]
    fn what_reaches_beyond_its_message_is_none() {
        let mut written = Writer::default();
        written.u8(1).u24(3).u16(0).u24(1).vector24(b"abc");
        assert!(Piece::read(&mut Reader::new(&written.0)).is_none());
    }
}
