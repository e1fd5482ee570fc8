//! What a submission carries so that its completion can be told apart: 64 bits, no table.

use crate::driver::SocketKey;

/// Whom a completion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// The multishot receive of a socket, or the multishot poll of a listener or connection.
    Receive(SocketKey),
    /// Its cancellation.
    Cancel(SocketKey),
    /// A send, by its slot in the outbox and the batch that it was submitted with.
    Send { slot: u16, batch: u32 },
    /// The poll of the eventfd that wakers write to.
    Wake,
}

impl Token {
    /// Kind in the top two bits, a small index in the next 30, generation or batch in the low half.
    pub(super) fn encode(self) -> u64 {
        let (kind, index, low) = match self {
            Self::Receive(key) => (RECEIVE, key.index, key.generation),
            Self::Cancel(key) => (CANCEL, key.index, key.generation),
            Self::Send { slot, batch } => (SEND, u32::from(slot), batch),
            Self::Wake => (WAKE, 0, 0),
        };
        debug_assert!(index <= INDEX_MASK, "socket tables are far smaller");
        (u64::from(kind) << 62) | (u64::from(index & INDEX_MASK) << 32) | u64::from(low)
    }

    /// The inverse of `encode`.
    #[expect(clippy::cast_possible_truncation, reason = "takes the fields of a word apart")]
    pub(super) fn decode(word: u64) -> Self {
        let index = (word >> 32) as u32 & INDEX_MASK;
        let low = word as u32;
        match (word >> 62) as u32 {
            RECEIVE => Self::Receive(SocketKey { index, generation: low }),
            CANCEL => Self::Cancel(SocketKey { index, generation: low }),
            SEND => Self::Send { slot: index as u16, batch: low },
            _ => Self::Wake,
        }
    }
}

const RECEIVE: u32 = 0;
const CANCEL: u32 = 1;
const SEND: u32 = 2;
const WAKE: u32 = 3;
const INDEX_MASK: u32 = (1 << 30) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        let key = SocketKey { index: INDEX_MASK, generation: u32::MAX };
        let tokens = [
            Token::Receive(key),
            Token::Cancel(key),
            Token::Cancel(SocketKey { index: 0, generation: 1 }),
            Token::Send { slot: u16::MAX, batch: u32::MAX },
            Token::Wake,
        ];
        for token in tokens {
            assert_eq!(Token::decode(token.encode()), token);
        }
    }
}
