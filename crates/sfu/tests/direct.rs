//! Direct transports: packets, RTCP and messages of the application, and what comes back as events. And who is asked
//! for key frames.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::command::{DataConsumerOpen, DataMessage, DataProducerOpen, TransportSetup};
use model::data::SctpStreamParameters;
use model::event::{ConsumerEvent, DataConsumerEvent, Event, TransportEvent};
use model::key::{DataConsumerKey, DataProducerKey, ShardIndex};
use model::reply::RefusalClass;
use model::rtp::RtcpFeedback;
use sfu::producer::Activity;
use sfu::transport::DropReason;
use sfu::{DataFeed, Error, Io, Output, Verdict};
use support::parameters::{bound, connect, consuming, encoding, open, plain, producing};
use support::{Host, PAYLOAD, consumer, peer, pli, producer, rtp, transport};
use wire::rtp::View;

#[test]
fn the_application_sends_and_gets_packets() {
    let mut host = direct();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    assert_eq!(host.send(0, &rtp(5, 1)), Ok(Verdict::Taken));
    assert_eq!(host.send(0, &rtp(5, 3)), Ok(Verdict::Taken));
    assert_eq!(host.send(0, &[0x80, 1]), Ok(Verdict::Dropped(DropReason::Malformed)));
    assert_eq!(host.send(0, &rtp(6, 1)), Ok(Verdict::Dropped(DropReason::NotOfProducer)));
    assert_eq!(host.send(9, &rtp(5, 1)), Err(Error::UnknownProducer));
    host.finish();
    let copies: Vec<_> = host.out.others.iter().filter_map(rtp_of).collect();
    let copies: Vec<_> = copies.iter().map(|copy| View::parse(copy).unwrap()).collect();
    let [first, second] = copies.as_slice() else { panic!("{copies:?}") };
    assert_eq!((first.ssrc().0, first.payload()), (70, &PAYLOAD[..]));
    assert_eq!(second.sequence(), first.sequence().wrapping_add(2));
    assert_eq!((host.wire.datagrams.len(), host.memory.held()), (0, 0));
    let counters = host.sfu.transport_counters(transport(1), host.now).unwrap();
    assert_eq!(counters.rtp_bytes_sent, counters.bytes_sent);
    assert_eq!(host.receive(transport(0), peer(1), &rtp(5, 9)), Verdict::Dropped(DropReason::NotConnected));
}

#[test]
fn what_finds_no_room_among_the_rtcp_of_a_tick_is_counted() {
    let mut host = direct();
    for number in 0..100 {
        let ssrc = 500 + number;
        host.sfu.produce(producer(number), &producing(transport(0), &[encoding(ssrc)])).unwrap();
        host.send(number, &rtp(ssrc, 1)).unwrap();
    }
    host.finish();
    assert_eq!((host.requests().len(), host.sfu.counters().rtcp_full), (0, 0));
    (0..100).for_each(|number| host.sfu.request_key_frame(producer(number), 0, &mut host.out));
    host.finish();
    assert_eq!((host.requests().len(), host.sfu.counters().rtcp_full), (64, 36));
}

#[test]
fn requests_for_key_frames_come_as_rtcp_once_until_it_comes() {
    let mut host = direct();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    for number in [1, 2] {
        let open = consuming(transport(1), producer(0), 70 + number);
        host.sfu.consume(consumer(number), &open, &mut host.out).unwrap();
    }
    host.send(0, &rtp(5, 1)).unwrap();
    host.finish();
    assert_eq!(host.requests(), Vec::<Vec<u8>>::new(), "nobody asked since there is a stream");
    let both = [pli(71), pli(72)].concat();
    assert_eq!(host.send_rtcp(1, &both), Ok(Verdict::Taken));
    assert_eq!(host.send_rtcp(1, &fir(71)), Ok(Verdict::Taken));
    assert_eq!(host.send_rtcp(1, &pli(99)), Ok(Verdict::Taken), "of nobody's stream");
    host.finish();
    assert_eq!(host.requests(), [pli_of(5)]);
    let stats = host.sfu.consumer_stats(consumer(1), host.now).unwrap();
    assert_eq!((stats[0].counters.pli_count, stats[0].counters.fir_count), (1, 1));
    let stats = host.sfu.producer_stats(producer(0), host.now).unwrap();
    assert_eq!(stats[0].counters.pli_count, 1);
    host.sfu.request_key_frame_for(consumer(2), &mut host.out).unwrap();
    host.finish();
    assert_eq!(host.requests(), Vec::<Vec<u8>>::new(), "it was asked");
    host.send(0, &rtp(5, 2)).unwrap();
    pass_a_second(&mut host);
    host.sfu.request_key_frame_for(consumer(2), &mut host.out).unwrap();
    host.finish();
    assert_eq!(host.requests(), [pli_of(5)], "another than the one that came");
    host.sfu.pause_producer(producer(0), &mut host.out).unwrap();
    host.send_rtcp(1, &pli(71)).unwrap();
    host.finish();
    assert_eq!(host.requests(), Vec::<Vec<u8>>::new(), "it sends nothing now");
    host.sfu.resume_producer(producer(0), &mut host.out).unwrap();
    host.finish();
    assert_eq!(host.requests(), [pli_of(5)], "what was missed is unknown");
    assert_eq!(host.send_rtcp(1, &[0x80, 201, 0, 9]), Ok(Verdict::Dropped(DropReason::Malformed)));
    assert_eq!(host.send_rtcp(1, &vec![0; 1_604]), Ok(Verdict::Dropped(DropReason::Malformed)));
}

#[test]
fn a_consumer_that_begins_to_send_asks_for_a_key_frame() {
    let mut host = direct();
    host.sfu.open_transport(transport(2), &plain(), &bound()).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host.send(0, &rtp(5, 1)).unwrap();
    let asked = |host: &mut Host| {
        host.finish();
        host.requests().len()
    };
    let mut open = consuming(transport(1), producer(0), 70);
    open.paused = true;
    host.sfu.consume(consumer(1), &open, &mut host.out).unwrap();
    host.sfu.consume(consumer(2), &consuming(transport(2), producer(0), 70), &mut host.out).unwrap();
    assert_eq!(asked(&mut host), 0, "one is paused, the other has no peer");
    host.sfu.resume_consumer(consumer(1), &mut host.out).unwrap();
    assert_eq!(asked(&mut host), 1);
    host.send(0, &rtp(5, 2)).unwrap();
    pass_a_second(&mut host);
    host.sfu.resume_consumer(consumer(1), &mut host.out).unwrap();
    assert_eq!(asked(&mut host), 0);
    host.sfu.connect(transport(2), &connect(1, None, None), &mut host.out).unwrap();
    assert_eq!(asked(&mut host), 1);
    host.send(0, &rtp(5, 3)).unwrap();
    pass_a_second(&mut host);
    let open = consuming(transport(1), producer(0), 71);
    host.sfu.consume(consumer(3), &open, &mut host.out).unwrap();
    assert_eq!(asked(&mut host), 1);
}

#[test]
fn who_knows_no_pli_is_asked_by_fir_with_a_number_of_its_own() {
    let mut host = direct();
    let mut open = producing(transport(0), &[encoding(5)]);
    open.rtp_parameters.codecs[0].rtcp_feedback = vec![RtcpFeedback::new("ccm", "fir")];
    host.sfu.produce(producer(0), &open).unwrap();
    for number in [1, 2] {
        host.send(0, &rtp(5, number.into())).unwrap();
        pass_a_second(&mut host);
        host.sfu.request_key_frame(producer(0), 0, &mut host.out);
        host.finish();
        let expected = [0x84, 206, 0, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5, number, 0, 0, 0];
        assert_eq!(host.requests(), [expected]);
    }
}

#[test]
fn messages_reach_who_listens_and_are_counted_where_they_pass() {
    let mut host = direct();
    let open = DataProducerOpen { transport: transport(0), stream: None, paused: false };
    host.sfu.produce_data(DATA_PRODUCER, &open).unwrap();
    for (number, subchannels) in [(0, vec![]), (1, vec![3])] {
        let open = data_consuming(subchannels);
        host.sfu.consume_data(DataConsumerKey::new(number, 0), &open).unwrap();
    }
    let message =
        |text: &str| DataMessage { ppid: 51, data: text.as_bytes().into(), ..DataMessage::default() };
    let send = |host: &mut Host, message: &DataMessage| {
        host.sfu.send_data(DATA_PRODUCER, message, &mut host.out).unwrap();
        let got: Vec<_> = host.out.others.drain(..).filter_map(message_of).collect();
        got
    };
    assert_eq!(send(&mut host, &message("a")), [(0, message("a")), (1, message("a"))]);
    let narrow = DataMessage { required_subchannel: Some(3), ..message("b") };
    assert_eq!(send(&mut host, &narrow), [(1, narrow.clone())]);
    host.sfu.turn_data_producer(DATA_PRODUCER, Activity::Paused).unwrap();
    assert_eq!(send(&mut host, &message("c")), []);
    host.sfu.turn_data_producer(DATA_PRODUCER, Activity::Running).unwrap();
    host.sfu.turn_data_consumer(DataConsumerKey::new(0, 0), Activity::Paused).unwrap();
    assert_eq!(send(&mut host, &message("dd")), [(1, message("dd"))]);
    assert_eq!(send(&mut host, &message(&"x".repeat(262_145))), []);
    let produced = host.sfu.data_producer_counters(DATA_PRODUCER, host.now).unwrap();
    assert_eq!((produced.messages, produced.bytes), (4, 5), "also those that came while it was paused");
    let consumed = host.sfu.data_consumer_counters(DataConsumerKey::new(1, 0), host.now).unwrap();
    assert_eq!((consumed.messages, consumed.bytes), (3, 4));
    host.sfu.close_data_producer(DATA_PRODUCER).unwrap();
    assert!(host.sfu.data_consumer_counters(DataConsumerKey::new(1, 0), host.now).is_err());
}

#[test]
fn messages_cross_to_shards_with_data_consumers() {
    let (mut here, mut there) = (direct(), direct());
    let open = DataProducerOpen { transport: transport(0), stream: None, paused: false };
    here.sfu.produce_data(DATA_PRODUCER, &open).unwrap();
    let stand_in = DataProducerKey::new(4, 0);
    there.sfu.open_data_replica(stand_in).unwrap();
    let open = DataConsumerOpen { data_producer: stand_in, ..data_consuming(vec![]) };
    there.sfu.consume_data(DataConsumerKey::new(0, 0), &open).unwrap();
    here.sfu.open_data_feed(DATA_PRODUCER, DataFeed { shard: ShardIndex(1), replica: stand_in }).unwrap();
    let message = DataMessage { ppid: 53, data: [1, 2].into(), ..DataMessage::default() };
    here.sfu.send_data(DATA_PRODUCER, &message, &mut here.out).unwrap();
    let Some(Output::HandOverMessage { shard: ShardIndex(1), replica, message: crossing }) =
        here.out.others.pop()
    else {
        panic!("{:?}", here.out)
    };
    there.sfu.send_data(replica, &crossing, &mut there.out).unwrap();
    assert_eq!(there.out.others.pop().and_then(message_of), Some((0, message)));
    let feeds = here.sfu.close_data_producer(DATA_PRODUCER).unwrap();
    assert_eq!(feeds, [DataFeed { shard: ShardIndex(1), replica: stand_in }]);
}

#[test]
fn what_only_sctp_can_do_is_refused_as_the_protocol_says() {
    let mut host = direct();
    host.sfu.open_transport(transport(2), &plain(), &bound()).unwrap();
    let stream = SctpStreamParameters {
        stream_id: 7,
        ordered: None,
        max_packet_life_time: None,
        max_retransmits: None,
    };
    let over_sctp = DataProducerOpen { transport: transport(2), stream: Some(stream), paused: false };
    let wrong = DataProducerOpen { transport: transport(0), ..over_sctp };
    assert_eq!(host.sfu.produce_data(DATA_PRODUCER, &wrong), Err(Error::DataKind));
    host.sfu.produce_data(DATA_PRODUCER, &over_sctp).unwrap();
    assert_eq!(host.sfu.produce_data(DataProducerKey::new(1, 0), &over_sctp), Err(Error::StreamTaken(7)));
    let (direct, sctp) = (DataConsumerKey::new(0, 0), DataConsumerKey::new(1, 0));
    host.sfu.consume_data(direct, &data_consuming(vec![])).unwrap();
    let open = DataConsumerOpen { transport: transport(2), stream: Some(stream), ..data_consuming(vec![]) };
    host.sfu.consume_data(sctp, &open).unwrap();
    let message = DataMessage::default();
    let class = |result: Result<u32, Error>| result.map_err(|error| error.class());
    assert_eq!(class(host.sfu.send_from_data_consumer(direct, &message)), Err(RefusalClass::Invalid));
    assert_eq!(class(host.sfu.buffered_amount(direct)), Err(RefusalClass::Invalid));
    assert_eq!(class(host.sfu.send_from_data_consumer(sctp, &message)), Err(RefusalClass::Failed));
    assert_eq!(class(host.sfu.buffered_amount(sctp)), Ok(0));
}

impl Host {
    fn send(&mut self, number: u32, packet: &[u8]) -> Result<Verdict, Error> {
        let Self { sfu, memory, out, now, .. } = self;
        sfu.send_rtp(producer(number), packet, &mut Io { now: *now, packets: memory, out })
    }

    fn send_rtcp(&mut self, number: u32, compound: &[u8]) -> Result<Verdict, Error> {
        let Self { sfu, memory, out, now, .. } = self;
        sfu.send_rtcp(transport(number), compound, &mut Io { now: *now, packets: memory, out })
    }

    /// RTCP for the application, taken out.
    fn requests(&mut self) -> Vec<Vec<u8>> {
        self.out.others.drain(..).filter_map(rtcp_of).collect()
    }
}

/// Two direct transports.
fn direct() -> Host {
    let mut host = Host::default();
    for number in [0, 1] {
        host.sfu.open_transport(transport(number), &open(TransportSetup::Direct), &[]).unwrap();
    }
    host
}

/// Whoever was asked may be asked again; no timer fires.
fn pass_a_second(host: &mut Host) {
    host.now += Duration::from_secs(1);
    host.sfu.begin_tick(host.now);
}

fn data_consuming(subchannels: Vec<u16>) -> DataConsumerOpen {
    DataConsumerOpen {
        transport: transport(1),
        data_producer: DATA_PRODUCER,
        stream: None,
        paused: false,
        subchannels,
    }
}

fn rtp_of(output: &Output<usize>) -> Option<Vec<u8>> {
    match output {
        Output::Event(Event::Consumer(_, ConsumerEvent::Rtp(packet))) => Some(packet.to_vec()),
        _ => None,
    }
}

fn rtcp_of(output: Output<usize>) -> Option<Vec<u8>> {
    match output {
        Output::Event(Event::Transport(_, TransportEvent::Rtcp(compound))) => Some(compound.into()),
        _ => None,
    }
}

fn message_of(output: Output<usize>) -> Option<(u32, DataMessage)> {
    match output {
        Output::Event(Event::DataConsumer(key, DataConsumerEvent::Message(message))) => {
            Some((key.index, *message))
        }
        _ => None,
    }
}

/// As we ask a producer.
fn pli_of(media: u32) -> Vec<u8> {
    let mut packet = pli(media);
    packet[4..8].copy_from_slice(&media.to_be_bytes());
    packet
}

/// RFC 5104 §4.3.1.
fn fir(media: u32) -> Vec<u8> {
    let mut packet = vec![0x84, 206, 0, 4, 0, 0, 0, 99, 0, 0, 0, 0];
    packet.extend(media.to_be_bytes());
    packet.extend([1, 0, 0, 0]);
    packet
}

const DATA_PRODUCER: DataProducerKey = DataProducerKey::new(0, 0);
