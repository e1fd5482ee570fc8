//! Streams that are received.
