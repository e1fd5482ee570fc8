//! What rooms tell control beside answers.

use model::event::Event;
use model::reply::Part;

use crate::control::RequestId;

/// What rooms tell control beside answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something happened to an object.
    Event(Event),
    /// A part of a long answer; the answer itself comes after its last part.
    Part(RequestId, Part),
}
