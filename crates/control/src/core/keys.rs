//! The names that a shard knows things by: dense places, each used by one occupant after the other.
//!
//! A place is given to its next occupant only once the shard has answered that the last one is gone. Until then an
//! event that names the place still finds whose it was.

use std::collections::BTreeSet;

use model::key::{
    ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, RouterKey, RtpObserverKey, TransportKey,
    WebRtcServerKey,
};

use super::output::DoorId;

/// A key of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    kind: Kind,
    index: u32,
    generation: u32,
}

/// The kinds of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    WebRtcServer,
    Router,
    Transport,
    Producer,
    Consumer,
    DataProducer,
    DataConsumer,
    RtpObserver,
}

/// Who stands at a key.
#[derive(Debug)]
pub(super) struct Occupant {
    /// Its name; of what stands for a producer elsewhere, that producer's.
    pub(super) id: Box<str>,
    /// Whether it may say something.
    pub(super) voice: Voice,
}

/// Whether events of an object can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Not before the answer to this request of that door: they go along with it. Once it is out, at once.
    Unborn(DoorId, u64),
    /// At once.
    Speaking,
    /// No more: whoever could understand it was told that the object is gone, while its shard hangs.
    Silent,
}

/// The keys of one shard.
#[derive(Debug, Default)]
pub(super) struct Keys {
    rows: [Row; 8],
}

#[derive(Debug, Default)]
struct Row {
    places: Vec<Place>,
    free: BTreeSet<u32>,
    /// What places that are made anew begin with: a generation that none of those before them had.
    fresh: u32,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    occupant: Option<Occupant>,
}

impl Key {
    pub(super) const fn is_of_data_producer(self) -> bool {
        matches!(self.kind, Kind::DataProducer)
    }
}

impl Keys {
    /// The lowest place that is free.
    pub(super) fn take(&mut self, kind: Kind, occupant: Occupant) -> Key {
        let row = &mut self.rows[kind as usize];
        let index = row.free.pop_first().unwrap_or_else(|| {
            row.places.push(Place { generation: row.fresh, occupant: None });
            // More things than that have no room in memory.
            u32::try_from(row.places.len() - 1).unwrap_or(u32::MAX)
        });
        let place = &mut row.places[index as usize];
        place.occupant = Some(occupant);
        Key { kind, index, generation: place.generation }
    }

    /// The occupant is gone; the next one at the same place has another key.
    pub(super) fn give_back(&mut self, key: Key) {
        let row = &mut self.rows[key.kind as usize];
        let place = row.places.get_mut(key.index as usize).filter(|place| place.generation == key.generation);
        if let Some(place) = place.filter(|place| place.occupant.is_some()) {
            place.occupant = None;
            place.generation = place.generation.wrapping_add(1);
            row.free.insert(key.index);
            row.shrink();
        }
    }

    /// Nothing of the occupant is told any more.
    pub(super) fn silence(&mut self, key: Key) {
        let place = self.rows[key.kind as usize].places.get_mut(key.index as usize);
        let occupied = place.filter(|place| place.generation == key.generation);
        if let Some(occupant) = occupied.and_then(|place| place.occupant.as_mut()) {
            occupant.voice = Voice::Silent;
        }
    }

    pub(super) fn occupant(&self, key: impl Into<Key>) -> Option<&Occupant> {
        let key = key.into();
        let place = self.rows[key.kind as usize].places.get(key.index as usize)?;
        place.occupant.as_ref().filter(|_| place.generation == key.generation)
    }

    /// How many things there are.
    pub(super) fn len(&self) -> usize {
        self.rows.iter().map(|row| row.places.len() - row.free.len()).sum()
    }
}

impl Row {
    /// Drops free places at the end: what a crowd has left behind goes back.
    fn shrink(&mut self) {
        while let Some(place) = self.places.pop_if(|place| place.occupant.is_none()) {
            self.free.pop_last();
            // Generations wrap; no place is half a circle ahead of another.
            if place.generation.wrapping_sub(self.fresh) < 1 << 31 {
                self.fresh = place.generation;
            }
        }
        let (used, room) = (self.places.len(), self.places.capacity());
        if used == 0 {
            // Few places, too, would keep a page of what the crowd had.
            self.places = Vec::new();
            return;
        }
        if room > KEPT && used < room / 4 {
            self.places.shrink_to((used * 2).max(KEPT));
        }
    }
}

/// Places that a row keeps room for: a small room's worth.
const KEPT: usize = 64;

macro_rules! kinds {
    ($($name:ident: $kind:ident as $method:ident),+ $(,)?) => {
        impl Key {$(
            /// As the key of its kind. Who asks has got it as one.
            pub(super) const fn $method(self) -> $name {
                $name::new(self.index, self.generation)
            }
        )+}

        $(impl From<$name> for Key {
            fn from(key: $name) -> Self {
                Self { kind: Kind::$kind, index: key.index, generation: key.generation }
            }
        })+
    };
}

kinds! {
    WebRtcServerKey: WebRtcServer as web_rtc_server,
    RouterKey: Router as router,
    TransportKey: Transport as transport,
    ProducerKey: Producer as producer,
    ConsumerKey: Consumer as consumer,
    DataProducerKey: DataProducer as data_producer,
    DataConsumerKey: DataConsumer as data_consumer,
    RtpObserverKey: RtpObserver as rtp_observer,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupant(id: &str) -> Occupant {
        Occupant { id: id.into(), voice: Voice::Speaking }
    }

    #[test]
    fn the_lowest_free_place_is_used_again_under_another_key() {
        let mut keys = Keys::default();
        let [a, b, _] = ["a", "b", "c"].map(|id| keys.take(Kind::Producer, occupant(id)));
        keys.give_back(b);
        keys.give_back(a);
        keys.give_back(a);
        assert_eq!(keys.len(), 1);
        let again = keys.take(Kind::Producer, occupant("d"));
        assert_eq!(again.producer(), ProducerKey::new(0, 1));
        assert!(keys.occupant(a).is_none(), "the past finds nothing");
        assert_eq!(&*keys.occupant(again.producer()).unwrap().id, "d");
        assert_eq!(keys.take(Kind::Consumer, occupant("e")).consumer(), ConsumerKey::new(0, 0));
    }

    #[test]
    fn what_a_crowd_needed_is_given_back_and_no_key_comes_twice() {
        let mut keys = Keys::default();
        let crowd: Vec<Key> = (0..5000).map(|_| keys.take(Kind::Consumer, occupant("c"))).collect();
        // One place has had another occupant before.
        keys.give_back(crowd[7]);
        let seventh = keys.take(Kind::Consumer, occupant("d"));
        crowd.iter().filter(|key| **key != crowd[7]).for_each(|key| keys.give_back(*key));
        assert_eq!((keys.len(), keys.rows[Kind::Consumer as usize].places.len()), (1, 8));
        keys.give_back(seventh);
        let row = &keys.rows[Kind::Consumer as usize];
        assert!(row.free.is_empty() && row.places.capacity() == 0, "{}", row.places.capacity());
        for _ in 0..5000 {
            let key = keys.take(Kind::Consumer, occupant("e"));
            assert!(!crowd.contains(&key) && key != seventh, "{key:?}");
        }
    }
}
