//! A shard that hangs: what waits for it stays bounded, is refused in the end, and holds up nobody else; and the end of the
//! application is noticed at any time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]

mod driver;

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use driver::{Driver, Said};
use worker::schema::request::{self, Method};
use worker::schema::worker as tables;

#[test]
fn behind_a_shard_that_hangs_requests_are_not_read_without_end_and_the_application_s_end_is_noticed() {
    let mut driver = Driver::start(&[("SHARDCAST_SHARDS", "1"), ("SHARDCAST_FAULT", "0:2:hang")]);
    driver.router("r");
    driver.direct_transport("r", "t");
    driver.ask(Method::TransportDump, "t", request::Body::None);
    // What needs no shard is answered after what does, which is never.
    let settings = tables::UpdateSettingsRequest { log_level: None, log_tags: None };
    let settings = request::Body::WorkerUpdateSettingsRequest(Box::new(settings));
    let (_, bytes) = driver.request(Method::WorkerUpdateSettings, "", settings);
    let mut requests = driver.requests.take().unwrap();
    requests.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let taken = (0..MOST).take_while(|_| match requests.write_all(&bytes) {
        Ok(()) => true,
        Err(why) if why.kind() == ErrorKind::WouldBlock => false,
        Err(why) => panic!("{why}"),
    });
    assert!(taken.count() < MOST, "requests are read without end");

    drop(requests);
    let rest = driver.rest();
    let hung = |said: &Said| matches!(said, Said::Log(line) if line.contains("shard 0 did not end"));
    assert!(rest.iter().all(hung), "{rest:?}");
    let (status, said) = driver.ended();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn once_it_is_known_that_a_shard_hangs_all_are_answered_in_their_order() {
    let mut driver = Driver::start(&[("SHARDCAST_SHARDS", "2"), ("SHARDCAST_FAULT", "0:2:hang")]);
    // Each on a shard of its own.
    for (router, transport) in [("hung", "t"), ("sound", "u")] {
        driver.router(router);
        driver.direct_transport(router, transport);
    }
    let asked = ["t", "u", "t"].map(|of| driver.ask(Method::TransportGetStats, of, request::Body::None));
    let mut answers = Vec::new();
    while answers.len() < asked.len() {
        match driver.next().unwrap() {
            Said::Response(id, answer) => answers.push((id, answer)),
            Said::Log(_) => {}
            Said::Event(..) => panic!("nothing happens"),
        }
    }
    assert_eq!(answers.iter().map(|(id, _)| *id).collect::<Vec<_>>(), asked);
    let [(_, Err(first)), (_, Ok(_)), (_, Err(last))] = &answers[..] else { panic!("{answers:?}") };
    for (error, reason) in [first, last] {
        assert!(error == "Error" && reason.starts_with("shard 0 hangs"), "{error}: {reason}");
    }
    // At once by now; what is closed counts as closed.
    let close = tables::CloseRouterRequest { router_id: "hung".into() };
    driver.done(Method::WorkerCloseRouter, "", request::Body::WorkerCloseRouterRequest(Box::new(close)));
    driver.done(Method::TransportGetStats, "u", request::Body::None);
}

/// Several times what the worker lets wait, and what fits into the kernel besides.
const MOST: usize = 40_000;
