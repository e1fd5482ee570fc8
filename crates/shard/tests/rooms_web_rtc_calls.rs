//! A call of four by WebRTC in virtual time, on one shard and on three: loss, a restart of ICE, another address, and one who
//! leaves without a word. Every peer gets the same at the same time wherever it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use model::command::{Action, ConsumerCommand};
use model::event::{Event, TransportEvent};
use model::rtp::{MimeType, RtcpFeedback};
use model::transport::IceState;
use shard::rooms::RoomsConfig;
use support::hall::{Hall, producing, remote, rtp};
use support::person::Person;
use support::spread::Room;
use support::usual;
use wire::Mono;

/// What a call came to.
#[derive(Debug, PartialEq, Eq)]
struct Course {
    /// Of each viewer: what came when, under which number, and what it said.
    heard: Vec<Vec<(u64, u16, Vec<u8>)>>,
    lost: Vec<usize>,
    asked: usize,
    /// Which transport's ICE turned, when, in milliseconds, and to what.
    states: Vec<(u64, u32, IceState)>,
}

/// A camera, which is person 0, and three who look.
struct Call {
    room: Room,
    people: Vec<Person>,
    began: Mono,
    sequence: u16,
    /// Who says nothing any more.
    gone: Option<usize>,
    states: Vec<(u64, u32, IceState)>,
}

impl Call {
    fn new(shards: u16) -> Self {
        // With room for what may be asked for again.
        let mut room = Room::in_hall(Hall::with(shards, RoomsConfig::default(), usual));
        let people: Vec<_> = (0..4_u16)
            .map(|number| Person::join(&mut room, number.into(), usize::from(number % shards)))
            .collect();
        (0..usize::from(shards)).for_each(|shard| drop(room.hall.events(shard)));
        let vp8 = || MimeType::new("video/VP8").unwrap();
        let mut open = producing(room.place(0).key, 1);
        open.rtp_parameters.codecs[0].mime_type = vp8();
        room.produce_so(0, 0, open);
        // However long it took until here.
        let began = Mono::from_nanos(3_000_000_000);
        assert!(room.hall.now < began);
        room.hall.now = began;
        for number in 1..4 {
            let (shard, mut action) = room.consuming(number, number, 0);
            if let Action::Consumer(_, ConsumerCommand::Open(open)) = &mut action {
                open.rtp_parameters.codecs[0].mime_type = vp8();
                open.rtp_parameters.codecs[0].rtcp_feedback.push(RtcpFeedback::new("nack", ""));
            }
            room.hall.submit(shard, action);
        }
        room.hall.ticks(5);
        Self { room, people, began, sequence: 0, gone: None, states: Vec::new() }
    }

    /// So many frames, one in 20 ms; checks once in two seconds.
    fn play(&mut self, frames: usize) {
        for _ in 0..frames {
            let hall = &mut self.room.hall;
            self.sequence += 1;
            let at = self.began + Duration::from_millis(20) * u32::from(self.sequence);
            hall.now = Mono::from_nanos(at.as_nanos() - 200_000);
            // RFC 7741 §4.3: a key frame where somebody asked for one.
            let is_delta = u8::from(core::mem::take(&mut self.people[0].asked) == 0);
            let payload = [&[0x10, is_delta, 0, 0][..], &self.sequence.to_be_bytes().repeat(30)].concat();
            self.people[0].send_rtp(hall, &rtp(1, self.sequence, &payload));
            if self.sequence.is_multiple_of(100) {
                let here = (0..4).filter(|number| self.gone != Some(*number));
                here.for_each(|number| self.people[number].check(hall));
            }
            for _ in 0..2 {
                hall.tick();
                self.people.iter_mut().for_each(|person| person.listen(hall));
            }
            self.note();
        }
    }

    fn note(&mut self) {
        let now = u64::from(self.sequence) * 20;
        for shard in 0..self.room.hall.sides.len() {
            for event in self.room.hall.events(shard) {
                if let Event::Transport(key, TransportEvent::IceState(state)) = event {
                    let whose = |number: &u32| {
                        let place = self.room.place(*number);
                        (place.shard, place.key) == (shard, key)
                    };
                    self.states.push((now, (0..4).find(whose).unwrap(), state));
                }
            }
        }
    }

    fn end(mut self) -> Course {
        let handshakes: u64 =
            (0..self.room.hall.sides.len()).map(|shard| self.room.hall.totals(shard).handshakes).sum();
        assert_eq!(handshakes, 4, "none more than one each");
        let heard = self.people[1..].iter().map(|person| {
            let times = person.times.iter();
            times.map(|(at, number)| (*at, *number, person.heard[number].clone())).collect()
        });
        let (heard, lost) = (heard.collect(), self.people.iter().map(|person| person.lost).collect());
        self.room.close();
        Course { heard, lost, asked: self.people[0].asked, states: self.states }
    }
}

fn course(shards: u16) -> Course {
    let mut call = Call::new(shards);
    call.play(50);
    call.people[1..].iter_mut().for_each(|person| person.loss_percent = 5);
    call.play(100);
    // One restarts ICE, and goes on from another port by the new name.
    call.people[1].restart_ice(&mut call.room.hall, "other");
    call.play(10);
    call.people[1].from = remote(21_001);
    call.people[1].check(&mut call.room.hall);
    call.play(100);
    // One is somewhere else from now on.
    call.people[2].from = remote(21_002);
    call.people[2].check(&mut call.room.hall);
    call.play(100);
    // One says nothing any more. What is sent to it for now goes to where it was.
    call.gone = Some(3);
    call.people[1..].iter_mut().for_each(|person| person.loss_percent = 0);
    let alive: Vec<_> = call.people.iter().map(|person| person.times.len()).collect();
    call.play(32 * 50);
    let silent = call.people[3].times.len();
    call.play(50);
    assert_eq!(call.people[3].times.len(), silent, "nobody sends to who is not there");
    for number in [1, 2] {
        let person = &call.people[number];
        assert!(person.times.len() > alive[number] + 1_600, "{number} sees on");
        assert_eq!((person.missing(), person.twice), (0, 0), "{number} has all that was sent to it, once");
        assert!(person.lost > 5, "or nothing was repaired");
    }
    call.end()
}

#[test]
fn a_call_takes_the_same_course_on_one_shard_and_on_three() {
    let [one, three] = [1, 3].map(course);
    assert_eq!(one.states.len(), 1, "{:?}", one.states);
    let (at, who, state) = one.states[0];
    // RFC 7675 §5.1: 30 s after the last check, which was within two of its silence.
    let silence = 20 * (50 + 100 + 10 + 100 + 100);
    assert_eq!((who, state), (3, IceState::Disconnected));
    assert!((silence + 28_000..=silence + 30_500).contains(&at), "after {} ms", at - silence);
    for (number, (one, three)) in one.heard.iter().zip(&three.heard).enumerate() {
        let differing = one.iter().zip(three).position(|(one, three)| one != three);
        assert_eq!((differing, one.len()), (None, three.len()), "viewer {number}");
    }
    assert_eq!(one, three);
}
