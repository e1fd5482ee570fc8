//! What a run is to do.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::api::{Base, Listen};

/// Everything that a command line can say, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) server: Base,
    pub(crate) token: Option<String>,
    pub(crate) listen: Listen,
    pub(crate) shape: Shape,
    pub(crate) media: Media,
    pub(crate) pace: Pace,
    pub(crate) thresholds: Thresholds,
    pub(crate) threads: usize,
    pub(crate) output: Output,
    /// A server on this machine, to look at what it uses.
    pub(crate) server_pid: Option<u32>,
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    pub(crate) rooms: u32,
    /// Of each room.
    pub(crate) publishers: u32,
    /// Of each room.
    pub(crate) subscribers: u32,
    /// Of each room: connected, and nothing else.
    pub(crate) idle: u32,
    /// How many publishers of its room a subscriber watches; all if nothing is said.
    pub(crate) watch: Option<u32>,
}

/// What every publisher sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Media {
    /// In bits a second; 0 for none.
    pub(crate) audio_bitrate: u64,
    /// In bits a second, between key frames; 0 for none.
    pub(crate) video_bitrate: u64,
    pub(crate) frame_rate: NonZeroU32,
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Peers that begin to join in a second.
    pub(crate) join_rate: NonZeroU32,
    /// How long one may take until it has all that it wants.
    pub(crate) join_timeout: Duration,
    /// After the last one has joined.
    pub(crate) duration: Duration,
}

/// What must hold for a run to be a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thresholds {
    /// One-way latency of 99 % of all packets.
    pub(crate) latency_p99: Option<Duration>,
    /// Time to join of 99 % of all peers.
    pub(crate) join_p99: Option<Duration>,
    /// Packets lost in all, in millionths. A stream of which nothing came is lost as a whole.
    pub(crate) loss_ppm: Option<u64>,
    /// Peers that did not get what they wanted.
    pub(crate) failures: u64,
}

/// Where the report goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// `-` stands for standard output, instead of the table.
    pub(crate) json: Option<PathBuf>,
    /// No progress.
    pub(crate) quiet: bool,
}

impl Shape {
    /// All peers of all rooms.
    pub(crate) fn peers(&self) -> u64 {
        let of_a_room = [self.publishers, self.subscribers, self.idle].map(u64::from).iter().sum::<u64>();
        u64::from(self.rooms) * of_a_room
    }

    /// Publishers that each subscriber watches.
    pub(crate) fn watched(&self) -> u32 {
        self.watch.map_or(self.publishers, |watch| watch.min(self.publishers))
    }
}

impl Media {
    /// Streams of a publisher.
    pub(crate) fn streams(&self) -> u64 {
        u64::from(self.audio_bitrate > 0) + u64::from(self.video_bitrate > 0)
    }
}
