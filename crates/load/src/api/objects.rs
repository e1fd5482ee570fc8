//! What is asked for, in the words of the API.

use std::net::{IpAddr, SocketAddr};

use model::rtp::{RtpCapabilities, RtpParameters};
use model::transport::{
    DtlsParameters, FingerprintAlgorithm, IceCandidate, IceParameters, TransportProtocol,
};
use serde::Deserialize;
use serde_json::{Value, json};
use str0m::config::Fingerprint;

use super::{Api, Trouble};
use crate::peer::{Formats, Remote, Track};

/// Where the server is to take media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// On a port of its own for each transport, of this address.
    Ip { ip: IpAddr, announced: Option<String> },
    /// On the ports of a WebRtcServer.
    Server(String),
}

/// A router.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) rtp_capabilities: RtpCapabilities,
}

/// A transport.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Opened {
    pub(crate) id: String,
    ice_parameters: IceParameters,
    ice_candidates: Vec<IceCandidate>,
    dtls_parameters: DtlsParameters,
}

/// A consumer.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Consumed {
    pub(crate) id: String,
    pub(crate) rtp_parameters: RtpParameters,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

impl Api {
    /// Whether anybody is there who speaks this API.
    pub(crate) async fn greet(&self) -> Result<(), Trouble> {
        self.get::<Value>("/v1/shards").await.map(drop)
    }

    /// A room for Opus and VP8.
    pub(crate) async fn create_room(&self) -> Result<Room, Trouble> {
        let codecs = json!({ "mediaCodecs": [
            { "kind": "audio", "mimeType": "audio/opus", "clockRate": 48_000, "channels": 2 },
            { "kind": "video", "mimeType": "video/VP8", "clockRate": 90_000 },
        ] });
        self.post("/v1/routers", &codecs).await
    }

    pub(crate) async fn close_room(&self, room: &str) -> Result<(), Trouble> {
        self.delete(&format!("/v1/routers/{room}")).await
    }

    pub(crate) async fn open(&self, room: &str, listen: &Listen) -> Result<Opened, Trouble> {
        let body = match listen {
            Listen::Ip { ip, announced } => {
                let mut info = json!({ "protocol": "udp", "ip": ip.to_string() });
                if let (Some(announced), Some(info)) = (announced, info.as_object_mut()) {
                    info.insert("announcedAddress".into(), json!(announced));
                }
                json!({ "listenInfos": [info], "enableTcp": false })
            }
            Listen::Server(id) => json!({ "webRtcServerId": id, "enableTcp": false }),
        };
        self.post(&format!("/v1/routers/{room}/webrtc-transports"), &body).await
    }

    pub(crate) async fn connect(&self, transport: &str, dtls: &DtlsParameters) -> Result<(), Trouble> {
        let body = json!({ "dtlsParameters": dtls });
        self.tell(&format!("/v1/transports/{transport}/connect"), &body).await
    }

    /// Its id.
    pub(crate) async fn produce(
        &self,
        transport: &str,
        kind: &str,
        parameters: &Value,
    ) -> Result<String, Trouble> {
        let body = json!({ "kind": kind, "rtpParameters": parameters });
        let named: Named = self.post(&format!("/v1/transports/{transport}/producers"), &body).await?;
        Ok(named.id)
    }

    /// Paused, so that nothing comes before we know what to expect.
    pub(crate) async fn consume(
        &self,
        transport: &str,
        producer: &str,
        capabilities: &Value,
    ) -> Result<Consumed, Trouble> {
        let body = json!({ "producerId": producer, "rtpCapabilities": capabilities, "paused": true });
        self.post(&format!("/v1/transports/{transport}/consumers"), &body).await
    }

    pub(crate) async fn resume(&self, consumer: &str) -> Result<(), Trouble> {
        self.tell(&format!("/v1/consumers/{consumer}/resume"), &json!({})).await
    }
}

impl Room {
    /// What our peers can receive of what the router has.
    pub(crate) fn capabilities(&self) -> Value {
        let mut capabilities = self.rtp_capabilities.clone();
        capabilities.header_extensions.retain(|extension| Formats::knows(&extension.uri));
        for codec in &mut capabilities.codecs {
            codec.rtcp_feedback.retain(|feedback| &*feedback.kind != "goog-remb");
        }
        json!(capabilities)
    }

    /// What our peers say about a stream that they send: in payload types and extensions they do as the router does.
    pub(crate) fn parameters(&self, track: &Track) -> Value {
        let mut codecs = Vec::new();
        for codec in &self.rtp_capabilities.codecs {
            let Some(payload_type) = codec.preferred_payload_type else { continue };
            let is_media = payload_type.number() == track.payload_type;
            let apt = codec.parameters.get("apt").and_then(model::rtp::ParameterValue::as_integer);
            let is_rtx = track.rtx_ssrc.is_some() && apt == Some(i32::from(track.payload_type));
            if is_media || is_rtx {
                let mut written = json!({
                    "mimeType": codec.mime_type,
                    "payloadType": payload_type,
                    "clockRate": codec.clock_rate,
                    "parameters": codec.parameters,
                    "rtcpFeedback": codec.rtcp_feedback,
                });
                if let (Some(channels), Some(written)) = (codec.channels, written.as_object_mut()) {
                    written.insert("channels".into(), json!(channels));
                }
                codecs.push(written);
            }
        }
        let kind = if matches!(track.source, crate::source::Source::Audio(_)) { "audio" } else { "video" };
        let extensions = self.rtp_capabilities.header_extensions.iter();
        let extensions: Vec<Value> = extensions
            .filter(|extension| extension.kind.as_str() == kind && Formats::knows(&extension.uri))
            .map(|extension| json!({ "uri": extension.uri, "id": extension.preferred_id }))
            .collect();
        let mut encoding = json!({ "ssrc": track.ssrc });
        if let (Some(ssrc), Some(encoding)) = (track.rtx_ssrc, encoding.as_object_mut()) {
            encoding.insert("rtx".into(), json!({ "ssrc": ssrc }));
        }
        json!({
            "mid": track.mid,
            "codecs": codecs,
            "headerExtensions": extensions,
            "encodings": [encoding],
            "rtcp": { "cname": format!("shardcast-load-{}", track.stream) },
        })
    }
}

impl Opened {
    /// What a peer has to know of the server's side.
    pub(crate) fn remote(&self) -> Result<Remote, Trouble> {
        let nonsense = |what: &str| Trouble::Nonsense(what.to_owned());
        let udp = self.ice_candidates.iter().filter(|candidate| candidate.protocol == TransportProtocol::Udp);
        let address = udp
            .filter_map(|candidate| Some(SocketAddr::new(candidate.address.parse().ok()?, candidate.port)))
            .next()
            .ok_or_else(|| nonsense("no candidate is a UDP address"))?;
        let fingerprints = self.dtls_parameters.fingerprints.iter();
        let fingerprint = fingerprints
            .filter(|fingerprint| fingerprint.algorithm == FingerprintAlgorithm::Sha256)
            .find_map(|fingerprint| {
                let bytes = fingerprint.value.split(':').map(|byte| u8::from_str_radix(byte, 16));
                let bytes = bytes.collect::<Result<_, _>>().ok()?;
                Some(Fingerprint { hash_func: "sha-256".to_owned(), bytes })
            })
            .ok_or_else(|| nonsense("no fingerprint is of SHA-256"))?;
        Ok(Remote { address, ice: self.ice_parameters.clone(), fingerprint })
    }
}
