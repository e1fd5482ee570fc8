//! Trace events: a look at single packets and decisions, for whoever asked for it.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::id::{PayloadType, Ssrc};

/// What happened, when, and which way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trace<I> {
    /// What happened, with what belongs to it.
    #[serde(flatten)]
    pub info: I,
    /// Milliseconds of the monotonic clock.
    pub timestamp: u64,
    /// Which way, seen from us.
    pub direction: TraceDirection,
}

/// Which way a traced packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TraceDirection {
    /// To us.
    In,
    /// From us.
    Out,
}

/// What producers and consumers can trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "info", rename_all = "lowercase")]
pub enum StreamTrace {
    /// An RTP packet that begins no key frame.
    Rtp(RtpTraceInfo),
    /// An RTP packet that begins a key frame.
    KeyFrame(RtpTraceInfo),
    /// Packets were asked for.
    Nack,
    /// A key frame was asked for.
    Pli(SsrcTraceInfo),
    /// A key frame was asked for.
    Fir(SsrcTraceInfo),
    /// A sender report came; producers only.
    Sr(SrTraceInfo),
}

/// What transports can trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "info", rename_all = "lowercase")]
pub enum TransportTrace {
    /// A packet was sent to find out how much fits.
    Probation {},
    /// The bandwidth estimate was announced.
    Bwe(BweTraceInfo),
}

/// A traced RTP packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpTraceInfo {
    /// The packet as it was received or sent.
    pub rtp_packet: RtpPacketDump,
    /// Whether it was a retransmission.
    pub is_rtx: bool,
}

/// The stream that feedback was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SsrcTraceInfo {
    /// Its ssrc.
    pub ssrc: Ssrc,
}

/// A sender report (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SrTraceInfo {
    /// Whose report.
    pub ssrc: Ssrc,
    /// NTP seconds.
    pub ntp_sec: u32,
    /// NTP fraction.
    pub ntp_frac: u32,
    /// The RTP time of the same moment.
    pub rtp_ts: u32,
    /// Packets so far.
    pub packet_count: u32,
    /// Bytes of payload so far.
    pub octet_count: u32,
}

/// The header of an RTP packet and what is known of its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpPacketDump {
    /// The payload type.
    pub payload_type: PayloadType,
    /// The sequence number.
    pub sequence_number: u16,
    /// The RTP time.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// The ssrc.
    pub ssrc: Ssrc,
    /// Whether a key frame begins here.
    pub is_key_frame: bool,
    /// Bytes of the packet.
    pub size: u64,
    /// Bytes of its payload.
    pub payload_size: u64,
    /// The spatial layer.
    pub spatial_layer: u8,
    /// The temporal layer.
    pub temporal_layer: u8,
    /// The MID extension; null if there is none, like the others.
    pub mid: Option<Box<str>>,
    /// The RID extension.
    pub rid: Option<Box<str>>,
    /// The repaired RID extension.
    pub rrid: Option<Box<str>>,
    /// The transport-wide sequence number.
    pub wide_sequence_number: Option<u16>,
}

/// A bandwidth estimate and what it is made of, in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BweTraceInfo {
    /// What the consumers want.
    pub desired_bitrate: u64,
    /// What they are granted at most.
    pub effective_desired_bitrate: u64,
    /// The estimator's lower bound.
    pub min_bitrate: u64,
    /// The estimator's upper bound.
    pub max_bitrate: u64,
    /// Where the estimator began.
    pub start_bitrate: u64,
    /// The most padding.
    pub max_padding_bitrate: u64,
    /// The estimate.
    pub available_bitrate: u64,
    /// Where the estimate comes from.
    pub bwe_type: BweType,
}

/// Where a bandwidth estimate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BweType {
    /// From transport-wide feedback.
    TransportCc,
    /// From the receiver.
    Remb,
}

/// A kind of trace event that can be asked for.
pub trait TraceEventType: Copy + 'static {
    /// All there are, in the order in which dumps list them.
    const ALL: &'static [Self];

    /// The place of this one among [`Self::ALL`].
    fn bit(self) -> u8;
}

/// The kinds of trace event that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSet<T> {
    bits: u8,
    kind: PhantomData<T>,
}

impl<T: TraceEventType> TraceSet<T> {
    /// Whether this kind was asked for.
    pub fn contains(self, kind: T) -> bool {
        self.bits & (1 << kind.bit()) != 0
    }

    /// Whether nothing was asked for.
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The kinds that were asked for.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

impl<T> Default for TraceSet<T> {
    fn default() -> Self {
        Self { bits: 0, kind: PhantomData }
    }
}

impl<T: TraceEventType> FromIterator<T> for TraceSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(kinds: I) -> Self {
        let bits = kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind.bit());
        Self { bits, kind: PhantomData }
    }
}

impl<T: TraceEventType + Serialize> Serialize for TraceSet<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: TraceEventType + Deserialize<'de>> Deserialize<'de> for TraceSet<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().collect())
    }
}

macro_rules! trace_event_types {
    ($($(#[$doc:meta])* $name:ident { $($(#[$kind_doc:meta])* $kind:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$kind_doc])* $kind),+ }

        impl TraceEventType for $name {
            const ALL: &'static [Self] = &[$(Self::$kind),+];

            fn bit(self) -> u8 {
                self as u8
            }
        }
    )+};
}

trace_event_types! {
    /// What a transport can be asked to trace.
    TransportTraceEventType {
        /// Packets that find out how much fits.
        Probation,
        /// Bandwidth estimates.
        Bwe,
    }
    /// What a producer can be asked to trace.
    ProducerTraceEventType {
        /// RTP packets.
        Rtp,
        /// First packets of key frames.
        KeyFrame,
        /// NACKs we send.
        Nack,
        /// PLIs we send.
        Pli,
        /// FIRs we send.
        Fir,
        /// Sender reports we get.
        Sr,
    }
    /// What a consumer can be asked to trace.
    ConsumerTraceEventType {
        /// RTP packets.
        Rtp,
        /// First packets of key frames.
        KeyFrame,
        /// NACKs we get.
        Nack,
        /// PLIs we get.
        Pli,
        /// FIRs we get.
        Fir,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_in_its_own_order() {
        use ProducerTraceEventType::*;
        let set: TraceSet<_> = [Fir, Rtp, Fir].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Rtp, Fir]);
        assert!(!set.contains(Sr));
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["rtp","fir"]"#);
        assert_eq!(serde_json::from_str::<TraceSet<_>>(r#"["fir","rtp"]"#).ok(), Some(set));
    }

    #[test]
    fn a_nack_has_no_info() {
        let trace = Trace { info: StreamTrace::Nack, timestamp: 1, direction: TraceDirection::In };
        let json = serde_json::json!({ "type": "nack", "timestamp": 1, "direction": "in" });
        assert_eq!(serde_json::to_value(&trace).unwrap(), json);
        assert_eq!(serde_json::from_value::<Trace<StreamTrace>>(json).unwrap(), trace);
    }

    #[test]
    fn a_key_frame_is_one_word() {
        let info =
            StreamTrace::KeyFrame(RtpTraceInfo { rtp_packet: RtpPacketDump::default(), is_rtx: false });
        assert_eq!(serde_json::to_value(&info).unwrap()["type"], "keyframe");
        let probation = serde_json::to_value(TransportTrace::Probation {}).unwrap();
        assert_eq!(probation, serde_json::json!({ "type": "probation", "info": {} }));
    }
}
