//! What a payload from the application says, or as much of it as can be answered.

use crate::flat::{Malformed, Table};
use crate::schema::message::{Body, Message, Outline};
use crate::schema::notification::Notification;
use crate::schema::request::{Head, Request};

/// A message from the application.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming<'a> {
    /// To be answered.
    Request(Box<Request<'a>>),
    /// Not to be answered.
    Notification(Box<Notification<'a>>),
}

/// A payload that cannot be acted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable<'a> {
    /// What is wrong with it.
    pub why: Malformed,
    /// The request in it, where at least its head is sound: somebody waits for an answer then.
    pub request: Option<Head<'a>>,
}

/// Reads a payload.
///
/// # Errors
/// When it is malformed, or of a kind that only a worker sends.
pub fn decode(payload: &[u8]) -> Result<Incoming<'_>, Unreadable<'_>> {
    let why = match Message::from_payload(payload) {
        Ok(Message { data: Body::Request(request) }) => return Ok(Incoming::Request(request)),
        Ok(Message { data: Body::Notification(event) }) => return Ok(Incoming::Notification(event)),
        Ok(Message { data: Body::None }) => Malformed::UnknownValue { name: "Body", value: 0 },
        Ok(Message { data: Body::Response(_) }) => Malformed::UnknownValue { name: "Body", value: 2 },
        Ok(Message { data: Body::Log(_) }) => Malformed::UnknownValue { name: "Body", value: 4 },
        Err(why) => why,
    };
    Err(Unreadable { why, request: head(payload) })
}

/// The head of a request whose rest is malformed.
fn head(payload: &[u8]) -> Option<Head<'_>> {
    Outline::from_payload(payload)
        .ok()
        .filter(|outline| outline.kind == Outline::REQUEST)
        .map(|outline| outline.head)
}
