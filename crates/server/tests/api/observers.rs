//! Observers of audio, over HTTP.

use serde_json::json;

use crate::room::{Room, audio, id};

#[test]
fn an_observer_watches_looks_away_and_goes() {
    let room = Room::new();
    let options = json!({ "maxEntries": 1, "threshold": -60, "interval": 250, "appData": "o" });
    let path = format!("/v1/routers/{}/audio-level-observers", id(&room.router));
    let observer = room.server.post(&path, options);
    assert_eq!((&observer["paused"], &observer["appData"]), (&json!(false), &json!("o")));
    let producer = room.produce(audio(1));
    let mut events = room.events_of(&observer);
    let place = format!("/v1/rtp-observers/{}", id(&observer));
    let watched = format!("{place}/producers/{}", id(&producer));
    room.done("PUT", &watched, None);
    events.until("addproducer");
    room.done("POST", &format!("{place}/pause"), None);
    events.until("pause");
    assert_eq!(room.server.get(&place)["paused"], true);
    room.done("POST", &format!("{place}/resume"), None);
    events.until("resume");
    room.done("DELETE", &watched, None);
    events.until("removeproducer");
    assert_eq!(room.server.status("DELETE", &watched), 404, "it is not observed");
    room.done("DELETE", &place, None);
    assert_eq!(events.until("close")["data"]["reason"], "somebody closed it");
    let (status, problem) = room.server.ask("POST", &path, Some(&json!({ "threshold": 5 })));
    assert_eq!(status, 400);
    assert!(problem.contains("threshold"), "{problem}");
}

#[test]
fn an_observer_goes_with_its_router() {
    let room = Room::new();
    let path = format!("/v1/routers/{}/active-speaker-observers", id(&room.router));
    let observer = room.server.post(&path, json!({ "interval": 100 }));
    let producer = room.produce(audio(1));
    room.done("PUT", &format!("/v1/rtp-observers/{}/producers/{}", id(&observer), id(&producer)), None);
    let router = room.server.get(&format!("/v1/routers/{}", id(&room.router)));
    assert_eq!(router["rtpObserverIds"], json!([observer["id"]]), "{router}");
    room.done("DELETE", &format!("/v1/routers/{}", id(&room.router)), None);
    let mut events = room.events_of(&observer);
    assert_eq!(events.until("close")["data"]["reason"], "its router is closed");
}
