//! Who is told what, and who is not disturbed, when a server drains, ends and starts again, and when a shard breaks.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::call::Call;
use crate::room::id;
use crate::support::{Follower, Server};

const CONSUMERS: usize = 50;
/// The router, a transport for the producer and for each consumer, and these.
const OBJECTS: usize = 1 + (1 + CONSUMERS) * 2;
const PATIENCE: Duration = Duration::from_secs(30);
const BROKE: &str = "the core that it lived on broke";

/// Two rooms, of which nobody shares a shard with the other's.
fn two_rooms(variables: &[(&str, &str)]) -> (Server, [Call; 2]) {
    let server = Server::start_with(
        &[variables, &[("SHARDCAST_RTC_SHARDS", "2"), ("SHARDCAST_RTC_SPREAD", "home")]].concat(),
        &[],
    );
    let calls = [Call::start(&server, CONSUMERS), Call::start(&server, CONSUMERS)];
    let transports: Vec<Value> = server
        .get("/v1/shards")
        .as_array()
        .unwrap()
        .iter()
        .map(|shard| shard["transports"].clone())
        .collect();
    assert_eq!(transports, [CONSUMERS + 1, CONSUMERS + 1], "a room on each shard");
    (server, calls)
}

fn follow(server: &Server, call: &Call) -> Follower {
    server.events(&format!("?after=0&router={}", id(&call.router)))
}

/// Reads until so many objects are closed: how many of each kind were, and why.
fn ends(events: &mut Follower, objects: usize) -> BTreeMap<(String, String), usize> {
    let mut ends = BTreeMap::new();
    for _ in 0..objects {
        let event = events.until("close");
        let (object, reason) = (event["object"].as_str().unwrap(), event["data"]["reason"].as_str().unwrap());
        *ends.entry((object.to_owned(), reason.to_owned())).or_default() += 1;
    }
    ends
}

/// How often each kind of object of a room ends, the router for one reason and the rest for the other.
fn of_a_room(router: &str, rest: &str) -> BTreeMap<(String, String), usize> {
    let of = |object: &str, reason: &str, count| ((object.to_owned(), reason.to_owned()), count);
    [
        of("router", router, 1),
        of("transport", rest, CONSUMERS + 1),
        of("producer", rest, 1),
        of("consumer", rest, CONSUMERS),
    ]
    .into()
}

#[test]
fn a_shard_that_breaks_costs_its_rooms_and_nobody_else_a_packet() {
    // More commands than it takes to make a room.
    let (server, calls) = two_rooms(&[("SHARDCAST_FAULT", "1:400")]);
    let mut events = calls.each_ref().map(|call| follow(&server, call));
    let panics = |server: &Server| server.get("/v1/shards")[1]["panics"].as_u64().unwrap();
    let mut asked = 0;
    while panics(&server) == 0 {
        assert!(asked < 1_000, "it does not break");
        asked += 1;
        for call in &calls {
            // Something that changes nothing for anybody, and that a shard has to do.
            server.ask("GET", &format!("/v1/transports/{}/stats", transport_of(&server, call)), None);
        }
    }
    server.until("/metrics", "shardcast_objects{kind=\"router\"} 1\n");
    let survivors = server.get("/v1/routers");
    let [lost, kept] = {
        let [first, second] = calls;
        if survivors[0]["id"] == first.router["id"] {
            events.swap(0, 1);
            [second, first]
        } else {
            [first, second]
        }
    };
    let [of_lost, of_kept] = &mut events;
    assert_eq!(ends(of_lost, OBJECTS), of_a_room(BROKE, BROKE));
    for (kind, object) in
        [("producers", &lost.producer), ("consumers", &lost.consumers[0]), ("routers", &lost.router)]
    {
        assert_eq!(server.status("GET", &format!("/v1/{kind}/{}", id(object))), 404);
    }
    let page = server.text("/metrics");
    assert!(page.contains("shardcast_shard_panics_total{shard=\"1\"} 1\n"), "{page}");
    assert_eq!((server.status("GET", "/healthz"), server.status("GET", "/readyz")), (200, 200));
    // The shard takes rooms again, as soon as what broke it does not make it the busier one.
    let end = Instant::now() + PATIENCE;
    let again = loop {
        let room = Call::start(&server, 1);
        if server.get("/v1/shards")[1]["transports"] == 2 {
            break room;
        }
        assert!(Instant::now() < end, "no room goes where one broke");
        assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", id(&room.router))), 204);
    };
    again.goes_on(5);
    kept.goes_on(20);
    drop(lost);
    assert_eq!(again.lost(), [0]);
    let router = id(&kept.router).to_owned();
    assert_eq!(kept.lost(), [0; CONSUMERS], "the other room");
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{router}")), 204);
    assert_eq!(ends(of_kept, OBJECTS), of_a_room("somebody closed it", "its router is closed"));
}

#[test]
fn a_shard_that_hangs_is_named_and_holds_up_nobody_else() {
    let [path, over] = ["hangs", "goes-on"]
        .map(|what| std::env::temp_dir().join(format!("shardcast-{what}-{}", std::process::id())));
    // Of a process that had this number before.
    [&path, &over].into_iter().for_each(|path| _ = std::fs::remove_file(path));
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let at = path.to_str().unwrap();
    let watched = [("NOTIFY_SOCKET", at), ("WATCHDOG_USEC", "100000"), ("SHARDCAST_FAULT", "1:1:hang")];
    let rest = [("SHARDCAST_FAULT_ENDS", over.to_str().unwrap()), ("SHARDCAST_RTC_SPREAD", "home")];
    let server = Server::start_with(&[&watched[..], &rest, &[("SHARDCAST_RTC_SHARDS", "2")]].concat(), &[]);
    // The second goes to the other shard.
    let rooms = [(); 2].map(|()| id(&server.post("/v1/routers", json!({}))).to_owned());
    let [sound, hung] = rooms.map(|room| format!("/v1/routers/{room}/plain-transports"));
    let listen = || json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" } });
    assert_eq!((server.status("GET", "/healthz"), server.status("GET", "/readyz")), (200, 200));
    let unanswered = std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.ask("POST", &hung, Some(&listen())));
        server.until_status("/healthz", 503);
        asked.join().unwrap()
    });
    // Whoever asks is told which it is, at once by now, and all others have what they asked for.
    for (status, problem) in [unanswered, server.ask("POST", &hung, Some(&listen()))] {
        assert_eq!(status, 503, "{problem}");
        assert!(problem.contains("urn:shardcast:stuck") && problem.contains("shard 1 hangs"), "{problem}");
    }
    server.post(&sound, listen());
    assert_eq!(server.ask("POST", "/v1/routers", Some(&json!({}))).0, 201);
    let (_, problem) = server.ask("GET", "/healthz", None);
    assert!(problem.contains("urn:shardcast:stuck") && problem.contains("shard 1 for "), "{problem}");
    assert!(!problem.contains("shard 0"), "it sleeps: {problem}");
    assert_eq!(server.status("GET", "/readyz"), 503);
    let page = server.text("/metrics");
    let silent = |shard: u16| -> u64 {
        let name = format!("shardcast_shard_silent_seconds{{shard=\"{shard}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    };
    assert!(silent(0) < 5 && silent(1) >= 5, "{page}");
    // What the supervisor has been told so far, and then nothing; one look may have been under way.
    supervisor.set_nonblocking(true).unwrap();
    let fed = std::iter::from_fn(|| supervisor.recv(&mut [0; 64]).ok()).count();
    assert!(fed > 1, "it was fed before");
    supervisor.set_nonblocking(false).unwrap();
    let late = (0..3).take_while(|_| supervisor.recv(&mut [0; 64]).is_ok()).count();
    assert!(late <= 1, "it is fed though a shard hangs");

    // It goes on, makes the transport that nobody got, and closes it.
    std::fs::write(&over, "").unwrap();
    server.until_status("/healthz", 200);
    server.until("/metrics", "shardcast_shard_stuck_late_total{shard=\"1\"} 1\n");
    assert_eq!(server.metric("shardcast_shard_stuck_refused_total{shard=\"1\"}"), 2);
    server.until("/metrics", "shardcast_shard_transports{shard=\"1\"} 0\n");
    let transport = server.post(&hung, listen());
    server.until("/metrics", "shardcast_shard_transports{shard=\"1\"} 1\n");
    assert_eq!(server.status("DELETE", &format!("/v1/transports/{}", id(&transport))), 204);
    for path in [path, over] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_server_that_drains_disturbs_no_call_tells_everybody_and_starts_again() {
    let (mut server, [first, second]) = two_rooms(&[]);
    let mut events = [&first, &second].map(|call| follow(&server, call));
    let mut all = server.events("?events=close");
    let mut overview = server.follow("/v1/overview");
    let before = [server.status("GET", "/readyz"), server.ask("POST", "/v1/routers", None).0];
    assert_eq!(before, [200, 201]);
    let empty = server.get("/v1/routers");
    let empty = empty
        .as_array()
        .unwrap()
        .iter()
        .map(id)
        .find(|name| ![id(&first.router), id(&second.router)].contains(name));
    let empty = empty.unwrap().to_owned();
    server.terminate();
    server.until_status("/readyz", 503);
    while overview.next()["draining"] == false {}
    let (status, problem) = server.ask("POST", "/v1/routers", None);
    assert_eq!(status, 503);
    assert!(problem.contains("urn:shardcast:draining"), "{problem}");
    // Calls go on, and whoever is in one may do what it did before.
    let listen = json!({ "listenInfo": { "protocol": "udp", "ip": "127.0.0.1" } });
    let late = server.post(&format!("/v1/routers/{}/plain-transports", id(&first.router)), listen);
    first.goes_on(30);
    assert_eq!(server.status("DELETE", &format!("/v1/transports/{}", id(&late))), 204);
    let routers = [id(&first.router).to_owned(), id(&second.router).to_owned()];
    assert_eq!(first.lost(), [0; CONSUMERS]);
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", routers[0])), 204);
    let mut told = ends(&mut events[0], OBJECTS + 1);
    assert_eq!(
        told.remove(&("transport".to_owned(), "somebody closed it".to_owned())),
        Some(1),
        "the late one"
    );
    assert_eq!(told, of_a_room("somebody closed it", "its router is closed"));
    assert_eq!(second.lost(), [0; CONSUMERS], "not by the end of the other room either");
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{}", routers[1])), 204);
    assert_eq!(server.status("DELETE", &format!("/v1/routers/{empty}")), 204);
    assert_eq!(ends(&mut events[1], OBJECTS), of_a_room("somebody closed it", "its router is closed"));
    // Everything was told before the last word.
    assert_eq!(ends(&mut all, 2 * OBJECTS + 2).values().sum::<usize>(), 2 * OBJECTS + 2);
    for follower in events.iter_mut().chain([&mut all, &mut overview]) {
        assert_eq!(follower.end(), (1001, "the server ends".to_owned()));
    }
    assert_eq!(server.wait(), Some(0));

    let again = Server::start_at(&server.at().to_string(), &[], &[]);
    assert_eq!(again.at(), server.at(), "where clients look for it");
    assert_eq!(again.get("/v1/routers"), json!([]));
    let mut events = again.events("?after=1000");
    Call::start(&again, 1).goes_on(5);
    assert_eq!((events.next()["sequence"].clone()), json!(1), "it counts anew");
}

/// Where its first consumer is.
fn transport_of(server: &Server, call: &Call) -> String {
    let (_, consumer) = server.ask("GET", &format!("/v1/consumers/{}", id(&call.consumers[0])), None);
    let consumer: Value = serde_json::from_str(&consumer).unwrap_or_default();
    consumer["transportId"].as_str().unwrap_or("gone").to_owned()
}
