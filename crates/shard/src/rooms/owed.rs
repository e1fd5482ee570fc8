//! Answers that have to wait: for sockets to be reaped, for other shards to acknowledge, for work done in parts.

use model::reply::Outcome;

use super::fact::Subject;
use crate::control::Ticket;
use crate::key::ShardId;

/// What is given once everything that it waits for has happened.
#[derive(Debug)]
pub(super) enum Then {
    /// An answer to control.
    Reply(Ticket, Outcome),
    /// An acknowledgement to the shard of the subject.
    Acknowledge(ShardId, Subject, u32),
}

/// Names one of them until it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwedKey(u32);

/// All of them. At most one for each command that is not answered and each fact that is not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Owed {
    entries: Vec<Option<(usize, Then)>>,
    free: Vec<u32>,
}

impl Owed {
    /// Something that waits for one thing so far.
    pub(super) fn begin(&mut self, then: Then) -> OwedKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        self.entries[index as usize] = Some((1, then));
        OwedKey(index)
    }

    /// It waits for one thing more.
    pub(super) fn also(&mut self, key: OwedKey) {
        if let Some(Some((left, _))) = self.entries.get_mut(key.0 as usize) {
            *left += 1;
        }
    }

    /// One of the things has happened. What is to be given, if that was the last.
    pub(super) fn happened(&mut self, key: OwedKey) -> Option<Then> {
        let entry = self.entries.get_mut(key.0 as usize)?;
        let (left, _) = entry.as_mut()?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        self.free.push(key.0);
        entry.take().map(|(_, then)| then)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}
