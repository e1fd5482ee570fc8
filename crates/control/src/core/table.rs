//! Rows under numbers that are given once, in the order of their making.

use std::collections::BTreeMap;
use std::marker::PhantomData;

/// Tells one row from every other that there ever was.
pub(super) struct No<T> {
    number: u64,
    of: PhantomData<fn() -> T>,
}

/// Rows of one kind. What walks over them does so in the order of their making, whatever was taken out.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Table<T> {
    pub(super) const fn new() -> Self {
        Self { rows: BTreeMap::new(), next: 0 }
    }

    /// The number that the next row will have.
    pub(super) const fn next(&self) -> No<T> {
        No { number: self.next, of: PhantomData }
    }

    pub(super) fn add(&mut self, row: T) -> No<T> {
        let no = self.next();
        self.rows.insert(no.number, row);
        self.next += 1;
        no
    }

    pub(super) fn get(&self, no: No<T>) -> Option<&T> {
        self.rows.get(&no.number)
    }

    pub(super) fn get_mut(&mut self, no: No<T>) -> Option<&mut T> {
        self.rows.get_mut(&no.number)
    }

    pub(super) fn remove(&mut self, no: No<T>) -> Option<T> {
        self.rows.remove(&no.number)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (No<T>, &T)> {
        self.rows.iter().map(|(number, row)| (No { number: *number, of: PhantomData }, row))
    }
}

// By hand, because a number can be copied and compared whatever it is the number of.
impl<T> Clone for No<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for No<T> {}

impl<T> PartialEq for No<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for No<T> {}

impl<T> PartialOrd for No<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for No<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}

impl<T> std::fmt::Debug for No<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "No({})", self.number)
    }
}
