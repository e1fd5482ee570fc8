//! Transports with ICE and DTLS.

use crate::flat::{Layout, Str, Table, enums, tables, union};
use crate::schema::transport;

tables! {
    ListenIndividual<'a> {
        0 listen_infos: Vec<transport::ListenInfo<'a>>,
    }

    ListenServer<'a> {
        0 web_rtc_server_id: Str<'a>,
    }
}

union! {
    /// Sockets of its own, or those of a server.
    Listen<'a> {
        1 ListenIndividual(ListenIndividual<'a>),
        2 ListenServer(ListenServer<'a>),
    }
}

tables! {
    WebRtcTransportOptions<'a> {
        0 base: transport::Options,
        1 listen: Listen<'a>,
        3 enable_udp: bool = true,
        4 enable_tcp: bool = true,
        5 prefer_udp: bool,
        6 prefer_tcp: bool,
        7 ice_consent_timeout: u8 = 30,
    }
}

enums! {
    FingerprintAlgorithm {
        0 Sha1,
        1 Sha224,
        2 Sha256,
        3 Sha384,
        4 Sha512,
    }
}

tables! {
    Fingerprint<'a> {
        0 algorithm: FingerprintAlgorithm,
        1 value: Str<'a>,
    }
}

enums! {
    DtlsRole {
        0 Auto,
        1 Client,
        2 Server,
    }

    DtlsState {
        0 New,
        1 Connecting,
        2 Connected,
        3 Failed,
        4 Closed,
    }
}

tables! {
    DtlsParameters<'a> {
        0 fingerprints: Vec<Fingerprint<'a>>,
        1 role: DtlsRole,
    }

    IceParameters<'a> {
        0 username_fragment: Str<'a>,
        1 password: Str<'a>,
        2 ice_lite: bool = true,
    }
}

enums! {
    IceCandidateType {
        0 Host,
    }

    IceCandidateTcpType {
        0 Passive,
    }

    IceRole {
        0 Controlled,
        1 Controlling,
    }

    IceState {
        0 New,
        1 Connected,
        2 Completed,
        3 Disconnected,
    }
}

tables! {
    IceCandidate<'a> {
        0 foundation: Str<'a>,
        1 priority: u32,
        2 address: Str<'a>,
        3 protocol: transport::Protocol,
        4 port: u16,
        5 r#type: IceCandidateType,
        6 tcp_type: Option<IceCandidateTcpType>,
    }

    ConnectRequest<'a> {
        0 dtls_parameters: DtlsParameters<'a>,
    }

    ConnectResponse {
        0 dtls_local_role: DtlsRole,
    }

    DumpResponse<'a> {
        0 base: transport::Dump<'a>,
        1 ice_role: IceRole,
        2 ice_parameters: IceParameters<'a>,
        3 ice_candidates: Vec<IceCandidate<'a>>,
        4 ice_state: IceState,
        5 ice_selected_tuple: Option<transport::Tuple<'a>>,
        6 dtls_parameters: DtlsParameters<'a>,
        7 dtls_state: DtlsState,
    }

    GetStatsResponse<'a> {
        0 base: transport::Stats<'a>,
        1 ice_role: IceRole,
        2 ice_state: IceState,
        3 ice_selected_tuple: Option<transport::Tuple<'a>>,
        4 dtls_state: DtlsState,
    }

    IceSelectedTupleChangeNotification<'a> {
        0 tuple: transport::Tuple<'a>,
    }

    IceStateChangeNotification {
        0 ice_state: IceState,
    }

    DtlsStateChangeNotification<'a> {
        0 dtls_state: DtlsState,
        1 remote_cert: Option<Str<'a>>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <ListenIndividual as Table>::LAYOUT,
    <ListenServer as Table>::LAYOUT,
    Listen::LAYOUT,
    <WebRtcTransportOptions as Table>::LAYOUT,
    FingerprintAlgorithm::LAYOUT,
    <Fingerprint as Table>::LAYOUT,
    DtlsRole::LAYOUT,
    DtlsState::LAYOUT,
    <DtlsParameters as Table>::LAYOUT,
    <IceParameters as Table>::LAYOUT,
    IceCandidateType::LAYOUT,
    IceCandidateTcpType::LAYOUT,
    IceRole::LAYOUT,
    IceState::LAYOUT,
    <IceCandidate as Table>::LAYOUT,
    <ConnectRequest as Table>::LAYOUT,
    <ConnectResponse as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <IceSelectedTupleChangeNotification as Table>::LAYOUT,
    <IceStateChangeNotification as Table>::LAYOUT,
    <DtlsStateChangeNotification as Table>::LAYOUT,
];
