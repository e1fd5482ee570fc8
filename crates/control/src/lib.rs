//! Control: what an application asks of the SFU, and what the shards are told because of it.
//!
//! Owns the names of everything, who is inside whom and who feeds whom, where things are placed, the order of answers,
//! and the events that follow from requests. It lives on one thread and never sees a packet, but for those that the
//! application itself sends or asks for.
//!
//! | module | owns |
//! |---|---|
//! | [`request`] | what can be asked |
//! | [`answer`] | what is answered |
//! | [`event`] | what is said unasked |
//! | `core` | everything between them and the shards, without a thread, a socket or a clock |
//! | [`runtime`] | the core on a thread, with its shards, certificate and randomness |
//! | [`api`] | the same as objects, for programs in Rust |
//!
//! Invariants
//! - A door gets its answers in the order of its requests, and each request has exactly one.
//! - What a request frees - a name, a port, an ssrc - is free for the next one, whichever shards the two concern.
//! - No event of an object precedes the answer that made it, and none follows the one that closed it.
//! - A request that is refused changed nothing.
//!
//! Does not know how packets are handled (`sfu` does, inside the shards), nor how requests are
//! written: that is the front doors'.

#![forbid(unsafe_code)]

pub mod answer;
pub mod api;
pub mod core;
pub mod event;
pub mod request;
pub mod runtime;

pub use answer::Answer;
pub use event::Event;
pub use request::{Notification, Request};
