//! Rooms by name, and who has a seat in them.

use std::collections::{BTreeMap, HashMap};

use shardcast::api::Router;
use tokio::sync::watch;

use super::Person;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    pub(super) by_name: BTreeMap<Box<str>, Room>,
    /// By the names of their routers, what they are called.
    pub(super) names: HashMap<Box<str>, Box<str>>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) router: Router,
    seats: BTreeMap<Box<str>, Taken>,
    /// Of this room only: who is in another one has nothing to read anew.
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Taken {
    name: Box<str>,
    /// Counts those who came, for the order in which they are shown.
    came: u64,
    /// The newest connection of that person. One that went away matters no more once there is a newer.
    visit: u64,
    /// Gone when that person is.
    stays: watch::Sender<()>,
}

impl Rooms {
    /// In place of one of that name whose router is gone, where there is one.
    pub(super) fn open(&mut self, name: &str, router: &Router) {
        self.close(name);
        let (router, seats, changes) = (router.clone(), BTreeMap::new(), watch::Sender::new(()));
        self.names.insert(router.id().as_str().into(), name.into());
        self.by_name.insert(name.into(), Room { router, seats, changes });
    }

    pub(super) fn close(&mut self, name: &str) {
        if let Some(room) = self.by_name.remove(name) {
            self.names.remove(room.router.id().as_str());
        }
    }

    pub(super) fn of_router(&self, router: &str) -> Option<&Room> {
        self.by_name.get(self.names.get(router)?)
    }
}

impl Room {
    /// Whether that person may sit down where there are so many seats.
    pub(super) fn has_place(&self, person: &str, seats: usize) -> bool {
        self.seats.len() < seats || self.has(person)
    }

    pub(super) fn has(&self, person: &str) -> bool {
        self.seats.contains_key(person)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Somebody comes, or comes back by that visit: to hear who comes and leaves.
    pub(super) fn sit(&mut self, person: &str, name: &str, visit: u64) -> watch::Receiver<()> {
        let (came, stays) = match self.seats.remove(person) {
            Some(Taken { came, stays, .. }) => (came, stays),
            None => (visit, watch::Sender::new(())),
        };
        self.seats.insert(person.into(), Taken { name: name.into(), came, visit, stays });
        self.changes.send_replace(());
        self.changes.subscribe()
    }

    /// Whether that person has left with that visit: not, if they came back since.
    pub(super) fn rise(&mut self, person: &str, visit: u64) -> bool {
        if self.seats.get(person).is_none_or(|taken| taken.visit != visit) {
            return false;
        }
        self.seats.remove(person);
        self.changes.send_replace(());
        true
    }

    /// Closed once that person is not there.
    pub(super) fn stay(&self, person: &str) -> watch::Receiver<()> {
        // Of somebody who is not there it is closed from the first.
        self.seats
            .get(person)
            .map_or_else(|| watch::Sender::new(()).subscribe(), |taken| taken.stays.subscribe())
    }

    /// By who came first, with nothing to show yet.
    pub(super) fn people(&self) -> Vec<Person> {
        let mut seats: Vec<_> = self.seats.iter().collect();
        seats.sort_by_key(|(_, taken)| taken.came);
        seats.into_iter().map(|(id, taken)| Person::new(id, &taken.name)).collect()
    }
}
