//! The promise of order, of the process as it is: what control's own tests say to its core, with shards that move no
//! packet, is said here to the binary over its channel, with real shards and sockets. Nothing is awaited.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]
#![allow(clippy::cast_possible_truncation, reason = "numbers of a test are small")]

// What control's tests use and these do not stays unused here.
#[allow(dead_code, reason = "shared with the tests of control")]
#[path = "../../../control/tests/control/build.rs"]
mod build;
#[path = "../../../control/tests/control/dice.rs"]
mod dice;
#[path = "../driver/mod.rs"]
mod driver;
mod encode;
#[path = "../../../control/tests/control/script.rs"]
mod script;
#[path = "../../../control/tests/control/spec.rs"]
mod spec;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::UdpSocket;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use driver::Driver;
use model::reply::RefusalClass;
use script::{Listener, Script, Turn};
use spec::Told;
use worker::flat::Table as _;
use worker::schema::message::{self, Message};
use worker::schema::notification::{self, Event};
use worker::schema::response;
use worker::schema::{router, transport};

#[test]
fn one_shard_keeps_the_order() {
    play("1", 0..2);
}

#[test]
fn three_shards_keep_the_order() {
    play("3", 100..105);
}

/// Everything that a script says in one go, with what comes of it held against what must; one script after the other,
/// since each leaves nothing behind.
fn play(shards: &str, seeds: Range<u64>) {
    let variables = [("SHARDCAST_SHARDS", shards), ("SHARDCAST_SPREAD", "in-turn")];
    let mut driver = Driver::start(&variables);
    for seed in seeds {
        let mut script = Script::new(seed, free_ports());
        let mut turns: Vec<_> = (0..REQUESTS).map(|_| script.any()).collect();
        turns.extend(script.end());
        let (mut bytes, mut ids) = (Vec::new(), Vec::new());
        for turn in &turns {
            match turn {
                Turn::Ask(number, asked) => {
                    assert_eq!(*number, ids.len() as u64);
                    let (method, of, body) = encode::request(asked);
                    let (id, encoded) = driver.request(method, of, body);
                    ids.push(id);
                    bytes.extend(encoded);
                }
                Turn::Tell(told) => {
                    let (event, of, body) = encode::notification(told);
                    bytes.extend(driver.told(event, of, body));
                }
            }
        }
        let mut requests = driver.requests.take().unwrap();
        let writer = std::thread::spawn(move || {
            requests.write_all(&bytes).unwrap();
            requests
        });
        let mut listener = script.listen(shards == "1");
        listen(&mut driver, &mut listener, &ids);
        listener.end();
        driver.requests = Some(writer.join().unwrap());
    }
    drop(driver.requests.take());
    assert_eq!(driver.rest(), []);
}

/// Takes what the worker says until it has answered the last of these.
fn listen(driver: &mut Driver, listener: &mut Listener, ids: &[u32]) {
    let mut next = 0;
    while next < ids.len() {
        let payload = driver.next_payload().expect("the worker goes on");
        match Message::from_payload(&payload).unwrap().data {
            message::Body::Response(response) => {
                assert_eq!(response.id, ids[next]);
                let refused = response.error.as_deref().map(|error| match error {
                    "TypeError" => RefusalClass::Invalid,
                    "NotFoundError" => RefusalClass::NotFound,
                    "Error" => RefusalClass::Failed,
                    other => panic!("{other}"),
                });
                listener.answered(next as u64, refused, || names_of(response.body));
                next += 1;
            }
            message::Body::Notification(event) => {
                listener.happened(&event.handler_id, told_of(event.event, &event.handler_id));
                if let notification::Body::DataConsumerMessageNotification(message) = event.body {
                    listener.message(&event.handler_id, message.ppid);
                }
            }
            message::Body::Log(_) => {}
            other => panic!("a worker never sends {other:?}"),
        }
    }
}

fn told_of(event: Event, id: &str) -> Option<Told> {
    Some(match event {
        Event::ConsumerProducerPause | Event::DataconsumerDataproducerPause => Told::Paused(id.into()),
        Event::ConsumerProducerResume | Event::DataconsumerDataproducerResume => Told::Resumed(id.into()),
        Event::ConsumerProducerClose | Event::DataconsumerDataproducerClose => Told::Closed(id.into()),
        _ => return None,
    })
}

/// The names that a dump lists.
fn names_of(body: response::Body<'_>) -> BTreeSet<String> {
    match body {
        response::Body::WorkerDumpResponse(dump) => {
            texts(dump.channel_message_handlers.channel_request_handlers)
        }
        response::Body::RouterDumpResponse(dump) => in_router(*dump),
        response::Body::PlainTransportDumpResponse(dump) => in_transport(dump.base),
        response::Body::DirectTransportDumpResponse(dump) => in_transport(dump.base),
        other => panic!("{other:?}"),
    }
}

fn in_router(dump: router::DumpResponse<'_>) -> BTreeSet<String> {
    let mut names = texts(dump.transport_ids);
    names.extend(texts(dump.rtp_observer_ids));
    names.extend(texts(dump.map_producer_id_consumer_ids.into_iter().map(|row| row.key)));
    names.extend(texts(dump.map_consumer_id_producer_id.into_iter().map(|row| row.key)));
    names.extend(texts(dump.map_data_producer_id_data_consumer_ids.into_iter().map(|row| row.key)));
    names.extend(texts(dump.map_data_consumer_id_data_producer_id.into_iter().map(|row| row.key)));
    names
}

fn in_transport(dump: transport::Dump<'_>) -> BTreeSet<String> {
    let ids = [dump.producer_ids, dump.data_producer_ids, dump.data_consumer_ids];
    let mut names = texts(dump.consumer_ids);
    names.extend(ids.into_iter().flat_map(texts));
    names
}

fn texts<'a>(texts: impl IntoIterator<Item = worker::flat::Str<'a>>) -> BTreeSet<String> {
    texts.into_iter().map(worker::flat::Str::into_owned).collect()
}

/// Three ports of this script's own, outside of what the system and workers give out. Where somebody has one of them, the
/// next may be the ones of the process that came after this one: it looks far away.
fn free_ports() -> [u16; 3] {
    static SCRIPTS: AtomicU32 = AtomicU32::new(0);
    let script = SCRIPTS.fetch_add(1, Ordering::Relaxed);
    let first = std::process::id().wrapping_add(script.wrapping_mul(FAR));
    let threes = (0..THREES).map(|offset| (first.wrapping_add(offset * FAR) % THREES * 3 + 2000) as u16);
    let mut threes = threes.map(|port| [port, port + 1, port + 2]);
    let free = |ports: &[u16; 3]| ports.iter().all(|port| UdpSocket::bind(("127.0.0.1", *port)).is_ok());
    threes.find(free).expect("some ports are free")
}

/// Of ports, from 2000 to 7999.
const THREES: u32 = 2000;
/// Without a common divisor with their number, so that all of them are looked at.
const FAR: u32 = 701;
/// What a script says. In one go, this is more than control takes at a time.
const REQUESTS: usize = 4000;
