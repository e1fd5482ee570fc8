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
///
/// Anybody can write pieces, and nothing but the end of the handshake shows whose they were. So no piece keeps another from
/// being heard: what cannot be of one message makes several of a number, of which the newest stay; the newest byte of a
/// place counts, as the peer repeats itself and a forger has to as well; and where memory is short, what is least complete
/// goes.
#[derive(Default)]
pub(super) struct Incoming {
    next: u16,
    /// By number, oldest first.
    partial: BTreeMap<u16, Vec<Partial>>,
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
        self.partial.values().flatten().map(|partial| partial.bytes.len()).sum()
    }

    pub(super) fn push(&mut self, piece: &Piece<'_>) {
        let ahead = piece.sequence.checked_sub(self.next);
        if ahead.is_none_or(|ahead| ahead >= AHEAD_MAX) || piece.len > HELD_MAX {
            return;
        }
        let known = self.partial.entry(piece.sequence).or_default();
        if let Some(partial) = known.iter_mut().find(|partial| partial.is_of(piece)) {
            return partial.fill(piece);
        }
        let mut partial = Partial::new(piece);
        partial.fill(piece);
        if known.len() >= ALTERNATIVES_MAX {
            known.remove(0);
        }
        if self.make_room(&partial) {
            self.partial.entry(piece.sequence).or_default().push(partial);
        }
    }

    /// Lets go what is less complete than this, until there is room for it. Whether there is.
    fn make_room(&mut self, new: &Partial) -> bool {
        while self.held().saturating_add(new.bytes.len()) > HELD_MAX {
            let missing = |partials: &Vec<Partial>| partials.iter().map(|partial| partial.missing).max();
            let worst = self.partial.values_mut().max_by_key(|partials| missing(partials));
            let Some(worst) = worst.filter(|worst| missing(worst) > Some(new.missing)) else { return false };
            let most = missing(worst);
            worst.retain(|partial| Some(partial.missing) != most);
        }
        true
    }

    /// There will be no more messages. What is not whole may be anybody's.
    pub(super) fn end(&mut self) {
        self.partial = BTreeMap::new();
    }

    /// The next message of the sequence, once all of it is there.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let sequence = self.next;
        let known = self.partial.get(&sequence)?;
        let partial = known.iter().rev().find(|partial| partial.missing == 0)?;
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

    fn is_of(&self, piece: &Piece<'_>) -> bool {
        (self.kind, self.bytes.len()) == (piece.kind, piece.len)
    }

    fn fill(&mut self, piece: &Piece<'_>) {
        let slots = self.bytes.iter_mut().zip(&mut self.is_there).skip(piece.offset);
        for ((byte, is_there), new) in slots.zip(piece.bytes) {
            *byte = *new;
            if !core::mem::replace(is_there, true) {
                self.missing = self.missing.saturating_sub(1);
            }
        }
    }
}

pub(super) const HEADER_LEN: usize = 12;
/// A flight has six messages at most.
const AHEAD_MAX: u16 = 8;
/// Messages of one number: the peer's, and three by others.
const ALTERNATIVES_MAX: usize = 4;
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
        for (offset, bytes) in [(4, b"xyz"), (0, b"abc"), (4, b"efg"), (2, b"cde")] {
            assert_eq!(incoming.pop(), None);
            incoming.push(&piece(0, 7, offset, bytes));
        }
        let message = incoming.pop().unwrap();
        assert_eq!((message.kind, message.body()), (1, &b"abcdefg"[..]), "the newest counts");
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
        assert_eq!(incoming.held(), 30_000, "longer than all of it");
    }

    #[test]
    fn no_piece_keeps_a_message_from_being_heard() {
        let mut incoming = Incoming::default();
        // Whatever somebody says that each number is, as much as there is room for, and more than once.
        for round in 0..3 {
            for (sequence, len) in (0..8).flat_map(|sequence| (0..9).map(move |len| (sequence, 3_000 + len)))
            {
                incoming.push(&Piece { kind: round, ..piece(sequence, len, 0, b"a") });
            }
            assert!(incoming.held() <= HELD_MAX && incoming.partial.values().all(|known| known.len() <= 4));
        }
        for sequence in [1, 0] {
            incoming.push(&piece(sequence, 2_000, 0, &[1; 1_200]));
            incoming.push(&piece(sequence, 2_000, 1_200, &[1; 800]));
        }
        for _ in 0..2 {
            assert_eq!(incoming.pop().unwrap().body(), [1; 2_000]);
        }
        // What is almost there does not give way to what has just begun.
        incoming.push(&piece(2, 2_000, 0, &[1; 1_200]));
        (0..9).for_each(|len| incoming.push(&piece(2, 29_000 + len, 0, b"a")));
        incoming.push(&piece(2, 2_000, 1_200, &[1; 800]));
        assert_eq!(incoming.pop().unwrap().body(), [1; 2_000]);
    }

    #[test]
    fn what_reaches_beyond_its_message_is_none() {
        let mut written = Writer::default();
        written.u8(1).u24(3).u16(0).u24(1).vector24(b"abc");
        assert!(Piece::read(&mut Reader::new(&written.0)).is_none());
    }
}
