//! When memory goes back to the system: after a crowd has left, and once more when the last of it have. The allocator
//! keeps it otherwise, below the little that is still in use.

/// Watches how many things there are, looking now and then.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// The most since memory was last given back.
    most: usize,
    /// How many there were at the last look.
    last: usize,
    /// Whether memory was given back while some of a crowd may still have been about to leave.
    is_leaving: bool,
}

impl Crowd {
    /// There are so many now. Whether enough have gone for what they held to be worth giving back.
    pub(super) fn has_left(&mut self, things: usize) -> bool {
        self.most = self.most.max(things);
        let is_crowd = self.most - things >= WORTH_IT && things <= self.most / 2;
        // The last of a crowd are fewer than one; and shards let go of what they keep at hand when all have left.
        let is_over = self.is_leaving && things >= self.last;
        self.is_leaving = is_crowd || self.is_leaving && !is_over;
        self.last = things;
        if is_crowd || is_over {
            self.most = things;
        }
        is_crowd || is_over
    }
}

/// Some megabytes. Less is soon used again, and giving back takes milliseconds.
const WORTH_IT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn look(steps: impl IntoIterator<Item = (usize, bool)>) {
        let mut crowd = Crowd::default();
        for (place, (things, gives_back)) in steps.into_iter().enumerate() {
            assert_eq!(crowd.has_left(things), gives_back, "{things}, look {place}");
        }
    }

    #[test]
    fn memory_goes_back_after_most_of_a_crowd_has_left_and_once_more() {
        look([
            (999, false),
            (0, false),
            (5000, false),
            (2501, false),
            (2500, true),
            (2500, true),
            (2500, false),
        ]);
        look([(2500, false), (1400, false), (1250, true), (1300, true), (1300, false)]);
    }

    #[test]
    fn what_the_last_of_a_crowd_held_goes_back_when_they_have_left() {
        look([(5000, false), (900, true), (500, false), (100, false), (100, true), (50, false), (50, false)]);
        look([(9000, false), (4500, true), (2000, true), (1990, false), (1990, true), (1990, false)]);
    }
}
