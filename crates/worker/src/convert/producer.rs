//! Producers: dumps, scores, traces.

use model::dump::ProducerDump;
use model::score::{ProducerScore, VideoOrientation};
use model::trace::{ProducerTraceEventType, SrTraceInfo, StreamTrace, Trace, TraceSet};

use super::{list, words};
use crate::schema::producer as schema;

words! {
    ProducerTraceEventType, schema::TraceEventType:
        KeyFrame = Keyframe, Fir = Fir, Nack = Nack, Pli = Pli, Rtp = Rtp, Sr = Sr;
}

impl From<schema::EnableTraceEventRequest> for TraceSet<ProducerTraceEventType> {
    fn from(from: schema::EnableTraceEventRequest) -> Self {
        from.events.into_iter().map(ProducerTraceEventType::from).collect()
    }
}

impl<'a> From<&'a ProducerDump> for schema::DumpResponse<'a> {
    fn from(from: &'a ProducerDump) -> Self {
        Self {
            id: from.id.as_str().into(),
            kind: from.kind.into(),
            r#type: from.producer_type.into(),
            rtp_parameters: (&from.rtp_parameters).into(),
            rtp_mapping: (&from.rtp_mapping).into(),
            rtp_streams: list(&from.rtp_streams),
            trace_event_types: from.trace_event_types.iter().map(Into::into).collect(),
            paused: from.paused,
        }
    }
}

impl<'a> From<&'a ProducerScore> for schema::Score<'a> {
    fn from(from: &'a ProducerScore) -> Self {
        Self {
            encoding_idx: from.encoding_idx,
            ssrc: from.ssrc.0,
            rid: from.rid.as_deref().map(Into::into),
            score: from.score,
        }
    }
}

impl From<VideoOrientation> for schema::VideoOrientationChangeNotification {
    fn from(from: VideoOrientation) -> Self {
        Self { camera: from.camera, flip: from.flip, rotation: from.rotation }
    }
}

impl<'a> From<&'a Trace<StreamTrace>> for schema::TraceNotification<'a> {
    fn from(from: &'a Trace<StreamTrace>) -> Self {
        use schema::{TraceEventType, TraceInfo};
        let (r#type, info) = match &from.info {
            StreamTrace::Rtp(info) => {
                let info =
                    schema::RtpTraceInfo { rtp_packet: (&info.rtp_packet).into(), is_rtx: info.is_rtx };
                (TraceEventType::Rtp, TraceInfo::RtpTraceInfo(Box::new(info)))
            }
            StreamTrace::KeyFrame(info) => {
                let info =
                    schema::KeyFrameTraceInfo { rtp_packet: (&info.rtp_packet).into(), is_rtx: info.is_rtx };
                (TraceEventType::Keyframe, TraceInfo::KeyFrameTraceInfo(Box::new(info)))
            }
            StreamTrace::Nack => (TraceEventType::Nack, TraceInfo::None),
            StreamTrace::Pli(info) => {
                let info = schema::PliTraceInfo { ssrc: info.ssrc.0 };
                (TraceEventType::Pli, TraceInfo::PliTraceInfo(Box::new(info)))
            }
            StreamTrace::Fir(info) => {
                let info = schema::FirTraceInfo { ssrc: info.ssrc.0 };
                (TraceEventType::Fir, TraceInfo::FirTraceInfo(Box::new(info)))
            }
            StreamTrace::Sr(info) => (TraceEventType::Sr, TraceInfo::SrTraceInfo(Box::new(info.into()))),
        };
        Self { r#type, timestamp: from.timestamp, direction: from.direction.into(), info }
    }
}

impl From<&SrTraceInfo> for schema::SrTraceInfo {
    fn from(from: &SrTraceInfo) -> Self {
        Self {
            ssrc: from.ssrc.0,
            ntp_sec: from.ntp_sec,
            ntp_frac: from.ntp_frac,
            rtp_ts: from.rtp_ts,
            packet_count: from.packet_count,
            octet_count: from.octet_count,
        }
    }
}
