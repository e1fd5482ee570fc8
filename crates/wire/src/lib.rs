//! RTP and RTCP formats of shardcast: views, writers, arithmetic. No I/O, no allocation.

#![forbid(unsafe_code)]
#![no_std]

pub mod time;

pub use time::Mono;
