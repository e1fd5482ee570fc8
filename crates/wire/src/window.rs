//! Which of the latest numbers of a stream are marked.

/// A bit for each of the last [`LEN`](Self::LEN) numbers below an end that only grows.
///
/// Numbers mostly come in order, one marked after the other. Such a run at the end is two numbers, and no word is touched
/// until it breaks: of hundreds of streams that take turns in a core's cache, each is then a line and not three.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Window {
    /// One above the highest number.
    end: u64,
    /// All numbers from here to the end are marked.
    since: u64,
    /// Number n stands at bit n mod [`LEN`](Self::LEN). Right for those below `since`; at the places of the others is what
    /// the run found there.
    words: [u64; WORDS],
}

impl Window {
    /// How far below its end a window remembers.
    pub const LEN: u64 = 1024;

    /// With nothing marked. Numbers begin at `first`.
    #[must_use]
    pub const fn starting_at(first: u64) -> Self {
        Self { end: first, since: first, words: [0; WORDS] }
    }

    /// With everything marked below `end`.
    #[must_use]
    pub const fn marked_below(end: u64) -> Self {
        Self { end, since: 0, words: [0; WORDS] }
    }

    /// One above the highest number that was marked.
    #[must_use]
    #[inline]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Whether a number is so far below the end that nothing is known of it.
    #[must_use]
    #[inline]
    pub const fn is_past(&self, number: u64) -> bool {
        self.end.saturating_sub(number) > Self::LEN
    }

    /// Whether a number that is not past is marked.
    #[must_use]
    #[inline]
    pub fn has(&self, number: u64) -> bool {
        if number >= self.since {
            return number < self.end;
        }
        self.words.get(word_of(number)).is_some_and(|word| word & bit_of(number) != 0)
    }

    /// Marks a number that is not past. At or above the end, it becomes the highest.
    #[inline]
    pub fn mark(&mut self, number: u64) {
        if number == self.end {
            self.end = self.end.saturating_add(1);
        } else if number > self.end {
            self.leap(number);
        } else if number < self.since
            && let Some(word) = self.words.get_mut(word_of(number))
        {
            *word |= bit_of(number);
        }
    }

    /// Marks the numbers from `first` to `last`, of which none is below the end.
    pub fn mark_all(&mut self, first: u64, last: u64) {
        if first <= last {
            self.mark(first);
            self.end = last.saturating_add(1);
        }
    }

    /// How many of the numbers from `first` to `last` are marked; none of them is past.
    #[must_use]
    pub fn count(&self, first: u64, last: u64) -> u64 {
        let in_run = last.saturating_add(1).min(self.end).saturating_sub(first.max(self.since));
        let ones = |(at, mask): (usize, u64)| self.words.get(at).map_or(0, |word| (word & mask).count_ones());
        let before = parts(first, last.saturating_add(1).min(self.since));
        before.map(|part| u64::from(ones(part))).fold(in_run, u64::saturating_add)
    }

    /// The run breaks: it is written down, with what was left out up to the number that begins the next.
    #[cold]
    fn leap(&mut self, number: u64) {
        self.fill(self.since, self.end, true);
        self.fill(self.end, number, false);
        (self.since, self.end) = (number, number.saturating_add(1));
    }

    /// Writes the numbers from `from` to below `to`, as far as they will not be past.
    fn fill(&mut self, from: u64, to: u64, marked: bool) {
        for (at, mask) in parts(from.max(to.saturating_sub(Self::LEN)), to) {
            if let Some(word) = self.words.get_mut(at) {
                *word = if marked { *word | mask } else { *word & !mask };
            }
        }
    }
}

/// The words that hold the numbers from `from` to below `to`, and the bits in each. Word by word, because a remote
/// chooses how far its numbers leap.
fn parts(from: u64, to: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut next = from;
    core::iter::from_fn(move || {
        let number = Some(next).filter(|number| *number < to)?;
        let last = to.saturating_sub(1).min(number | 63);
        next = last.saturating_add(1);
        Some((word_of(number), u64::MAX << (number & 63) & u64::MAX >> (63 ^ (last & 63))))
    })
}

#[inline]
fn word_of(number: u64) -> usize {
    let [.., high, low] = (number >> 6).to_be_bytes();
    usize::from(u16::from_be_bytes([high, low])) % WORDS
}

#[inline]
const fn bit_of(number: u64) -> u64 {
    1 << (number & 63)
}

const WORDS: usize = 16;
const _: () = assert!(WORDS as u64 * 64 == Window::LEN);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_set(
            steps in prop::collection::vec((0_u8..6, 0_u64..3_000), 1..120),
            start in 0_u64..1 << 40,
        ) {
            let mut window = Window::starting_at(start);
            let mut model = BTreeSet::new();
            for (kind, distance) in steps {
                let end = window.end();
                match kind {
                    0 => {
                        window.mark(end + distance);
                        model.insert(end + distance);
                    }
                    1 => {
                        let (first, last) = (end + distance % 70, end + distance);
                        window.mark_all(first, last);
                        model.extend(first..=last);
                    }
                    2 | 3 => (0..distance % 80).for_each(|by| {
                        window.mark(end + by);
                        model.insert(end + by);
                    }),
                    _ => {
                        let late = end.saturating_sub(1 + distance % Window::LEN);
                        if late >= start {
                            window.mark(late);
                            model.insert(late);
                        }
                    }
                }
                let end = model.last().map_or(start, |last| last + 1);
                prop_assert_eq!(window.end(), end);
                let known = end.saturating_sub(Window::LEN)..end;
                prop_assert!(!window.is_past(known.start) && !window.has(end));
                prop_assert!(known.start == 0 || window.is_past(known.start - 1));
                for number in known.clone().step_by(1 + usize::from(kind) * 7) {
                    prop_assert_eq!(window.has(number), model.contains(&number), "{}", number);
                }
                let from = known.start + distance % Window::LEN;
                prop_assert_eq!(
                    window.count(from, end + 5),
                    u64::try_from(model.range(from..end.max(from)).count()).unwrap()
                );
            }
        }
    }

    #[test]
    fn everything_below_may_be_marked_from_the_start() {
        let mut window = Window::marked_below(5_000);
        assert!(window.has(4_999) && window.has(5_000 - Window::LEN) && !window.has(5_000));
        window.mark(5_010);
        assert!(window.has(4_999) && window.has(5_011 - Window::LEN) && !window.has(5_005));
        assert_eq!(window.count(4_990, 5_010), 11);
    }
}
