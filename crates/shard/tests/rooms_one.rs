//! Rooms on one shard: sockets, packets, closing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::net::UdpSocket;

use model::command::{
    Action, ConsumerCommand, DataConsumerCommand, DataConsumerOpen, DataMessage, DataProducerCommand,
    DataProducerOpen, IceSetup, Ports, ProducerCommand, RouterCommand, TransportCommand, TransportConnect,
    TransportSetup, WebRtcListen, WebRtcServerCommand,
};
use model::event::{ConsumerEvent, DataConsumerEvent, Event, TransportEvent};
use model::key::{
    ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, RouterKey, TransportKey, WebRtcServerKey,
};
use model::reply::{Answer, Part, RefusalClass};
use model::transport::TransportProtocol;
use shard::rooms::{RoomsConfig, Told};
use shard::{FromShard, QueueSizing};
use support::config;
use support::hall::{
    Hall, bind, connect, consume, consuming, open, plain, plain_at, produce, producing, remote, rtp,
};

const ROUTER: RouterKey = RouterKey::new(0, 0);
const PRODUCER: ProducerKey = ProducerKey::new(0, 0);

const fn transport(index: u32) -> TransportKey {
    TransportKey::new(index, 0)
}

const fn consumer(index: u32) -> ConsumerKey {
    ConsumerKey::new(index, 0)
}

/// A router with a producer of ssrc 1 on transport 0, whose peer is port 1000, and a consumer with ssrc 11 on
/// transport 1, whose peer is port 1001. The local port of the producer's transport.
fn pair(hall: &mut Hall) -> u16 {
    hall.open_router(0, ROUTER);
    let at = hall.plain(0, ROUTER, transport(0), remote(1000));
    hall.plain(0, ROUTER, transport(1), remote(1001));
    hall.ask(0, produce(PRODUCER, &producing(transport(0), 1))).unwrap();
    hall.ask(0, consume(consumer(0), consuming(transport(1), PRODUCER, 1, 11))).unwrap();
    hall.sent(0);
    at
}

fn close_router(hall: &mut Hall) {
    hall.ask(0, Action::Router(ROUTER, RouterCommand::Close)).unwrap();
    hall.assert_empty();
}

#[test]
fn a_packet_goes_from_a_producer_to_its_consumer() {
    let mut hall = Hall::new(1);
    let at = pair(&mut hall);
    let socket = hall.driver(0).on_port(at).unwrap();
    assert_eq!(hall.driver(0).connected(socket), Some(remote(1000)), "it has but one peer");
    hall.deliver(0, at, remote(1000), &rtp(1, 5, b"a picture"));
    hall.tick();
    let sent = hall.sent(0);
    assert_eq!((sent.len(), sent[0].to), (1, remote(1001)));
    let copy = &sent[0].datagrams[0];
    assert!(copy[8..12] == [0, 0, 0, 11] && copy.ends_with(b"a picture"), "{copy:?}");
    assert_eq!(hall.totals(0).dropped_unknown, 0);
    close_router(&mut hall);
}

#[test]
fn strangers_are_not_heard() {
    let mut hall = Hall::new(1);
    let at = pair(&mut hall);
    hall.deliver(0, at, remote(999), &rtp(1, 5, b"a picture"));
    hall.tick();
    assert_eq!((hall.sent(0).len(), hall.totals(0).dropped_unknown), (0, 1));
    close_router(&mut hall);
}

#[test]
fn the_first_packet_says_who_the_peer_is() {
    let mut hall = Hall::new(1);
    pair(&mut hall);
    let bound = hall.open_transport(0, transport(2), plain_at(ROUTER, Ports::Fixed(0), None, true)).unwrap();
    let told = TransportConnect::Plain { peer: None, srtp: None };
    // What control does not send: comedia without SRTP needs no connect. Either way the first packet decides.
    let _ = hall.ask(0, Action::Transport(transport(2), TransportCommand::Connect(Box::new(told))));
    let producer = ProducerKey::new(1, 0);
    hall.ask(0, produce(producer, &producing(transport(2), 2))).unwrap();
    hall.ask(0, consume(consumer(1), consuming(transport(1), producer, 2, 12))).unwrap();
    for (sequence, from) in [(1, 2000), (2, 2000), (3, 2001)] {
        hall.deliver(0, bound[0].port, remote(from), &rtp(2, sequence, b"hello"));
        hall.tick();
    }
    let flows: Vec<_> = hall.events(0).into_iter().filter_map(flow).collect();
    assert_eq!(flows, [(transport(2), Some((remote(2000).ip(), 2000)))], "once");
    let copies: usize =
        hall.sent(0).iter().filter(|run| run.to == remote(1001)).map(|run| run.datagrams.len()).sum();
    assert_eq!((copies, hall.totals(0).dropped_unknown), (2, 1), "another one comes too late");
    close_router(&mut hall);
}

fn flow(event: Event) -> Option<(TransportKey, Option<(std::net::IpAddr, u16)>)> {
    match event {
        Event::Transport(key, TransportEvent::Flow(flow)) => Some((key, flow.remote)),
        _ => None,
    }
}

#[test]
fn rtcp_can_have_a_port_of_its_own() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let setup = plain_at(ROUTER, Ports::Fixed(0), Some(Ports::Fixed(0)), false);
    let bound = hall.open_transport(0, transport(0), setup).unwrap();
    let peer = model::command::PeerAddress { ip: remote(1).ip(), port: 1000, rtcp_port: Some(1001) };
    let told = TransportConnect::Plain { peer: Some(peer), srtp: None };
    hall.ask(0, Action::Transport(transport(0), TransportCommand::Connect(Box::new(told)))).unwrap();
    for (bound, peer) in bound.iter().zip([1000, 1001]) {
        let socket = hall.driver(0).on_port(bound.port).unwrap();
        assert_eq!(hall.driver(0).connected(socket), Some(remote(peer)));
    }
    hall.ask(0, produce(PRODUCER, &producing(transport(0), 1))).unwrap();
    hall.plain(0, ROUTER, transport(1), remote(2000));
    hall.ask(0, consume(consumer(0), consuming(transport(1), PRODUCER, 1, 11))).unwrap();
    hall.deliver(0, bound[0].port, remote(1000), &rtp(1, 1, b"a picture"));
    hall.tick();
    hall.sent(0);
    // A consumer's request for a key frame goes to the producer's RTCP port, from ours.
    hall.ask(0, Action::Consumer(consumer(0), ConsumerCommand::RequestKeyFrame)).unwrap();
    let requests = hall.sent(0);
    let rtcp_socket = hall.driver(0).on_port(bound[1].port).unwrap();
    assert_eq!((requests[0].to, requests[0].socket), (remote(1001), rtcp_socket), "{requests:?}");
    close_router(&mut hall);
}

#[test]
fn ports_are_free_only_when_the_close_is_answered() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    hall.driver(0).reaping_turns = 3;
    let port = hall.open_transport(0, transport(0), plain(ROUTER)).unwrap()[0].port;
    let request = hall.submit(0, Action::Transport(transport(0), TransportCommand::Close));
    let again = |index| {
        let fixed = plain_at(ROUTER, Ports::Fixed(port), None, false);
        Action::Transport(TransportKey::new(index, 1), TransportCommand::Open(Box::new(fixed)))
    };
    let too_early = hall.submit(0, again(1));
    hall.ticks(3);
    assert!(UdpSocket::bind(remote(port)).is_err() && hall.answer(0, request).is_none());
    let Some(model::reply::Outcome::Refused(refusal)) = hall.answer(0, too_early) else {
        panic!("it is taken")
    };
    assert!(refusal.reason.starts_with(&format!("UDP port {port} on 127.0.0.1 is taken")), "{refusal}");
    hall.ticks(3);
    assert!(hall.answer(0, request).is_some());
    assert!(matches!(hall.ask(0, again(0)), Ok(Answer::Bound(_))));
    close_router(&mut hall);
}

#[test]
fn what_cannot_be_bound_leaves_nothing() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let taken = UdpSocket::bind(remote(0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let both = plain_at(ROUTER, Ports::Fixed(0), Some(Ports::Fixed(port)), false);
    let refusal = hall.open_transport(0, transport(0), both).unwrap_err();
    assert_eq!(refusal.class, RefusalClass::Failed);
    hall.driver(0).refuses = true;
    let refusal = hall.open_transport(0, transport(0), plain(ROUTER)).unwrap_err();
    assert!(refusal.reason.contains("no room for the UDP socket on 127.0.0.1:"), "{refusal}");
    hall.driver(0).refuses = false;
    let refusal = hall.open_transport(0, transport(0), plain(ROUTER.next())).unwrap_err();
    assert_eq!((refusal.class, &*refusal.reason), (RefusalClass::NotFound, "there is no such router"));
    hall.open_transport(0, transport(0), plain(ROUTER)).unwrap();
    let refusal = hall.open_transport(0, transport(0), plain(ROUTER)).unwrap_err();
    assert_eq!(&*refusal.reason, "another transport still has that place");
    close_router(&mut hall);
}

#[test]
fn servers_and_web_rtc_transports_hold_ports_of_both_protocols() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    let server = WebRtcServerKey::new(0, 0);
    let tcp = || model::command::Bind { protocol: TransportProtocol::Tcp, ..bind(Ports::Fixed(0)) };
    let asked = vec![bind(Ports::Fixed(0)), tcp()];
    let opened = hall.ask(0, Action::WebRtcServer(server, WebRtcServerCommand::Open(asked.clone())));
    let Ok(Answer::Bound(at)) = opened else { panic!("{opened:?}") };
    let ice = || IceSetup {
        local: model::transport::IceParameters {
            username_fragment: "somebody".into(),
            password: "secret".into(),
            ice_lite: Some(true),
        },
        consent_timeout_s: 30,
    };
    let on = |listen| open(ROUTER, TransportSetup::WebRtc { listen, ice: ice() });
    assert_eq!(hall.open_transport(0, transport(0), on(WebRtcListen::Server(server))), Ok(vec![]));
    let own = hall.open_transport(0, transport(1), on(WebRtcListen::Own(asked))).unwrap();
    for tcp in [at[1].port, own[1].port] {
        std::net::TcpStream::connect(remote(tcp)).unwrap();
    }
    hall.deliver(0, at[0].port, remote(1), b"nobody speaks ICE yet");
    hall.deliver(0, own[0].port, remote(1), b"nobody speaks ICE yet");
    hall.tick();
    assert_eq!(hall.totals(0).dropped_unknown, 2);
    let elsewhere =
        hall.open_transport(0, transport(2), on(WebRtcListen::Server(server.next()))).unwrap_err();
    assert_eq!(elsewhere.class, RefusalClass::NotFound);
    for key in [transport(0), transport(1)] {
        hall.ask(0, Action::Transport(key, TransportCommand::Close)).unwrap();
    }
    hall.ask(0, Action::WebRtcServer(server, WebRtcServerCommand::Close)).unwrap();
    for tcp in [at[1].port, own[1].port] {
        std::net::TcpListener::bind(remote(tcp)).unwrap();
    }
    close_router(&mut hall);
}

#[test]
fn the_application_itself_can_be_a_peer() {
    let mut hall = Hall::new(1);
    hall.open_router(0, ROUTER);
    assert_eq!(hall.open_transport(0, transport(0), open(ROUTER, TransportSetup::Direct)), Ok(vec![]));
    hall.ask(0, produce(PRODUCER, &producing(transport(0), 1))).unwrap();
    hall.ask(0, consume(consumer(0), consuming(transport(0), PRODUCER, 1, 11))).unwrap();
    let (data_producer, _) = data_pair(&mut hall);
    hall.events(0);
    let message = DataMessage { ppid: 51, data: (*b"hi").into(), ..DataMessage::default() };
    let sending = DataProducerCommand::Send(Box::new(message.clone()));
    hall.ask(0, Action::DataProducer(data_producer, sending)).unwrap();
    let packet = rtp(1, 9, b"direct").into_boxed_slice();
    hall.ask(0, Action::Producer(PRODUCER, ProducerCommand::Send(packet))).unwrap();
    let mut events = hall.events(0);
    // Scores are the streams' business.
    events.retain(|event| event.urgency() != model::event::Urgency::Latest);
    let [
        Event::DataConsumer(_, DataConsumerEvent::Message(got)),
        Event::Consumer(_, ConsumerEvent::Rtp(copy)),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(**got == message && copy.ends_with(b"direct"), "{events:?}");
    close_router(&mut hall);
}

#[test]
fn a_large_router_closes_in_parts_and_media_flows_meanwhile() {
    let small = RoomsConfig { work_per_tick: 16, ..RoomsConfig::default() };
    let mut hall = Hall::with(1, small, config);
    let at = pair(&mut hall);
    let other = RouterKey::new(1, 0);
    hall.open_router(0, other);
    hall.open_transport(0, transport(2), open(other, TransportSetup::Direct)).unwrap();
    let producer = ProducerKey::new(1, 0);
    hall.ask(0, produce(producer, &producing(transport(2), 1))).unwrap();
    for index in 1..=500 {
        hall.submit(0, consume(consumer(index), consuming(transport(2), producer, 1, 10_000 + index)));
        if index % 50 == 0 {
            hall.tick();
            hall.sides[0].inbox.clear();
        }
    }
    let request = hall.submit(0, Action::Router(other, RouterCommand::Close));
    let mut ticks = 0;
    while hall.answer(0, request).is_none() {
        ticks += 1;
        hall.deliver(0, at, remote(1000), &rtp(1, ticks, b"media"));
        hall.tick();
        assert_eq!(hall.sent(0).len(), 1, "in tick {ticks}");
    }
    assert!((502 / 16..502 / 16 + 4).contains(&ticks), "{ticks} ticks");
    close_router(&mut hall);
}

#[test]
fn long_tables_are_told_in_parts_before_the_answer() {
    let small = RoomsConfig { work_per_tick: 16, ..RoomsConfig::default() };
    let mut hall = Hall::with(1, small, config);
    hall.open_router(0, ROUTER);
    hall.open_transport(0, transport(0), open(ROUTER, TransportSetup::Direct)).unwrap();
    for index in 0..40 {
        hall.ask(0, produce(ProducerKey::new(index, 0), &producing(transport(0), 500 + index))).unwrap();
    }
    let request = hall.submit(0, Action::Transport(transport(0), TransportCommand::Report));
    hall.ticks(6);
    let messages = std::mem::take(&mut hall.sides[0].inbox);
    let mut rows = Vec::new();
    for message in &messages[..messages.len() - 1] {
        let FromShard::Event(Told::Part(of, Part::Ssrcs(part))) = message else { panic!("{message:?}") };
        assert!(*of == request && part.len() <= 16);
        rows.extend_from_slice(part);
    }
    let expected: Vec<_> = (0..40).map(|at| (model::id::Ssrc(500 + at), ProducerKey::new(at, 0))).collect();
    assert_eq!((rows, messages.len()), (expected, 4));
    assert!(matches!(messages.last(), Some(FromShard::Reply(of, _)) if *of == request));
    close_router(&mut hall);
}

#[test]
fn a_slow_control_loses_packets_and_nothing_else() {
    let queues = QueueSizing { commands: 64, events: 8 };
    let mut hall =
        Hall::with(1, RoomsConfig::default(), |shard| shard::ShardConfig { queues, ..config(shard) });
    hall.open_router(0, ROUTER);
    hall.open_transport(0, transport(0), open(ROUTER, TransportSetup::Direct)).unwrap();
    let (data_producer, _) = data_pair(&mut hall);
    // Control takes nothing while fifty messages come, and then finds them all.
    for number in 0..50_u8 {
        let message = DataMessage { data: [number].into(), ..DataMessage::default() };
        hall.submit(0, Action::DataProducer(data_producer, DataProducerCommand::Send(Box::new(message))));
    }
    let core = hall.sides[0].core.as_mut().unwrap();
    for _ in 0..5 {
        hall.now += std::time::Duration::from_millis(1);
        core.wait().unwrap();
        core.tick(hall.now);
    }
    hall.ticks(20);
    let numbers: Vec<_> = hall.events(0).into_iter().filter_map(number).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    close_router(&mut hall);
}

fn number(event: Event) -> Option<u8> {
    match event {
        Event::DataConsumer(_, DataConsumerEvent::Message(message)) => message.data.first().copied(),
        _ => None,
    }
}

#[test]
fn what_was_sent_before_a_close_is_told_before_its_answer() {
    let queues = QueueSizing { commands: 64, events: 2 };
    for closes_producer in [false, true] {
        let mut hall =
            Hall::with(1, RoomsConfig::default(), |shard| shard::ShardConfig { queues, ..config(shard) });
        hall.open_router(0, ROUTER);
        hall.open_transport(0, transport(0), open(ROUTER, TransportSetup::Direct)).unwrap();
        let (data_producer, data_consumer) = data_pair(&mut hall);
        for number in 0..10_u8 {
            let message = DataMessage { data: [number].into(), ..DataMessage::default() };
            let sending = DataProducerCommand::Send(Box::new(message));
            hall.submit(0, Action::DataProducer(data_producer, sending));
        }
        let request = hall.submit(
            0,
            match closes_producer {
                true => Action::DataProducer(data_producer, DataProducerCommand::Close),
                false => Action::DataConsumer(data_consumer, DataConsumerCommand::Close),
            },
        );
        hall.ticks(20);
        let inbox = std::mem::take(&mut hall.sides[0].inbox);
        let answered =
            inbox.iter().position(|message| matches!(message, FromShard::Reply(of, _) if *of == request));
        let told = |message: &FromShard<_, _>| matches!(message, FromShard::Event(_));
        let before = inbox[..answered.unwrap()].iter().filter(|message| told(message)).count();
        assert_eq!((before, inbox.iter().filter(|message| told(message)).count()), (10, 10), "{inbox:?}");
        close_router(&mut hall);
    }
}

/// A data producer and a data consumer of the application's on transport 0.
fn data_pair(hall: &mut Hall) -> (DataProducerKey, DataConsumerKey) {
    let (data_producer, data_consumer) = (DataProducerKey::new(0, 0), DataConsumerKey::new(0, 0));
    let opening = DataProducerOpen { transport: transport(0), stream: None, paused: false };
    hall.ask(0, Action::DataProducer(data_producer, DataProducerCommand::Open(opening))).unwrap();
    let (transport, subchannels) = (transport(0), vec![]);
    let opening = DataConsumerOpen { transport, data_producer, stream: None, paused: false, subchannels };
    hall.ask(0, Action::DataConsumer(data_consumer, DataConsumerCommand::Open(Box::new(opening)))).unwrap();
    (data_producer, data_consumer)
}

#[test]
fn what_is_gone_is_not_found() {
    let mut hall = Hall::new(1);
    pair(&mut hall);
    hall.ask(0, Action::Consumer(consumer(0), ConsumerCommand::Close)).unwrap();
    for action in [
        Action::Consumer(consumer(0), ConsumerCommand::Close),
        Action::Producer(PRODUCER.next(), ProducerCommand::Close),
        Action::Producer(PRODUCER.next(), ProducerCommand::Pause),
        Action::Transport(transport(9), TransportCommand::Close),
        Action::Transport(transport(9), TransportCommand::Report),
        Action::Router(ROUTER.next(), RouterCommand::Close),
        connect(transport(9), remote(1)),
        consume(consumer(1), consuming(transport(1), PRODUCER.next(), 1, 12)),
    ] {
        assert_eq!(hall.ask(0, action.clone()).unwrap_err().class, RefusalClass::NotFound, "{action:?}");
    }
    close_router(&mut hall);
}
