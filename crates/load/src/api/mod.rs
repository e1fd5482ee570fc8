//! The server's control API, as far as a load needs it (docs/api.md).

mod connection;
mod objects;

pub(crate) use connection::{Api, Base, Trouble};
pub(crate) use objects::{Listen, Room};
