//! The world: a hall of shards, peers with a path up and a path down each, and a clock that jumps to what comes next.
//!
//! Peers live at exact times; the SFU ticks on a grid of [`TICK`], and is told exactly when each datagram came, as a
//! kernel would. Whatever happens is shown to everybody who watches, in order.

use core::time::Duration;
use std::collections::BinaryHeap;
use std::io;

use model::command::Action;
use model::event::Event;
use model::reply::Answer;
use wire::Mono;

use crate::house::{Hall, KeyPair, Lock, Refused, Room, Suite, Video, Watching};
use crate::network::{Conditions, Passage, Path};
use crate::peer::{Outbox, Peer};
use crate::random::Random;
use crate::sight::{Packet, Sight};
use crate::watch::Watch;
use flight::{Flight, Way};

mod flight;

/// The world.
#[derive(Debug)]
pub struct World {
    hall: Hall,
    room: Room,
    now: Mono,
    seats: Vec<Seat>,
    subscribers: Vec<(usize, usize)>,
    flights: BinaryHeap<Flight>,
    launched: u64,
    seed: u64,
    tampering: Option<Tampering>,
    /// Who watches.
    pub watch: Watch,
}

/// Does something to what the SFU sends to a peer, as if the SFU were broken: takes the datagram as it travels, gives
/// what travels instead.
pub type Tampering = fn(who: usize, number: u64, datagram: Vec<u8>) -> Vec<Vec<u8>>;

/// A peer's place in the world.
#[derive(Debug)]
struct Seat {
    peer: Peer,
    shard: usize,
    port: u16,
    locks: Option<Locks>,
    up: Path,
    down: Path,
    next_wake: Mono,
    sent_to: u64,
    is_gone: bool,
}

#[derive(Debug)]
struct Locks {
    sealing: Lock,
    opening: Lock,
}

/// Why the world stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The hall did not do what it was told.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The machine gave out.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How a peer is connected.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The shard of its transport, of those there are.
    pub shard: usize,
    /// What its path is sealed with.
    pub suite: Option<Suite>,
    /// Towards the SFU.
    pub up: Conditions,
    /// From the SFU.
    pub down: Conditions,
}

impl World {
    /// A world with so many shards and nobody in it.
    ///
    /// # Errors
    /// When the process has not the descriptors or the memory.
    pub fn new(seed: u64, shards: usize, watch: Watch) -> Result<Self, Stopped> {
        let now = BEGINNING;
        let hall = Hall::new(shards, now)?;
        let room = Room::new(shards);
        let mut world = Self {
            hall,
            room,
            now,
            seats: Vec::new(),
            subscribers: Vec::new(),
            flights: BinaryHeap::new(),
            launched: 0,
            seed,
            tampering: None,
            watch,
        };
        for (shard, action) in world.room.open() {
            world.ask(shard, action)?;
        }
        Ok(world)
    }

    /// From now on something is wrong with what the SFU sends.
    pub const fn tamper(&mut self, tampering: Tampering) {
        self.tampering = Some(tampering);
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Mono {
        self.now
    }

    /// The shards.
    pub const fn hall(&mut self) -> &mut Hall {
        &mut self.hall
    }

    /// A peer comes, and gets a number.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn seat(&mut self, access: Access, peer: Peer) -> Result<usize, Stopped> {
        let who = self.seats.len();
        let shard = access.shard % self.hall.shards();
        let seed_of = |purpose| Random::of(self.seed, (who as u64) << 8 | purpose).next();
        let keys = access.suite.map(|suite| KeyPair::new(suite, seed_of(1)));
        let (up, down) = (Path::new(access.up, seed_of(2)), Path::new(access.down, seed_of(3)));
        let (shard, open) = self.room.seat(who, shard, keys.as_ref(), seed_of(4));
        let connect = self.room.connect(who, keys.as_ref());
        let port = match self.ask(shard, open)? {
            Answer::Bound(at) => at.first().map_or(0, |bound| bound.port),
            _ => 0,
        };
        self.ask(connect.0, connect.1)?;
        let locks = keys.map(|keys| Locks { sealing: keys.sealing(), opening: keys.opening() });
        let next_wake = peer.next_wake();
        self.seats.push(Seat { peer, shard, port, locks, up, down, next_wake, sent_to: 0, is_gone: false });
        Ok(who)
    }

    /// A peer publishes.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn publish(&mut self, who: usize, video: Video) -> Result<(), Stopped> {
        let (shard, action) = self.room.produce(who, video);
        self.ask(shard, action)?;
        self.watch.see(self.now, &Sight::Publishes(who, video));
        Ok(())
    }

    /// A peer subscribes to what another publishes.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn subscribe(&mut self, who: usize, of: usize, watching: Watching) -> Result<(), Stopped> {
        self.watch.see(self.now, &Sight::Subscribes(who, of, watching));
        self.subscribers.push((who, of));
        for (shard, action) in self.room.consume(who, of, watching) {
            self.ask(shard, action)?;
        }
        Ok(())
    }

    /// Tells a shard something about the room and waits for the answer, while everybody lives on.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn order(&mut self, order: impl FnOnce(&mut Room) -> (usize, Action)) -> Result<Answer, Stopped> {
        let (shard, action) = order(&mut self.room);
        self.ask(shard, action)
    }

    /// A peer goes away, without a word to anybody but control.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn leave(&mut self, who: usize) -> Result<(), Stopped> {
        self.seats[who].is_gone = true;
        self.seats[who].next_wake = Mono::NEVER;
        self.watch.see(self.now, &Sight::Serves(who, false));
        if let Some((shard, action)) = self.room.leave(who) {
            self.ask(shard, action)?;
        }
        Ok(())
    }

    /// From now on a peer's paths are like that, up and down.
    pub fn change(&mut self, who: usize, up: Option<Conditions>, down: Option<Conditions>) {
        let seat = &mut self.seats[who];
        up.into_iter().for_each(|conditions| seat.up.change(conditions));
        down.into_iter().for_each(|conditions| seat.down.change(conditions));
    }

    /// The next packets of a peer's paths are lost, up and down.
    pub const fn drop_next(&mut self, who: usize, (up, down): (u32, u32)) {
        let seat = &mut self.seats.as_mut_slice()[who];
        seat.up.drop_next(up);
        seat.down.drop_next(down);
    }

    /// Everybody goes home, and the room is closed. What is left then, in words.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn close(&mut self) -> Result<Vec<String>, Stopped> {
        for seat in &mut self.seats {
            (seat.is_gone, seat.next_wake) = (true, Mono::NEVER);
        }
        for (shard, action) in self.room.close() {
            self.ask(shard, action)?;
        }
        self.run_for(CLOSING)?;
        let shards = 0..self.hall.shards();
        let left = shards.flat_map(|shard| {
            self.hall.left_over(shard).into_iter().map(move |what| format!("shard {shard}: {what}"))
        });
        Ok(left.collect())
    }

    /// Everybody lives on for so long.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn run_for(&mut self, span: Duration) -> Result<(), Stopped> {
        let until = self.now + span;
        while self.now < until {
            let next = self.next_event().max(self.now + TICK);
            self.advance(grid(next).min(until))?;
        }
        Ok(())
    }

    fn ask(&mut self, shard: usize, action: Action) -> Result<Answer, Stopped> {
        let request = self.hall.submit(shard, action);
        for _ in 0..MOST_TICKS_OF_AN_ANSWER {
            // At first without time passing: where nothing has to be waited for, it makes no difference how many
            // shards there are.
            self.serve()?;
            if let Some(answer) = self.hall.answer(shard, request)? {
                return Ok(answer);
            }
            self.advance(self.now + TICK)?;
        }
        Err(Refused::Silent(shard).into())
    }

    fn next_event(&mut self) -> Mono {
        let flight = self.flights.peek().map_or(Mono::NEVER, |flight| flight.at);
        let wake = self.seats.iter().map(|seat| seat.next_wake).min().unwrap_or(Mono::NEVER);
        flight.min(wake).min(self.hall.next_deadline())
    }

    /// Lets everything happen up to a point of time, and the shards tick there.
    fn advance(&mut self, to: Mono) -> Result<(), Stopped> {
        loop {
            let flight = self.flights.peek().map_or(Mono::NEVER, |flight| flight.at);
            let wakes = self.seats.iter().enumerate().map(|(who, seat)| (seat.next_wake, who));
            let (wake, who) = wakes.min().unwrap_or((Mono::NEVER, 0));
            if flight.min(wake) > to {
                break;
            }
            if flight <= wake {
                if let Some(flight) = self.flights.pop() {
                    self.land(flight);
                }
            } else {
                self.live(who, wake, |peer, out| peer.wake(wake, out));
            }
        }
        self.now = to;
        self.serve()
    }

    /// The shards do what there is to do, and what they send leaves.
    fn serve(&mut self) -> Result<(), Stopped> {
        self.hall.settle(self.now)?;
        for shard in 0..self.hall.shards() {
            for sent in self.hall.driver(shard).take_sent() {
                let Some(who) = Room::peer_at(sent.to).filter(|who| *who < self.seats.len()) else {
                    continue;
                };
                sent.datagrams.into_iter().for_each(|datagram| self.send_down(who, datagram));
            }
            for event in self.hall.events(shard) {
                let who = match &event {
                    Event::Producer(key, _) => self.room.publisher_of(shard, *key),
                    Event::Consumer(key, _) => self.room.subscriber_of(shard, *key),
                    _ => None,
                };
                self.watch.see(self.now, &Sight::Event(who, &event));
            }
        }
        Ok(())
    }

    fn land(&mut self, flight: Flight) {
        let Flight { at, way, who, plain, sealed, .. } = flight;
        let packet = Packet::read(&plain, sealed.as_deref());
        match way {
            Way::Up => {
                self.watch.see(at, &Sight::In(who, &packet));
                let Seat { shard, port, .. } = self.seats[who];
                let bytes = sealed.unwrap_or(plain);
                // Where nobody listens any more, nothing is heard.
                let _ = self.hall.driver(shard).deliver(port, Room::address(who), at, bytes);
            }
            Way::Down => {
                self.watch.see(at, &Sight::Down(who, &packet));
                self.live(who, at, |peer, out| peer.receive(at, &plain, out));
            }
        }
    }

    /// A peer does something, and what it sends leaves.
    fn live(&mut self, who: usize, now: Mono, act: impl FnOnce(&mut Peer, &mut Outbox)) {
        let seat = &mut self.seats[who];
        if seat.is_gone {
            return;
        }
        let mut out = Outbox::default();
        act(&mut seat.peer, &mut out);
        seat.next_wake = seat.peer.next_wake();
        for note in &out.notes {
            self.watch.see(now, &Sight::Note(who, note));
        }
        for plain in out.datagrams {
            let seat = &mut self.seats[who];
            let sealed = match &mut seat.locks {
                None => None,
                Some(locks) => match locks.sealing.seal(&plain) {
                    None => continue,
                    sealed => sealed,
                },
            };
            let passage = seat.up.send(now, sealed.as_ref().unwrap_or(&plain).len());
            let packet = Packet::read(&plain, sealed.as_deref());
            self.watch.see(now, &Sight::Up(who, &packet, passage));
            self.launch(Way::Up, who, passage, (plain, sealed));
        }
    }

    fn send_down(&mut self, who: usize, datagram: Vec<u8>) {
        let number = self.seats[who].sent_to;
        self.seats[who].sent_to += 1;
        let datagrams = match self.tampering {
            None => vec![datagram],
            Some(tampering) => tampering(who, number, datagram),
        };
        for datagram in datagrams {
            let seat = &mut self.seats[who];
            let passage = seat.down.send(self.now, datagram.len());
            let (plain, sealed) = match &mut seat.locks {
                None => (datagram, None),
                Some(locks) => match locks.opening.open(&datagram) {
                    Some(plain) => (plain, Some(datagram)),
                    None => {
                        self.watch.see(self.now, &Sight::Unopened(who, &datagram));
                        continue;
                    }
                },
            };
            let packet = Packet::read(&plain, sealed.as_deref());
            self.watch.see(self.now, &Sight::Out(who, &packet, passage));
            self.launch(Way::Down, who, passage, (plain, sealed));
        }
    }

    fn launch(
        &mut self,
        way: Way,
        who: usize,
        passage: Passage,
        (plain, sealed): (Vec<u8>, Option<Vec<u8>>),
    ) {
        let Passage::Arrives { at, again } = passage else { return };
        for at in core::iter::once(at).chain(again) {
            let number = self.launched;
            self.launched += 1;
            let (plain, sealed) = (plain.clone(), sealed.clone());
            self.flights.push(Flight { at, number, way, who, plain, sealed });
        }
    }

    /// Who subscribes, and to whom.
    #[must_use]
    pub fn subscribers(&self) -> Vec<(usize, usize)> {
        self.subscribers.clone()
    }
}

/// The next point of the grid that is not before.
fn grid(at: Mono) -> Mono {
    let step = u64::try_from(TICK.as_nanos()).unwrap_or(1);
    Mono::from_nanos(at.as_nanos().div_ceil(step).saturating_mul(step))
}

/// How often the SFU ticks at most: about as late as a busy shard is.
pub const TICK: Duration = Duration::from_micros(500);
/// Some time after the origin, so that nobody confuses zero with "never".
const BEGINNING: Mono = Mono::from_nanos(1_000_000_000);
/// What closing takes at most, in parts and with sockets that are reaped.
const CLOSING: Duration = Duration::from_millis(200);
const MOST_TICKS_OF_AN_ANSWER: usize = 2_000;
