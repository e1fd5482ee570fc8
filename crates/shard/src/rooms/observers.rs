//! Observers: who looks at whom. What they see comes with the packets' levels, which nobody sums yet; until then they
//! keep their members and say nothing.

use std::collections::BTreeMap;

use model::command::{ObserverOpen, RtpObserverCommand};
use model::key::{ProducerKey, RouterKey, RtpObserverKey};
use model::reply::{Answer, Refusal, RefusalClass};

use super::Rooms;
use super::table::{Table, absent};

/// All observers of a shard.
#[derive(Debug)]
pub(super) struct Observers {
    table: Table<RtpObserverKey, Observer>,
    /// By producer, so that a producer that closes is forgotten without a walk.
    watching: BTreeMap<ProducerKey, Vec<RtpObserverKey>>,
}

#[derive(Debug)]
struct Observer {
    router: RouterKey,
    setup: ObserverOpen,
    paused: bool,
    producers: Vec<ProducerKey>,
}

impl Observers {
    pub(super) const fn new(most: usize) -> Self {
        Self { table: Table::new(most), watching: BTreeMap::new() }
    }

    /// Forgets an observer, and whose it was.
    pub(super) fn close(&mut self, key: RtpObserverKey) -> Option<RouterKey> {
        let observer = self.table.remove(key)?;
        for producer in observer.producers {
            self.let_go(producer, key);
        }
        Some(observer.router)
    }

    /// Nobody looks at a producer any more.
    pub(super) fn forget(&mut self, producer: ProducerKey) {
        for key in self.watching.remove(&producer).unwrap_or_default() {
            if let Some(observer) = self.table.get_mut(key) {
                observer.producers.retain(|other| *other != producer);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.len() == 0 && self.watching.is_empty()
    }

    fn open(&mut self, key: RtpObserverKey, router: RouterKey, setup: ObserverOpen) -> Result<(), Refusal> {
        self.table.insert(key, Observer { router, setup, paused: false, producers: Vec::new() })
    }

    fn pause(&mut self, key: RtpObserverKey, paused: bool) -> Result<(), Refusal> {
        self.table.find_mut(key)?.paused = paused;
        Ok(())
    }

    fn add(&mut self, key: RtpObserverKey, producer: ProducerKey) -> Result<(), Refusal> {
        let observer = self.table.find_mut(key)?;
        if observer.producers.contains(&producer) {
            return match observer.setup {
                ObserverOpen::AudioLevel { .. } => Ok(()),
                ObserverOpen::ActiveSpeaker { .. } => {
                    let reason = "the active speaker observer has that producer already";
                    Err(Refusal::new(RefusalClass::Failed, reason))
                }
            };
        }
        observer.producers.push(producer);
        self.watching.entry(producer).or_default().push(key);
        Ok(())
    }

    fn remove(&mut self, key: RtpObserverKey, producer: ProducerKey) -> Result<(), Refusal> {
        self.table.find_mut(key)?.producers.retain(|other| *other != producer);
        self.let_go(producer, key);
        Ok(())
    }

    fn let_go(&mut self, producer: ProducerKey, key: RtpObserverKey) {
        if let Some(watching) = self.watching.get_mut(&producer) {
            watching.retain(|other| *other != key);
            if watching.is_empty() {
                self.watching.remove(&producer);
            }
        }
    }
}

impl Rooms {
    pub(super) fn observer_command(
        &mut self,
        key: RtpObserverKey,
        command: RtpObserverCommand,
    ) -> Result<Answer, Refusal> {
        match command {
            RtpObserverCommand::Open { router, setup } => {
                let part = self.routers.find_mut(router)?;
                self.observers.open(key, router, setup)?;
                part.observers.push(key);
            }
            RtpObserverCommand::Pause => self.observers.pause(key, true)?,
            RtpObserverCommand::Resume => self.observers.pause(key, false)?,
            RtpObserverCommand::AddProducer(producer) => {
                if self.is_producer(producer) {
                    self.observers.add(key, producer)?;
                } else if !self.replicas.is_ghost(producer) {
                    return Err(absent(producer));
                }
            }
            RtpObserverCommand::RemoveProducer(producer) => self.observers.remove(key, producer)?,
            RtpObserverCommand::Close => {
                let router = self.observers.close(key).ok_or_else(|| absent(key))?;
                if let Some(part) = self.routers.get_mut(router) {
                    part.observers.retain(|other| *other != key);
                }
            }
        }
        Ok(Answer::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEAKER: ObserverOpen = ObserverOpen::ActiveSpeaker { interval_ms: 300 };
    const LEVEL: ObserverOpen =
        ObserverOpen::AudioLevel { max_entries: 1, threshold_dbov: -80, interval_ms: 1000 };

    #[test]
    fn members_are_kept_until_either_side_goes() {
        let mut observers = Observers::new(4);
        let (router, producer) = (RouterKey::new(0, 0), ProducerKey::new(0, 0));
        let (speaker, level) = (RtpObserverKey::new(0, 0), RtpObserverKey::new(1, 0));
        observers.open(speaker, router, SPEAKER).unwrap();
        observers.open(level, router, LEVEL).unwrap();
        for key in [speaker, level] {
            observers.add(key, producer).unwrap();
            observers.add(key, producer.next()).unwrap();
        }
        assert_eq!(observers.add(speaker, producer).unwrap_err().class, RefusalClass::Failed);
        observers.add(level, producer).unwrap();
        observers.forget(producer);
        assert_eq!(observers.table.get(level).unwrap().producers, [producer.next()]);
        observers.remove(level, producer.next()).unwrap();
        assert_eq!(observers.close(speaker), Some(router));
        assert_eq!(observers.close(level), Some(router));
        assert!(observers.is_empty());
        assert_eq!(observers.pause(level, true).unwrap_err().class, RefusalClass::NotFound);
    }
}
