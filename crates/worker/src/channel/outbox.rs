//! What waits to be written to the application, and what gives way when it does not read.
//!
//! Nothing here blocks and nothing grows without bound. Replies and events of an object's life are never dropped; a
//! reader that has fallen behind loses media first, then sees only the latest of each score, trace and volume, then
//! is no longer read from, so that it causes no further replies. The kept events of one object keep their order, and
//! what is held of it goes before the next of them; a reply does not wait for what is held, unless it is the one that
//! says that the object is closed.
//!
//! Messages for direct data consumers are kept like events, but peers send them, and a peer must not be able to end
//! the worker: beyond a mark of their own they are dropped, and the data consumer is told as it is told of a full send
//! buffer.

use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;

use crate::flat::{MAX_PAYLOAD_BYTES, Writer};
use crate::schema::message::{Body, Message};
use crate::schema::notification::{self, Event, Notification};
use crate::schema::response::{self, Response};

/// Beyond this much waiting, media is dropped and telemetry coalesced: a second of a busy channel.
const CONGESTED_BYTES: usize = 4 * 1024 * 1024;
/// Beyond this much, no further requests are read.
const STOP_READING_BYTES: usize = 16 * 1024 * 1024;
/// Beyond this much, messages are dropped. Well above the last mark, so that what the application sends to itself
/// stops coming first.
const DROP_MESSAGES_BYTES: usize = 24 * 1024 * 1024;
/// The most that may ever wait. What is above the last mark is for events that are never dropped.
const LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// Memory kept when everything has been written.
const KEEP_BYTES: usize = 1024 * 1024;

/// Messages on their way to the application, encoded and in order.
#[derive(Debug, Default)]
pub struct Outbox {
    writer: Writer,
    queue: VecDeque<u8>,
    /// The latest of each kind of telemetry of each object, while congested.
    held: BTreeMap<String, BTreeMap<Event, Vec<u8>>>,
    held_bytes: usize,
    counters: OutboxCounters,
    /// What was said of losses so far.
    reported: Losses,
}

/// What was dropped because the reader was behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// RTP packets.
    pub rtp: u64,
    /// RTCP packets: reports and requests for a direct transport, which come when it is time and not for a packet.
    pub rtcp: u64,
    /// Messages for direct data consumers.
    pub messages: u64,
}

/// What the outbox did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounters {
    /// Messages put into the stream.
    pub messages: u64,
    /// What was dropped because the reader was behind.
    pub dropped: Losses,
    /// Messages longer than the peer can take: replaced by an error where they were replies, otherwise dropped.
    pub too_long: u64,
    /// Telemetry events replaced by a later one of the same kind and object.
    pub coalesced: u64,
    /// The most bytes that ever waited.
    pub high_water_bytes: usize,
}

/// The application has not read for so long that something would have to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the application left {LIMIT_BYTES} bytes unread; nothing of what waits may be dropped")]
pub struct Overflow;

/// What may happen to an event whose reader is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Never lost, never reordered.
    Kept,
    /// A packet: late is as bad as lost.
    Media,
    /// A message for a direct data consumer: kept as long as there is room.
    Message,
    /// Only the latest counts.
    Telemetry,
}

impl Outbox {
    /// Queues the answer to a request.
    ///
    /// # Errors
    /// When the limit is reached.
    pub fn reply(&mut self, response: Response<'_>) -> Result<(), Overflow> {
        self.append(Body::Response(Box::new(response)))
    }

    /// Queues an event, or lets it give way.
    ///
    /// # Errors
    /// When the limit is reached by an event that must not be lost, or by the latest of telemetry.
    pub fn notify(&mut self, event: Notification<'_>) -> Result<(), Overflow> {
        match Class::of(event.event) {
            Class::Media if self.is_congested() => {
                let Losses { rtp, rtcp, .. } = &mut self.counters.dropped;
                *if event.event == Event::DirecttransportRtcp { rtcp } else { rtp } += 1;
                Ok(())
            }
            Class::Telemetry if self.is_congested() => self.hold(event),
            Class::Message if self.waiting_bytes() > DROP_MESSAGES_BYTES => {
                self.counters.dropped.messages += 1;
                let Notification { handler_id, .. } = event;
                let event = Event::DataconsumerSctpSendbufferFull;
                self.hold(Notification { handler_id, event, body: notification::Body::None })
            }
            _ => {
                self.release(&event.handler_id)?;
                self.append(Body::Notification(Box::new(event)))
            }
        }
    }

    /// Forgets what is held of an object that is closed.
    pub fn forget(&mut self, id: &str) {
        let events = self.held.remove(id).into_iter().flat_map(BTreeMap::into_values);
        self.held_bytes -= events.map(|bytes| bytes.len()).sum::<usize>();
    }

    /// Lets everything that is held follow at once: something is closed with all that is in it, and nothing of that
    /// may come after the answer.
    pub fn release_all(&mut self) {
        for events in std::mem::take(&mut self.held).into_values() {
            events.into_values().for_each(|bytes| self.put(&bytes));
        }
        self.held_bytes = 0;
    }

    /// Queues a log line; dropped when the reader is behind, since a log must never cost a reply.
    pub fn log(&mut self, line: &str) {
        if !self.is_congested() {
            let log = crate::schema::log::Log { data: line.into() };
            // Below the congestion mark there is room.
            let _ = self.append(Body::Log(Box::new(log)));
        }
    }

    /// The bytes to write next, in two parts.
    #[must_use]
    pub fn waiting(&self) -> (&[u8], &[u8]) {
        self.queue.as_slices()
    }

    /// Takes `len` written bytes off the front, and lets held telemetry follow when there is room again.
    pub fn written(&mut self, len: usize) {
        self.queue.drain(..len.min(self.queue.len()));
        if self.queue.is_empty() && self.queue.capacity() > KEEP_BYTES {
            self.queue.shrink_to(KEEP_BYTES);
        }
        if !self.held.is_empty() && !self.is_congested() {
            self.release_all();
        }
    }

    /// Whether requests may still be read.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.waiting_bytes() < STOP_READING_BYTES
    }

    /// What was dropped since this was last asked, once the reader has caught up: one report for each time it was
    /// behind.
    pub fn take_losses(&mut self) -> Option<Losses> {
        let total = self.counters.dropped;
        if self.is_congested() || total == self.reported {
            return None;
        }
        let before = std::mem::replace(&mut self.reported, total);
        Some(Losses {
            rtp: total.rtp - before.rtp,
            rtcp: total.rtcp - before.rtcp,
            messages: total.messages - before.messages,
        })
    }

    /// What it did so far.
    #[must_use]
    pub fn counters(&self) -> &OutboxCounters {
        &self.counters
    }

    fn waiting_bytes(&self) -> usize {
        self.queue.len() + self.held_bytes
    }

    fn is_congested(&self) -> bool {
        self.queue.len() > CONGESTED_BYTES
    }

    fn append(&mut self, body: Body<'_>) -> Result<(), Overflow> {
        let message = Message { data: body };
        let bytes = self.writer.message(&message);
        if bytes.len() > LONGEST_MESSAGE_BYTES {
            // The peer would lose its place in the stream, and with it every later message.
            self.counters.too_long += 1;
            return match message.data {
                Body::Response(response) => self.append(Body::Response(Box::new(too_long(response.id)))),
                _ => Ok(()),
            };
        }
        if self.queue.len() + self.held_bytes + bytes.len() > LIMIT_BYTES {
            return Err(Overflow);
        }
        self.queue.extend(bytes);
        self.count();
        Ok(())
    }

    /// Keeps only the latest of this kind of event of this object.
    fn hold(&mut self, event: Notification<'_>) -> Result<(), Overflow> {
        let (id, kind) = (event.handler_id.to_string(), event.event);
        let bytes = self.writer.message(&Message { data: Body::Notification(Box::new(event)) }).to_vec();
        if bytes.len() > LONGEST_MESSAGE_BYTES {
            self.counters.too_long += 1;
            return Ok(());
        }
        self.held_bytes += bytes.len();
        if let Some(before) = self.held.entry(id).or_default().insert(kind, bytes) {
            self.held_bytes -= before.len();
            self.counters.coalesced += 1;
        }
        if self.waiting_bytes() > LIMIT_BYTES { Err(Overflow) } else { Ok(()) }
    }

    /// What is held of an object goes before a later event of it.
    fn release(&mut self, id: &str) -> Result<(), Overflow> {
        for bytes in self.held.remove(id).into_iter().flat_map(BTreeMap::into_values) {
            self.held_bytes -= bytes.len();
            if self.queue.len() + self.held_bytes + bytes.len() > LIMIT_BYTES {
                return Err(Overflow);
            }
            self.put(&bytes);
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) {
        self.queue.extend(bytes);
        self.count();
    }

    fn count(&mut self) {
        self.counters.messages += 1;
        self.counters.high_water_bytes = self.counters.high_water_bytes.max(self.waiting_bytes());
    }
}

impl Class {
    const fn of(event: Event) -> Self {
        match event {
            Event::ConsumerRtp | Event::DirecttransportRtcp => Self::Media,
            Event::DataconsumerMessage => Self::Message,
            Event::ProducerScore
            | Event::ConsumerScore
            | Event::ProducerTrace
            | Event::ConsumerTrace
            | Event::TransportTrace
            | Event::AudiolevelobserverVolumes
            // States that peers change as often as they like; what counts is how they ended up.
            | Event::ProducerVideoOrientationChange
            | Event::ConsumerLayersChange
            | Event::DataconsumerBufferedAmountLow
            | Event::DataconsumerSctpSendbufferFull
            | Event::WebrtctransportIceSelectedTupleChange => Self::Telemetry,
            _ => Self::Kept,
        }
    }
}

/// What a request is told whose answer the channel cannot carry.
fn too_long(id: u32) -> Response<'static> {
    Response {
        id,
        accepted: false,
        body: response::Body::None,
        error: Some("Error".into()),
        reason: Some("the answer is longer than the channel carries".into()),
    }
}

/// The longest message, with the length in front of it. The peer throws away all it has collected once that is longer
/// than a payload may be, and its last read of 64 KiB may bring the beginning of the next message along.
const LONGEST_MESSAGE_BYTES: usize = MAX_PAYLOAD_BYTES - 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flat::Table;
    use crate::schema::{consumer, data_consumer};

    fn event(id: &'static str, event: Event, bytes: usize) -> Notification<'static> {
        let body = match event {
            Event::ConsumerRtp => crate::schema::notification::Body::ConsumerRtpNotification(Box::new(
                consumer::RtpNotification { data: vec![0; bytes].into() },
            )),
            Event::DataconsumerMessage => notification::Body::DataConsumerMessageNotification(Box::new(
                data_consumer::MessageNotification { ppid: 53, data: vec![0; bytes].into() },
            )),
            _ => crate::schema::notification::Body::None,
        };
        Notification { handler_id: id.into(), event, body }
    }

    fn congest(outbox: &mut Outbox) {
        while !outbox.is_congested() {
            outbox.notify(event("filler", Event::ConsumerRtp, 100_000)).unwrap();
        }
    }

    /// Everything in the queue, as (handler, event).
    fn read(outbox: &mut Outbox) -> Vec<(String, Event)> {
        let mut bytes: Vec<u8> = outbox.queue.iter().copied().collect();
        outbox.written(bytes.len());
        let mut out = Vec::new();
        while let Some((prefix, rest)) = bytes.split_first_chunk() {
            let len = usize::try_from(u32::from_le_bytes(*prefix)).unwrap();
            if let Body::Notification(event) = Message::from_payload(&rest[..len]).unwrap().data {
                out.push((event.handler_id.to_string(), event.event));
            }
            bytes = rest[len..].to_vec();
        }
        out.retain(|(id, _)| id != "filler");
        out
    }

    #[test]
    fn a_reader_that_is_behind_loses_media_and_sees_the_latest_telemetry() {
        let mut outbox = Outbox::default();
        congest(&mut outbox);
        outbox.notify(event("c", Event::ConsumerRtp, 1)).unwrap();
        for _ in 0..2 {
            outbox.notify(event("t", Event::DirecttransportRtcp, 0)).unwrap();
        }
        outbox.notify(event("c", Event::ConsumerScore, 0)).unwrap();
        outbox.notify(event("c", Event::ConsumerScore, 0)).unwrap();
        outbox.notify(event("d", Event::ConsumerScore, 0)).unwrap();
        let lost = Losses { rtp: 1, rtcp: 2, messages: 0 };
        assert_eq!((outbox.counters.dropped, outbox.counters.coalesced), (lost, 1));
        assert_eq!(outbox.take_losses(), None, "not while it is behind");
        assert_eq!(read(&mut outbox), []);
        let score = |id: &str| (id.to_owned(), Event::ConsumerScore);
        assert_eq!(outbox.take_losses(), Some(lost));
        assert_eq!(outbox.take_losses(), None);
        assert_eq!(read(&mut outbox), [score("c"), score("d")]);
        assert_eq!(outbox.held_bytes, 0);
    }

    #[test]
    fn held_telemetry_goes_before_a_later_event_of_its_object() {
        let mut outbox = Outbox::default();
        congest(&mut outbox);
        outbox.notify(event("c", Event::ConsumerScore, 0)).unwrap();
        outbox.notify(event("c", Event::ConsumerProducerClose, 0)).unwrap();
        let expected = [("c".into(), Event::ConsumerScore), ("c".into(), Event::ConsumerProducerClose)];
        assert_eq!(read(&mut outbox), expected);
    }

    #[test]
    fn a_closed_object_leaves_nothing_behind() {
        let mut outbox = Outbox::default();
        congest(&mut outbox);
        for id in ["c", "d", "e"] {
            outbox.notify(event(id, Event::ConsumerScore, 0)).unwrap();
        }
        outbox.forget("c");
        outbox.forget("unheard-of");
        outbox.release_all();
        outbox.reply(too_long(1)).unwrap();
        let score = |id: &str| (id.to_owned(), Event::ConsumerScore);
        assert_eq!(read(&mut outbox), [score("d"), score("e")]);
        assert_eq!((outbox.held_bytes, read(&mut outbox)), (0, vec![]));
    }

    #[test]
    fn messages_of_peers_can_not_end_the_worker() {
        let mut outbox = Outbox::default();
        let mut sent = 0;
        while outbox.counters.dropped.messages < 3 {
            outbox.notify(event("c", Event::DataconsumerMessage, 1 << 20)).unwrap();
            sent += 1;
        }
        assert!((26..29).contains(&sent), "{sent} messages of a MiB, of which three were dropped");
        outbox.notify(event("p", Event::ConsumerProducerClose, 0)).unwrap();
        let messages = read(&mut outbox);
        assert!(messages.iter().filter(|(_, event)| *event == Event::DataconsumerMessage).count() >= 23);
        assert_eq!(messages.last(), Some(&("p".into(), Event::ConsumerProducerClose)));
        // One word for all three.
        assert_eq!(read(&mut outbox), [("c".into(), Event::DataconsumerSctpSendbufferFull)]);
    }

    #[test]
    fn replies_stop_the_reading_of_requests_and_are_never_lost() {
        let mut outbox = Outbox::default();
        let reply = |id| Response {
            id,
            accepted: false,
            body: response::Body::None,
            error: Some("Error".into()),
            reason: Some("x".repeat(1 << 20).into()),
        };
        let mut sent = 0;
        while outbox.may_read() {
            outbox.reply(reply(sent)).unwrap();
            sent += 1;
        }
        assert!((16..18).contains(&sent), "{sent} replies of a MiB until reading stops");
        while outbox.reply(reply(sent)).is_ok() {
            sent += 1;
        }
        assert!((31..33).contains(&sent), "{sent} replies of a MiB until the limit");
        outbox.written(LIMIT_BYTES);
        assert!(outbox.may_read());
        assert_eq!(outbox.reply(reply(0)), Ok(()));
    }

    #[test]
    fn telemetry_of_ever_more_objects_counts_towards_the_limit() {
        let mut outbox = Outbox::default();
        congest(&mut outbox);
        let score = |object: usize| Notification {
            handler_id: format!("{object}{}", "x".repeat(1 << 20)).into(),
            event: Event::ConsumerScore,
            body: crate::schema::notification::Body::None,
        };
        let held = (0..64).take_while(|&object| outbox.notify(score(object)).is_ok()).count();
        assert!((26..29).contains(&held), "{held} of a MiB beside 4 MiB of media");
    }

    #[test]
    fn an_answer_too_long_for_the_peer_becomes_an_error_and_the_stream_stays_in_step() {
        let mut outbox = Outbox::default();
        let reason = Some("x".repeat(MAX_PAYLOAD_BYTES).into());
        outbox.reply(Response { reason, ..too_long(7) }).unwrap();
        outbox.notify(event("c", Event::ConsumerRtp, MAX_PAYLOAD_BYTES)).unwrap();
        assert_eq!((outbox.counters.too_long, outbox.counters.messages), (2, 1));
        let bytes: Vec<u8> = outbox.queue.iter().copied().collect();
        let Body::Response(answer) = Message::from_payload(&bytes[4..]).unwrap().data else { panic!() };
        assert_eq!((answer.id, answer.accepted), (7, false));
    }
}
