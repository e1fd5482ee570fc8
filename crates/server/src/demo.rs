//! The demo call: rooms that have a name, and who is in them.
//!
//! A room is a router of the control API, made for the first who comes and closed after the last has left. Who comes gets
//! a token for it and uses the API as any participant does. What is said of a room is read off the catalogue, which has
//! every producer and whose it is; here is only what nobody else knows: names, and who is there.

mod names;
mod people;
mod rooms;

use std::sync::atomic::{AtomicU64, Ordering};

use model::rtp::RtpCodecCapability;
use parking_lot::Mutex;
use serde_json::{Value, json};
use shardcast::api::{AppData, Error, Router, RouterOptions, Sfu};
use tokio::sync::watch;

use crate::auth::Grant;
use crate::catalogue::Catalogue;
use crate::http::ListenAddress;
pub(crate) use people::Person;
use rooms::Rooms;

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
        names::check(room, name)?;
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
            None => names::random()?,
        };
        let visit = self.visits.fetch_add(1, Ordering::Relaxed);
        let mut rooms = self.rooms.lock();
        let mut room_of = rooms.by_name.get_mut(room);
        let taken = room_of.as_mut().filter(|room| room.has_place(&person, self.settings.people));
        let changes = taken.ok_or(Refused::People)?.sit(&person, name, visit);
        Ok(Seat { room: room.into(), router, person, changes, visit })
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
            if !room.rise(&person, visit) {
                return;
            }
            let is_last = room.is_empty();
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
        let seated = self.rooms.lock().by_name.get(&seat.room).map(rooms::Room::people).unwrap_or_default();
        people::with_what_they_show(seated, seat.router.id().as_str(), catalogue)
    }

    /// Whether that token is for a router of the demo in which its person is not, or is no longer: it holds longer than
    /// the person stays, and than the room is there.
    pub(crate) fn lacks(&self, grant: &Grant) -> bool {
        let Grant { router: Some(router), subject: Some(person), is_seated, .. } = grant else {
            return false;
        };
        self.rooms.lock().of_router(router).map_or(*is_seated, |room| !room.has(person))
    }

    /// What is closed once the person of that token leaves, or has already; nothing where it is for no router of the demo.
    pub(crate) fn stay(&self, grant: &Grant) -> Option<watch::Receiver<()>> {
        let Grant { router: Some(router), subject: Some(person), is_seated, .. } = grant else { return None };
        match self.rooms.lock().of_router(router) {
            Some(room) => Some(room.stay(person)),
            // The room has gone meanwhile.
            None => is_seated.then(|| watch::channel(()).1),
        }
    }

    /// What transports of participants are to listen on.
    pub(crate) fn listen_infos(&self) -> Value {
        let ListenAddress { ip, announced_address } = &self.settings.listen;
        let info =
            |protocol| json!({ "protocol": protocol, "ip": ip, "announcedAddress": announced_address });
        json!([info("udp"), info("tcp")])
    }
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
        let grant = |router: &str, person: &str, is_seated| Grant {
            router: Some(router.into()),
            subject: Some(person.into()),
            is_seated,
            ..Grant::of(crate::auth::Scope::Participant)
        };
        let of = |seat: &Seat| grant(seat.router.id().as_str(), &seat.person, true);
        let stay = |seat: &Seat| demo.stay(&of(seat)).unwrap();
        let (bens, adas) = (stay(&ben), stay(&ada));
        demo.leave(ben, &catalogue).await;
        assert!(bens.has_changed().is_err(), "what hung on being there ends");
        assert!(!ada.changes.has_changed().unwrap(), "that was the other room");
        assert!(!adas.has_changed().unwrap(), "and nobody else's does");
        let cid = enter("tea", "Cid").await.unwrap();
        assert!(ada.changes.has_changed().unwrap());
        assert_eq!(demo.people(&ada, &catalogue).len(), 2);
        ada.changes.mark_unchanged();
        let (cids, theirs) = (of(&cid), grant(ada.router.id().as_str(), &cid.person, false));
        let others = grant("another", &cid.person, false);
        assert!(!demo.lacks(&cids));
        demo.leave(cid, &catalogue).await;
        assert!(demo.lacks(&cids) && demo.lacks(&theirs), "whoever gave the token");
        assert!(demo.stay(&cids).unwrap().has_changed().is_err(), "it has ended already");
        assert!(demo.stay(&others).is_none());
        assert!(ada.changes.has_changed().unwrap());
        demo.leave(ada, &catalogue).await;
        assert!(demo.lacks(&cids), "of a room that is gone, too");
        assert!(demo.stay(&cids).unwrap().has_changed().is_err(), "likewise");
        assert!(!demo.lacks(&others), "a token of the application");
        let rooms = demo.rooms.lock();
        assert!(rooms.by_name.is_empty() && rooms.names.is_empty(), "nothing is left of it");
    }
}
