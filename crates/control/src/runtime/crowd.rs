//! When memory goes back to the system: after a crowd has left. The allocator keeps it otherwise, below the little that
//! is still in use.

/// Watches how many things there are.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// The most since memory was last given back.
    most: usize,
}

impl Crowd {
    /// There are so many now. Whether enough have gone for what they held to be worth giving back.
    pub(super) fn has_left(&mut self, things: usize) -> bool {
        self.most = self.most.max(things);
        let left = self.most - things;
        if left < WORTH_IT || things > self.most / 2 {
            return false;
        }
        self.most = things;
        true
    }
}

/// Some megabytes. Less is soon used again, and giving back takes milliseconds.
const WORTH_IT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_goes_back_once_after_most_of_a_crowd_has_left() {
        let mut crowd = Crowd::default();
        let steps =
            [(999, false), (0, false), (5000, false), (2501, false), (2500, true), (2000, false), (0, true)];
        for (things, gives_back) in steps {
            assert_eq!(crowd.has_left(things), gives_back, "{things}");
        }
        assert!(!crowd.has_left(0));
    }
}
