//! Requests for key frames that are lost or ignored: who waits gets its key frame all the same, on whatever shard, and
//! nobody is asked more than helps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use model::command::{Action, ConsumerCommand};
use model::rtp::MimeType;
use support::hall::producing;
use support::spread::Room;
use wire::Mono;

/// A camera that sends a frame every 30 ms, and somebody who sees it from the last shard; what happened when, in
/// milliseconds.
struct Call {
    room: Room,
    began: Mono,
    /// How many requests are lost on their way to the camera.
    lost: usize,
    asked: Vec<u64>,
    seen: Vec<u64>,
}

impl Call {
    fn new(shards: u16) -> Self {
        let vp8 = || MimeType::new("video/VP8").unwrap();
        let mut room = Room::new(shards);
        room.transport(0, 0);
        room.transport(1, usize::from(shards) - 1);
        let mut open = producing(room.place(0).key, 1);
        open.rtp_parameters.codecs[0].mime_type = vp8();
        room.produce_so(0, 0, open);
        let (shard, mut action) = room.consuming(1, 1, 0);
        if let Action::Consumer(_, ConsumerCommand::Open(open)) = &mut action {
            open.rtp_parameters.codecs[0].mime_type = vp8();
            open.paused = true;
        }
        room.hall.ask(shard, action).unwrap();
        let began = room.hall.now;
        Self { room, began, lost: 0, asked: Vec::new(), seen: Vec::new() }
    }

    /// So many frames.
    fn play(&mut self, frames: usize) {
        let mut key_frame_is_wanted = false;
        for _ in 0..frames {
            self.room.hall.now += Duration::from_millis(30);
            // RFC 7741 §4.2, §4.3: the first of the only partition, and whether it is a key frame.
            let is_delta = u8::from(!core::mem::take(&mut key_frame_is_wanted));
            self.room.arrive_so(0, &[&[0x10, is_delta, 0, 0][..], &[7; 40]].concat());
            self.room.hall.ticks(2);
            key_frame_is_wanted = self.note();
        }
    }

    /// Whether the camera hears that it is asked.
    fn note(&mut self) -> bool {
        let now = u64::try_from(self.room.hall.now.since(self.began).as_millis()).unwrap();
        let (camera, screen) = (self.room.place(0).peer, self.room.place(1).peer);
        let mut heard = false;
        for shard in 0..self.room.hall.sides.len() {
            for run in self.room.hall.sent(shard) {
                for datagram in run.datagrams {
                    // RFC 4585 §6.3.1.
                    if run.to == camera && datagram.starts_with(&[0x81, 206]) {
                        self.asked.push(now);
                        heard |= self.asked.len() > self.lost;
                    }
                    if run.to == screen && !(192..224).contains(&datagram[1]) {
                        self.seen.push(now);
                    }
                }
            }
        }
        heard
    }

    fn turn(&mut self, command: ConsumerCommand) {
        self.room.consumer_command(1, command);
        (self.began, self.asked, self.seen) = (self.room.hall.now, Vec::new(), Vec::new());
    }
}

#[test]
fn who_waits_gets_its_key_frame_although_requests_are_lost() {
    for shards in [1, 3] {
        for lost in 0..4 {
            let mut call = Call::new(shards);
            call.play(20);
            assert_eq!(call.asked, [0; 0], "nobody wants any");
            call.turn(ConsumerCommand::Resume);
            call.lost = lost;
            call.play(200);
            let Call { asked, seen, .. } = &call;
            assert_eq!(asked.len(), lost + 1, "{shards} shards, {lost} lost: {asked:?}");
            let latest = 500 * u64::try_from(lost).unwrap() + 30 * (2 + u64::try_from(lost).unwrap());
            assert!(
                seen[0] <= latest,
                "{shards} shards, {lost} lost: asked at {asked:?}, seen from {seen:?}"
            );
            assert!(seen.windows(2).all(|two| two[1] - two[0] < 40), "no gap: {seen:?}");
            call.turn(ConsumerCommand::Pause);
            call.play(100);
            assert_eq!((&call.asked, &call.seen), (&vec![], &vec![]), "nobody waits any more");
            call.room.close();
        }
    }
}

#[test]
fn a_camera_that_never_answers_is_asked_twice_a_second() {
    for shards in [1, 3] {
        let mut call = Call::new(shards);
        call.lost = usize::MAX;
        call.play(1);
        call.turn(ConsumerCommand::Resume);
        call.play(335);
        let Call { asked, seen, .. } = &call;
        assert!((19..=21).contains(&asked.len()), "{shards} shards, in ten seconds: {asked:?}");
        assert!(asked.windows(2).all(|two| two[1] - two[0] >= 480), "{asked:?}");
        assert_eq!(seen, &[0; 0], "nothing can be begun with");
        call.room.close();
    }
}
