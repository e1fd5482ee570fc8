//! Requests for key frames in virtual time: however many ask and however often, the sender is asked as often as helps.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::command::ProducerOpen;
use model::rtp::RtcpFeedback;
use support::parameters::{bound, connect, consuming, encoding, plain, producing};
use support::{Host, consumer, delta, peer, pli, producer, rtp, transport};
use wire::Mono;

/// What happens at a time, in milliseconds.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A consumer's peer asks.
    Pli,
    /// The producer's sender sends a key frame.
    KeyFrame,
    /// It sends something else.
    Delta,
}
use Event::{Delta, KeyFrame, Pli};

struct Plan {
    description: &'static str,
    delay_ms: u32,
    events: &'static [(u64, Event)],
    /// When the sender is asked.
    asked: &'static [u64],
}

const PLANS: &[Plan] = &[
    Plan {
        description: "one request is pending, and is repeated because somebody asked meanwhile",
        delay_ms: 0,
        events: &[(10, Pli), (20, Pli), (300, Pli), (450, Delta)],
        asked: &[10, 510],
    },
    Plan {
        description: "nobody asked meanwhile",
        delay_ms: 0,
        events: &[(10, Pli), (1500, Pli)],
        asked: &[10, 1500],
    },
    Plan {
        description: "the key frame came, and what was asked before it is answered",
        delay_ms: 0,
        events: &[(10, Pli), (20, Pli), (60, KeyFrame), (500, Pli)],
        asked: &[10, 500],
    },
    Plan {
        description: "who has just answered is not asked before it listens",
        delay_ms: 0,
        events: &[(10, Pli), (60, KeyFrame), (70, Pli), (80, Pli), (900, Delta)],
        asked: &[10, 360],
    },
    Plan {
        description: "with a delay, requests are that far apart",
        delay_ms: 400,
        events: &[
            (10, Pli),
            (60, KeyFrame),
            (70, Pli),
            (90, Pli),
            (420, KeyFrame),
            (430, Pli),
            (500, KeyFrame),
        ],
        asked: &[10, 410],
    },
    Plan {
        description: "a hostile peer that asks all the time is heard twice a second",
        delay_ms: 0,
        events: &[(1, Pli), (2, Pli), (3, Pli), (499, Pli), (500, Pli), (502, Pli), (1000, Pli), (1002, Pli)],
        asked: &[1, 501, 1001, 1501],
    },
    Plan {
        description: "and hardly more often where each request is answered at once",
        delay_ms: 0,
        events: &[
            (1, Pli),
            (2, KeyFrame),
            (3, Pli),
            (4, Pli),
            (352, KeyFrame),
            (353, Pli),
            (354, Pli),
            (702, KeyFrame),
            (703, Pli),
            (1053, KeyFrame),
        ],
        asked: &[1, 351, 701, 1051],
    },
];

#[test]
fn the_sender_is_asked_as_often_as_helps() {
    for plan in PLANS {
        let mut room = Room::new(|open| open.key_frame_request_delay_ms = plan.delay_ms);
        for (at, event) in plan.events {
            room.pass(*at);
            match event {
                Pli => room.asks(),
                KeyFrame => room.sends(rtp),
                Delta => room.sends(delta),
            }
        }
        room.pass(10_000);
        assert_eq!(room.asked, plan.asked, "{}", plan.description);
    }
}

#[test]
fn a_paused_producer_is_not_asked_and_a_resumed_one_is() {
    let mut room = Room::new(|_| ());
    for at in [10, 20] {
        room.pass(at);
        room.asks();
    }
    room.host.sfu.pause_producer(producer(0), &mut room.host.out).unwrap();
    room.pass(500);
    room.asks();
    room.pass(5_000);
    room.host.sfu.resume_producer(producer(0), &mut room.host.out).unwrap();
    room.pass(9_000);
    assert_eq!(room.asked, [10, 5_000]);
}

#[test]
fn who_knows_no_pli_is_asked_again_with_another_number() {
    let mut room = Room::new(|open| {
        open.rtp_parameters.codecs[0].rtcp_feedback = vec![RtcpFeedback::new("ccm", "fir")];
    });
    for at in [10, 20, 1_500] {
        room.pass(at);
        room.asks();
    }
    room.pass(4_000);
    assert_eq!(room.asked, [10, 510, 1_500]);
    assert_eq!(room.numbers, [1, 2, 3]);
}

/// A producer whose stream is known, and a consumer that sends it.
struct Room {
    host: Host,
    sequence: u16,
    asked: Vec<u64>,
    /// Of requests by FIR.
    numbers: Vec<u8>,
}

impl Room {
    fn new(change: impl FnOnce(&mut ProducerOpen)) -> Self {
        let mut host = Host::default();
        for number in [0, 1] {
            host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
            let port = u16::try_from(number).unwrap() + 1;
            host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
        }
        let mut open = producing(transport(0), &[encoding(5)]);
        change(&mut open);
        host.sfu.produce(producer(0), &open).unwrap();
        host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
        let mut room = Self { host, sequence: 0, asked: Vec::new(), numbers: Vec::new() };
        room.sends(rtp);
        room
    }

    fn sends(&mut self, packet: fn(u32, u16) -> Vec<u8>) {
        self.sequence += 1;
        self.host.receive(transport(0), peer(1), &packet(5, self.sequence));
        self.note();
    }

    /// The consumer's peer asks for a key frame.
    fn asks(&mut self) {
        self.host.receive(transport(1), peer(2), &pli(70));
        self.note();
    }

    /// Millisecond by millisecond.
    fn pass(&mut self, until_ms: u64) {
        self.note();
        for now in self.host.now.as_nanos() / 1_000_000..=until_ms {
            self.host.elapse(Mono::ZERO + Duration::from_millis(now));
            self.note();
        }
    }

    fn note(&mut self) {
        self.host.finish();
        for datagram in self.host.left() {
            let is_pli = datagram.starts_with(&[0x81, 206]);
            if is_pli || datagram.starts_with(&[0x84, 206]) {
                assert_eq!(datagram[8..12], if is_pli { [0, 0, 0, 5] } else { [0; 4] });
                self.asked.push(self.host.now.as_nanos() / 1_000_000);
                self.numbers.extend(datagram.get(16));
            }
        }
    }
}
