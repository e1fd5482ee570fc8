//! How sockets are shown to peers: candidates and tuples.

use model::dump::{TransportDump, TransportKindDump};
use model::reply::{BoundSocket, Flow, TransportReport};
use model::stats::{TransportCounters, TransportKindStats, TransportStats};
use model::transport::{
    DtlsRole, IceCandidate, IceCandidateTcpType, IceCandidateType, SctpNegotiatedCapabilities,
    TransportProtocol, TransportTuple,
};

use super::Core;
use super::objects::{CandidateWish, Socket, Transport};
use super::table::No;

/// The candidates of sockets, in their order. A server's are filtered and weighed as the transport wishes.
pub(super) fn candidates(sockets: &[Socket], wish: Option<CandidateWish>) -> Vec<IceCandidate> {
    let mut candidates = Vec::with_capacity(sockets.len());
    for (at, socket) in (0..).zip(sockets) {
        let (is_wanted, is_preferred) = match (wish, socket.protocol) {
            (None, _) => (true, false),
            (Some(wish), TransportProtocol::Udp) => (wish.enable_udp, wish.prefer_udp),
            (Some(wish), TransportProtocol::Tcp) => (wish.enable_tcp, wish.prefer_tcp),
        };
        let Some(bound) = socket.bound.filter(|_| is_wanted) else { continue };
        let preference = LOCAL_PREFERENCE.saturating_sub(STEP.saturating_mul(at));
        let priority = priority(preference.saturating_add(if is_preferred { PREFERRED } else { 0 }));
        let address: Box<str> = bound.ip.to_string().into();
        match &socket.announce.address {
            None => candidates.push(candidate(bound, address, priority)),
            Some(announced) => {
                candidates.push(candidate(bound, announced.clone(), priority));
                if socket.announce.expose_internal_ip {
                    candidates.push(candidate(bound, address, priority.saturating_sub(PREFERRED)));
                }
            }
        }
    }
    candidates
}

/// Whether any candidate will be left of a server's sockets.
pub(super) fn has_candidates(sockets: &[Socket], wish: CandidateWish) -> bool {
    sockets.iter().any(|socket| match socket.protocol {
        TransportProtocol::Udp => wish.enable_udp,
        TransportProtocol::Tcp => wish.enable_tcp,
    })
}

/// Two ends, the local one as it is announced.
pub(super) fn tuple(sockets: &[Socket], flow: &Flow) -> TransportTuple {
    let BoundSocket { protocol, ip, port } = flow.local;
    let is_it = |socket: &&Socket| socket.bound == Some(flow.local);
    let announced = sockets.iter().find(is_it).and_then(|socket| socket.announce.address.clone());
    TransportTuple {
        local_address: announced.unwrap_or_else(|| ip.to_string().into()),
        local_port: port,
        remote_ip: flow.remote.map(|(ip, _)| ip.to_string().into()),
        remote_port: flow.remote.map(|(_, port)| port),
        protocol,
    }
}

impl Core {
    /// A transport's sockets, or those of its server.
    pub(super) fn sockets_of(&self, transport: No<Transport>) -> &[Socket] {
        let Some(transport) = self.registry.transports.get(transport) else { return &[] };
        let server = transport.web_rtc().and_then(|web_rtc| web_rtc.server);
        match server {
            Some(server) => self.registry.servers.get(server).map_or(&[], |server| &server.sockets),
            None => &transport.sockets,
        }
    }

    /// Adds what its shard said about a transport to what was known of it when it was asked.
    pub(super) fn complete_transport_dump(
        &self,
        no: No<Transport>,
        dump: &mut TransportDump,
        report: TransportReport,
    ) {
        let Some(transport) = self.registry.transports.get(no) else { return };
        let base = &mut dump.base;
        base.recv_rtp_header_extensions = report.recv_rtp_header_extensions;
        if base.sctp_parameters.is_some() {
            base.sctp_state = Some(report.sctp_state.unwrap_or_default());
            // Zero of each as long as nothing was agreed on.
            base.sctp_negotiated_capabilities = Some(report.sctp_negotiated.unwrap_or(NO_STREAMS));
            base.sctp_listener.get_or_insert_default();
        }
        let sockets = self.sockets_of(no);
        match &mut dump.kind {
            TransportKindDump::WebRtc {
                ice_candidates,
                ice_state,
                ice_selected_tuple,
                dtls_parameters,
                dtls_state,
                ..
            } => {
                let wish = transport.web_rtc().and_then(|web_rtc| web_rtc.server.map(|_| web_rtc.wish));
                *ice_candidates = candidates(sockets, wish);
                *ice_state = report.ice_state;
                *ice_selected_tuple = report.flow.map(|flow| tuple(sockets, &flow));
                *dtls_state = report.dtls_state;
                // Who waits for the peer to begin is a server by then.
                if report.dtls_role != DtlsRole::Auto {
                    dtls_parameters.role = report.dtls_role;
                }
            }
            TransportKindDump::Plain { rtcp_mux, tuple: ends, rtcp_tuple, .. } => {
                *ends = tuple(sockets, &flow_of(sockets, 0, report.flow));
                *rtcp_tuple = (!*rtcp_mux).then(|| tuple(sockets, &flow_of(sockets, 1, report.rtcp_flow)));
            }
            TransportKindDump::Pipe { tuple: ends, .. } => {
                *ends = tuple(sockets, &flow_of(sockets, 0, report.flow));
            }
            TransportKindDump::Direct {} => {}
        }
    }

    /// Likewise, for what it counted.
    pub(super) fn complete_transport_stats(
        &self,
        no: No<Transport>,
        stats: &mut TransportStats,
        counters: TransportCounters,
        report: &TransportReport,
    ) {
        let known = stats.counters;
        stats.counters = TransportCounters {
            sctp_state: known.sctp_state.map(|new| report.sctp_state.or(counters.sctp_state).unwrap_or(new)),
            max_incoming_bitrate: known.max_incoming_bitrate,
            max_outgoing_bitrate: known.max_outgoing_bitrate,
            min_outgoing_bitrate: known.min_outgoing_bitrate,
            ..counters
        };
        let sockets = self.sockets_of(no);
        match &mut stats.kind {
            TransportKindStats::WebRtc { ice_state, ice_selected_tuple, dtls_state, .. } => {
                *ice_state = report.ice_state;
                *ice_selected_tuple = report.flow.map(|flow| tuple(sockets, &flow));
                *dtls_state = report.dtls_state;
            }
            TransportKindStats::Plain { rtcp_mux, tuple: ends, rtcp_tuple, .. } => {
                *ends = tuple(sockets, &flow_of(sockets, 0, report.flow));
                *rtcp_tuple = (!*rtcp_mux).then(|| tuple(sockets, &flow_of(sockets, 1, report.rtcp_flow)));
            }
            TransportKindStats::Pipe { tuple: ends } => {
                *ends = tuple(sockets, &flow_of(sockets, 0, report.flow));
            }
            TransportKindStats::Direct {} => {}
        }
    }

    /// Our ends of a plain or pipe transport, with the peer's as far as it is known here.
    pub(super) fn ends(
        &self,
        no: No<Transport>,
        at: usize,
        remote: Option<(std::net::IpAddr, u16)>,
    ) -> TransportTuple {
        let sockets = self.sockets_of(no);
        let flow = flow_of(sockets, at, None);
        tuple(sockets, &Flow { remote, ..flow })
    }
}

/// What the shard said, or our end alone.
fn flow_of(sockets: &[Socket], at: usize, said: Option<Flow>) -> Flow {
    said.unwrap_or_else(|| {
        let bound = sockets.get(at).map(|socket| {
            socket.bound.unwrap_or(BoundSocket { protocol: socket.protocol, ip: socket.ip, port: 0 })
        });
        let unbound = BoundSocket {
            protocol: TransportProtocol::Udp,
            ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
            port: 0,
        };
        Flow { local: bound.unwrap_or(unbound), remote: None }
    })
}

fn candidate(bound: BoundSocket, address: Box<str>, priority: u32) -> IceCandidate {
    let (foundation, tcp_type) = match bound.protocol {
        TransportProtocol::Udp => ("udpcandidate", None),
        TransportProtocol::Tcp => ("tcpcandidate", Some(IceCandidateTcpType::Passive)),
    };
    IceCandidate {
        foundation: foundation.into(),
        priority,
        address,
        protocol: bound.protocol,
        port: bound.port,
        kind: IceCandidateType::Host,
        tcp_type,
    }
}

/// RFC 8445 §5.1.2.1, for a component of 1 and the type preference that clients of this protocol know from servers.
fn priority(local_preference: u32) -> u32 {
    (TYPE_PREFERENCE << 24) + (local_preference << 8) + 255
}

const TYPE_PREFERENCE: u32 = 64;
/// Of the first listenInfo.
const LOCAL_PREFERENCE: u32 = 10_000;
/// How much less the next one is preferred.
const STEP: u32 = 100;
/// How much more a preferred protocol is preferred. Also by how much the priority of an address is less than that of
/// the one announced for it.
const PREFERRED: u32 = 1_000;
const NO_STREAMS: SctpNegotiatedCapabilities =
    SctpNegotiatedCapabilities { negotiated_max_outbound_streams: 0, negotiated_max_inbound_streams: 0 };
