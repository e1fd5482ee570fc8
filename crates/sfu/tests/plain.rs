//! Plain and pipe transports: who the peer is, on which socket what comes and goes, and what is counted.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;

use model::command::{PeerAddress, TransportConnect, TransportSetup};
use model::event::{Event, TransportEvent};
use model::key::TransportKey;
use model::reply::{Flow, RefusalClass};
use sfu::transport::DropReason;
use sfu::{Error, Local, Output, Verdict};
use support::parameters::{bind, bound, connect, consuming, encoding, open, plain, producing};
use support::{Host, consumer, peer, pli, producer, rtp, transport};

#[test]
fn the_first_packet_fixes_the_flow_and_connects() {
    let mut host = comedia(true);
    assert!(!host.sfu.is_connected(transport(0)));
    for harmless in [&[0_u8; 20][..], &[0x80, 96, 0, 1], &[0x81, 206, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2]] {
        assert!(matches!(host.receive(transport(0), peer(7), harmless), Verdict::Dropped(_)));
    }
    assert!(host.out.is_empty(), "nothing was learned: {:?}", host.out);
    assert_eq!(host.receive(transport(0), peer(8), &rtp(5, 1)), Verdict::Dropped(DropReason::NoTaker));
    let flow = Flow { local: bound()[0], remote: Some((peer(8).ip(), 8)) };
    let bind = Output::Bind { transport: transport(0), local: Local::RTP, remote: peer(8) };
    let told = Event::Transport(transport(0), TransportEvent::Flow(Box::new(flow)));
    assert_eq!(host.out.others[..2], [bind, Output::Event(told)]);
    assert!(host.sfu.is_connected(transport(0)));
    assert_eq!(host.sfu.transport_report(transport(0)).unwrap().flow, Some(flow));
    assert_eq!(host.receive(transport(0), peer(9), &rtp(5, 2)), Verdict::Dropped(DropReason::UnknownFlow));
    assert_eq!(host.sfu.drops(transport(0)).unwrap().of(DropReason::UnknownFlow), 1);
    let late = TransportConnect::Plain { peer: None, srtp: None };
    host.sfu.connect(transport(0), &late, &mut host.out).unwrap();
    assert_eq!(host.sfu.connect(transport(0), &late, &mut host.out), Err(Error::AlreadyConnected));
}

#[test]
fn with_mux_the_first_packet_may_be_rtcp() {
    let mut host = comedia(true);
    assert_eq!(host.receive(transport(0), peer(8), &pli(70)), Verdict::Taken);
    assert!(matches!(host.out.others[0], Output::Bind { local: Local::RTP, .. }));
    assert!(host.sfu.is_connected(transport(0)));
}

#[test]
fn without_mux_each_socket_learns_its_own_peer() {
    let mut host = comedia(false);
    let on =
        |local, from, bytes: &[u8], host: &mut Host| host.receive_on(local, transport(0), peer(from), bytes);
    let foreign = Verdict::Dropped(DropReason::UnknownFlow);
    assert_eq!(on(Local::RTP, 8, &pli(70), &mut host), foreign, "RTCP has a socket of its own");
    assert_eq!(on(Local::RTCP, 8, &rtp(5, 1), &mut host), foreign, "and it is not for RTP");
    assert_eq!(on(Local::RTCP, 9, &pli(70), &mut host), Verdict::Taken);
    let flow = Flow { local: bound()[1], remote: Some((peer(9).ip(), 9)) };
    let told = Event::Transport(transport(0), TransportEvent::RtcpFlow(Box::new(flow)));
    assert_eq!(host.out.others[1], Output::Event(told));
    assert!(!host.sfu.is_connected(transport(0)), "RTP has no peer yet");
    assert_eq!(on(Local::RTP, 8, &rtp(5, 1), &mut host), Verdict::Dropped(DropReason::NoTaker));
    assert!(host.sfu.is_connected(transport(0)));
    let report = host.sfu.transport_report(transport(0)).unwrap();
    assert_eq!((report.flow.unwrap().remote.unwrap().1, report.rtcp_flow), (8, Some(flow)));
    assert_eq!(on(Local::RTCP, 8, &pli(70), &mut host), foreign);
}

#[test]
fn requests_leave_where_rtcp_goes() {
    for (rtcp_mux, rtcp_port, local, port) in
        [(true, None, Local::RTP, 1), (false, Some(11), Local::RTCP, 11)]
    {
        let mut host = Host::default();
        host.sfu.open_transport(transport(0), &open(setup(rtcp_mux, false)), &bound()).unwrap();
        host.sfu.connect(transport(0), &connect(1, rtcp_port, None), &mut host.out).unwrap();
        let binds = host.out.others.iter().filter(|output| matches!(output, Output::Bind { .. })).count();
        assert_eq!(binds, if rtcp_mux { 1 } else { 2 });
        host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
        host.receive(transport(0), peer(1), &rtp(5, 1));
        host.sfu.request_key_frame(producer(0), 0, &mut host.out);
        host.finish();
        let [run] = host.wire.runs.as_slice() else { panic!("{:?}", host.wire.runs) };
        assert_eq!((run.local, run.to), (local, peer(port)));
        let [request] = host.wire.datagrams.as_slice() else { panic!("{:?}", host.wire.datagrams) };
        assert_eq!(*request, [0x81, 206, 0, 2, 0, 0, 0, 5, 0, 0, 0, 5]);
    }
}

#[test]
fn a_pipe_knows_its_peer_from_connect_only() {
    let mut host = Host::default();
    let setup = TransportSetup::Pipe { bind: bind(), rtx: true, srtp: None };
    host.sfu.open_transport(transport(0), &open(setup), &bound()).unwrap();
    assert_eq!(host.receive(transport(0), peer(1), &rtp(5, 1)), Verdict::Dropped(DropReason::NotConnected));
    let wrong = connect(1, None, None);
    let refused = host.sfu.connect(transport(0), &wrong, &mut host.out).unwrap_err();
    assert_eq!(refused.class(), RefusalClass::Invalid);
    let peer_address = PeerAddress { ip: peer(1).ip(), port: 1, rtcp_port: None };
    let told = TransportConnect::Pipe { peer: peer_address, srtp: None };
    host.sfu.connect(transport(0), &told, &mut host.out).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    assert_eq!(host.receive(transport(0), peer(1), &rtp(5, 1)), Verdict::Dropped(DropReason::NoTaker));
    assert_eq!(host.receive(transport(0), peer(2), &rtp(5, 2)), Verdict::Dropped(DropReason::UnknownFlow));
}

#[test]
fn totals_and_rates_count_every_datagram_and_rtp_by_itself() {
    let mut host = Host::default();
    for (number, port) in [(0, 1), (1, 2)] {
        host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
    }
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    let counters = |host: &Host, key: TransportKey| host.sfu.transport_counters(key, host.now).unwrap();
    assert_eq!(counters(&host, transport(0)), model::stats::TransportCounters::default(), "nothing yet");
    // 40 bytes each 20 ms are 16 kbit/s.
    for sequence in 0..200 {
        host.now += Duration::from_millis(20);
        host.receive(transport(0), peer(1), &rtp(5, sequence));
        host.finish();
    }
    host.receive(transport(0), peer(9), &[0; 60]);
    let received = counters(&host, transport(0));
    assert_eq!((received.bytes_received, received.rtp_bytes_received), (200 * 40 + 60, 200 * 40));
    assert!(received.rtp_recv_bitrate.abs_diff(16_000) < 400, "{}", received.rtp_recv_bitrate);
    assert_eq!(received.timestamp, 4_000);
    let sent = counters(&host, transport(1));
    let copy_len = host.wire.datagrams.last().unwrap().len() as u64;
    assert_eq!((sent.bytes_sent, sent.rtp_bytes_sent), (200 * copy_len, 200 * copy_len));
    assert!(sent.send_bitrate.abs_diff(copy_len * 400) < copy_len * 20, "{}", sent.send_bitrate);
    let [stream] = &*host.sfu.producer_stats(producer(0), host.now).unwrap() else { panic!("one stream") };
    assert_eq!((stream.counters.packet_count, stream.counters.byte_count), (200, 8_000));
    let [own, source] = &*host.sfu.consumer_stats(consumer(1), host.now).unwrap() else {
        panic!("two streams")
    };
    assert_eq!((own.counters.ssrc.0, own.counters.packet_count), (70, 200));
    assert_eq!((own.counters.byte_count, source.counters.ssrc.0), (200 * copy_len, 5));
    host.now += Duration::from_secs(10);
    let silent = counters(&host, transport(0));
    assert_eq!((silent.recv_bitrate, silent.rtp_recv_bitrate), (0, 0));
    host.sfu.close_consumer(consumer(1)).unwrap();
    let after = counters(&host, transport(1));
    assert_eq!(
        (after.rtp_bytes_sent, after.rtp_send_bitrate),
        (sent.rtp_bytes_sent, 0),
        "of who is gone, too"
    );
}

fn setup(rtcp_mux: bool, comedia: bool) -> TransportSetup {
    TransportSetup::Plain { bind: bind(), rtcp_bind: (!rtcp_mux).then(bind), comedia, srtp: None }
}

/// A transport that learns its peer, with a producer.
fn comedia(rtcp_mux: bool) -> Host {
    let mut host = Host::default();
    let sockets = if rtcp_mux { 1 } else { 2 };
    host.sfu.open_transport(transport(0), &open(setup(rtcp_mux, true)), &bound()[..sockets]).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host
}
