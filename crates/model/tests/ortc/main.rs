//! The npm package's own negotiation is the oracle: the same seeded cases go through it and through ours, and the
//! JSON of every step, or the class of its error, has to be the same.

#![expect(clippy::unwrap_used, reason = "a test says so when its own material is not what it thinks")]

mod compare;
mod generate;
mod npm;
mod ours;

use serde_json::{Value, json};

use compare::differences;
use generate::{Case, Random};

/// Cases are cheap, the start of Node is not: one process takes them all.
const CASES: u64 = 1000;

#[test]
fn negotiation_is_that_of_the_npm_package() {
    let cases: Vec<Case> = (0..CASES).map(|seed| generate::case(&mut Random::new(seed))).collect();
    let theirs = npm::negotiate(cases.iter().map(|case| &case.task));
    let mut reached = std::collections::BTreeMap::<String, [usize; 2]>::new();
    let mut found = Vec::new();
    for (seed, (case, theirs)) in cases.iter().zip(&theirs).enumerate() {
        found.extend(
            differences(case, theirs, &ours::negotiate(&case.task))
                .map(|text| format!("case {seed}: {text}")),
        );
        for (step, outcome) in theirs.as_object().unwrap() {
            reached.entry(step.clone()).or_default()[usize::from(outcome.get("error").is_some())] += 1;
        }
    }
    assert!(
        found.is_empty(),
        "{} differences, of which\n{}",
        found.len(),
        found[..found.len().min(3)].join("\n\n")
    );
    // An oracle that is asked nothing agrees with everything: every step succeeds and fails often.
    for step in ["capabilities", "parameters", "router", "mapping", "consumer", "allStreams"] {
        assert!(reached[step].iter().all(|count| *count > 50), "{step}: {reached:?}");
    }
    assert!(["consumable", "canConsume", "pipe"].iter().all(|step| reached[*step][0] > 200), "{reached:?}");
}

#[test]
fn sctp_streams_are_those_of_the_npm_package() {
    let cases: Vec<Case> = (0..500).map(|seed| generate::sctp_case(&mut Random::new(seed))).collect();
    let theirs = npm::negotiate(cases.iter().map(|case| &case.task));
    for (case, theirs) in cases.iter().zip(&theirs) {
        let found: Vec<_> = differences(case, theirs, &ours::negotiate(&case.task)).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn a_difference_is_seen() {
    let cases: Vec<Case> = (0..200).map(|seed| generate::case(&mut Random::new(seed))).collect();
    let theirs = npm::negotiate(cases.iter().map(|case| &case.task));
    let seen = cases.iter().zip(&theirs).filter(|(case, theirs)| {
        let mut ours = ours::negotiate(&case.task);
        let Some(feedback) = ours.pointer_mut("/consumer/ok/codecs/0/rtcpFeedback") else { return false };
        feedback.as_array_mut().unwrap().push(json!({ "type": "nack", "parameter": "sli" }));
        assert_ne!(differences(case, theirs, &ours).count(), 0);
        true
    });
    assert!(seen.count() > 20);
}

/// Where we know better, or are stricter; the README lists these.
#[test]
fn the_differences_that_are_meant() {
    let vp8 = json!({ "mimeType": "video/VP8", "clockRate": 90000 });
    let h264 = |id: &str| json!({ "mimeType": "video/H264", "clockRate": 90000, "parameters": { "profile-level-id": id } });
    let with = |codec: &Value, payload_type: u8| {
        let mut codec = codec.clone();
        codec["payloadType"] = payload_type.into();
        codec["preferredPayloadType"] = payload_type.into();
        codec
    };
    let rtx = |payload_type: u8, apt: u8| {
        let rtx = json!({ "mimeType": "video/rtx", "clockRate": 90000, "parameters": { "apt": apt } });
        with(&rtx, payload_type)
    };
    let task = |media_codecs: Value, codecs: Value, remote: Value| {
        json!({
            "kind": "video", "mediaCodecs": media_codecs, "enableRtx": true,
            "rtpParameters": { "codecs": codecs, "encodings": [{ "ssrc": 1 }] },
            "rtpCapabilities": { "codecs": remote },
            "mappedSsrc": 1, "ssrc": 2, "rtxSsrc": 3,
        })
    };
    let second = h264("42e01f");
    let tasks = [
        // The RTX codec of the codec that is not shared comes first among the shared ones.
        task(
            json!([vp8, second]),
            json!([with(&vp8, 96), with(&second, 98)]),
            json!([with(&second, 98), rtx(99, 98)]),
        ),
        // Level 1b is lower than 3.1.
        task(json!([h264("42f00b")]), json!([with(&h264("42e01f"), 96)]), json!([])),
        // A payload type has seven bits.
        task(json!([vp8]), json!([with(&vp8, 128)]), json!([])),
    ];
    let theirs = npm::negotiate(tasks.iter());
    let ours: Vec<Value> = tasks.iter().map(ours::negotiate).collect();
    assert_eq!((&theirs[0]["canConsume"]["ok"], &ours[0]["canConsume"]["ok"]), (&json!(false), &json!(true)));
    assert!(theirs[0]["consumer"].get("ok").is_some() && ours[0]["consumer"].get("ok").is_some());
    let level =
        |results: &Value| results["mapped"]["ok"]["codecs"][0]["parameters"]["profile-level-id"].clone();
    assert_eq!((level(&theirs[1]), level(&ours[1])), (json!("42e01f"), json!("42f00b")));
    assert!(theirs[2]["parameters"].get("ok").is_some());
    assert_eq!(ours[2]["parameters"]["error"], "TypeError");
}
