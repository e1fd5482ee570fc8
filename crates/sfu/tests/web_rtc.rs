//! WebRTC transports against a scripted peer, in virtual time: ICE, then DTLS, then media.

mod support;

use dtls::{Fingerprint, HashFunction, Role};
use model::transport::{DtlsRole, DtlsState, IceState};
use sfu::transport::DropReason;
use sfu::{Error, Local, Verdict};
use support::browser::{Browser, told, web_rtc};
use support::call::{Call, is_copy, said};
use support::parameters::{bound, connect, consuming, encoding, plain, producing};
use support::{Host, consumer, peer, pli, producer, rtp, transport};

#[test]
fn ice_then_dtls_then_media() {
    for ours in [DtlsRole::Server, DtlsRole::Client] {
        let mut host = Host::default();
        let theirs = if ours == DtlsRole::Server { Role::Client } else { Role::Server };
        let mut browser = Browser::new(&mut host, 0, theirs);
        host.connect_web_rtc(&browser, ours);
        assert_eq!(browser.check(&mut host, false), Verdict::Taken);
        assert_eq!(said(&mut host), ["bind 0 9000", "40000 to 9000", "ICE Connected", "DTLS Connecting"]);
        browser.check(&mut host, true);
        assert_eq!(said(&mut host), ["ICE Completed"]);
        browser.exchange(&mut host);
        assert_eq!(said(&mut host), ["DTLS Connected"]);
        assert_eq!(browser.answers, [wire::stun::Class::Success; 2]);
        let report = host.sfu.transport_report(transport(0)).unwrap();
        assert_eq!(
            (report.ice_state, report.dtls_state, report.dtls_role),
            (IceState::Completed, DtlsState::Connected, ours)
        );
        assert_eq!(report.flow.unwrap().remote, Some((peer(0).ip(), 9_000)));
    }
}

#[test]
fn media_and_requests_pass_between_browsers() {
    let mut call = Call::new();
    assert_eq!(call.pass(0..100), 100);
    let request = pli(70);
    assert_eq!(call.receiver.send_rtcp(&mut call.host, &request), Verdict::Taken);
    call.host.tick();
    call.sender.collect(&mut call.host);
    assert!(call.sender.heard.iter().any(|packet| packet[1] == 206 && packet[8..12] == [0, 0, 0, 5]));
    assert_eq!(call.host.memory.held(), 0);
}

#[test]
fn a_consumer_begins_when_its_transport_is_connected() {
    let mut host = Host::default();
    host.sfu.open_transport(transport(5), &plain(), &bound()).unwrap();
    host.sfu.connect(transport(5), &connect(7, None, None), &mut host.out).unwrap();
    host.sfu.produce(producer(0), &producing(transport(5), &[encoding(5)])).unwrap();
    let mut browser = Browser::new(&mut host, 0, Role::Client);
    host.sfu.consume(consumer(0), &consuming(transport(0), producer(0), 70), &mut host.out).unwrap();
    let nobody = Verdict::Dropped(DropReason::NoTaker);
    assert_eq!(host.receive(transport(5), peer(7), &rtp(5, 1)), nobody);
    browser.check(&mut host, true);
    host.connect_web_rtc(&browser, DtlsRole::Server);
    assert_eq!(host.receive(transport(5), peer(7), &rtp(5, 2)), nobody, "there are no keys");
    browser.exchange(&mut host);
    host.finish();
    // The producer is asked for a key frame.
    assert!(host.take_sent(peer(7)).iter().any(|packet| packet[1] == 206));
    assert_eq!(host.receive(transport(5), peer(7), &rtp(5, 3)), Verdict::Taken);
    host.tick();
    browser.collect(&mut host);
    assert!(browser.heard.iter().any(|packet| is_copy(packet)));
}

#[test]
fn who_proved_nothing_to_ice_is_not_heard() {
    let mut host = Host::default();
    let mut browser = Browser::new(&mut host, 0, Role::Client);
    host.connect_web_rtc(&browser, DtlsRole::Server);
    let unknown = Verdict::Dropped(DropReason::UnknownFlow);
    let hello = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    assert_eq!(browser.send(&mut host, &hello), unknown);
    assert_eq!(browser.send(&mut host, &rtp(5, 1)), unknown);
    browser.password = "another".into();
    assert_eq!(browser.check(&mut host, true), Verdict::Dropped(DropReason::RefusedByIce));
    assert_eq!(browser.answers, [wire::stun::Class::Error]);
    assert_eq!(said(&mut host), [""; 0]);
    browser.password = String::from(support::browser::credentials(0).password);
    browser.check(&mut host, true);
    assert_eq!(browser.send(&mut host, &rtp(5, 1)), Verdict::Dropped(DropReason::NotConnected), "no keys");
    browser.exchange(&mut host);
    assert!(host.sfu.is_connected(transport(0)));
    // Another tuple is another matter, however well it is known.
    browser.by.1 = peer(1);
    assert_eq!(browser.send_rtp(&mut host, &rtp(5, 1)), unknown);
    assert_eq!(host.sfu.drops(transport(0)).unwrap().of(DropReason::UnknownFlow), 3);
}

#[test]
fn a_handshake_may_come_before_signalling() {
    let mut host = Host::default();
    let mut browser = Browser::new(&mut host, 0, Role::Client);
    browser.check(&mut host, true);
    browser.exchange(&mut host);
    assert!(browser.connected.is_some(), "its part is done");
    assert!(!host.sfu.is_connected(transport(0)), "but who it is was not said");
    let report = host.sfu.transport_report(transport(0)).unwrap();
    assert_eq!((report.dtls_state, report.dtls_role), (DtlsState::Connecting, DtlsRole::Server));
    said(&mut host);
    host.connect_web_rtc(&browser, DtlsRole::Server);
    assert_eq!(said(&mut host), ["DTLS Connected"]);
    assert!(host.sfu.is_connected(transport(0)));
    let again = host.sfu.connect(transport(0), &told(DtlsRole::Server, &browser.fingerprint), &mut host.out);
    assert_eq!(again, Err(Error::AlreadyConnected));
}

#[test]
fn a_handshake_in_the_other_role_starts_again() {
    let mut host = Host::default();
    let mut browser = Browser::new(&mut host, 0, Role::Client);
    browser.check(&mut host, true);
    browser.speak(&mut host);
    host.tick();
    host.take_sent(browser.by.1);
    browser.begin_as(&host, Role::Server);
    host.connect_web_rtc(&browser, DtlsRole::Client);
    browser.exchange(&mut host);
    assert!(browser.connected.is_some() && host.sfu.is_connected(transport(0)));
    assert_eq!(host.sfu.transport_report(transport(0)).unwrap().dtls_role, DtlsRole::Client);
}

#[test]
fn another_certificate_than_signalling_said_is_the_end() {
    for early in [true, false] {
        let mut host = Host::default();
        let mut browser = Browser::new(&mut host, 0, Role::Client);
        let somebody = Fingerprint::of(HashFunction::Sha256, b"somebody else");
        let connect = told(DtlsRole::Server, &somebody);
        if early {
            host.sfu.connect(transport(0), &connect, &mut host.out).unwrap();
        }
        browser.check(&mut host, true);
        browser.exchange(&mut host);
        if !early {
            host.sfu.connect(transport(0), &connect, &mut host.out).unwrap();
            browser.exchange(&mut host);
        }
        assert_eq!(said(&mut host).last().unwrap(), "DTLS Failed");
        assert!(!host.sfu.is_connected(transport(0)));
        assert_eq!(host.sfu.counters().handshakes_failed, 1);
        assert_eq!(host.sfu.transport_report(transport(0)).unwrap().dtls_state, DtlsState::Failed);
    }
}

#[test]
fn handshakes_take_turns_one_step_a_tick() {
    let mut host = Host::default();
    let mut browsers: Vec<_> = (0..10).map(|number| Browser::new(&mut host, number, Role::Client)).collect();
    for browser in &mut browsers {
        browser.check(&mut host, true);
        host.connect_web_rtc(browser, DtlsRole::Server);
    }
    browsers.iter_mut().for_each(|browser| browser.speak(&mut host));
    let mut answered = 0;
    for tick in 1..=10 {
        host.tick();
        for browser in &mut browsers {
            browser.collect(&mut host);
        }
        answered = browsers.iter().filter(|browser| browser.flights > 0).count();
        assert_eq!(answered, tick, "one more each tick");
    }
    assert!(answered == 10 && !host.sfu.has_handshakes());
    host.sfu.close_transport(transport(3), 1).unwrap();
}

#[test]
fn without_a_certificate_there_are_no_webrtc_transports() {
    let mut host = Host::default();
    let opened = host.sfu.open_transport(transport(0), &web_rtc(0), &bound());
    assert_eq!(opened, Err(Error::NoCertificate));
    let mut browser = Browser::new(&mut host, 0, Role::Client);
    let mut wrong = told(DtlsRole::Server, &browser.fingerprint);
    let model::command::TransportConnect::WebRtc { fingerprint, .. } = &mut wrong else { panic!() };
    fingerprint.value = "AB:CD".into();
    let refused = host.sfu.connect(transport(0), &wrong, &mut host.out).unwrap_err();
    assert!(refused.to_string().ends_with("sha-256 has 32 bytes, not 2"), "{refused}");
    // That was no connecting.
    browser.check(&mut host, true);
    host.connect_web_rtc(&browser, DtlsRole::Server);
    assert_eq!(browser.by.0, Local::RTP);
}
