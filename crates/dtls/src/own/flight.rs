//! What is sent together and sent again until it is answered (RFC 6347 §4.2.4).

use super::bytes::Writer;
use super::incoming::{HEADER_LEN as MESSAGE_HEADER_LEN, Message};
use super::record::{self, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER_LEN, Protection, SEALED_LEN};
use crate::setup::MTU;

/// Our direction: the numbers of records, in the clear and under keys.
#[derive(Default)]
pub(super) struct Writing {
    pub(super) keys: Option<Protection>,
    clear: u64,
    sealed: u64,
}

/// One of a flight's.
pub(super) enum Part {
    /// In the clear.
    Message(Message),
    ChangeCipherSpec,
    /// Under the keys.
    Finished(Message),
}

impl Writing {
    /// A record under the keys if there are any and they are in use.
    pub(super) fn record(&mut self, is_sealed: bool, content: u8, plain: &[u8]) -> Option<Vec<u8>> {
        let (keys, number) =
            if is_sealed { (Some(self.keys.as_ref()?), &mut self.sealed) } else { (None, &mut self.clear) };
        let record = record::write(keys, *number, content, plain);
        *number = number.saturating_add(1);
        record
    }

    /// The flight in datagrams. Each time its records have numbers of their own, or a peer took them for old ones.
    pub(super) fn datagrams(&mut self, flight: &[Part]) -> Vec<Vec<u8>> {
        let mut datagrams = Datagrams::default();
        for part in flight {
            match part {
                Part::ChangeCipherSpec => {
                    datagrams.push(self.record(false, CHANGE_CIPHER_SPEC, &[1]));
                }
                Part::Message(message) => self.pieces(&mut datagrams, message, false),
                Part::Finished(message) => self.pieces(&mut datagrams, message, true),
            }
        }
        datagrams.0
    }

    fn pieces(&mut self, datagrams: &mut Datagrams, message: &Message, is_sealed: bool) {
        let overhead = if is_sealed { CLEAR_OVERHEAD + SEALED_LEN } else { CLEAR_OVERHEAD };
        let body = message.body();
        let mut offset: usize = 0;
        loop {
            let rest = body.get(offset..).unwrap_or_default();
            let mut room = datagrams.room().saturating_sub(overhead);
            // A sliver at the end of a datagram costs more than it saves.
            if room < rest.len().clamp(1, SLIVER) {
                room = MTU.saturating_sub(overhead);
            }
            let now = rest.get(..room).unwrap_or(rest);
            let mut piece = Writer::default();
            // Kind, length and number of the message.
            piece.bytes(message.bytes.get(..6).unwrap_or_default()).u24(offset).vector24(now);
            datagrams.push(self.record(is_sealed, HANDSHAKE, &piece.0));
            offset = offset.saturating_add(now.len());
            if offset >= body.len() {
                return;
            }
        }
    }
}

/// Records, as many in a datagram as fit.
#[derive(Default)]
struct Datagrams(Vec<Vec<u8>>);

impl Datagrams {
    fn room(&self) -> usize {
        MTU.saturating_sub(self.0.last().map_or(MTU, Vec::len))
    }

    fn push(&mut self, record: Option<Vec<u8>>) {
        let Some(record) = record else { return };
        let has_room = record.len() <= self.room();
        match self.0.last_mut() {
            Some(last) if has_room => last.extend_from_slice(&record),
            _ => self.0.push(record),
        }
    }
}

const CLEAR_OVERHEAD: usize = HEADER_LEN + MESSAGE_HEADER_LEN;
const SLIVER: usize = 128;

#[cfg(test)]
mod tests {
    use super::super::bytes::Reader;
    use super::super::incoming::{Incoming, Piece};
    use super::super::record::Record;
    use super::*;

    #[test]
    fn a_flight_of_any_length_arrives_whole_and_in_datagrams_that_fit() {
        for len in [0, 1, 500, 1_300, 1_325, 1_326, 5_000] {
            let flight = [
                Part::Message(Message::new(11, 0, &vec![7; len])),
                Part::Message(Message::new(14, 1, &[])),
                Part::ChangeCipherSpec,
            ];
            let mut writing = Writing::default();
            let first = writing.datagrams(&flight);
            assert_ne!(first, writing.datagrams(&flight), "new numbers");
            assert!(first.iter().all(|datagram| datagram.len() <= MTU));
            assert!(first.len() <= len / 1_200 + 1, "{len}: {}", first.len());
            let mut incoming = Incoming::default();
            for datagram in &first {
                let mut records = Reader::new(datagram);
                while let Some(record) = Record::read(&mut records) {
                    let mut pieces = Reader::new(record.body);
                    while let Some(piece) = Piece::read(&mut pieces) {
                        incoming.push(&piece);
                    }
                }
            }
            assert_eq!(incoming.pop().unwrap().body(), vec![7; len]);
            assert_eq!(incoming.pop().unwrap().kind, 14);
        }
    }
}
