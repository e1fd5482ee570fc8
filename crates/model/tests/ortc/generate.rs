//! Cases: routers, producers and clients as they occur, and as they should not.

use serde_json::{Value, json};

/// A case, and what was done to it to make it wrong.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) task: Value,
    pub(crate) damage: Option<Damage>,
}

/// A field whose value was replaced, or removed.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) field: String,
    pub(crate) value: Option<Value>,
}

/// SplitMix64: one seed, one case, on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn subset<T: Clone>(&mut self, of: &[T], chance: usize) -> Vec<T> {
        let mut chosen: Vec<T> = of.iter().filter(|_| self.percent(chance)).cloned().collect();
        for index in (1..chosen.len()).rev() {
            chosen.swap(index, self.below(index + 1));
        }
        chosen
    }
}

pub(crate) fn case(random: &mut Random) -> Case {
    let kind = *random.pick(&["audio", "video", "video"]);
    let mut task = json!({
        "kind": kind,
        "mediaCodecs": media_codecs(random),
        "rtpParameters": rtp_parameters(random, kind),
        "rtpCapabilities": rtp_capabilities(random),
        "enableRtx": random.percent(60),
        "mappedSsrc": 100_000_000 + random.below(1000),
        "ssrc": 200_000_000 + random.below(1000),
        "rtxSsrc": 300_000_000 + random.below(1000),
    });
    let document = match random.below(10) {
        0 | 1 => "rtpParameters",
        2 | 3 => "rtpCapabilities",
        4 => "mediaCodecs",
        _ => return Case { task, damage: None },
    };
    let damage = damage(random, &mut task[document], document);
    Case { task, damage }
}

pub(crate) fn sctp_case(random: &mut Random) -> Case {
    let mut stream = json!({ "streamId": random.below(65536) });
    let values = [json!(true), json!(false), json!(0), json!(100), Value::Null, json!("")];
    for field in ["ordered", "maxPacketLifeTime", "maxRetransmits"] {
        let value = random.pick(&values).clone();
        if random.percent(60) && !(field != "ordered" && value == json!(true)) {
            stream[field] = value;
        }
    }
    let damage = random.percent(30).then(|| damage(random, &mut stream, "sctp")).flatten();
    Case { task: json!({ "sctpStreamParameters": stream }), damage }
}

fn media_codecs(random: &mut Random) -> Value {
    let catalogue = catalogue(random);
    let share = *random.pick(&[40, 90, 100]);
    let mut codecs = random.subset(&catalogue, share);
    for codec in &mut codecs {
        if random.percent(4) {
            codec["preferredPayloadType"] = (96 + random.below(32)).into();
        }
        if random.percent(1) {
            codec["clockRate"] = 44100.into();
        }
    }
    Value::Array(codecs)
}

fn rtp_parameters(random: &mut Random, kind: &str) -> Value {
    let of_kind: Vec<Value> = catalogue(random)
        .into_iter()
        .filter(|codec| codec["mimeType"].as_str().unwrap().to_lowercase().starts_with(kind))
        .collect();
    let mut codecs = Vec::new();
    for (index, mut codec) in random.subset(&of_kind, 20).into_iter().enumerate() {
        let payload_type = if random.percent(4) { 100 } else { 96 + 2 * index };
        codec["payloadType"] = payload_type.into();
        codecs.push(codec);
        if kind == "video" && random.percent(60) {
            let apt = if random.percent(3) { random.below(128) } else { payload_type };
            codecs.push(json!({
                "mimeType": random.pick(&["video/rtx", "video/RTX"]), "payloadType": payload_type + 1,
                "clockRate": 90000, "parameters": { "apt": apt },
            }));
        }
    }
    if random.percent(10) {
        codecs.reverse();
    }
    let extensions: Vec<Value> = random
        .subset(&URIS, 40)
        .into_iter()
        .map(|uri| json!({ "uri": uri, "id": 1 + random.below(14), "encrypt": random.percent(10) }))
        .collect();
    let mut parameters =
        json!({ "codecs": codecs, "headerExtensions": extensions, "encodings": encodings(random) });
    if random.percent(70) {
        parameters["mid"] = random.pick(&["0", "audio", ""]).to_owned().into();
    }
    if random.percent(30) {
        parameters["msid"] = "stream track".into();
    }
    if random.percent(70) {
        parameters["rtcp"] = json!({ "cname": "someone", "reducedSize": random.percent(50) });
    }
    parameters
}

fn encodings(random: &mut Random) -> Value {
    let modes = ["L1T1", "L1T3", "L3T3_KEY", "S2T2", "L17T1", "nonsense", ""];
    let simulcast = random.percent(35);
    let count = if simulcast { 2 + random.below(3) } else { usize::from(!random.percent(5)) };
    let by_rid = random.percent(50);
    let mode = *random.pick(&modes);
    let encodings = (0..count).map(|index| {
        let mut encoding = json!({});
        if by_rid {
            encoding["rid"] = format!("r{index}").into();
        } else {
            encoding["ssrc"] = (1000 + index).into();
            if random.percent(50) {
                encoding["rtx"] = json!({ "ssrc": 2000 + index });
            }
        }
        if random.percent(60) {
            encoding["scalabilityMode"] = mode.into();
        }
        if random.percent(30) {
            encoding["maxBitrate"] = (random.below(4) * 100_000).into();
        }
        if random.percent(30) {
            encoding["dtx"] = random.percent(50).into();
        }
        if random.percent(20) {
            encoding["codecPayloadType"] = 96.into();
        }
        encoding
    });
    Value::Array(encodings.collect())
}

fn rtp_capabilities(random: &mut Random) -> Value {
    let mut codecs = Vec::new();
    let share = *random.pick(&[20, 60, 100]);
    let catalogue = catalogue(random);
    for (index, mut codec) in random.subset(&catalogue, share).into_iter().enumerate() {
        codec["preferredPayloadType"] = (index % 64).into();
        codec["kind"] = random.pick(&["audio", "video"]).to_owned().into();
        codecs.push(codec);
    }
    if random.percent(60) {
        let at = random.below(codecs.len() + 1);
        codecs.insert(
            at,
            json!({
                "kind": "video", "mimeType": "video/rtx", "preferredPayloadType": 90, "clockRate": 90000,
                "parameters": { "apt": 0 }, "rtcpFeedback": [{ "type": "nack" }],
            }),
        );
    }
    let mut extensions = Vec::new();
    for (index, uri) in URIS.iter().enumerate() {
        for kind in ["audio", "video"] {
            if random.percent(50) {
                let id = if random.percent(85) { 1 + index } else { 1 + random.below(14) };
                let mut extension = json!({ "kind": kind, "uri": uri, "preferredId": id });
                if random.percent(50) {
                    extension["direction"] =
                        random.pick(&["sendrecv", "sendonly", "recvonly", "inactive"]).to_owned().into();
                }
                extensions.push(extension);
            }
        }
    }
    json!({ "codecs": codecs, "headerExtensions": extensions })
}

/// Codecs as applications write them: in any case, with and without what may be absent, known to the router or not.
fn catalogue(random: &mut Random) -> Vec<Value> {
    let coupled = if random.percent(5) { 3 } else { 2 };
    let mut codecs = vec![
        json!({ "mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "parameters": { "useinbandfec": 1, "foo": "bar", "ratio": 222.222 } }),
        json!({ "mimeType": "audio/PCMU", "clockRate": 8000 }),
        json!({ "mimeType": "audio/ISAC", "clockRate": 32000, "channels": 1 }),
        json!({ "mimeType": "audio/multiopus", "clockRate": 48000, "channels": 6, "parameters": { "num_streams": 4, "coupled_streams": 2 } }),
        json!({ "mimeType": "audio/multiopus", "clockRate": 48000, "channels": 4, "parameters": { "num_streams": 2, "coupled_streams": coupled } }),
        json!({ "mimeType": "audio/telephone-event", "clockRate": 8000 }),
        json!({ "mimeType": "video/VP8", "clockRate": 90000, "parameters": { "x-google-start-bitrate": 1500 } }),
        json!({ "mimeType": "video/VP9", "clockRate": 90000 }),
        json!({ "mimeType": "video/AV1", "clockRate": 90000 }),
        json!({ "mimeType": "video/H264", "clockRate": 90000, "parameters": h264(random) }),
        json!({ "mimeType": "video/H264", "clockRate": 90000, "parameters": h264(random) }),
        json!({ "mimeType": "video/H265", "clockRate": 90000 }),
    ];
    // What no router knows is rare, or no router would ever come about.
    if random.percent(95) {
        codecs.pop();
    }
    for codec in &mut codecs {
        if codec["mimeType"] == "video/VP9" && random.percent(30) {
            codec["parameters"] =
                json!({ "profile-id": random.pick(&[json!(0), json!(2), json!("0"), json!("")]) });
        }
        if random.percent(20) {
            codec["mimeType"] = codec["mimeType"].as_str().unwrap().to_lowercase().into();
        }
        if random.percent(10) {
            codec["mimeType"] = codec["mimeType"].as_str().unwrap().to_uppercase().into();
        }
        if random.percent(70) {
            codec["rtcpFeedback"] = Value::Array(random.subset(&feedback(), 60));
        }
    }
    codecs
}

fn h264(random: &mut Random) -> Value {
    let mut parameters = json!({});
    let ids = [
        "42e01f", "42e01f", "42001f", "4d0032", "640c1f", "64001f", "f4001f", "42e034", "42e00a", "58c00d",
        "nonsense", "zzzzzz", "",
    ];
    if random.percent(80) {
        parameters["profile-level-id"] = random.pick(&ids).to_owned().into();
    }
    if random.percent(30) {
        parameters["packetization-mode"] = random.pick(&[json!(0), json!(1), json!(1), json!("1")]).clone();
    }
    if random.percent(60) {
        parameters["level-asymmetry-allowed"] =
            random.pick(&[json!(0), json!(1), json!("1"), json!("0")]).clone();
    }
    parameters
}

fn feedback() -> Vec<Value> {
    vec![
        json!({ "type": "nack" }),
        json!({ "type": "nack", "parameter": "" }),
        json!({ "type": "nack", "parameter": "pli" }),
        json!({ "type": "ccm", "parameter": "fir" }),
        json!({ "type": "goog-remb" }),
        json!({ "type": "transport-cc" }),
        json!({ "type": "x-unheard-of", "parameter": "y" }),
    ]
}

/// Replaces or removes one value somewhere in the document.
fn damage(random: &mut Random, document: &mut Value, name: &str) -> Option<Damage> {
    let mut ways = Vec::new();
    collect(document, String::new(), &mut ways);
    // The list of media codecs is an argument of a function, not a document.
    ways.retain(|way| !way.is_empty() || name == "rtpCapabilities" || name == "rtpParameters");
    let way = ways.get(random.below(ways.len().max(1)))?.clone();
    let last = way.rsplit('/').next().unwrap_or_default();
    let field = if last.parse::<usize>().is_ok() { String::new() } else { last.to_owned() };
    if random.percent(25) && !field.is_empty() {
        let parent = document.pointer_mut(&way[..way.len() - last.len() - 1])?;
        parent.as_object_mut()?.remove(last);
        return Some(Damage { field, value: None });
    }
    let values = [
        Value::Null,
        json!(false),
        json!(true),
        json!(0),
        json!(42),
        json!(-1),
        json!(1.5),
        json!(1000),
        json!(""),
        json!("foo"),
        json!({}),
        json!([]),
    ];
    let value = random.pick(&values).clone();
    // The package takes an array for an object here, and writes its own fields to it.
    if value.is_array() && (way.is_empty() || field == "rtcp") {
        return None;
    }
    *document.pointer_mut(&way)? = value.clone();
    Some(Damage { field, value: Some(value) })
}

fn collect(value: &Value, way: String, ways: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            // A header extension's URI has slashes, but no name of a field has.
            collect(value, format!("{way}/{name}"), ways);
        }),
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| collect(value, format!("{way}/{index}"), ways));
        }
        _ => {}
    }
    ways.push(way);
}

/// In the order of the router's ids, and one it does not know.
const URIS: [&str; 13] = [
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:toffset",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "urn:mediasoup:params:rtp-hdrext:packet-id",
    "urn:example:unheard-of",
];
