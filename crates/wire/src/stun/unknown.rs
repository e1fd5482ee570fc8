//! Attributes that a peer wants to be understood and that are not.

/// The first few of them; an answer names these (RFC 8489 §14.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    kinds: [u16; LIMIT],
    count: usize,
}

impl Unknown {
    /// Their numbers, in the order of the message, each once.
    #[must_use]
    pub fn kinds(&self) -> &[u16] {
        self.kinds.get(..self.count).unwrap_or_default()
    }

    pub(super) fn add(&mut self, kind: u16) {
        if self.kinds().contains(&kind) {
            return;
        }
        if let Some(slot) = self.kinds.get_mut(self.count) {
            *slot = kind;
            self.count = self.count.saturating_add(1);
        }
    }
}

/// A peer that is refused for one of them learns enough from four.
const LIMIT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_four_are_kept_once_each() {
        let mut unknown = Unknown::default();
        for kind in [9, 8, 9, 7, 6, 5, 4] {
            unknown.add(kind);
        }
        assert_eq!(unknown.kinds(), [9, 8, 7, 6]);
    }
}
