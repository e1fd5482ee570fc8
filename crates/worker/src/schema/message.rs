//! What travels on the channel: one message, one of four kinds.

use crate::flat::{Layout, Table, tables, union};
use crate::schema::request::Head;
use crate::schema::{log, notification, request, response};

union! {
    /// The four kinds of message.
    Body<'a> {
        1 Request(request::Request<'a>),
        2 Response(response::Response<'a>),
        3 Notification(notification::Notification<'a>),
        4 Log(log::Log<'a>),
    }
}

tables! {
    /// The root of every buffer.
    Message<'a> {
        0 data: Body<'a>,
    }
}

tables! {
    /// A message as far as its kind and the head of a request in it go, for those that are malformed further down.
    Outline<'a> {
        0 kind: u8,
        1 head: Head<'a>,
    }
}

impl Outline<'_> {
    /// The kind whose head can be read.
    pub const REQUEST: u8 = 1;
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[Body::LAYOUT, <Message as Table>::LAYOUT];
