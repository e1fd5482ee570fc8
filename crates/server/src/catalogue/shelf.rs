//! Objects of one kind, by their names and by the rooms that they are in.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use crate::events::Subject;
use crate::quota::Seat;

/// Objects of one kind, in the order of their names.
#[derive(Debug)]
pub(crate) struct Shelf<T>(Mutex<Objects<T>>);

#[derive(Debug)]
struct Objects<T> {
    by_name: BTreeMap<Box<str>, Shelved<T>>,
    /// The names of those that are in each router: a room is read without the others.
    in_routers: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
}

/// An object, its router, and the place that a participant has for it.
#[derive(Debug)]
pub(super) struct Shelved<T> {
    object: T,
    router: Option<Box<str>>,
    _seat: Option<Seat>,
}

impl<T: Clone> Shelf<T> {
    pub(crate) fn get(&self, id: &str) -> Option<T> {
        self.0.lock().by_name.get(id).map(|shelved| shelved.object.clone())
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().by_name.values().map(|shelved| shelved.object.clone()).collect()
    }

    /// Those of that router.
    pub(crate) fn all_in(&self, router: &str) -> Vec<T> {
        let objects = self.0.lock();
        let names = objects.in_routers.get(router).into_iter().flatten();
        names.filter_map(|name| objects.by_name.get(name)).map(|shelved| shelved.object.clone()).collect()
    }

    /// How many are in each router that has any. Whoever wants to put or take something waits meanwhile.
    pub(crate) fn each_router(&self, mut look: impl FnMut(&str, usize)) {
        self.0.lock().in_routers.iter().for_each(|(router, names)| look(router, names.len()));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().by_name.len()
    }

    pub(super) fn put(&self, subject: &Subject, object: T, seat: Option<Seat>) {
        let Subject { router, id, .. } = subject.clone();
        let mut objects = self.0.lock();
        if let Some(router) = &router {
            objects.in_routers.entry(router.clone()).or_default().insert(id.clone());
        }
        objects.by_name.insert(id, Shelved { object, router, _seat: seat });
    }

    /// The object leaves the lock before it is dropped: that may close it.
    pub(super) fn take(&self, id: &str) -> Option<Shelved<T>> {
        let mut objects = self.0.lock();
        let shelved = objects.by_name.remove(id)?;
        if let Some(router) = &shelved.router
            && let Some(names) = objects.in_routers.get_mut(router)
        {
            names.remove(id);
            if names.is_empty() {
                objects.in_routers.remove(router);
            }
        }
        Some(shelved)
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new(Objects { by_name: BTreeMap::new(), in_routers: BTreeMap::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::ObjectKind;

    #[test]
    fn what_is_in_a_router_is_found_there_until_it_is_taken() {
        let shelf = Shelf::default();
        let put = |router: Option<&str>, id: &str, object| {
            let router = router.map(Into::into);
            shelf.put(&Subject { router, object: ObjectKind::Producer, id: id.into() }, object, None);
        };
        put(Some("r"), "b", 2);
        put(Some("r"), "a", 1);
        put(Some("s"), "c", 3);
        put(None, "d", 4);
        assert_eq!((shelf.all_in("r"), shelf.all_in("s"), shelf.len()), (vec![1, 2], vec![3], 4));
        let mut lens = Vec::new();
        shelf.each_router(|router, len| lens.push((router.to_owned(), len)));
        assert_eq!(lens, [("r".to_owned(), 2), ("s".to_owned(), 1)]);
        assert_eq!(shelf.take("b").map(|shelved| shelved.object), Some(2));
        assert!(shelf.take("b").is_none());
        assert_eq!(shelf.all_in("r"), [1]);
        for id in ["a", "c", "d"] {
            assert!(shelf.take(id).is_some());
        }
        assert!(shelf.0.lock().in_routers.is_empty(), "nothing is left of routers that were");
    }
}
