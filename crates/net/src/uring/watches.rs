//! The multishot polls of TCP sockets: which of them is in the kernel.
//!
//! ```text
//!         add          submitted          close: cancel
//!  (new) ------> Queued --------> Armed ----------------> Ending
//!                  |  ^             |                        |
//!            close |  +-------------+ ended by itself        | ended
//!                  v                  (full queue)           v
//!                 Idle <-------------------------------------+   to be released
//! ```
//!
//! As with receives, a poll in the kernel holds the socket, and so a listener's port, beyond `close(2)`.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};

use crate::driver::SocketKey;
use crate::stream::{Farewell, Streams};

/// State of a TCP socket's multishot poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Watch {
    /// To be submitted by the next turn.
    #[default]
    Queued,
    /// In the kernel.
    Armed,
    /// In the kernel and being cancelled.
    Ending,
    /// None in the kernel, and none wanted any more.
    Idle,
}

/// All TCP sockets of one driver, and which of them have something to submit.
#[derive(Debug)]
pub(super) struct Watches {
    pub(super) streams: Streams<Watch>,
    to_arm: VecDeque<SocketKey>,
    to_cancel: VecDeque<SocketKey>,
    closing: Vec<SocketKey>,
    /// The driver is going away.
    ends: bool,
}

impl Watches {
    pub(super) fn new(first: u32, capacity: u32) -> Self {
        Self {
            streams: Streams::new(first, capacity),
            to_arm: VecDeque::new(),
            to_cancel: VecDeque::new(),
            closing: Vec::new(),
            ends: false,
        }
    }

    /// One has come into the table.
    pub(super) fn add(&mut self, key: SocketKey) {
        self.to_arm.push_back(key);
    }

    /// Starts closing, if `key` names an open one.
    pub(super) fn close(&mut self, key: SocketKey, farewell: Farewell) {
        let Some(watch) = self.streams.close(key, farewell) else { return };
        match *watch {
            Watch::Armed => {
                *watch = Watch::Ending;
                self.to_cancel.push_back(key);
            }
            Watch::Queued => *watch = Watch::Idle,
            Watch::Idle | Watch::Ending => {}
        }
        self.closing.push(key);
    }

    /// How many polls are listed to be submitted, and how many to be cancelled.
    pub(super) fn listed(&self) -> (usize, usize) {
        (self.to_arm.len(), self.to_cancel.len())
    }

    /// The next poll to submit; it counts as submitted.
    pub(super) fn next_to_arm(&mut self) -> Option<(SocketKey, RawFd)> {
        while let Some(key) = self.to_arm.pop_front() {
            if let Some((watch @ Watch::Queued, fd)) = self.streams.watch(key) {
                *watch = Watch::Armed;
                return Some((key, fd.as_raw_fd()));
            }
        }
        None
    }

    /// The next poll to cancel.
    pub(super) fn next_to_cancel(&mut self) -> Option<SocketKey> {
        while let Some(key) = self.to_cancel.pop_front() {
            if self.is_ending(key) {
                return Some(key);
            }
        }
        None
    }

    /// A cancellation found nothing to cancel: the poll has ended and says so, or was just at work.
    pub(super) fn cancel_missed(&mut self, key: SocketKey) {
        if self.is_ending(key) {
            self.to_cancel.push_back(key);
        }
    }

    /// A poll has something to tell, and goes on if `more`.
    pub(super) fn completed(&mut self, key: SocketKey, result: i32, more: bool) {
        if result >= 0 {
            self.streams.happened(key);
        }
        if more {
            return;
        }
        if let Some((watch, _)) = self.streams.watch(key) {
            *watch = if self.ends { Watch::Idle } else { Watch::Queued };
            self.to_arm.push_back(key);
        } else if let Some(watch) = self.streams.closing(key) {
            *watch = Watch::Idle;
        }
    }

    /// Whether one that is being closed only waits for being released.
    pub(super) fn has_releasable(&mut self) -> bool {
        let Self { streams, closing, .. } = self;
        closing.iter().any(|&key| streams.closing(key).is_none_or(|watch| *watch == Watch::Idle))
    }

    /// Releases one of which the kernel has no request left; nothing that was queued before its close may be unsubmitted.
    pub(super) fn release_next(&mut self) -> Option<SocketKey> {
        let Self { streams, closing, .. } = self;
        let is_idle = |key: &SocketKey| streams.closing(*key).is_none_or(|watch| *watch == Watch::Idle);
        let position = closing.iter().position(is_idle)?;
        let key = closing.swap_remove(position);
        self.streams.release(key);
        Some(key)
    }

    /// Whether any poll is in the kernel.
    pub(super) fn any_armed(&mut self) -> bool {
        self.streams.watches().any(|watch| matches!(watch, Watch::Armed | Watch::Ending))
    }

    /// Takes back what is queued, for good: the driver is going away.
    pub(super) fn arm_no_more(&mut self) {
        self.ends = true;
        self.to_arm.clear();
        self.to_cancel.clear();
        for watch in self.streams.watches().filter(|watch| **watch == Watch::Queued) {
            *watch = Watch::Idle;
        }
    }

    fn is_ending(&mut self, key: SocketKey) -> bool {
        self.streams.closing(key).is_some_and(|watch| *watch == Watch::Ending)
    }
}
