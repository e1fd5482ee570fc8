//! Streams that are sent.
//!
//! | file | owns |
//! |---|---|
//! | `store` | the packets of one source that may be asked for again: one store for all who get them |
//! | `sent_log` | what one receiver was sent, by its own numbers, and when it was sent again |
//! | `tally` | what was sent and what was sent again, counted |
//! | `reception` | what the receiver says of it: loss, jitter, round-trip time, score |
//!
//! A NACK names a number of the outgoing stream. The log says which packet of the source that was and whether it may go
//! again; the store has the packet. Neither knows how it is written or sealed.

mod reception;
mod sent_log;
mod store;
mod tally;

pub use reception::{Change, Reception};
pub use sent_log::{Origin, Refused, Sent, SentLog, Written};
pub use store::{At, Keeping, Kept, NotKept, Store};
pub use tally::{Repeats, Tally};
