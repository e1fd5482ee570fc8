//! Which of the latest indices were used: the replay list of RFC 3711 §3.3.2, for both directions.

use wire::Window;

/// The highest index used and, of it and the 1023 below it, which were used.
///
/// The opener refuses replays with it; the sealer refuses to seal an index twice.
#[derive(Debug, Clone)]
pub(crate) struct IndexWindow(Window);

/// What a window knows about an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Fresh,
    Used,
    /// Too far below the highest to know.
    TooOld,
}

impl IndexWindow {
    pub(crate) const fn new() -> Self {
        Self(Window::starting_at(0))
    }

    /// The window of a stream of which only the highest index is known: everything up to it counts as used.
    pub(crate) const fn used_below(next: u64) -> Self {
        Self(Window::marked_below(next))
    }

    /// One above the highest used index; zero while none was.
    pub(crate) const fn next(&self) -> u64 {
        self.0.end()
    }

    pub(crate) fn highest(&self) -> Option<u64> {
        self.next().checked_sub(1)
    }

    #[inline]
    pub(crate) fn look(&self, index: u64) -> Use {
        if index >= self.0.end() {
            Use::Fresh
        } else if self.0.is_past(index) {
            Use::TooOld
        } else if self.0.has(index) {
            Use::Used
        } else {
            Use::Fresh
        }
    }

    /// Marks a fresh index as used.
    #[inline]
    pub(crate) fn mark(&mut self, index: u64) {
        self.0.mark(index);
    }
}

/// How far below the highest index a packet may come: RFC 3711 §3.3.2 asks for at least 64; 1024 holds half
/// a second of the fastest video we forward, more than any reordering worth waiting for.
pub(crate) const WINDOW: u64 = Window::LEN;

#[cfg(test)]
mod tests {
    use super::{IndexWindow, Use, WINDOW};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn agrees_with_a_set(steps in prop::collection::vec((0_u8..4, 0_u64..3000), 1..400), start in 0_u64..1 << 40) {
            let mut window = IndexWindow::new();
            let mut model = BTreeSet::new();
            let mut centre = start;
            for (kind, distance) in steps {
                let index = match kind {
                    0 => centre + distance,
                    1 => centre + distance % 70,
                    _ => centre.saturating_sub(distance % 1100),
                };
                let expected = match model.last() {
                    Some(&highest) if index + WINDOW <= highest => Use::TooOld,
                    _ if model.contains(&index) => Use::Used,
                    _ => Use::Fresh,
                };
                prop_assert_eq!(window.look(index), expected, "index {}", index);
                if expected == Use::Fresh {
                    window.mark(index);
                    model.insert(index);
                    centre = centre.max(index);
                }
                prop_assert_eq!(window.highest(), model.last().copied());
            }
        }
    }

    #[test]
    fn a_window_known_only_by_its_highest_refuses_everything_up_to_it() {
        let mut window = IndexWindow::used_below(5000);
        assert_eq!(window.look(4999), Use::Used);
        assert_eq!(window.look(5000 - WINDOW), Use::Used);
        assert_eq!(window.look(4999 - WINDOW), Use::TooOld);
        assert_eq!(window.look(5000), Use::Fresh);
        window.mark(5010);
        assert_eq!(window.look(5005), Use::Fresh);
        assert_eq!(window.look(4999), Use::Used);
    }
}
