//! Which packets of a stream came, and which did not.

/// Numbers of one stream as they arrive. What is older than the window when it comes is as good as lost: no player
/// would wait for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    /// The first that came, and one more than the highest.
    seen: Option<(u64, u64)>,
    came: u64,
    repeated: u64,
    late: u64,
    holes: u64,
    /// Bit `n % WINDOW` is set if number `n` of the last [`WINDOW`] came.
    window: Box<[u64]>,
}

impl Tracker {
    pub(crate) fn new() -> Self {
        Self { window: vec![0; WORDS].into_boxed_slice(), ..Self::default() }
    }

    pub(crate) fn arrive(&mut self, number: u64) {
        let (first, end) = *self.seen.get_or_insert((number, number));
        if number < first {
            // It left before what the stream began with for us.
            return;
        }
        if number >= end {
            self.holes += u64::from(number > end);
            let stale = number.saturating_sub(WINDOW).max(end);
            (stale..=number).for_each(|number| self.mark(number, false));
            self.seen = Some((first, number + 1));
        } else if end - number > WINDOW {
            return;
        } else if self.is_marked(number) {
            self.repeated += 1;
            return;
        } else {
            self.late += 1;
        }
        self.mark(number, true);
        self.came += 1;
    }

    /// Packets that came, each counted once.
    pub(crate) const fn came(&self) -> u64 {
        self.came
    }

    /// Packets that came more than once.
    pub(crate) const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Packets that came after later ones: out of order, or sent again.
    pub(crate) const fn late(&self) -> u64 {
        self.late
    }

    /// How many times numbers were skipped, whether what was skipped came later or not.
    pub(crate) const fn holes(&self) -> u64 {
        self.holes
    }

    /// How many should have come of a stream that sent so many in all: those from the first one that came on.
    pub(crate) fn expected(&self, sent: u64) -> u64 {
        self.seen.map_or(0, |(first, end)| sent.max(end) - first)
    }

    fn mark(&mut self, number: u64, came: bool) {
        let (word, bit) = place(number);
        if let Some(word) = self.window.get_mut(word) {
            *word = if came { *word | bit } else { *word & !bit };
        }
    }

    fn is_marked(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.window.get(word).is_some_and(|word| word & bit != 0)
    }
}

fn place(number: u64) -> (usize, u64) {
    let index = number % WINDOW;
    (usize::try_from(index / 64).unwrap_or(0), 1 << (index % 64))
}

/// More than a second of the fastest stream that anybody asks for here.
const WINDOW: u64 = 2_048;
const WORDS: usize = 32;
const _: () = assert!(WORDS as u64 * 64 == WINDOW);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl IntoIterator<Item = u64>) -> Tracker {
        let mut tracker = Tracker::new();
        numbers.into_iter().for_each(|number| tracker.arrive(number));
        tracker
    }

    fn lost(tracker: &Tracker, sent: u64) -> u64 {
        tracker.expected(sent) - tracker.came()
    }

    #[test]
    fn a_whole_stream_has_no_loss_and_one_that_begins_later_neither() {
        let tracker = of(100..5_000);
        assert_eq!((tracker.came(), tracker.holes(), lost(&tracker, 5_000)), (4_900, 0, 0));
        assert_eq!(lost(&tracker, 5_007), 7, "the end is missing");
    }

    #[test]
    fn what_is_skipped_is_lost_until_it_comes() {
        let mut tracker = of([10, 11, 14, 15, 20]);
        assert_eq!((tracker.holes(), lost(&tracker, 21)), (2, 6));
        [13, 12].into_iter().for_each(|number| tracker.arrive(number));
        assert_eq!((tracker.late(), tracker.repeated(), lost(&tracker, 21)), (2, 0, 4));
    }

    #[test]
    fn a_repetition_makes_up_for_nothing() {
        let mut tracker = of([1, 2, 4]);
        [1, 2, 4, 4].into_iter().for_each(|number| tracker.arrive(number));
        assert_eq!((tracker.came(), tracker.repeated(), lost(&tracker, 5)), (3, 4, 1));
    }

    #[test]
    fn what_is_far_too_late_counts_as_lost_and_does_not_disturb_the_window() {
        let mut tracker = of([0, 2]);
        (3..3 + WINDOW).for_each(|number| tracker.arrive(number));
        tracker.arrive(1);
        assert_eq!((tracker.late(), lost(&tracker, 3 + WINDOW)), (0, 1));
        tracker.arrive(1 + 2 * WINDOW);
        assert_eq!((tracker.holes(), tracker.repeated()), (2, 0));
    }

    #[test]
    fn a_jump_over_several_windows_forgets_what_was_in_them() {
        let mut tracker = of(0..WINDOW);
        tracker.arrive(10 * WINDOW);
        // The same places of the window as numbers that came.
        tracker.arrive(9 * WINDOW + 5);
        assert_eq!((tracker.repeated(), tracker.late()), (0, 1));
    }

    #[test]
    fn a_stream_of_which_nothing_came_expects_nothing() {
        assert_eq!(Tracker::new().expected(1_000), 0);
    }
}
