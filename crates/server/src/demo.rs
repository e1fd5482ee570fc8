//! The demo call: rooms that have a name, and who is in them.
//!
//! A room is a router of the control API, made for the first who comes and closed after the last has left. Who comes gets
//! a token for it and uses the API as any participant does. What is said of a room is read off the catalogue, which has
//! every producer and whose it is; here is only what nobody else knows: names, and who is there.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::rtp::RtpCodecCapability;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use shardcast::api::{AppData, Error, Router, RouterOptions, Sfu};
use tokio::sync::watch;

use crate::auth::Grant;
use crate::catalogue::Catalogue;
use crate::http::ListenAddress;

/// See the module.
#[derive(Debug)]
pub(crate) struct Demo {
    settings: Settings,
    rooms: Mutex<Rooms>,
    /// Held while a router is made, so that two who come first at once meet.
    making: tokio::sync::Mutex<()>,
    /// How many came, to all rooms.
    visits: AtomicU64,
}

/// How it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) listen: ListenAddress,
    pub(crate) rooms: usize,
    pub(crate) people: usize,
}

/// Where somebody is, until it is given back by [`Demo::leave`].
#[derive(Debug)]
pub(crate) struct Seat {
    room: Box<str>,
    pub(crate) router: Router,
    pub(crate) person: Box<str>,
    /// People who come and leave.
    pub(crate) changes: watch::Receiver<()>,
    visit: u64,
}

/// Somebody who is there, to the others.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Person {
    id: Box<str>,
    name: Box<str>,
    producers: Vec<Produced>,
}

/// Something that somebody shows or says.
#[derive(Debug, PartialEq, Serialize)]
struct Produced {
    id: Box<str>,
    kind: model::rtp::MediaKind,
    source: &'static str,
    paused: bool,
}

/// Why somebody cannot come in, for whoever reads the page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("a room's name has 1 to 64 letters, digits, - and _")]
    RoomName,
    #[error("your name has 1 to 40 characters")]
    PersonName,
    #[error("there are as many rooms as this server's demo may have; try again later")]
    Rooms,
    #[error("the room is full")]
    People,
    #[error("this server takes no new rooms: it is about to end")]
    Draining,
    #[error("the operating system gives no random bytes")]
    Randomness,
    #[error("the room cannot be made: {0}")]
    Failed(#[from] Error),
}

#[derive(Debug, Default)]
struct Rooms {
    by_name: BTreeMap<Box<str>, Room>,
    /// By the names of their routers, what they are called.
    names: HashMap<Box<str>, Box<str>>,
}

#[derive(Debug)]
struct Room {
    router: Router,
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
}

impl Demo {
    pub(crate) fn new(settings: Settings) -> Self {
        let (rooms, making) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { settings, rooms, making, visits: AtomicU64::new(0) }
    }

    /// Somebody comes, or comes back: `earlier` is what the token says that this person had before.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn enter(
        &self,
        (sfu, catalogue): (&Sfu, &std::sync::Arc<Catalogue>),
        (room, name): (&str, &str),
        earlier: Option<Grant>,
        is_draining: bool,
    ) -> Result<Seat, Refused> {
        let name = name.trim();
        check(room, name)?;
        let _making = self.making.lock().await;
        let known = self.rooms.lock().by_name.get(room).map(|room| room.router.clone());
        // It may have been closed over the API, or with its shard.
        let known = known.filter(|router| catalogue.routers.get(router.id().as_str()).is_some());
        let router = match known {
            Some(router) => router,
            None if is_draining => return Err(Refused::Draining),
            None => self.open(sfu, catalogue, room).await?,
        };
        let is_back = |grant: &Grant| grant.router.as_deref() == Some(router.id().as_str());
        let person = match earlier.filter(is_back).and_then(|grant| grant.subject) {
            Some(person) => person,
            None => random_name()?,
        };
        let visit = self.visits.fetch_add(1, Ordering::Relaxed);
        let mut rooms = self.rooms.lock();
        let Room { seats, changes, .. } = rooms
            .by_name
            .get_mut(room)
            .filter(|room| room.seats.len() < self.settings.people || room.seats.contains_key(&person))
            .ok_or(Refused::People)?;
        let came = seats.get(&person).map_or(visit, |taken| taken.came);
        seats.insert(person.clone(), Taken { name: name.into(), came, visit });
        changes.send_replace(());
        Ok(Seat { room: room.into(), router, person, changes: changes.subscribe(), visit })
    }

    async fn open(
        &self,
        sfu: &Sfu,
        catalogue: &std::sync::Arc<Catalogue>,
        room: &str,
    ) -> Result<Router, Refused> {
        if self.rooms.lock().by_name.keys().filter(|name| &***name != room).count() >= self.settings.rooms {
            return Err(Refused::Rooms);
        }
        let app_data = AppData::new(json!({ "demo": room }));
        let router = sfu.create_router(RouterOptions { media_codecs: codecs(), app_data }).await?;
        // How many there are is bounded here.
        catalogue.keep(&router, None);
        self.rooms.lock().open(room, &router);
        Ok(router)
    }

    /// The connection of that seat is gone. Whoever has no newer one leaves with all that is theirs, and the last one
    /// closes the room.
    pub(crate) async fn leave(&self, seat: Seat, catalogue: &Catalogue) {
        let Seat { room: name, router, person, visit, .. } = seat;
        let is_last = {
            let mut rooms = self.rooms.lock();
            let Some(room) = rooms.by_name.get_mut(&name).filter(|room| room.router.id() == router.id())
            else {
                return;
            };
            if room.seats.get(&person).is_none_or(|taken| taken.visit != visit) {
                return;
            }
            room.seats.remove(&person);
            room.changes.send_replace(());
            let is_last = room.seats.is_empty();
            if is_last {
                rooms.close(&name);
            }
            is_last
        };
        // What is closed meanwhile by others is closed.
        if is_last {
            let _ = router.close().await;
            catalogue.forget(&router);
            return;
        }
        for transport in catalogue.owned_by(&person) {
            let _ = transport.base().close().await;
        }
    }

    /// Who is in the room of that seat, and what they show; by who came first.
    pub(crate) fn people(&self, seat: &Seat, catalogue: &Catalogue) -> Vec<Person> {
        let mut people: Vec<(u64, Person)> = match self.rooms.lock().by_name.get(&seat.room) {
            Some(room) => room.seats.iter().map(|(id, taken)| (taken.came, taken.shown(id))).collect(),
            None => return Vec::new(),
        };
        for producer in catalogue.producers.all_in(seat.router.id().as_str()) {
            let owner = catalogue.owner(producer.transport().id().as_str());
            let person = people.iter_mut().find(|(_, person)| owner.as_ref() == Some(&person.id));
            if let Some((_, person)) = person {
                person.producers.push(Produced {
                    id: producer.id().as_str().into(),
                    kind: producer.kind(),
                    source: source(producer.app_data().downcast_ref()),
                    paused: producer.paused(),
                });
            }
        }
        people.sort_by_key(|(came, _)| *came);
        people.into_iter().map(|(_, person)| person).collect()
    }

    /// Whether that is a router of the demo in which that person is not, or is no longer: a token holds longer than its
    /// person stays.
    pub(crate) fn lacks(&self, router: &str, person: &str) -> bool {
        let rooms = self.rooms.lock();
        let room = rooms.names.get(router).and_then(|name| rooms.by_name.get(name));
        room.is_some_and(|room| !room.seats.contains_key(person))
    }

    /// What transports of participants are to listen on.
    pub(crate) fn listen_infos(&self) -> Value {
        let ListenAddress { ip, announced_address } = &self.settings.listen;
        let info =
            |protocol| json!({ "protocol": protocol, "ip": ip, "announcedAddress": announced_address });
        json!([info("udp"), info("tcp")])
    }
}

impl Rooms {
    /// In place of one of that name whose router is gone, where there is one.
    fn open(&mut self, name: &str, router: &Router) {
        self.close(name);
        let (router, seats, changes) = (router.clone(), BTreeMap::new(), watch::Sender::new(()));
        self.names.insert(router.id().as_str().into(), name.into());
        self.by_name.insert(name.into(), Room { router, seats, changes });
    }

    fn close(&mut self, name: &str) {
        if let Some(room) = self.by_name.remove(name) {
            self.names.remove(room.router.id().as_str());
        }
    }
}

impl Taken {
    fn shown(&self, id: &str) -> Person {
        Person { id: id.into(), name: self.name.clone(), producers: Vec::new() }
    }
}

fn check(room: &str, name: &str) -> Result<(), Refused> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !(1..=64).contains(&room.len()) || !room.chars().all(is_plain) {
        return Err(Refused::RoomName);
    }
    let is_name = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if is_name { Ok(()) } else { Err(Refused::PersonName) }
}

/// The page writes it into what it makes; anything may stand there.
fn source(app_data: Option<&Value>) -> &'static str {
    match app_data.and_then(|data| data["source"].as_str()) {
        Some("camera") => "camera",
        Some("screen") => "screen",
        _ => "microphone",
    }
}

/// Nobody guesses it, and nobody has had it before.
fn random_name() -> Result<Box<str>, Refused> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refused::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What every browser has. The first of each kind is what mediasoup-client takes.
fn codecs() -> Vec<RtpCodecCapability> {
    let codecs = json!([
        { "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 },
        { "kind": "video", "mimeType": "video/VP8", "clockRate": 90_000 },
        { "kind": "video", "mimeType": "video/H264", "clockRate": 90_000, "parameters": {
            "packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1 } },
    ]);
    serde_json::from_value(codecs).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_say_nothing_to_a_terminal_or_a_path() {
        for (room, name) in [("standup", "Ada"), ("a-B_9", "Zoë ✨"), (&"r".repeat(64), &*"ä".repeat(40))]
        {
            assert!(check(room, name).is_ok(), "{room} {name}");
        }
        for room in ["", "a/b", "a b", "ä", &"r".repeat(65)] {
            assert!(matches!(check(room, "Ada"), Err(Refused::RoomName)), "{room}");
        }
        for name in ["", "a\u{7}b", &"n".repeat(41)] {
            assert!(matches!(check("room", name), Err(Refused::PersonName)), "{name}");
        }
    }

    #[test]
    fn its_codecs_are_codecs() {
        assert_eq!(codecs().len(), 3);
    }

    #[tokio::test]
    async fn who_is_in_another_room_has_nothing_to_read_anew() {
        let sfu = Sfu::start(shardcast::api::SfuConfig::default()).await.unwrap();
        let catalogue =
            std::sync::Arc::new(Catalogue::new(std::sync::Arc::new(crate::events::Events::new())));
        let listen = ListenAddress { ip: [127, 0, 0, 1].into(), announced_address: None };
        let demo = Demo::new(Settings { listen, rooms: 2, people: 2 });
        let enter = async |room, name| demo.enter((&sfu, &catalogue), (room, name), None, false).await;
        let mut ada = enter("tea", "Ada").await.unwrap();
        let ben = enter("milk", "Ben").await.unwrap();
        demo.leave(ben, &catalogue).await;
        assert!(!ada.changes.has_changed().unwrap(), "that was the other room");
        let cid = enter("tea", "Cid").await.unwrap();
        assert!(ada.changes.has_changed().unwrap());
        assert_eq!(demo.people(&ada, &catalogue).len(), 2);
        ada.changes.mark_unchanged();
        let (router, person) = (ada.router.id().to_string(), cid.person.clone());
        assert!(!demo.lacks(&router, &person));
        demo.leave(cid, &catalogue).await;
        assert!(ada.changes.has_changed().unwrap());
        assert!(demo.lacks(&router, &person) && !demo.lacks("another", &person));
        demo.leave(ada, &catalogue).await;
        let rooms = demo.rooms.lock();
        assert!(rooms.by_name.is_empty() && rooms.names.is_empty(), "nothing is left of it");
    }
}
