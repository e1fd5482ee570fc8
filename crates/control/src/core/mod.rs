//! The core of control: requests go in, commands, answers and events come out. No thread, no socket, no clock.
//!
//! How a runtime drives it:
//!
//! ```rust,ignore
//! let mut core = Core::new(config, Random::new(fill_from_the_operating_system));
//! let door = core.open_door();
//! while core.can_accept() { core.request(door, tag, request) }            // and core.notify(door, notification)
//! core.from_shard(shard, said);                                           // whatever shards said
//! for shard in core.shards() {
//!     while let Some((request, action)) = core.next_command(shard) {      // start that shard on first use
//!         if let Err(action) = control_of(shard).submit(request, action) {
//!             core.return_command(shard, request, action);                // full: until it has answered something
//!             break;
//!         }
//!     }
//! }
//! core.set_stuck(shard, hangs); core.give_up();                           // of each shard, about once a second
//! while let Some(output) = core.poll() { /* answers, events, what goes to the log */ }
//! ```
//!
//! A request is first looked at for what it claims (`claims`, `footprint`); if somebody under way holds that, it
//! waits. Otherwise it is validated and entered into the `registry` at once, its commands are queued to the shards,
//! and what follows from their answers is kept as a `flight`. Objects therefore exist for the next request before
//! any shard has heard of them; a shard that refuses to make one has it taken out again, with all that was put in.

mod claims;
mod closing;
mod config;
mod doors;
mod events;
mod finish;
mod flight;
mod footprint;
mod keys;
mod lost;
mod objects;
mod output;
mod perform;
mod placement;
mod random;
mod refusal;
mod registry;
mod shards;
mod srtp;
mod stats;
mod stuck;
mod table;
mod web_rtc;

pub use config::Config;
pub use output::{DoorId, FromShard, Output, Tag};
pub use placement::{Load, Placement, Policy};
pub use random::Random;
pub use stuck::HangCounters;

use std::collections::{BTreeMap, VecDeque};

use model::command::{Action, RequestId};
use model::key::ShardIndex;
use model::reply::{Outcome, Refusal};

use crate::{Notification, Request};
use claims::{Ahead, Claim, Footprint, Held, Kept};
use doors::{Aside, Doors, Origin};
use flight::{Flight, Step, Then};
use keys::Keys;
use registry::Registry;
use shards::{Awaited, Shard};

/// The core of control.
#[derive(Debug)]
pub struct Core {
    config: Config,
    random: Random,
    registry: Registry,
    shards: Vec<Shard>,
    keys: Vec<Keys>,
    doors: Doors,
    flights: BTreeMap<u64, Flight>,
    next_flight: u64,
    held: Held,
    /// What is held by flights that were given up, and how many those are.
    kept: Kept,
    late: usize,
    /// The first flight that was not there yet when those were last looked for.
    unseen: u64,
    /// Requests that wait for what others hold, in the order in which they came.
    waiting: VecDeque<Waiting>,
    /// What those are about.
    ahead: Ahead,
    /// Whether something was released that one of those may wait for.
    has_released: bool,
    out: VecDeque<Output>,
}

/// Something that was asked and has to wait.
#[derive(Debug)]
struct Waiting {
    asked: Asked,
    /// What it waits for besides what its footprint shows.
    awaits: Vec<Claim>,
}

/// Something that was asked.
#[derive(Debug)]
enum Asked {
    Request(Origin, Request),
    Notification(DoorId, Notification),
}

impl Core {
    /// A core without doors and objects.
    pub fn new(config: Config, random: Random) -> Self {
        let shards = usize::from(config.placement.shards.max(1));
        Self {
            config,
            random,
            registry: Registry::new(),
            shards: (0..shards).map(|_| Shard::new()).collect(),
            keys: (0..shards).map(|_| Keys::default()).collect(),
            doors: Doors::default(),
            flights: BTreeMap::new(),
            next_flight: 0,
            held: Held::default(),
            kept: Kept::default(),
            late: 0,
            unseen: 0,
            waiting: VecDeque::new(),
            ahead: Ahead::default(),
            has_released: false,
            out: VecDeque::new(),
        }
    }

    /// A front door, whose requests are answered in their order.
    pub fn open_door(&mut self) -> DoorId {
        self.doors.open()
    }

    /// Nobody is behind the door any more. Its answers go nowhere; what it made stays.
    pub fn close_door(&mut self, door: DoorId) {
        self.doors.close(door);
    }

    /// Whether a request more would be within bounds. Whoever asks nevertheless is served, and makes queues longer than
    /// they should be.
    pub fn can_accept(&self) -> bool {
        self.flights_that_count() < MOST_FLIGHTS
            && self.waiting.len() < MOST_WAITING
            && self.shards.iter().all(|shard| shard.is_stuck || shard.queued() < MOST_QUEUED)
    }

    /// Takes a request. Its answer carries `tag`.
    pub fn request(&mut self, door: DoorId, tag: Tag, request: Request) {
        let origin = self.doors.enter(door, tag);
        let footprint = self.registry.footprint(&request);
        self.ask(Asked::Request(origin, request), footprint);
    }

    /// Takes a notification.
    pub fn notify(&mut self, door: DoorId, notification: Notification) {
        let footprint = self.registry.notification_footprint(&notification);
        self.ask(Asked::Notification(door, notification), footprint);
    }

    /// Takes what a shard said.
    pub fn from_shard(&mut self, shard: ShardIndex, said: FromShard) {
        match said {
            FromShard::Reply(request, outcome) => self.replied(shard, request, outcome),
            FromShard::Lost(request) => {
                let awaited = self.shard_mut(shard).and_then(|shard| shard.take_awaited(request));
                awaited.into_iter().for_each(|awaited| self.step_lost(awaited));
            }
            FromShard::Event(event) => self.event(shard, event),
            FromShard::Panicked(message) => self.lose(shard, format!("panicked ({message})").into()),
            FromShard::Broken(message) => self.broken(shard, message),
        }
        self.wake_waiting();
    }

    /// How busy a shard is.
    pub fn set_load(&mut self, shard: ShardIndex, load: Load) {
        if let Some(shard) = self.shard_mut(shard) {
            shard.load = load;
        }
    }

    /// All shards, used or not.
    pub fn shards(&self) -> impl Iterator<Item = ShardIndex> + use<> {
        (0..u16::try_from(self.shards.len()).unwrap_or(u16::MAX)).map(ShardIndex)
    }

    /// A shard that has commands to be taken.
    pub fn shard_with_commands(&self) -> Option<ShardIndex> {
        shards::with_commands(&self.shards)
    }

    /// The next command for a shard.
    pub fn next_command(&mut self, shard: ShardIndex) -> Option<(RequestId, Action)> {
        self.shard_mut(shard)?.next_command()
    }

    /// Puts back a command that the shard had no room for.
    pub fn return_command(&mut self, shard: ShardIndex, request: RequestId, action: Action) {
        if let Some(shard) = self.shard_mut(shard) {
            shard.return_command(request, action);
        }
    }

    /// The next thing to say.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Requests that were taken and not answered, over all doors.
    pub fn unanswered(&self) -> usize {
        self.doors.unanswered()
    }

    /// How many requests wait for what others hold.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many things each shard has.
    pub fn things(&self) -> impl Iterator<Item = (ShardIndex, usize)> {
        self.shards().zip(self.keys.iter().map(Keys::len))
    }

    /// Whether there is nothing at all: no object, no key, no request under way.
    pub fn is_empty(&self) -> bool {
        self.registry.is_empty()
            && self.flights.is_empty()
            && self.held.is_empty()
            && self.kept.is_empty()
            && self.waiting.is_empty()
            && self.things().all(|(_, things)| things == 0)
    }

    /// Carries out what was asked, or keeps it until it can be.
    fn ask(&mut self, asked: Asked, footprint: Footprint) {
        self.look_at(Waiting { asked, awaits: Vec::new() }, footprint);
        self.wake_waiting();
    }

    /// Looks at those that wait, in their order: some may find free what they need. What one of them holds, or waits
    /// for, the later ones wait for too.
    fn wake_waiting(&mut self) {
        while std::mem::take(&mut self.has_released) && !self.waiting.is_empty() {
            self.ahead = Ahead::default();
            self.held.forget_watched();
            for waiting in std::mem::take(&mut self.waiting) {
                let mut footprint = match &waiting.asked {
                    Asked::Request(_, request) => self.registry.footprint(request),
                    Asked::Notification(_, notification) => {
                        self.registry.notification_footprint(notification)
                    }
                };
                footprint.awaits.extend(waiting.awaits.iter().cloned());
                self.look_at(waiting, footprint);
            }
        }
    }

    fn look_at(&mut self, waiting: Waiting, footprint: Footprint) {
        if let Some(shard) = self.stuck_for(&waiting.asked, &footprint) {
            return self.turn_away(waiting.asked, shard);
        }
        let is_kept = self.is_kept(&waiting.asked, &footprint);
        if self.held.stops(&footprint) || is_kept || self.ahead.stops(&footprint) {
            self.ahead.add(footprint);
            self.waiting.push_back(waiting);
            return;
        }
        match waiting.asked {
            Asked::Request(origin, request) => self.carry_out(origin, request, footprint),
            Asked::Notification(door, notification) => match self.perform_notification(notification) {
                Ok(step) => self.launch(None, Vec::new(), vec![step], Then::Nothing),
                Err(refusal) => self.out.push_back(Output::Undelivered { door, refusal }),
            },
        }
    }

    fn carry_out(&mut self, origin: Origin, request: Request, mut footprint: Footprint) {
        // Why a request is refused can be otherwise once it is certain what there is: with a transport that can not be
        // made, whatever it is asked finds nothing.
        let uncertain = self.registry.uncertain(&footprint.needs);
        let again = (!uncertain.is_empty()).then(|| request.clone());
        match (self.perform(origin, request), again) {
            (Ok(plan), _) => {
                footprint.claims.extend(plan.claims);
                self.launch(Some(origin), footprint.claims, plan.steps, plan.then);
            }
            (Err(_), Some(request)) => {
                footprint.awaits.extend(uncertain.iter().cloned());
                self.held.watch(&footprint);
                self.ahead.add(footprint);
                let asked = Asked::Request(origin, request);
                self.waiting.push_back(Waiting { asked, awaits: uncertain });
            }
            (Err(refusal), None) => {
                self.count_nowhere(&refusal);
                self.answer(origin, Err(refusal), Vec::new());
            }
        }
    }

    /// Queues commands, and keeps what follows once all of them are answered.
    fn launch(&mut self, origin: Option<Origin>, claims: Vec<Claim>, steps: Vec<Step>, then: Then) {
        let stuck = self.stuck_of(&steps, &then);
        let number = self.next_flight;
        self.next_flight += 1;
        self.held.hold(&claims);
        let mut flight = Flight {
            origin,
            given_up: None,
            claims,
            outstanding: steps.len(),
            refused: None,
            replied: None,
            others: Vec::new(),
            parts: Vec::new(),
            then,
        };
        for (at, step) in steps.into_iter().enumerate() {
            let awaited = Awaited { flight: number, step: at, is_main: step.is_main };
            match self.shard_mut(step.shard).filter(|shard| shard.is_usable) {
                Some(shard) => shard.submit(step.action, awaited),
                None => {
                    flight.outstanding -= 1;
                    flight.refuse(at, lost::refusal());
                }
            }
        }
        if flight.outstanding == 0 {
            self.finish(flight);
        } else {
            self.flights.insert(number, flight);
            if let Some(shard) = stuck {
                self.give_up_flight(number, shard);
            }
        }
    }

    fn replied(&mut self, shard: ShardIndex, request: RequestId, outcome: Outcome) {
        let Some(shard) = self.shard_mut(shard) else { return };
        if let Outcome::Part(part) = outcome {
            let flight = shard.awaited(request).map(|awaited| awaited.flight);
            if let Some(flight) = flight.and_then(|flight| self.flights.get_mut(&flight)) {
                flight.parts.push(part);
            }
            return;
        }
        let Some(awaited) = shard.take_awaited(request) else { return };
        let Some(flight) = self.flights.get_mut(&awaited.flight) else { return };
        match outcome {
            Outcome::Done(answer) if awaited.is_main => flight.replied = Some(answer),
            Outcome::Refused(refusal) => flight.refuse(awaited.step, refusal),
            Outcome::Done(answer) => flight.others.push((awaited.step, answer)),
            Outcome::Part(_) => {}
        }
        self.step_over(awaited.flight);
    }

    fn step_lost(&mut self, awaited: Awaited) {
        if let Some(flight) = self.flights.get_mut(&awaited.flight) {
            flight.refuse(awaited.step, lost::refusal());
            self.step_over(awaited.flight);
        }
    }

    fn step_over(&mut self, number: u64) {
        let Some(flight) = self.flights.get_mut(&number) else { return };
        flight.outstanding -= 1;
        if flight.outstanding == 0
            && let Some(flight) = self.flights.remove(&number)
        {
            self.finish(flight);
        }
    }

    /// Answers a request, and lets out whatever that makes ready.
    fn answer(&mut self, origin: Origin, answered: crate::answer::Answered, before: Vec<Aside>) {
        self.doors.answer(origin, answered, before);
        let registry = &self.registry;
        self.doors.flush(origin.door, |object| registry.head(object).is_some(), &mut self.out);
    }

    fn shard_mut(&mut self, shard: ShardIndex) -> Option<&mut Shard> {
        self.shards.get_mut(usize::from(shard.0))
    }
}

impl Flight {
    fn refuse(&mut self, step: usize, refusal: Refusal) {
        if self.refused.as_ref().is_none_or(|(first, _)| step < *first) {
            self.refused = Some((step, refusal));
        }
    }
}

/// Requests under way. Each is a few hundred bytes and may come to several commands.
const MOST_FLIGHTS: usize = 4096;
/// Requests that wait for others. Each release looks at all of them.
const MOST_WAITING: usize = 256;
/// Commands that wait for a place in a shard's queue.
const MOST_QUEUED: usize = 4096;
