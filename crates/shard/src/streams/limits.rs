//! How much TCP a shard takes.

use core::time::Duration;

/// How much TCP a shard takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpLimits {
    /// Connections in all. One more takes the place of the oldest that has proved nothing, or is turned away.
    pub connections: usize,
    /// Connections of one listener; likewise.
    pub per_listener: usize,
    /// Connections of one remote address. One more is turned away.
    pub per_address: usize,
    /// Connections accepted in one tick; as many again are taken over from other shards.
    pub accepts_per_tick: usize,
    /// Bytes read of one connection in one tick; an eighth of it before it has proved anything.
    pub read_bytes_per_tick: usize,
    /// Bytes that wait for a connection to take them, beyond what its socket holds. What is more is dropped by frames.
    pub unsent_bytes: usize,
    /// How long a connection may be without proof whose it is, and how long one may take nothing of what waits for it.
    pub silence: Duration,
}

impl Default for TcpLimits {
    /// As many connections as a full shard has transports behind firewalls, at most a few per cent of which share an
    /// address of a company or a carrier. A key frame of a large picture and the second around it may wait. Proof takes
    /// a browser a round trip; ten seconds are what it gives up after.
    fn default() -> Self {
        Self {
            connections: 4_096,
            per_listener: 2_048,
            per_address: 512,
            accepts_per_tick: 32,
            read_bytes_per_tick: 16 * 1024,
            unsent_bytes: 256 * 1024,
            silence: Duration::from_secs(10),
        }
    }
}
