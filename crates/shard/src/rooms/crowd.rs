//! When a shard's thread lets the allocator have back what it keeps at hand: soon after a crowd has left. These few free
//! blocks of each size lie where the last of the crowd lay, and only the thread itself can let go of them. Giving memory
//! back to the system is control's.

use core::time::Duration;

use wire::Mono;

use super::Rooms;
use crate::context::Context;

/// Watches how many things there are.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// The most since a crowd has left.
    most: usize,
    /// How many there were at the last look.
    last: usize,
    /// When it will have left, if nobody else leaves until then.
    due: Option<Mono>,
}

impl Crowd {
    /// There are so many now.
    pub(super) fn note(&mut self, things: usize, now: Mono) {
        if things == self.last {
            return;
        }
        self.last = things;
        self.most = self.most.max(things);
        if self.most - things >= WORTH_IT && things <= self.most / 2 {
            self.due = Some(now + QUIET);
        }
    }

    /// Whether a crowd has left since this was asked last.
    fn has_left(&mut self, now: Mono) -> bool {
        let has_left = self.due.take_if(|due| now >= *due).is_some();
        if has_left {
            self.most = self.last;
        }
        has_left
    }
}

impl Rooms {
    /// Lets the allocator have back what a crowd has left at hand.
    #[inline]
    pub(super) fn see_off_crowd(&mut self, cx: &mut Context<Self>) {
        if let Some(due) = self.crowd.due {
            if self.crowd.has_left(cx.now()) {
                net::heap::return_cached();
            } else {
                cx.wake_by(due);
            }
        }
    }
}

/// Fewer leave nothing behind that is worth a fraction of a millisecond.
const WORTH_IT: usize = 1000;
/// As long as control takes to look. Then it has given back what the crowd left, so that the allocator has no tens of
/// thousands of pieces to put together while a tick waits, and looks once more afterwards.
const QUIET: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_has_left_once_nobody_leaves_any_more() {
        let at = |milliseconds: u64| Mono::ZERO + Duration::from_millis(milliseconds);
        let mut crowd = Crowd::default();
        let looks = [
            (0, 5000, false),
            (10, 2501, false),
            (2000, 2501, false),
            (2100, 2500, false),
            (3000, 7, false),
            (3999, 7, false),
            (4000, 7, true),
            (5000, 0, false),
            (6000, 999, false),
            (6100, 0, false),
            (9000, 0, false),
        ];
        for (now, things, left) in looks {
            crowd.note(things, at(now));
            assert_eq!(crowd.has_left(at(now)), left, "{things} at {now}");
            assert_eq!(crowd.due.is_some(), (2100..4000).contains(&now), "{things} at {now}");
        }
    }
}
