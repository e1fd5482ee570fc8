//! Streams that are sent.
