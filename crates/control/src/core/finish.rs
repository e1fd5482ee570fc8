//! What follows when all commands of a request are answered.

use model::command::{
    Action, ConsumerCommand, DataConsumerCommand, DataProducerCommand, ProducerCommand, RouterCommand,
    RtpObserverCommand, TransportCommand,
};
use model::dump::{ConsumerKindDump, Entry, LayersDump, RtpListenerDump, TransportDump};
use model::key::{RouterKey, ShardIndex};
use model::reply::{Answer as Replied, BoundSocket, ConsumerReport, Part, Refusal, TransportReport};
use model::score::ConsumerType;
use model::stats::{DataConsumerStats, DataCounters, DataProducerStats};

use super::Core;
use super::doors::Origin;
use super::flight::{Closing, Flight, Step, Then};
use super::keys::{Key, Voice};
use super::objects::{Object, Producer, RtpObserver, Source, Transport};
use super::output::Output;
use super::refusal;
use super::table::No;
use crate::answer::Answered;
use crate::{Answer, Event};

impl Core {
    /// Every command of the flight is answered.
    pub(super) fn finish(&mut self, mut flight: Flight) {
        self.note_late(&flight);
        let refused = flight.refused.take().map(|(_, refusal)| refusal);
        let mut before = Vec::new();
        let answered = match std::mem::replace(&mut flight.then, Then::Nothing) {
            Then::Nothing => None,
            Then::Gone(mut closing, mut last) => {
                // What a shard refuses to close is gone already, with a shard that was lost.
                last.extend(closing.take_stand_ins());
                if !last.is_empty() {
                    return self.launch_on(flight, last, Then::Gone(closing, Vec::new()));
                }
                before = self.end_close(*closing, &flight);
                Some(Ok(Answer::Done))
            }
            Then::FeedEnded(source, shard) => {
                self.feed_ended(source, shard);
                None
            }
            Then::FeedGone(source, shard) => {
                self.feed_gone(source, shard);
                None
            }
            Then::PartMade(router, shard) => {
                self.part_made(router, shard, refused.is_some());
                None
            }
            Then::ServerPartMade(server, shard) => {
                self.server_part_made(server, shard, refused.is_some());
                None
            }
            Then::Made(object, answer) => Some(self.made(object, *answer, &mut flight, refused)),
            Then::Observed(observer, producer) => Some(self.observed(observer, producer, refused)),
            Then::Unobserved(source, shard) => {
                self.release_remote(source, shard);
                Some(refused.map_or(Ok(Answer::Done), Err))
            }
            Then::Connected(transport, answer) => Some(self.connected(transport, *answer, refused)),
            Then::Tell(objects, turn) if refused.is_none() => {
                before = self.tell(&objects, turn, &flight);
                Some(Ok(Answer::Done))
            }
            then => Some(match refused {
                Some(refusal) => Err(refusal),
                None => self.completed(then, &mut flight),
            }),
        };
        self.release_claims(&flight);
        match (flight.asker(), answered) {
            (Some(origin), Some(answered)) => self.answer(origin, answered, before),
            _ => self.out.extend(before.into_iter().map(|aside| Output::Event(aside.event))),
        }
    }

    /// The same request goes on, with what it holds.
    fn launch_on(&mut self, flight: Flight, steps: Vec<Step>, then: Then) {
        // Held twice for a moment, so that nobody comes between.
        self.launch(flight.asker(), flight.claims.clone(), steps, then);
        self.release_claims(&flight);
    }

    /// An object was made, or not.
    fn made(
        &mut self,
        object: Object,
        answer: Answer,
        flight: &mut Flight,
        refused: Option<Refusal>,
    ) -> Answered {
        let replied = flight.replied.take();
        if let Some(refusal) = refused {
            self.unmake(object, replied.is_some());
            return Err(refusal);
        }
        let Some(head) = self.registry.head_mut(object) else {
            // Its transport was refused, and took it along; its shard can not have made it.
            return Err(refusal::failed("what it was to be part of could not be made"));
        };
        if head.closing {
            // With a router or server that a shard has lost meanwhile, or that was given up. Nobody would be told that it goes.
            return Err(refusal::failed("what it was to be part of is gone; create that anew"));
        }
        head.confirmed = true;
        if let Some(Replied::Bound(sockets)) = &replied {
            self.bound(object, sockets);
        }
        self.made_answer(object, answer, replied)
    }

    fn made_answer(&mut self, object: Object, answer: Answer, replied: Option<Replied>) -> Answered {
        match (answer, replied) {
            (Answer::Transport(mut dump), _) => {
                if let Object::Transport(no) = object {
                    let report = TransportReport {
                        sctp_state: dump.base.sctp_parameters.as_ref().map(|_| Default::default()),
                        ..TransportReport::default()
                    };
                    self.complete_transport_dump(no, &mut dump, report);
                }
                Ok(Answer::Transport(dump))
            }
            (Answer::Consumed(mut consumed), Some(Replied::ConsumerOpened(opened))) => {
                consumed.score = opened.score;
                consumed.preferred_layers = opened.preferred_layers;
                Ok(Answer::Consumed(consumed))
            }
            (answer, _) => Ok(answer),
        }
    }

    /// Where the sockets of a transport or server were bound.
    fn bound(&mut self, object: Object, bound: &[BoundSocket]) {
        // Whoever waits to close this frees those ports, which the next request may claim.
        self.has_released = true;
        let sockets = match object {
            Object::Transport(no) => self.registry.transports.get_mut(no).map(|row| &mut row.sockets),
            Object::WebRtcServer(no) => self.registry.servers.get_mut(no).map(|row| &mut row.sockets),
            _ => None,
        };
        for (socket, bound) in sockets.into_iter().flatten().zip(bound) {
            socket.bound = Some(*bound);
        }
    }

    /// Takes out again what a shard refused to make, with what was put into it meanwhile. `is_there`: it was made, but
    /// something else that it needs was not.
    fn unmake(&mut self, object: Object, is_there: bool) {
        let (steps, then) = self.begin_unmake(object, is_there);
        self.launch(None, Vec::new(), steps, then);
    }

    pub(super) fn begin_unmake(&mut self, object: Object, is_there: bool) -> (Vec<Step>, Then) {
        let mut closing = Closing::default();
        self.registry.begin_close(object, &mut closing);
        // Nobody was told that they exist, nor is.
        closing.told.clear();
        self.silence(&closing);
        (self.unmake_steps(object, is_there), Then::gone(closing))
    }

    fn unmake_steps(&self, object: Object, is_there: bool) -> Vec<Step> {
        if let Object::Router(no) = object {
            // Parts of it may have been made on other shards.
            let parts = self.registry.routers.get(no).into_iter().flat_map(|router| &router.parts);
            let close = |(shard, key): (&ShardIndex, &RouterKey)| {
                Step::side(*shard, Action::Router(*key, RouterCommand::Close))
            };
            return parts.map(close).collect();
        }
        let close = self.registry.head(object).filter(|_| is_there).and_then(|head| {
            let action = match object {
                Object::Consumer(_) => Action::Consumer(head.key.consumer(), ConsumerCommand::Close),
                Object::DataConsumer(_) => {
                    Action::DataConsumer(head.key.data_consumer(), DataConsumerCommand::Close)
                }
                Object::Transport(_) => Action::Transport(head.key.transport(), TransportCommand::Close),
                Object::Producer(_) => Action::Producer(head.key.producer(), ProducerCommand::Close),
                Object::DataProducer(_) => {
                    Action::DataProducer(head.key.data_producer(), DataProducerCommand::Close)
                }
                Object::RtpObserver(_) => {
                    Action::RtpObserver(head.key.rtp_observer(), RtpObserverCommand::Close)
                }
                Object::WebRtcServer(_) | Object::Router(_) => return None,
            };
            Some(Step::main(head.shard, action))
        });
        close.into_iter().collect()
    }

    fn observed(
        &mut self,
        observer: No<RtpObserver>,
        producer: No<Producer>,
        refused: Option<Refusal>,
    ) -> Answered {
        let Some(refusal) = refused else { return Ok(Answer::Done) };
        let home = self.registry.observers.get(observer).map(|row| row.head.shard);
        if let Some(home) = home.filter(|_| self.forget_observed(observer, producer)) {
            self.release_remote(Source::Producer(producer), home);
        }
        Err(refusal)
    }

    fn connected(&mut self, transport: No<Transport>, answer: Answer, refused: Option<Refusal>) -> Answered {
        let Some(refusal) = refused else { return Ok(answer) };
        if let Some(transport) = self.registry.transports.get_mut(transport) {
            transport.connected = false;
        }
        Err(refusal)
    }

    /// Completes what the registry knew by what the shard said.
    fn completed(&mut self, then: Then, flight: &mut Flight) -> Answered {
        Ok(match (then, flight.replied.take()) {
            (Then::Say(answer), _) => *answer,
            (Then::TransportDump(no, mut dump), Some(Replied::Transport(report))) => {
                let shard = self.registry.transports.get(no).map(|row| row.head.shard);
                if let Some(shard) = shard {
                    self.add_listeners(shard, &mut dump, std::mem::take(&mut flight.parts));
                }
                self.complete_transport_dump(no, &mut dump, *report);
                Answer::Transport(dump)
            }
            (Then::TransportStats(no, mut stats), Some(Replied::TransportStats(replied))) => {
                let (counters, report) = *replied;
                self.complete_transport_stats(no, &mut stats, counters, &report);
                Answer::TransportStats(stats)
            }
            (Then::ProducerDump(mut dump), Some(Replied::Producer(streams))) => {
                dump.rtp_streams = streams;
                Answer::Producer(dump)
            }
            (Then::ConsumerDump(mut dump, consumer_type), Some(Replied::Consumer(report))) => {
                dump.kind_dump = consumer_kind(consumer_type, *report)?;
                Answer::Consumer(dump)
            }
            (Then::DataConsumerDump(mut dump), Some(Replied::DataStats(counters))) => {
                dump.buffered_amount = counters.buffered_amount;
                Answer::DataConsumer(dump)
            }
            (Then::StreamStats, Some(Replied::StreamStats(stats))) => Answer::StreamStats(stats),
            (Then::DistantStats(distant), Some(Replied::StreamStats(stats))) => {
                Answer::StreamStats(distant.joined(stats, std::mem::take(&mut flight.others)))
            }
            (Then::PreferredLayers, Some(Replied::PreferredLayers(layers))) => {
                Answer::PreferredLayers(layers)
            }
            (Then::BufferedAmount, Some(Replied::BufferedAmount(bytes))) => Answer::BufferedAmount(bytes),
            (Then::DataProducerStats { label, protocol }, Some(Replied::DataStats(counters))) => {
                data_producer_stats(counters, &label, &protocol)
            }
            (Then::DataConsumerStats { label, protocol }, Some(Replied::DataStats(counters))) => {
                data_consumer_stats(counters, &label, &protocol)
            }
            _ => return Err(refusal::failed("the shard answered something else than it was asked")),
        })
    }

    /// The tables by which a transport's packets find their producers, from the parts of the shard's answer.
    fn add_listeners(&self, shard: ShardIndex, dump: &mut TransportDump, parts: Vec<Part>) {
        let Some(keys) = self.keys.get(usize::from(shard.0)) else { return };
        let name = |key: Key| keys.occupant(key).map(|occupant| &*occupant.id);
        let RtpListenerDump { ssrc_table, mid_table, rid_table } = &mut dump.base.rtp_listener;
        for part in parts {
            match part {
                Part::Ssrcs(rows) => ssrc_table.extend(entries(rows, name)),
                Part::Mids(rows) => mid_table.extend(entries(rows, name)),
                Part::Rids(rows) => rid_table.extend(entries(rows, name)),
                Part::SctpStreams(rows) => {
                    let listener = dump.base.sctp_listener.get_or_insert_default();
                    listener.stream_id_table.extend(entries(rows, name));
                }
            }
        }
    }

    /// Whoever is told of something that a request brought about: right before its answer; or after the answer that
    /// makes it understood, where another door still waits for that.
    pub(super) fn sort_out(
        &mut self,
        origin: Option<Origin>,
        shard: ShardIndex,
        key: Key,
        event: Event,
    ) -> Option<Event> {
        let occupant = self.keys.get(usize::from(shard.0)).and_then(|keys| keys.occupant(key));
        match occupant.map(|occupant| occupant.voice) {
            Some(Voice::Silent) => None,
            Some(Voice::Unborn(door, number)) if origin.is_none_or(|origin| origin.door != door) => {
                self.doors.keep(Origin { door, number }, event).err()
            }
            _ => Some(event),
        }
    }
}

fn entries<'a, K, T: Into<Key>, I: From<&'a str>>(
    rows: Vec<(K, T)>,
    name: impl Fn(Key) -> Option<&'a str>,
) -> impl Iterator<Item = Entry<K, I>> {
    rows.into_iter().filter_map(move |(key, of)| Some(Entry { key, value: name(of.into())?.into() }))
}

fn consumer_kind(consumer_type: ConsumerType, report: ConsumerReport) -> Result<ConsumerKindDump, Refusal> {
    let ConsumerReport { mut rtp_streams, layers } = report;
    let layers = layers.unwrap_or(NO_LAYERS);
    if consumer_type == ConsumerType::Pipe {
        return Ok(ConsumerKindDump::Pipe { rtp_streams });
    }
    if rtp_streams.is_empty() {
        return Err(refusal::failed("the shard says that the consumer has no stream"));
    }
    let rtp_stream = rtp_streams.swap_remove(0);
    Ok(match consumer_type {
        ConsumerType::Simulcast => ConsumerKindDump::Simulcast { rtp_stream, layers },
        ConsumerType::Svc => ConsumerKindDump::Svc { rtp_stream, layers },
        ConsumerType::Simple | ConsumerType::Pipe => ConsumerKindDump::Simple { rtp_stream },
    })
}

fn data_producer_stats(counters: DataCounters, label: &str, protocol: &str) -> Answer {
    Answer::DataProducerStats(Box::new(DataProducerStats::new(counters, label, protocol)))
}

fn data_consumer_stats(counters: DataCounters, label: &str, protocol: &str) -> Answer {
    Answer::DataConsumerStats(Box::new(DataConsumerStats::new(counters, label, protocol)))
}

/// None wanted, none aimed at, none sent.
const NO_LAYERS: LayersDump = LayersDump {
    preferred_spatial_layer: -1,
    target_spatial_layer: -1,
    current_spatial_layer: -1,
    preferred_temporal_layer: -1,
    target_temporal_layer: -1,
    current_temporal_layer: -1,
};
