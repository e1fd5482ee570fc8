//! ICE and DTLS.

use model::transport::{
    DtlsFingerprint, DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm, IceCandidate,
    IceCandidateTcpType, IceCandidateType, IceParameters, IceRole, IceState,
};

use super::{list, words};
use crate::schema::web_rtc_transport as schema;

words! {
    FingerprintAlgorithm, schema::FingerprintAlgorithm:
        Sha1 = Sha1, Sha224 = Sha224, Sha256 = Sha256, Sha384 = Sha384, Sha512 = Sha512;
    DtlsRole, schema::DtlsRole: Auto = Auto, Client = Client, Server = Server;
    DtlsState, schema::DtlsState:
        New = New, Connecting = Connecting, Connected = Connected, Failed = Failed, Closed = Closed;
    IceCandidateType, schema::IceCandidateType: Host = Host;
    IceCandidateTcpType, schema::IceCandidateTcpType: Passive = Passive;
    IceRole, schema::IceRole: Controlled = Controlled, Controlling = Controlling;
}

impl From<IceState> for schema::IceState {
    fn from(state: IceState) -> Self {
        match state {
            IceState::New => Self::New,
            IceState::Connected => Self::Connected,
            IceState::Completed => Self::Completed,
            // Closed is a word that the package says of a transport of its own, never a worker.
            IceState::Disconnected | IceState::Closed => Self::Disconnected,
        }
    }
}

impl From<schema::DtlsParameters<'_>> for DtlsParameters {
    fn from(from: schema::DtlsParameters<'_>) -> Self {
        let fingerprint = |from: schema::Fingerprint<'_>| DtlsFingerprint {
            algorithm: from.algorithm.into(),
            value: from.value.into(),
        };
        Self {
            role: from.role.into(),
            fingerprints: from.fingerprints.into_iter().map(fingerprint).collect(),
        }
    }
}

impl<'a> From<&'a DtlsParameters> for schema::DtlsParameters<'a> {
    fn from(from: &'a DtlsParameters) -> Self {
        Self { fingerprints: list(&from.fingerprints), role: from.role.into() }
    }
}

impl<'a> From<&'a DtlsFingerprint> for schema::Fingerprint<'a> {
    fn from(from: &'a DtlsFingerprint) -> Self {
        Self { algorithm: from.algorithm.into(), value: (&*from.value).into() }
    }
}

impl<'a> From<&'a IceParameters> for schema::IceParameters<'a> {
    fn from(from: &'a IceParameters) -> Self {
        Self {
            username_fragment: (&*from.username_fragment).into(),
            password: (&*from.password).into(),
            ice_lite: from.ice_lite.unwrap_or(true),
        }
    }
}

impl<'a> From<&'a IceCandidate> for schema::IceCandidate<'a> {
    fn from(from: &'a IceCandidate) -> Self {
        Self {
            foundation: (&*from.foundation).into(),
            priority: from.priority,
            address: (&*from.address).into(),
            protocol: from.protocol.into(),
            port: from.port,
            r#type: from.kind.into(),
            tcp_type: from.tcp_type.map(Into::into),
        }
    }
}
