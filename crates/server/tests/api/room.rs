//! A room with direct transports, and packets to send into it.

use serde_json::{Value, json};

use crate::support::Server;

/// A router, and two direct transports in it: one sends, one receives.
pub(crate) struct Room {
    pub(crate) server: Server,
    pub(crate) router: Value,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Room {
    pub(crate) fn new() -> Self {
        let server = Server::start(&[]);
        let codecs = json!([
            { "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 },
            { "kind": "video", "mimeType": "video/VP8", "clockRate": 90_000 },
        ]);
        let router = server.post("/v1/routers", json!({ "mediaCodecs": codecs }));
        let direct = || {
            let made = server.post(&format!("/v1/routers/{}/direct-transports", id(&router)), json!({}));
            id(&made).to_owned()
        };
        let (from, to) = (direct(), direct());
        Self { server, router, from, to }
    }

    /// What happens to one object, from its beginning.
    pub(crate) fn events_of(&self, object: &Value) -> crate::support::Follower {
        self.server.events(&format!("?after=0&id={}", id(object)))
    }

    pub(crate) fn produce(&self, options: Value) -> Value {
        self.server.post(&format!("/v1/transports/{}/producers", self.from), options)
    }

    pub(crate) fn consume(&self, producer: &Value, more: Value) -> Value {
        let mut options =
            json!({ "producerId": producer["id"], "rtpCapabilities": self.router["rtpCapabilities"] });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.post(&format!("/v1/transports/{}/consumers", self.to), options)
    }

    /// Posts a packet to a producer.
    pub(crate) fn send(&self, producer: &Value, packet: &[u8]) {
        let path = format!("/v1/producers/{}/packets", id(producer));
        let (status, answer) = self.server.send(&path, "application/octet-stream", packet);
        assert_eq!(status, 202, "{answer}");
    }

    /// `POST`, `PUT` or `DELETE` of something that has nothing to say.
    pub(crate) fn done(&self, method: &str, path: &str, body: Option<Value>) {
        let (status, answer) = self.server.ask(method, path, body.as_ref());
        assert_eq!(status, 204, "{method} {path}: {answer}");
    }
}

/// Opus, with levels in its packets.
pub(crate) fn audio(ssrc: u32) -> Value {
    json!({ "kind": "audio", "rtpParameters": {
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48_000, "channels": 2 }],
        "headerExtensions": [{ "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 10 }],
        "encodings": [{ "ssrc": ssrc }],
    } })
}

/// VP8 in as many encodings as there are ssrcs, with how the camera is held in its packets.
pub(crate) fn video(ssrcs: &[u32]) -> Value {
    let encodings: Vec<Value> = ssrcs.iter().map(|ssrc| json!({ "ssrc": ssrc })).collect();
    json!({ "kind": "video", "rtpParameters": {
        "codecs": [{ "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90_000,
            "rtcpFeedback": [{ "type": "nack", "parameter": "pli" }] }],
        "headerExtensions": [{ "uri": "urn:3gpp:video-orientation", "id": 4 }],
        "encodings": encodings,
    } })
}

/// A packet of audio, so loud: 0 is loudest, 127 silence. Its last byte says so too.
pub(crate) fn sound(ssrc: u32, sequence: u16, level: u8) -> Vec<u8> {
    packet(111, ssrc, sequence, (10, 0x80 | level), &[7, 7, 7, level])
}

/// A key frame of video, with the camera held so many quarters of a turn.
pub(crate) fn key_frame(ssrc: u32, sequence: u16, quarters: u8) -> Vec<u8> {
    // Descriptor (RFC 7741 §4.2): the first partition begins. Then the header of a key frame (RFC 6386 §9.1).
    let picture = [0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 7, 7, 7, 7];
    packet(96, ssrc, sequence, (4, quarters), &picture)
}

/// A packet with the marker and one header extension of a byte (RFC 8285 §4.2).
fn packet(payload_type: u8, ssrc: u32, sequence: u16, extension: (u8, u8), payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x90, 0x80 | payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 960).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, extension.0 << 4, extension.1, 0, 0]);
    packet.extend(payload);
    packet
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}
