//! The ways between us and a peer that the peer proved to own.

use std::net::SocketAddr;

/// One way: our end, as the owner of sockets names it (a socket, or one TCP connection), and the peer's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple<L> {
    /// Our end.
    pub local: L,
    /// The peer's address as we see it.
    pub remote: SocketAddr,
}

/// The tuples of one agent, the newest last, and which of them is selected.
#[derive(Debug)]
pub(crate) struct Tuples<L> {
    slots: [Option<Tuple<L>>; MAX_TUPLES],
    selected: Option<Tuple<L>>,
}

impl<L: Copy + Eq> Tuples<L> {
    pub(crate) const fn new() -> Self {
        Self { slots: [None; MAX_TUPLES], selected: None }
    }

    pub(crate) const fn selected(&self) -> Option<Tuple<L>> {
        self.selected
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Tuple<L>> + '_ {
        self.slots.iter().copied().flatten()
    }

    pub(crate) fn contains(&self, tuple: Tuple<L>) -> bool {
        self.iter().any(|known| known == tuple)
    }

    /// Selects a known tuple; whether that is another one than before.
    pub(crate) fn select(&mut self, tuple: Tuple<L>) -> bool {
        let another = self.selected != Some(tuple);
        self.selected = Some(tuple);
        another
    }

    /// Adds an unknown tuple. When there is no place, the oldest that is not selected makes it.
    pub(crate) fn add(&mut self, tuple: Tuple<L>) -> Option<Tuple<L>> {
        let dropped = if self.slots.iter().all(Option::is_some) {
            let oldest = self.iter().find(|&known| Some(known) != self.selected);
            if let Some(oldest) = oldest {
                self.take_out(oldest);
            }
            oldest
        } else {
            None
        };
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(tuple);
        }
        dropped
    }

    /// Removes a tuple; whether it was known. When it was selected, the newest of the others takes its place.
    pub(crate) fn remove(&mut self, tuple: Tuple<L>) -> bool {
        if !self.contains(tuple) {
            return false;
        }
        self.take_out(tuple);
        if self.selected == Some(tuple) {
            self.selected = self.iter().last();
        }
        true
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// The others close up and keep their order.
    fn take_out(&mut self, tuple: Tuple<L>) {
        let kept = self.slots.map(|slot| slot.filter(|&known| known != tuple));
        self.slots = [None; MAX_TUPLES];
        for (slot, known) in self.slots.iter_mut().zip(kept.into_iter().flatten()) {
            *slot = Some(known);
        }
    }
}

/// As many as mediasoup keeps: both families on a few networks, over UDP and TCP.
pub const MAX_TUPLES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(port: u16) -> Tuple<u8> {
        Tuple { local: 0, remote: ([192, 0, 2, 1], port).into() }
    }

    fn ports(tuples: &Tuples<u8>) -> Vec<u16> {
        tuples.iter().map(|tuple| tuple.remote.port()).collect()
    }

    #[test]
    fn the_oldest_goes_unless_it_is_in_use() {
        let mut tuples = Tuples::new();
        for port in 1..=8 {
            assert_eq!(tuples.add(tuple(port)), None);
        }
        tuples.select(tuple(1));
        assert_eq!(tuples.add(tuple(9)), Some(tuple(2)));
        assert_eq!(ports(&tuples), [1, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn the_newest_of_the_others_succeeds_the_selected() {
        let mut tuples = Tuples::new();
        for port in 1..=3 {
            tuples.add(tuple(port));
        }
        tuples.select(tuple(2));
        assert!(tuples.remove(tuple(1)));
        assert!(!tuples.remove(tuple(1)));
        assert_eq!(tuples.selected(), Some(tuple(2)));
        assert!(tuples.remove(tuple(2)));
        assert_eq!(tuples.selected(), Some(tuple(3)));
        assert!(tuples.remove(tuple(3)));
        assert_eq!((tuples.selected(), ports(&tuples)), (None, vec![]));
    }
}
