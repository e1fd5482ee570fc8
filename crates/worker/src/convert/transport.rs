//! Where transports listen and whom they talk to, and what they trace.

use model::trace::{BweTraceInfo, BweType, Trace, TraceSet, TransportTrace, TransportTraceEventType};
use model::transport::{ListenInfo, PortRange, SocketFlags, TransportProtocol, TransportTuple};

use super::{given, words};
use crate::schema::transport as schema;

words! {
    TransportProtocol, schema::Protocol: Udp = Udp, Tcp = Tcp;
    TransportTraceEventType, schema::TraceEventType: Probation = Probation, Bwe = Bwe;
    BweType, schema::BweType: TransportCc = TransportCc, Remb = Remb;
}

impl From<schema::ListenInfo<'_>> for ListenInfo {
    fn from(from: schema::ListenInfo<'_>) -> Self {
        Self {
            protocol: from.protocol.into(),
            ip: from.ip.into(),
            announced_address: given(from.announced_address),
            expose_internal_ip: from.expose_internal_ip,
            port: from.port,
            port_range: PortRange { min: from.port_range.min, max: from.port_range.max },
            flags: SocketFlags { ipv6_only: from.flags.ipv6_only, udp_reuse_port: from.flags.udp_reuse_port },
            send_buffer_size: from.send_buffer_size,
            recv_buffer_size: from.recv_buffer_size,
        }
    }
}

impl<'a> From<&'a TransportTuple> for schema::Tuple<'a> {
    fn from(from: &'a TransportTuple) -> Self {
        Self {
            local_address: (&*from.local_address).into(),
            local_port: from.local_port,
            remote_ip: from.remote_ip.as_deref().map(Into::into),
            remote_port: from.remote_port.unwrap_or_default(),
            protocol: from.protocol.into(),
        }
    }
}

impl From<schema::EnableTraceEventRequest> for TraceSet<TransportTraceEventType> {
    fn from(from: schema::EnableTraceEventRequest) -> Self {
        from.events.into_iter().map(TransportTraceEventType::from).collect()
    }
}

impl From<&Trace<TransportTrace>> for schema::TraceNotification {
    fn from(from: &Trace<TransportTrace>) -> Self {
        let (r#type, info) = match &from.info {
            TransportTrace::Probation {} => (schema::TraceEventType::Probation, schema::TraceInfo::None),
            TransportTrace::Bwe(info) => {
                (schema::TraceEventType::Bwe, schema::TraceInfo::BweTraceInfo(Box::new(info.into())))
            }
        };
        Self { r#type, timestamp: from.timestamp, direction: from.direction.into(), info }
    }
}

impl From<&BweTraceInfo> for schema::BweTraceInfo {
    fn from(from: &BweTraceInfo) -> Self {
        Self {
            bwe_type: from.bwe_type.into(),
            desired_bitrate: from.desired_bitrate,
            effective_desired_bitrate: from.effective_desired_bitrate,
            min_bitrate: from.min_bitrate,
            max_bitrate: from.max_bitrate,
            start_bitrate: from.start_bitrate,
            max_padding_bitrate: from.max_padding_bitrate,
            available_bitrate: from.available_bitrate,
        }
    }
}
