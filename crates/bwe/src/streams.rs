//! Which streams an estimate is about: those that were heard lately.

use core::time::Duration;

use wire::{Mono, Ssrc};

/// The most streams an estimate names. A sender with more is told about these; the rate is for all of it anyhow.
pub const MAX_STREAMS: usize = 64;

/// SSRCs and when each was heard last; the newest finds no place when all are taken.
#[derive(Debug)]
pub(crate) struct Streams {
    ssrcs: [Ssrc; MAX_STREAMS],
    heard: [Mono; MAX_STREAMS],
    count: usize,
    /// Where the last packet's stream stands: mostly the next one's, too.
    last: usize,
}

impl Streams {
    pub(crate) const fn new() -> Self {
        Self { ssrcs: [Ssrc(0); MAX_STREAMS], heard: [Mono::ZERO; MAX_STREAMS], count: 0, last: 0 }
    }

    pub(crate) fn heard(&mut self, now: Mono, ssrc: Ssrc) {
        if self.names().get(self.last) != Some(&ssrc) {
            match self.names().iter().position(|&known| known == ssrc) {
                Some(at) => self.last = at,
                None => self.add(now, ssrc),
            }
        }
        if self.ssrcs.get(self.last) == Some(&ssrc)
            && let Some(heard) = self.heard.get_mut(self.last)
        {
            *heard = now;
        }
    }

    /// Forgets those that were not heard for long.
    pub(crate) fn expire(&mut self, now: Mono) {
        let mut kept = 0usize;
        for at in 0..self.count {
            let (Some(&ssrc), Some(&heard)) = (self.ssrcs.get(at), self.heard.get(at)) else { break };
            if now.since(heard) < FORGOTTEN_AFTER
                && let (Some(to), Some(when)) = (self.ssrcs.get_mut(kept), self.heard.get_mut(kept))
            {
                (*to, *when) = (ssrc, heard);
                kept = kept.saturating_add(1);
            }
        }
        self.count = kept;
    }

    pub(crate) fn names(&self) -> &[Ssrc] {
        self.ssrcs.get(..self.count).unwrap_or_default()
    }

    fn add(&mut self, now: Mono, ssrc: Ssrc) {
        if self.count == MAX_STREAMS {
            self.expire(now);
        }
        let at = self.count;
        if let (Some(to), Some(when)) = (self.ssrcs.get_mut(at), self.heard.get_mut(at)) {
            (*to, *when) = (ssrc, now);
            self.count = at.saturating_add(1);
            self.last = at;
        }
    }
}

/// As long as libwebrtc does.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn streams_are_named_while_they_are_heard() {
        let mut streams = Streams::new();
        streams.heard(at(0), Ssrc(1));
        streams.heard(at(10), Ssrc(2));
        streams.heard(at(20), Ssrc(2));
        streams.heard(at(1_000), Ssrc(1));
        streams.expire(at(2_100));
        assert_eq!(streams.names(), [Ssrc(1)]);
        streams.heard(at(2_200), Ssrc(2));
        assert_eq!(streams.names(), [Ssrc(1), Ssrc(2)]);
        streams.expire(at(9_000));
        assert_eq!(streams.names(), []);
    }

    #[test]
    fn a_flood_of_ssrcs_finds_the_table_full_and_later_empty() {
        let mut streams = Streams::new();
        for ssrc in 0..1_000 {
            streams.heard(at(0), Ssrc(ssrc));
        }
        assert_eq!(streams.names().len(), MAX_STREAMS);
        streams.heard(at(5_000), Ssrc(7_777));
        assert_eq!(streams.names(), [Ssrc(7_777)]);
    }
}
