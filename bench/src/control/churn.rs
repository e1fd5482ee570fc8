//! Rooms that come and go while others carry media: memory must stay flat, and every request must be answered once.

use std::collections::HashMap;
use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use rtp_rs::RtpPacketBuilder;
use serde::Serialize;

use super::churn_room::{Asked, Numbers, Room};
use super::memory::{Course, Memory};
use crate::args::Options;
use crate::case::{
    Case, PAYLOAD_TYPE_IN, Shape, Sockets, Spread, VP8_FRAME_KIND, VP8_KEY_FRAME, float, payload_pattern,
    u64_of,
};
use crate::channel::{Counts, Id, Link, Outcome, Stand, Subject, Worker};
use crate::child::Role;
use crate::far::{self, Tally};
use crate::row::ratio;
use crate::suite::Suite;
use crate::verdict::Verdict;
use crate::{os, out};

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Churned {
    subject: String,
    minutes: f64,
    rooms_opened: u64,
    counts: Counts,
    unanswered: u64,
    /// The first refusal, where there was one: nothing was asked that must be refused.
    refusal: Option<String>,
    /// Of the room that stays.
    sent: u64,
    loss: f64,
    memory: Option<Course>,
}

/// One after the other, each for the whole time.
pub(super) fn measure(subjects: &[Subject], options: &Options) -> io::Result<(Vec<Churned>, Vec<Verdict>)> {
    let (mut all, mut verdicts) = (Vec::new(), Vec::new());
    for subject in subjects {
        out::progress(&format!("{}: churn for {} minutes", subject.name, options.minutes));
        let churned = of(subject, options)?;
        churned.describe().iter().for_each(out::line);
        let judged = churned.verdicts();
        judged.iter().for_each(out::line);
        verdicts.extend(judged);
        all.push(churned);
    }
    Ok((all, verdicts))
}

fn of(subject: &Subject, options: &Options) -> io::Result<Churned> {
    let setup = far::Setup { case: STANDING, core: None, subjects: 2, drains: true, foreign: true };
    let mut far = Role::start("far", &setup)?;
    let ready: far::Ready = far.hear()?;
    let mut stand = Stand::build(&STANDING, vec![Worker::start(subject, None)?], &ready.ports)?;
    let Tally { .. } = far.ask(&far::Request::Keys { subject: 1, keys: stand.keys.clone() })?;
    let duration_ns = Duration::from_secs_f64(options.minutes * 60.0).as_nanos();
    let duration_ns = u64::try_from(duration_ns).unwrap_or(u64::MAX);
    far.tell(&far::Request::Run {
        subject: 1,
        targets: stand.ports.clone(),
        interval_ns: STANDING_INTERVAL_NS,
        duration_ns,
        repeat: 1,
    })?;
    let mut churn = Churn::new()?;
    let memory = churn.run(&mut stand, duration_ns)?;
    churn.end(stand.first_worker()?.link())?;
    let tally: Tally = far.hear()?;
    crate::forward::run::complain(&subject.name, &tally)?;
    let expected = tally.sent * u64_of(STANDING.consumers);
    let link = stand.first_worker()?.link();
    Ok(Churned {
        subject: subject.name.clone(),
        minutes: options.minutes,
        rooms_opened: churn.opened,
        counts: link.counts(),
        unanswered: u64_of(link.unanswered()),
        refusal: churn.refusal,
        sent: tally.sent,
        loss: ratio(expected.saturating_sub(tally.received), expected),
        memory: memory.course(),
    })
}

struct Churn {
    rooms: Vec<Room>,
    numbers: Numbers,
    /// Which answers say a publisher's port.
    ports: HashMap<u32, Id>,
    /// Xorshift (Marsaglia 2003): the same course every time.
    random: u64,
    socket: UdpSocket,
    /// Never read: what it cannot hold, the kernel drops.
    _sink: UdpSocket,
    packet: Vec<u8>,
    sequence: u16,
    opened: u64,
    refusal: Option<String>,
}

impl Churn {
    fn new() -> io::Result<Self> {
        let sink = UdpSocket::bind("127.0.0.1:0")?;
        Ok(Self {
            rooms: Vec::new(),
            numbers: Numbers::new(sink.local_addr()?.port()),
            ports: HashMap::new(),
            random: 0x2545_F491_4F6C_DD1D,
            socket: UdpSocket::bind("127.0.0.1:0")?,
            _sink: sink,
            packet: vec![0; 2048],
            sequence: 0,
            opened: 0,
            refusal: None,
        })
    }

    fn run(&mut self, stand: &mut Stand, duration_ns: u64) -> io::Result<Memory> {
        let end = os::monotonic_ns()? + duration_ns;
        let mut memory = Memory::new(1.0);
        let (mut next_sample, mut next_word) = (0, os::monotonic_ns()? + WORD_NS);
        loop {
            let now = os::monotonic_ns()?;
            if now >= end {
                return Ok(memory);
            }
            if now >= next_sample {
                memory.add(stand.rss_kib()?);
                next_sample = now + SAMPLE_NS;
            }
            let link = stand.first_worker()?.link();
            if now >= next_word {
                let Counts { asked, answered, .. } = link.counts();
                let left = (end - now) / 1_000_000_000;
                out::progress(&format!("{asked} asked, {answered} answered, {left} s to go"));
                next_word = now + WORD_NS;
            }
            self.step(link)?;
            self.send_media()?;
        }
    }

    /// One change of one room, then answers for a moment, or for as long as too many are missing.
    fn step(&mut self, link: &mut Link) -> io::Result<()> {
        let choice = self.next_random();
        let mut asked = Asked::default();
        let place = usize::try_from(choice >> 32).unwrap_or(0) % ROOMS;
        match self.rooms.get_mut(place) {
            Some(room) => {
                if !room.step(choice, &mut self.numbers, &mut asked) {
                    self.rooms.swap_remove(place);
                }
            }
            None => {
                self.rooms.push(Room::open(&mut self.numbers, &mut asked));
                self.opened += 1;
            }
        }
        for (place, ask) in asked.asks.into_iter().enumerate() {
            let id = link.send(ask)?;
            if let Some((_, transport)) = asked.port_of.filter(|(of, _)| *of == place) {
                self.ports.insert(id, transport);
            }
        }
        self.take_answers(link, PAUSE)?;
        while link.unanswered() > MOST_IN_FLIGHT {
            if !self.take_answers(link, PATIENCE)? {
                return Err(io::Error::other("the worker stopped answering"));
            }
        }
        Ok(())
    }

    fn take_answers(&mut self, link: &mut Link, within: Duration) -> io::Result<bool> {
        let mut some = false;
        let mut within = within;
        while let Some(answer) = link.next_answer(within)? {
            // What else has come is taken without waiting.
            (some, within) = (true, Duration::ZERO);
            let transport = self.ports.remove(&answer.id);
            match (answer.outcome, transport) {
                (Outcome::Transport { port }, Some(transport)) => {
                    self.rooms.iter_mut().for_each(|room| room.learn_port(transport, port));
                }
                (Outcome::Refused(why), _) => {
                    self.refusal.get_or_insert_with(|| format!("{:?}: {why}", answer.method));
                }
                _ => {}
            }
        }
        Ok(some)
    }

    /// A short burst into one of the rooms.
    fn send_media(&mut self) -> io::Result<()> {
        let place = usize::try_from(self.next_random() >> 32).unwrap_or(0) % ROOMS;
        let Some((port, ssrc)) = self.rooms.get(place).and_then(Room::media_to) else { return Ok(()) };
        let mut payload = payload_pattern(0, 0, STANDING.bytes);
        if let Some(kind) = payload.get_mut(VP8_FRAME_KIND) {
            *kind = VP8_KEY_FRAME;
        }
        for _ in 0..BURST {
            self.sequence = self.sequence.wrapping_add(1);
            let len = RtpPacketBuilder::new()
                .payload_type(PAYLOAD_TYPE_IN)
                .ssrc(ssrc)
                .sequence(self.sequence.into())
                .timestamp(u32::from(self.sequence).wrapping_mul(960))
                .payload(&payload)
                .build_into(&mut self.packet)
                .map_err(|error| io::Error::other(format!("building an RTP packet: {error:?}")))?;
            let packet = self.packet.get(..len).unwrap_or(&[]);
            // Its transport may just be closing.
            let _ = self.socket.send_to(packet, ("127.0.0.1", port));
        }
        Ok(())
    }

    /// Closes what is left and waits for the last answers.
    fn end(&mut self, link: &mut Link) -> io::Result<()> {
        for room in core::mem::take(&mut self.rooms) {
            link.send(room.close())?;
        }
        while link.unanswered() > 0 && self.take_answers(link, PATIENCE)? {}
        Ok(())
    }

    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

impl Churned {
    fn describe(&self) -> Vec<String> {
        let Self { subject, counts, .. } = self;
        let mut lines = vec![format!(
            "{subject}: {} rooms came and went, {} requests, {} answers, {} events; the room that stayed lost {:.3} %",
            self.rooms_opened,
            counts.asked,
            counts.answered,
            counts.events,
            self.loss * 100.0
        )];
        if let Some(memory) = &self.memory {
            lines.push(format!(
                "{subject}: memory {} KiB first, {} last, {} at most, {:+.0} KiB a minute (standard error {:.0})",
                memory.first_kib,
                memory.last_kib,
                memory.max_kib,
                memory.slope_kib_per_minute,
                memory.error_kib_per_minute
            ));
        }
        if let Some(refusal) = &self.refusal {
            lines.push(format!("{subject}: {} refused, the first: {refusal}", counts.refused));
        }
        lines
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let Self { subject, counts, .. } = self;
        let wrong = self.unanswered + counts.unasked + counts.refused;
        let silent = (self.sent == 0).then_some("the room that stays had no media");
        let what = format!("{subject}: share of its packets that the room that stays lost");
        let mut verdicts = vec![
            Verdict::of(format!("{subject}: answers lost, doubled or refused"), float(wrong), 0.0),
            Verdict::unless(silent, what, (self.loss, 0.0)),
        ];
        verdicts.push(flat(subject, self.memory.as_ref()));
        verdicts
    }
}

/// Whether memory stayed as it was: only where even the steepest course that the samples allow is flat.
fn flat(subject: &str, memory: Option<&Course>) -> Verdict {
    let what = format!("{subject}: % that memory grew in a minute, by 95 % at most");
    let Some(memory) = memory else { return Verdict::of(what, f64::NAN, MOST_GROWTH_PERCENT) };
    let percent = |kib: f64| kib / float(memory.first_kib.max(1)) * 100.0;
    let most = percent(memory.most_kib_per_minute());
    let is_unsure =
        most > MOST_GROWTH_PERCENT && percent(memory.least_kib_per_minute()) <= MOST_GROWTH_PERCENT;
    let why = format!("it may be {most:.3}, and may be flat: too short a run");
    Verdict::unless(is_unsure.then_some(why.as_str()), what, (most, MOST_GROWTH_PERCENT))
}

const ROOMS: usize = 12;
const BURST: usize = 4;
/// Between two steps: some hundred changes a second.
const PAUSE: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_IN_FLIGHT: usize = 64;
const SAMPLE_NS: u64 = 1_000_000_000;
const WORD_NS: u64 = 10_000_000_000;
/// What flat means, in a minute in which some 15,000 rooms come and go: of 60 MB, two bytes for each room.
const MOST_GROWTH_PERCENT: f64 = 0.05;
/// The room that stays.
const STANDING: Case = Case {
    shape: Shape::Fan,
    shards: 1,
    rooms: 1,
    consumers: 10,
    bytes: 1200,
    burst: 5,
    suite: Suite::Gcm128,
    sockets: Sockets::Connected,
    spread: Spread::Even,
};
const STANDING_INTERVAL_NS: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn churned() -> Churned {
        let memory = Course {
            first_kib: 60_000,
            last_kib: 60_100,
            max_kib: 60_200,
            slope_kib_per_minute: 5.0,
            error_kib_per_minute: 4.0,
        };
        Churned {
            subject: "it".to_owned(),
            minutes: 15.0,
            rooms_opened: 9,
            counts: Counts { asked: 5, answered: 5, ..Counts::default() },
            unanswered: 0,
            refusal: None,
            sent: 1_000,
            loss: 0.0,
            memory: Some(memory),
        }
    }

    #[test]
    fn answers_media_and_memory_are_judged() {
        let kept = |churned: &Churned| churned.verdicts().iter().map(Verdict::is_kept).collect::<Vec<_>>();
        assert_eq!(kept(&churned()), [true, true, true]);
        assert_eq!(kept(&Churned { unanswered: 1, ..churned() }), [false, true, true]);
        assert_eq!(kept(&Churned { loss: 1e-6, ..churned() }), [true, false, true]);
        assert_eq!(kept(&Churned { sent: 0, ..churned() }), [true, false, true]);
        assert_eq!(kept(&Churned { memory: None, ..churned() }), [true, true, false]);
    }

    #[test]
    fn memory_is_flat_only_where_its_course_is_known_well_enough() {
        let judged = |slope, error| {
            let memory = churned().memory.map(|memory| Course {
                slope_kib_per_minute: slope,
                error_kib_per_minute: error,
                ..memory
            });
            flat("it", memory.as_ref()).to_string()
        };
        // 30 KiB a minute are the limit.
        assert!(judged(29.0, 0.1).starts_with("kept"));
        assert!(judged(-50.0, 20.0).starts_with("kept"));
        assert!(judged(31.0, 0.1).starts_with("NOT KEPT"));
        assert!(judged(20.0, 20.0).starts_with("NOT MEASURED"));
        assert!(judged(0.0, f64::INFINITY).starts_with("NOT MEASURED"));
    }
}
