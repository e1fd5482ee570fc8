//! Messages from the records that carry pieces of them (RFC 6347 §4.2.2, §4.2.3), in their order.

use std::collections::{BTreeMap, VecDeque};

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

/// Pieces that wait for the rest of their message, or for its turn. What came counts, and never what a piece says that there
/// will be.
///
/// Anybody can write pieces, and nothing but the end of the handshake shows whose they were. So none is refused for the
/// sake of another: when there are too many the oldest goes, whoever repeats himself replaces what he said, and pieces that
/// differ in the kind or the length of their message are of different ones.
#[derive(Default)]
pub(super) struct Incoming {
    next: u16,
    /// The oldest first.
    pieces: VecDeque<Held>,
    /// Kind and length of the next message, as the last piece of it says: what may have become whole.
    touched: Option<(u8, usize)>,
    /// Another message is the next one since anybody looked; its pieces may be there already.
    has_moved: bool,
}

struct Held {
    kind: u8,
    sequence: u16,
    len: usize,
    offset: usize,
    bytes: Box<[u8]>,
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

    /// What the pieces take.
    pub(super) fn held(&self) -> usize {
        self.pieces.iter().map(|held| held.bytes.len().saturating_add(PIECE_COST)).sum()
    }

    /// Whether it is kept.
    pub(super) fn push(&mut self, piece: &Piece<'_>) -> bool {
        let ahead = piece.sequence.checked_sub(self.next);
        if ahead.is_none_or(|ahead| ahead >= AHEAD_MAX) {
            return false;
        }
        self.pieces.retain(|held| !held.is_said_again(piece));
        self.pieces.push_back(Held::new(piece));
        if piece.sequence == self.next {
            self.touched = Some((piece.kind, piece.len));
        }
        while self.held() > HELD_MAX {
            self.pieces.pop_front();
        }
        // No datagram has so long a piece that all others would not make room for it.
        true
    }

    /// There will be no more messages. What is not whole may be anybody's.
    pub(super) fn end(&mut self) {
        self.pieces = VecDeque::new();
    }

    /// The next message of the sequence, once all of it is there: to be asked after each piece. If there are several, the
    /// one that was heard last.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let sequence = self.next;
        // What a piece did not touch is as it was, however many others somebody has begun.
        let touched = self.touched.take();
        let (kind, body) = if core::mem::take(&mut self.has_moved) {
            self.newest_whole(sequence)?
        } else {
            let (kind, len) = touched?;
            let is_of_it = |held: &&Held| (held.sequence, held.kind, held.len) == (sequence, kind, len);
            (kind, whole(len, self.pieces.iter().filter(is_of_it))?)
        };
        self.pieces.retain(|held| held.sequence != sequence);
        // No handshake has so many; one that did would stand still.
        self.next = self.next.saturating_add(1);
        self.has_moved = true;
        Some(Message::new(kind, sequence, &body))
    }

    /// Of all messages of a number that have begun, the whole one that was heard last.
    fn newest_whole(&self, sequence: u16) -> Option<(u8, Vec<u8>)> {
        let mut alternatives = BTreeMap::<_, Vec<_>>::new();
        for (at, held) in self.pieces.iter().enumerate().filter(|(_, held)| held.sequence == sequence) {
            alternatives.entry((held.kind, held.len)).or_default().push((at, held));
        }
        let whole = alternatives.into_iter().filter_map(|((kind, len), pieces)| {
            let newest = pieces.last().map(|(at, _)| *at);
            Some((newest, kind, whole(len, pieces.into_iter().map(|(_, held)| held))?))
        });
        whole.max_by_key(|(newest, ..)| *newest).map(|(_, kind, body)| (kind, body))
    }
}

impl Held {
    fn new(piece: &Piece<'_>) -> Self {
        let Piece { kind, sequence, len, offset, bytes } = *piece;
        Self { kind, sequence, len, offset, bytes: bytes.into() }
    }

    fn is_said_again(&self, piece: &Piece<'_>) -> bool {
        (self.kind, self.sequence, self.len) == (piece.kind, piece.sequence, piece.len)
            && (self.offset, self.bytes.len()) == (piece.offset, piece.bytes.len())
    }
}

/// A body of that length, if the pieces make it. The newest byte of a place counts.
fn whole<'a>(len: usize, pieces: impl Iterator<Item = &'a Held> + Clone) -> Option<Vec<u8>> {
    // Before there is room for it, so that nobody has room made by saying so.
    if pieces.clone().map(|held| held.bytes.len()).sum::<usize>() < len {
        return None;
    }
    let mut body = vec![None; len];
    for held in pieces {
        let places = body.iter_mut().skip(held.offset);
        places.zip(&held.bytes).for_each(|(place, byte)| *place = Some(*byte));
    }
    body.into_iter().collect()
}

pub(super) const HEADER_LEN: usize = 12;
/// A flight has six messages at most.
const AHEAD_MAX: u16 = 8;
/// All pieces: as long as what the other backend keeps, which has room for a certificate of nearly that length.
const HELD_MAX: usize = crate::output::KEPT_MAX * crate::waiting::DATAGRAM_MAX / 2;
/// Of one, besides its bytes: its row and its place in memory. It bounds how many there are, and so what one costs to look
/// at them.
const PIECE_COST: usize = 64;

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
    fn it_holds_what_came_and_no_more_than_its_room() {
        let mut incoming = Incoming::default();
        for sequence in 0..u16::MAX {
            incoming.push(&piece(sequence, 10_000, 0, b"a"));
        }
        assert_eq!(incoming.held(), 8 * (1 + PIECE_COST), "eight ahead, by what came of them");
        for offset in 0..40_000 {
            incoming.push(&piece(7, 1 << 23, offset, b"a"));
            assert!(incoming.held() <= HELD_MAX);
        }
        assert!(incoming.held() > HELD_MAX - 2 * PIECE_COST);
        assert_eq!(incoming.pop(), None);
    }

    /// What one datagram has room for, before each piece of the peer's.
    #[test]
    fn what_others_begin_keeps_no_message_from_being_heard() {
        let mut incoming = Incoming::default();
        for (sequence, len) in [(0, 3_000), (1, 0), (2, 20_000)] {
            for offset in (0..len.max(1)).step_by(1_200) {
                for (number, kind) in (0..8).flat_map(|number| (0..4).map(move |kind| (number, kind))) {
                    incoming.push(&Piece { kind, ..piece(number, 950, 0, b"a") });
                }
                incoming.push(&piece(sequence, len, offset, &vec![1; (len - offset).min(1_200)]));
            }
            assert_eq!(incoming.pop().unwrap().body(), vec![1; len]);
        }
    }

    #[test]
    fn who_repeats_himself_takes_no_more_room() {
        let mut incoming = Incoming::default();
        for _ in 0..50 {
            // All but one arrive each time, and that one only the first.
            let first = if incoming.held() == 0 { 0 } else { 1_000 };
            (first..20_000).step_by(1_000).for_each(|at| {
                if at != 19_000 {
                    incoming.push(&piece(0, 20_000, at, &[2; 1_000]));
                }
            });
            assert_eq!(incoming.pop(), None);
        }
        incoming.push(&piece(0, 20_000, 19_000, &[2; 1_000]));
        assert_eq!(incoming.pop().unwrap().body(), [2; 20_000]);
    }

    #[test]
    fn of_two_whole_messages_the_newest_counts() {
        let mut incoming = Incoming::default();
        for (kind, len) in [(9, 4), (3, 4), (3, 2)] {
            incoming.push(&Piece { kind, ..piece(0, len, 0, &[kind; 4][..len]) });
        }
        assert_eq!(incoming.pop(), Some(Message::new(3, 0, &[3; 2])));
        assert_eq!((incoming.pop(), incoming.held()), (None, 0));
    }

    #[test]
    fn what_reaches_beyond_its_message_is_none() {
        let mut written = Writer::default();
        written.u8(1).u24(3).u16(0).u24(1).vector24(b"abc");
        assert!(Piece::read(&mut Reader::new(&written.0)).is_none());
    }
}
