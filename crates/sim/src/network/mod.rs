//! One directed path through a network, packet by packet: what is lost, what comes late, twice or out of order.
//!
//! A [`Path`] is told when a packet of how many bytes is sent, and says when it arrives, if it does. It never sees the
//! packet, holds none and reads no clock: the caller keeps the packets and delivers them at the times it was told. So
//! the same model serves rooms in virtual time and a relay between real sockets.
//!
//! ```
//! use std::time::Duration;
//! use sim::network::{Conditions, Loss, Passage, Path};
//! use sim::random::Chance;
//! use wire::Mono;
//!
//! let conditions = Conditions {
//!     delay: Duration::from_millis(40),
//!     ..Conditions::losing(Loss::Random(Chance::percent(5)))
//! };
//! let mut path = Path::new(conditions, 7);
//! match path.send(Mono::ZERO, 1_200) {
//!     Passage::Arrives { at, again } => println!("at {at:?}, and once more: {again:?}"),
//!     Passage::Lost(cause) => println!("{cause:?}"),
//! }
//! ```
//!
//! A packet meets, in this order: loss, the link with its rate and its queue, the delay with its jitter, being held back
//! behind others, and duplication. Each draws its chance from a generator of its own, one number per packet that is
//! sent: the same seed loses the same packets whatever else is switched on.

mod loss;
mod path;
mod rate;

pub use loss::Loss;
pub use path::{Cause, Conditions, Passage, Path, Tally};
pub use rate::Rate;
