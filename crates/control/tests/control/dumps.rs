//! What objects say about themselves: joined from what control knows and what their shards say.

use std::collections::BTreeSet;

use model::command::{Action, ConsumerCommand, ProducerCommand};
use model::dump::{TransportDump, TransportKindDump};
use model::event::{Event as FromShard, TransportEvent as FromTransport};
use model::key::ShardIndex;
use model::reply::{BoundSocket, Flow};
use model::stats::TransportKindStats;
use model::trace::{ConsumerTraceEventType, ProducerTraceEventType, TraceSet};
use model::transport::{IceState, SctpState, SrtpCryptoSuite, TransportProtocol};
use shardcast::event::TransportEvent;
use shardcast::request::*;
use shardcast::{Answer, Event, Request};

use super::build::*;
use super::world::World;

fn transport(answer: Answer) -> TransportDump {
    let Answer::Transport(dump) = answer else { panic!("{answer:?}") };
    *dump
}

fn dump(world: &mut World, id: &str) -> TransportDump {
    transport(world.ok(of_transport(id, TransportRequest::Dump)))
}

/// The candidates of the npm package's own test.
#[test]
fn candidates_stand_in_the_order_of_their_sockets_and_priorities() {
    let mut world = World::new();
    world.ok(create_router("r"));
    let info = |protocol, announced: Option<&str>, exposes| {
        let mut info = listen(protocol, 0);
        info.announced_address = announced.map(Into::into);
        info.expose_internal_ip = exposes;
        info
    };
    let (udp, tcp) = (TransportProtocol::Udp, TransportProtocol::Tcp);
    let infos =
        vec![info(udp, Some("9.9.9.1"), true), info(tcp, Some("foo.org"), false), info(udp, None, true)];
    let made = transport(world.ok(create_web_rtc("r", "w", Listen::Individual(infos))));
    let TransportKindDump::WebRtc { ice_candidates, ice_parameters, dtls_parameters, .. } = &made.kind else {
        panic!()
    };
    let shown: Vec<_> = ice_candidates
        .iter()
        .map(|candidate| (&*candidate.address, &*candidate.foundation, candidate.priority))
        .collect();
    // 64 * 2^24 + 256 * preference + 255.
    let priority = |preference: u32| (64 << 24) + 256 * preference + 255;
    assert_eq!(
        shown,
        [
            ("9.9.9.1", "udpcandidate", priority(10_000)),
            ("127.0.0.1", "udpcandidate", priority(10_000) - 1000),
            ("foo.org", "tcpcandidate", priority(9_900)),
            ("127.0.0.1", "udpcandidate", priority(9_800)),
        ]
    );
    assert!(ice_candidates.windows(2).all(|pair| pair[0].priority > pair[1].priority));
    assert_eq!(ice_candidates.iter().filter(|candidate| candidate.tcp_type.is_some()).count(), 1);
    for text in [&ice_parameters.username_fragment, &ice_parameters.password] {
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    }
    assert_ne!(ice_parameters.username_fragment, ice_parameters.password);
    assert_eq!(dtls_parameters.fingerprints.len(), 1);
    assert_eq!(dump(&mut world, "w"), made, "asked at once it says the same");
}

#[test]
fn a_server_lists_its_sockets_transports_and_both_ufrags_of_a_restart() {
    let mut world = World::new();
    let mut tcp = listen(TransportProtocol::Tcp, 4001);
    (tcp.announced_address, tcp.expose_internal_ip) = (Some("media.org".into()), true);
    world.ok(create_server("s", vec![udp(4000), tcp]));
    world.ok(create_router("r"));
    let mut options = web_rtc_options(Listen::Server("s".into()));
    (options.enable_udp, options.prefer_tcp) = (false, true);
    let request = RouterRequest::CreateWebRtcTransport("w".into(), Box::new(options));
    let made = transport(world.ok(Request::Router("r".into(), request)));
    let TransportKindDump::WebRtc { ice_candidates, ice_parameters, .. } = &made.kind else { panic!() };
    let shown: Vec<_> = ice_candidates.iter().map(|one| (&*one.address, one.port)).collect();
    assert_eq!(shown, [("media.org", 4001), ("127.0.0.1", 4001)]);
    assert_eq!(ice_candidates[0].priority, (64 << 24) + 256 * (10_000 - 100 + 1_000) + 255);

    let restarted = world.ok(of_transport("w", TransportRequest::RestartIce));
    let Answer::IceRestarted(fresh) = restarted else { panic!() };
    assert_ne!(fresh.username_fragment, ice_parameters.username_fragment);
    let server =
        |world: &mut World| match world.ok(Request::WebRtcServer("s".into(), WebRtcServerRequest::Dump)) {
            Answer::WebRtcServer(dump) => *dump,
            answer => panic!("{answer:?}"),
        };
    let shown = server(&mut world);
    assert_eq!((shown.udp_sockets.len(), shown.tcp_servers[0].port), (1, 4001));
    assert_eq!(shown.web_rtc_transport_ids.len(), 1);
    let ufrags: Vec<_> =
        shown.local_ice_username_fragments.iter().map(|one| &*one.local_ice_username_fragment).collect();
    assert_eq!(ufrags, [&*ice_parameters.username_fragment, &*fresh.username_fragment]);
    // The peer has used the new one.
    let used = FromTransport::UfragForgotten(ice_parameters.username_fragment.clone());
    let told = FromShard::Transport(model::key::TransportKey::new(0, 0), used);
    world.core.from_shard(ShardIndex(0), shardcast::core::FromShard::Event(told));
    let shown = server(&mut world).local_ice_username_fragments;
    let [only] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!(only.local_ice_username_fragment, fresh.username_fragment);
    assert_eq!(world.take_events(), [], "nobody is told");
    world.ok(close_transport("r", "w"));
    let shown = server(&mut world);
    assert!(shown.web_rtc_transport_ids.is_empty() && shown.local_ice_username_fragments.is_empty());
}

#[test]
fn a_plain_transport_announces_its_address_everywhere() {
    let mut world = World::new();
    world.ok(create_router("r"));
    let mut options = plain_options(5000);
    options.listen_info.announced_address = Some("9.9.9.1".into());
    options.base.enable_sctp = true;
    (options.rtcp_mux, options.srtp) = (false, Some(SrtpCryptoSuite::AesCm128HmacSha1_80));
    options.rtcp_listen_info = Some(udp(5001));
    let request = RouterRequest::CreatePlainTransport("t".into(), Box::new(options));
    let made = transport(world.ok(Request::Router("r".into(), request)));
    let TransportKindDump::Plain { tuple, rtcp_tuple, srtp_parameters, .. } = &made.kind else { panic!() };
    assert_eq!((&*tuple.local_address, tuple.local_port, &tuple.remote_ip), ("9.9.9.1", 5000, &None));
    assert_eq!(
        rtcp_tuple.as_ref().map(|tuple| (&*tuple.local_address, tuple.local_port)),
        Some(("127.0.0.1", 5001))
    );
    assert_eq!(srtp_parameters.as_ref().unwrap().key_base64.len(), 40);
    assert_eq!(made.base.sctp_state, Some(SctpState::New));
    assert_eq!(made.base.sctp_negotiated_capabilities.unwrap().negotiated_max_inbound_streams, 0);
    assert_eq!(dump(&mut world, "t"), made);

    let stats = world.ok(of_transport("t", TransportRequest::Stats));
    let Answer::TransportStats(stats) = stats else { panic!() };
    let TransportKindStats::Plain { tuple: of_stats, .. } = &stats.kind else { panic!() };
    assert_eq!(of_stats, tuple);
    assert_eq!(
        (stats.counters.sctp_state, stats.counters.max_incoming_bitrate),
        (Some(SctpState::New), None)
    );

    // An event names the two ends in the same way.
    world.take_events();
    let local = BoundSocket { protocol: TransportProtocol::Udp, ip: [127, 0, 0, 1].into(), port: 5000 };
    let flow = Flow { local, remote: Some(([1, 2, 3, 4].into(), 77)) };
    let key = model::key::TransportKey::new(0, 0);
    let event = FromShard::Transport(key, FromTransport::Flow(Box::new(flow)));
    world.core.from_shard(ShardIndex(0), shardcast::core::FromShard::Event(event));
    world.run();
    let [Event::Transport(id, TransportEvent::Tuple(tuple))] = &*world.take_events() else { panic!() };
    assert_eq!((id.as_str(), &*tuple.local_address, tuple.remote_port), ("t", "9.9.9.1", Some(77)));
}

#[test]
fn tables_are_named_and_a_key_of_the_past_names_nobody() {
    let mut world = World::spread(2, 1);
    world.ok(create_router("r"));
    world.ok(create_plain("r", "a", 5000));
    world.ok(create_plain("r", "b", 5001));
    world.ok(produce("a", "p", 1));
    world.ok(produce("a", "q", 2));
    world.ok(consume("b", "c", "p", 3));
    let shown = dump(&mut world, "a");
    let table: BTreeSet<_> =
        shown.base.rtp_listener.ssrc_table.iter().map(|row| (row.key.0, row.value.to_string())).collect();
    assert_eq!(table, [(1, "p".to_owned()), (2, "q".to_owned())].into());
    let shown = dump(&mut world, "b");
    let table: Vec<_> =
        shown.base.map_ssrc_consumer_id.iter().map(|row| (row.key.0, row.value.as_str())).collect();
    assert_eq!(table, [(3, "c")]);
    assert!(shown.base.rtp_listener.ssrc_table.is_empty(), "what stands for p there is nobody's");

    let stats = world.ok(Request::Consumer("c".into(), ConsumerRequest::Stats));
    assert_eq!(stats, Answer::StreamStats(Vec::new()), "both shards were asked, and neither counts here");

    // The shard was not quick enough to hear that the transport is gone.
    let tag = world.ask(close_transport("r", "a"));
    world.run();
    assert!(world.answered(tag).unwrap().is_ok());
    world.take_events();
    let key = model::key::TransportKey::new(0, 0);
    let event = FromShard::Transport(key, FromTransport::IceState(IceState::Connected));
    world.core.from_shard(ShardIndex(0), shardcast::core::FromShard::Event(event));
    world.run();
    assert!(world.take_events().is_empty());
}

/// What was asked of the shard, once it was.
fn asked<T>(world: &mut World, request: Request, find: impl Fn(&Action) -> Option<T>) -> T {
    world.ask(request);
    let mut commands = Vec::new();
    while let Some(command) = world.core.next_command(ShardIndex(0)) {
        commands.push(command);
    }
    let found = commands.iter().find_map(|(_, action)| find(action));
    for (request, action) in commands.into_iter().rev() {
        world.core.return_command(ShardIndex(0), request, action);
    }
    world.run();
    found.expect("the shard was asked")
}

#[test]
fn what_is_wished_for_a_stream_reaches_its_shard() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_plain("r", "t", 5000));
    let mut request = produce("t", "p", 1);
    if let Request::Transport(_, TransportRequest::Produce(produce)) = &mut request {
        (produce.key_frame_request_delay_ms, produce.adds_packet_id) = (700, true);
    }
    let opened = asked(&mut world, request, |action| match action {
        Action::Producer(_, ProducerCommand::Open(open)) => {
            Some((open.key_frame_request_delay_ms, open.adds_packet_id))
        }
        _ => None,
    });
    assert_eq!(opened, (700, true));
    let mut request = consume("t", "c", "p", 2);
    if let Request::Transport(_, TransportRequest::Consume(consume)) = &mut request {
        consume.ignore_dtx = true;
    }
    let ignores = asked(&mut world, request, |action| match action {
        Action::Consumer(_, ConsumerCommand::Open(open)) => Some(open.ignore_dtx),
        _ => None,
    });
    assert!(ignores);

    let wanted: TraceSet<_> =
        [ProducerTraceEventType::Nack, ProducerTraceEventType::Sr].into_iter().collect();
    let request = Request::Producer("p".into(), ProducerRequest::EnableTrace(wanted));
    let traced = asked(&mut world, request, |action| match action {
        Action::Producer(_, ProducerCommand::EnableTrace(traced)) => Some(*traced),
        _ => None,
    });
    assert_eq!(traced, wanted);
    let Answer::Producer(shown) = world.ok(Request::Producer("p".into(), ProducerRequest::Dump)) else {
        panic!()
    };
    assert_eq!(shown.trace_event_types, wanted);
    let wanted: TraceSet<_> = [ConsumerTraceEventType::Pli].into_iter().collect();
    let request = Request::Consumer("c".into(), ConsumerRequest::EnableTrace(wanted));
    let traced = asked(&mut world, request, |action| match action {
        Action::Consumer(_, ConsumerCommand::EnableTrace(traced)) => Some(*traced),
        _ => None,
    });
    assert_eq!(traced, wanted);
    let Answer::Consumer(shown) = world.ok(Request::Consumer("c".into(), ConsumerRequest::Dump)) else {
        panic!()
    };
    assert_eq!(shown.trace_event_types, wanted);
}

#[test]
fn a_data_consumer_keeps_its_subchannels_as_a_set() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_direct("r", "x"));
    world.ok(produce_data("x", "d", None));
    world.ok(consume_data("x", "e", "d", None));
    let mut ask = |request| world.ok(Request::DataConsumer("e".into(), request));
    assert_eq!(ask(DataConsumerRequest::SetSubchannels(vec![9, 5, 9])), Answer::Subchannels(vec![5, 9]));
    assert_eq!(ask(DataConsumerRequest::AddSubchannel(7)), Answer::Subchannels(vec![5, 7, 9]));
    assert_eq!(ask(DataConsumerRequest::AddSubchannel(7)), Answer::Subchannels(vec![5, 7, 9]));
    assert_eq!(ask(DataConsumerRequest::RemoveSubchannel(5)), Answer::Subchannels(vec![7, 9]));
    let Answer::DataConsumer(dump) = ask(DataConsumerRequest::Dump) else { panic!() };
    assert_eq!((dump.subchannels, dump.buffered_amount_low_threshold), (vec![7, 9], 0));
}
