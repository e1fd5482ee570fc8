//! One connection: what came of a frame so far, and what is left of those that leave.

use core::net::SocketAddr;

use ice::framing::{HEADER_LEN, Pushed, Reader, Writer, header};
use net::{Driver, Farewell, SocketKey, Transfer};

use crate::demux::Tuple;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) key: SocketKey,
    pub(super) peer: SocketAddr,
    pub(super) listener: SocketKey,
    /// Its place in its listener's list.
    pub(super) at: usize,
    pub(super) reader: Reader,
    writer: Writer,
    pub(super) standing: Standing,
    /// Whether it stands in the list of those to be looked at.
    pub(super) queued: bool,
    /// Frames were dropped, and the peer has not read everything since.
    pub(super) thinned: bool,
    /// Something left since it was checked last.
    pub(super) progressed: bool,
    /// Another shard accepted it.
    pub(super) has_moved: bool,
    /// Frames that were of no use to anybody, before it proved whose it is.
    useless: u8,
}

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody knows.
    Fresh,
    /// Its tuple is bound.
    Bound,
    /// It was bound, and is not when it was checked last.
    Unbound,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Frames that were dropped.
    pub(super) dropped: u64,
    /// The connection is broken.
    pub(super) ended: bool,
}

impl Connection {
    pub(super) const fn new(
        key: SocketKey,
        peer: SocketAddr,
        listener: SocketKey,
        unsent_bytes: usize,
    ) -> Self {
        Self {
            key,
            peer,
            listener,
            at: 0,
            reader: Reader::new(UNPROVED_FRAME),
            writer: Writer::new(unsent_bytes),
            standing: Standing::Fresh,
            queued: false,
            thinned: false,
            progressed: false,
            has_moved: false,
            useless: 0,
        }
    }

    pub(super) const fn tuple(&self) -> Tuple {
        Tuple { socket: self.key, local: None, remote: self.peer }
    }

    /// Notes whether its tuple is bound.
    pub(super) const fn stands(&mut self, is_bound: bool) {
        if is_bound {
            self.standing = Standing::Bound;
            self.reader.set_limit(PROVED_FRAME);
        }
    }

    /// A frame was of no use to anybody. Whether that may still be a mistake.
    pub(super) const fn forgives(&mut self) -> bool {
        self.useless = self.useless.saturating_add(1);
        self.useless < MOST_USELESS
    }

    /// Whether nothing waits for it to take more.
    pub(super) fn has_room(&self) -> bool {
        self.writer.is_empty()
    }

    /// How it ends if nobody has anything against it: nothing of what waits will ever be read in time.
    pub(super) fn farewell(&self) -> Farewell {
        if self.writer.is_empty() { Farewell::Orderly } else { Farewell::Abrupt }
    }

    /// Sends frames: in one call if nothing waits, else behind what does.
    pub(super) fn send<D: Driver>(&mut self, frames: &[u8], driver: &mut D) -> Sent {
        let mut taken = 0;
        if self.writer.is_empty() {
            match driver.write(self.key, frames) {
                Transfer::Bytes(count) => taken = count,
                Transfer::Later => {}
                Transfer::Ended => return Sent { dropped: 0, ended: true },
            }
            self.progressed |= taken > 0;
        }
        let mut dropped = 0;
        for packet in packets(frames) {
            let len = HEADER_LEN + packet.len();
            let pushed = match taken {
                0 => self.writer.push(packet),
                _ if taken >= len => Pushed::Kept,
                // Whatever the bound is: what has begun is finished.
                _ => self.writer.push_rest(packet, taken),
            };
            taken = taken.saturating_sub(len);
            dropped += u64::from(pushed == Pushed::Dropped);
        }
        self.thinned |= dropped > 0;
        Sent { dropped, ended: false }
    }

    /// Writes what waits, as far as the connection takes it. Whether it is broken.
    pub(super) fn write<D: Driver>(&mut self, driver: &mut D) -> bool {
        while !self.writer.is_empty() {
            match driver.write(self.key, self.writer.pending()) {
                Transfer::Bytes(count) => {
                    self.writer.wrote(count);
                    self.progressed = true;
                }
                Transfer::Later => return false,
                Transfer::Ended => return true,
            }
        }
        false
    }
}

/// Frames a run of datagrams into `frames`, which is emptied before.
pub(super) fn frame(run: &[u8], segment_size: usize, frames: &mut Vec<u8>) {
    frames.clear();
    for packet in run.chunks(segment_size.max(1)) {
        // A segment is no longer than a run, and that no longer than a length can say.
        frames.extend_from_slice(&header(packet.len()).unwrap_or_default());
        frames.extend_from_slice(packet);
    }
}

/// The packets in what `frame` made.
fn packets(frames: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frames;
    std::iter::from_fn(move || {
        let (len, behind) = rest.split_first_chunk::<HEADER_LEN>()?;
        let (packet, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        rest = behind;
        Some(packet)
    })
}

/// Frames of no use after which nobody believes that a connection will prove anything. An ICE agent that checks with
/// credentials from before a restart sends fewer.
const MOST_USELESS: u8 = 16;
/// A Binding request with all that browsers put into it is a quarter of this.
const UNPROVED_FRAME: usize = 1_024;
/// A DTLS record at its longest; nothing else of WebRTC comes near.
const PROVED_FRAME: usize = 16 * 1_024 + 256;
