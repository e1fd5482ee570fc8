//! How much a participant may have.

use serde_json::{Value, json};

use crate::auth::{ADMIN, guarded, made};
use crate::room::{audio, id};

#[test]
fn a_participant_has_so_many_of_each_and_others_theirs() {
    let server = guarded(&[
        ("SHARDCAST_LIMITS_PARTICIPANT_TRANSPORTS", "2"),
        ("SHARDCAST_LIMITS_PARTICIPANT_PRODUCERS", "2"),
        ("SHARDCAST_LIMITS_PARTICIPANT_CONSUMERS", "1"),
        ("SHARDCAST_LIMITS_PARTICIPANT_APP_DATA_BYTES", "16"),
    ]);
    let codecs = json!([{ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 }]);
    let room =
        made(&server, ADMIN, "/v1/routers", json!({ "mediaCodecs": codecs, "appData": "x".repeat(99) }));
    let place = format!("/v1/routers/{}", id(&room));
    let [alice, bob] = ["alice", "bob"].map(|subject| {
        let token = made(&server, ADMIN, &format!("{place}/tokens"), json!({ "subject": subject }));
        token["token"].as_str().unwrap().to_owned()
    });
    let refused = |path: &str, body: &Value, status: u16, words: &str| {
        let (found, problem) = server.ask_with(&alice, "POST", path, Some(body));
        assert_eq!(found, status, "{path} {problem}");
        assert!(problem.contains(words), "{words} is not in {problem}");
    };
    let transports = format!("{place}/webrtc-transports");
    let sctp = json!({ "listenInfos": [{ "protocol": "udp", "ip": "127.0.0.1" }], "enableSctp": true });
    let mut long = sctp.clone();
    long["appData"] = json!("17 letters or so");
    refused(&transports, &long, 400, "appData has 18 bytes; a participant's must have 16 at most");
    long["appData"] = json!("14 letters ...");
    let mine = [made(&server, &alice, &transports, long), made(&server, &alice, &transports, sctp.clone())];
    let full = "there are 2 transports of this participant already, which is limits.participant_transports";
    refused(&transports, &sctp, 409, full);
    refused(&transports, &sctp, 409, "urn:shardcast:quota");
    made(&server, &bob, &transports, sctp.clone());
    let on = |what: &str| format!("/v1/transports/{}/{what}", id(&mine[0]));
    let producer = made(&server, &alice, &on("producers"), audio(1));
    made(&server, ADMIN, &on("producers"), audio(2));
    refused(&on("producers"), &audio(1), 409, "urn:shardcast:failed");
    made(&server, &alice, &on("producers"), audio(3));
    refused(&on("producers"), &audio(4), 409, "limits.participant_producers");
    let consume = json!({ "producerId": producer["id"], "rtpCapabilities": room["rtpCapabilities"] });
    made(&server, &alice, &on("consumers"), consume.clone());
    refused(&on("consumers"), &consume, 409, "limits.participant_consumers");

    let close = format!("/v1/producers/{}", id(&producer));
    assert_eq!(server.ask_with(&alice, "DELETE", &close, None).0, 204);
    made(&server, &alice, &on("producers"), audio(4));
    let close = format!("/v1/transports/{}", id(&mine[1]));
    assert_eq!(server.ask_with(&alice, "DELETE", &close, None).0, 204);
    made(&server, &alice, &transports, sctp);
}
