//! Why a command was refused. It changed nothing then.

use model::reply::{Refusal, RefusalClass};
use wire::Ssrc;

use crate::Unacceptable;
use crate::listener::Ambiguous;
use crate::slots::NoPlace;
use crate::transport::KeysRefused;

/// See the module. By whose fault it is: [`Error::class`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The transport is gone.
    #[error("there is no such transport")]
    UnknownTransport,
    /// The producer is gone.
    #[error("there is no such producer")]
    UnknownProducer,
    /// The consumer is gone.
    #[error("there is no such consumer")]
    UnknownConsumer,
    /// The data producer is gone.
    #[error("there is no such data producer")]
    UnknownDataProducer,
    /// The data consumer is gone.
    #[error("there is no such data consumer")]
    UnknownDataConsumer,
    /// Control gave a key that cannot be used.
    #[error("the {what} cannot be made: {why}")]
    NoPlace {
        /// What was to stand there.
        what: &'static str,
        /// Why it cannot.
        why: NoPlace,
    },
    /// The parameters make no sense.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// The producer cannot be told from another of the transport.
    #[error(transparent)]
    Ambiguous(#[from] Ambiguous),
    /// Another consumer of the transport sends with that SSRC.
    #[error("ssrc {} is already sent with on this transport; take another", .0.0)]
    SsrcTaken(Ssrc),
    /// A transport is told about its peer once.
    #[error("connect() was already called on this transport")]
    AlreadyConnected,
    /// The command is for another kind of object.
    #[error("a {object} cannot {action}")]
    WrongKind {
        /// What it is.
        object: &'static str,
        /// What it was told to do.
        action: &'static str,
    },
    /// WebRTC needs one.
    #[error("there is no certificate to do DTLS with, so there can be no WebRTC transports")]
    NoCertificate,
    /// The peer's fingerprint is none.
    #[error("dtlsParameters.fingerprints: {0}")]
    Fingerprint(#[from] dtls::FingerprintError),
    /// The SRTP keys are no keys.
    #[error(transparent)]
    Keys(#[from] KeysRefused),
    /// The data consumer sends nothing now.
    #[error(
        "the data consumer is not active: its transport is not connected, or it or its data producer is paused"
    )]
    InactiveDataConsumer,
    /// The SRTP key has seen as many SSRCs as it may.
    #[error("the transport's SRTP key has seen too many ssrcs; use one that was used before")]
    KeyExhausted,
    /// Messages of the application are for direct transports, and only those.
    #[error("sctpStreamParameters is to be given, except on a direct transport")]
    DataKind,
    /// The SCTP stream is taken.
    #[error("SCTP stream {0} is already used on this transport; take another")]
    StreamTaken(u16),
}

impl Error {
    /// Whose fault it is.
    pub const fn class(&self) -> RefusalClass {
        match self {
            Self::UnknownTransport
            | Self::UnknownProducer
            | Self::UnknownConsumer
            | Self::UnknownDataProducer
            | Self::UnknownDataConsumer => RefusalClass::NotFound,
            Self::Unacceptable(_)
            | Self::Keys(_)
            | Self::Fingerprint(_)
            | Self::WrongKind { .. }
            | Self::DataKind => RefusalClass::Invalid,
            Self::NoPlace { .. }
            | Self::Ambiguous(_)
            | Self::SsrcTaken(_)
            | Self::AlreadyConnected
            | Self::NoCertificate
            | Self::InactiveDataConsumer
            | Self::KeyExhausted
            | Self::StreamTaken(_) => RefusalClass::Failed,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.class(), error.to_string())
    }
}
