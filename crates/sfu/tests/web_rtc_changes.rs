//! What happens to a WebRTC call that stands: silence, other tuples, ICE restarts, goodbyes.

mod support;

use core::time::Duration;

use dtls::Role;
use model::transport::DtlsRole;
use sfu::transport::DropReason;
use sfu::{Local, Verdict};
use support::browser::{Browser, credentials};
use support::call::{Call, said};
use support::{Host, consumer, peer, rtp, transport};
use wire::stun::Class;

#[test]
fn a_silent_peer_is_disconnected_and_may_come_back() {
    let mut call = Call::new();
    assert_eq!(call.pass(0..5), 5);
    for _ in 0..31 {
        call.host.elapse(call.host.now + Duration::from_secs(1));
        call.sender.check(&mut call.host, true);
    }
    // The sender has stayed where it is.
    assert_eq!(said(&mut call.host), ["settle 9000", "unbind 0 9001", "ICE Disconnected"]);
    assert!(call.host.sfu.is_connected(transport(0)) && !call.host.sfu.is_connected(transport(1)));
    assert_eq!(call.pass(5..10), 0);
    let flights = call.receiver.flights;
    call.receiver.check(&mut call.host, true);
    assert_eq!(said(&mut call.host), ["bind 0 9001", "40000 to 9001", "ICE Completed"]);
    assert_eq!((call.pass(10..20), call.receiver.flights), (10, flights), "under the keys that it had");
}

#[test]
fn a_restart_of_ice_in_mid_call_leaves_no_gap() {
    let mut call = Call::new();
    assert_eq!(call.pass(0..10), 10);
    call.host.sfu.restart_ice(transport(1), &credentials(77), &mut call.host.out).unwrap();
    assert_eq!(call.receiver.check(&mut call.host, true), Verdict::Taken, "the old credentials hold");
    assert_eq!((call.pass(10..20), said(&mut call.host)), (10, vec![]));
    // By the new ones, from another address.
    let old = (call.receiver.ufrag.clone(), call.receiver.password.clone());
    call.receiver.told(&credentials(77));
    call.receiver.by.1 = peer(9_555);
    assert_eq!(call.receiver.check(&mut call.host, true), Verdict::Taken);
    assert_eq!(said(&mut call.host), ["bind 0 9555", "forget ufrag1", "40000 to 9555"]);
    assert_eq!(call.pass(20..30), 10);
    (call.receiver.ufrag, call.receiver.password) = old;
    let refused = Verdict::Dropped(DropReason::RefusedByIce);
    assert_eq!(call.receiver.check(&mut call.host, true), refused);
    assert_eq!(call.receiver.answers.last(), Some(&Class::Error));
    // A second restart before anybody used the first: the first's name means nothing any more.
    for number in [78, 79] {
        call.host.sfu.restart_ice(transport(1), &credentials(number), &mut call.host.out).unwrap();
    }
    assert_eq!(said(&mut call.host), ["forget ufrag77"]);
}

#[test]
fn the_peer_says_which_way_is_taken() {
    let mut call = Call::new();
    call.pass(0..1);
    call.receiver.by = (Local::RTCP, peer(9_100));
    call.receiver.check(&mut call.host, false);
    assert_eq!(said(&mut call.host), ["bind 1 9100"]);
    assert_eq!(call.pass(1..5), 0, "checked, and not chosen");
    call.receiver.check(&mut call.host, true);
    assert_eq!(said(&mut call.host), ["40001 to 9100"]);
    assert_eq!(call.pass(5..10), 5);
    // Some begin to send on another tuple that they have checked.
    call.sender.by.1 = peer(9_200);
    call.sender.check(&mut call.host, false);
    assert_eq!(said(&mut call.host), ["bind 0 9200"]);
    assert_eq!(call.pass(10..15), 5);
    assert_eq!(said(&mut call.host), ["40000 to 9200"]);
}

#[test]
fn a_ninth_tuple_takes_the_place_of_the_oldest_that_is_not_in_use() {
    let mut host = Host::default();
    let mut browser = Browser::connected(&mut host, 0);
    for port in 1..=8 {
        browser.by.1 = peer(port);
        browser.check(&mut host, false);
    }
    let said = said(&mut host);
    assert_eq!(said[said.len() - 2..], ["unbind 0 1", "bind 0 8"]);
    browser.by.1 = peer(1);
    assert_eq!(browser.send_rtp(&mut host, &rtp(5, 1)), Verdict::Dropped(DropReason::UnknownFlow));
}

#[test]
fn the_peers_goodbye_ends_dtls() {
    let mut call = Call::new();
    call.pass(0..5);
    call.receiver.endpoint.close();
    call.receiver.exchange(&mut call.host);
    assert_eq!(said(&mut call.host), ["DTLS Closed"]);
    assert!(!call.host.sfu.is_connected(transport(1)));
    assert_eq!(call.pass(5..10), 0);
    assert_eq!(call.host.memory.held(), 0);
    assert!(!call.host.sfu.say_goodbye(transport(1), &mut call.host.out), "there is nobody to hear it");
}

#[test]
fn our_goodbye_is_said_once() {
    let mut call = Call::new();
    call.pass(0..5);
    assert!(call.host.sfu.say_goodbye(transport(1), &mut call.host.out));
    // Requests that keep coming hold nothing up.
    let request = call.receiver.request(true);
    call.receiver.send(&mut call.host, &request);
    assert!(!call.host.sfu.say_goodbye(transport(1), &mut call.host.out));
    call.host.tick();
    call.receiver.collect(&mut call.host);
    assert!(call.receiver.closed);
    call.host.sfu.close_consumer(consumer(0)).unwrap();
    call.host.sfu.close_transport(transport(1), 1).unwrap();
}

#[test]
fn a_handshake_that_nobody_answers_fails_after_thirty_seconds() {
    let mut host = Host::default();
    let mut browser = Browser::new(&mut host, 0, Role::Server);
    host.connect_web_rtc(&browser, DtlsRole::Client);
    browser.check(&mut host, true);
    said(&mut host);
    let mut hellos = 0;
    for second in 1..=31 {
        host.elapse(host.now + Duration::from_secs(1));
        let request = browser.request(true);
        browser.send(&mut host, &request);
        host.tick();
        let left = host.take_sent(browser.by.1);
        hellos += left.iter().filter(|datagram| wire::classify(datagram) == Some(wire::Kind::Dtls)).count();
        let expected: &[&str] = match second {
            10 => &["settle 9000"],
            30 => &["DTLS Failed"],
            _ => &[],
        };
        assert_eq!(said(&mut host), expected, "second {second}");
    }
    // At 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7 and 25.5 s, give or take.
    assert!((6..=10).contains(&hellos), "{hellos}");
}

#[test]
fn a_flood_of_handshakes_holds_little_and_harms_nobody_else() {
    let mut call = Call::new();
    let mut host = std::mem::take(&mut call.host);
    let mut flooder = Browser::new(&mut host, 2, Role::Client);
    flooder.check(&mut host, true);
    let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 1, 44];
    hello.resize(313, 1);
    let verdicts: Vec<_> = (0..100).map(|_| flooder.send(&mut host, &hello)).collect();
    let full = Verdict::Dropped(DropReason::HandshakesFull);
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == full).count(), 100 - dtls::WAITING_MAX);
    call.host = host;
    said(&mut call.host);
    assert_eq!(call.pass(0..10), 10);
}

#[test]
fn a_socket_is_the_peers_alone_while_the_peer_stays() {
    let mut call = Call::new();
    let play = |call: &mut Call, seconds: u32, checks: bool| {
        for _ in 0..seconds {
            call.host.elapse(call.host.now + Duration::from_secs(1));
            if checks {
                call.receiver.check(&mut call.host, true);
            }
        }
        let mut said = said(&mut call.host);
        said.retain(|said| said.starts_with("settle 9001") || said == "unsettle");
        said
    };
    assert_eq!(play(&mut call, 9, true), [""; 0]);
    assert_eq!(play(&mut call, 2, true), ["settle 9001"]);
    assert_eq!(play(&mut call, 60, true), [""; 0]);
    assert_eq!(play(&mut call, 7, false), ["unsettle"], "it may have another address by now");
    assert_eq!(play(&mut call, 11, true), ["settle 9001"]);
    call.receiver.by = (Local::RTCP, peer(9_100));
    assert_eq!(play(&mut call, 20, true), ["unsettle"], "there are two ways");
}
