//! How much a participant may have at a time.
//!
//! A place is taken before something is made and kept with it, so that many requests at once get no more than one after
//! another; it is free again once the object is closed. Who may do everything has no quota.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::auth::{Caller, Grant};
use crate::config::Limits;

/// See the module.
#[derive(Debug)]
pub(crate) struct Quotas {
    limits: Limits,
    taken: Arc<Taken>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quota {
    Transports,
    /// Those of data, too.
    Producers,
    /// Likewise.
    Consumers,
}

/// The place of one object, until this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    taken: Arc<Taken>,
    holder: Holder,
    quota: Quota,
}

/// There is no place: so many there may be, and what the key in the configuration is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) most: u32,
    pub(crate) key: &'static str,
}

type Taken = Mutex<HashMap<Holder, [u32; 3]>>;

/// A participant of a router: the same word in another one is somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Holder {
    router: Option<Box<str>>,
    subject: Option<Box<str>>,
}

impl Quotas {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// A place for one more, if who asks is a participant.
    pub(crate) fn take(&self, caller: &Caller, quota: Quota) -> Result<Option<Seat>, Full> {
        let Some(Grant { router, subject, .. }) =
            caller.0.as_ref().filter(|_| caller.participant().is_some())
        else {
            return Ok(None);
        };
        let (most, key) = quota.most(&self.limits);
        let holder = Holder { router: router.clone(), subject: subject.clone() };
        let mut taken = self.taken.lock();
        let counts = taken.entry(holder.clone()).or_default();
        let count = quota.count(counts);
        if most > 0 && *count >= most {
            return Err(Full { most, key });
        }
        *count += 1;
        Ok(Some(Seat { taken: Arc::clone(&self.taken), holder, quota }))
    }
}

impl Quota {
    const fn most(self, limits: &Limits) -> (u32, &'static str) {
        match self {
            Self::Transports => (limits.participant_transports, "limits.participant_transports"),
            Self::Producers => (limits.participant_producers, "limits.participant_producers"),
            Self::Consumers => (limits.participant_consumers, "limits.participant_consumers"),
        }
    }

    const fn count(self, [transports, producers, consumers]: &mut [u32; 3]) -> &mut u32 {
        match self {
            Self::Transports => transports,
            Self::Producers => producers,
            Self::Consumers => consumers,
        }
    }

    /// As it stands in a sentence.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Transports => "transports",
            Self::Producers => "producers",
            Self::Consumers => "consumers",
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut there) = self.taken.lock().entry(self.holder.clone()) {
            *self.quota.count(there.get_mut()) -= 1;
            if there.get() == &[0; 3] {
                there.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Scope;

    fn participant(router: &str, subject: &str) -> Caller {
        let (router, subject) = (Some(router.into()), Some(subject.into()));
        Caller(Some(Grant { router, subject, ..Grant::of(Scope::Participant) }))
    }

    #[test]
    fn each_participant_has_its_places_and_leaves_none_behind() {
        let limits = Limits { participant_transports: 2, participant_producers: 0, ..Limits::default() };
        let quotas = Quotas::new(limits);
        let (alice, bob) = (participant("r", "alice"), participant("r", "bob"));
        let seat = |who: &Caller| quotas.take(who, Quota::Transports);
        let first = seat(&alice).unwrap();
        let second = seat(&alice).unwrap();
        let full = Full { most: 2, key: "limits.participant_transports" };
        assert_eq!(seat(&alice).err(), Some(full));
        let others = [seat(&bob).unwrap(), seat(&participant("s", "alice")).unwrap()];
        assert!(others.iter().all(Option::is_some));
        drop(first);
        let third = seat(&alice).unwrap();
        assert!(seat(&alice).is_err());
        let many: Vec<_> = (0..100).map(|_| quotas.take(&alice, Quota::Producers).unwrap()).collect();
        assert!(seat(&Caller(Some(Grant::of(Scope::Admin)))).unwrap().is_none());
        drop((second, third, others, many));
        assert!(quotas.taken.lock().is_empty());
    }
}
