//! What all peers of a run have in common: the certificate, the clock, and what the router calls codecs and extensions.

use std::sync::Arc;
use std::time::Instant;

use model::rtp::{MediaKind, MimeType, RtpCapabilities, RtpHeaderExtensionUri};
use model::transport::{DtlsFingerprint, FingerprintAlgorithm};
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::{Codec, FormatParams};
use str0m::media::Frequency;
use str0m::rtp::Extension;
use str0m::{Rtc, RtcConfig};
use thiserror::Error;

/// Shared by all peers, on all threads.
#[derive(Debug)]
pub(crate) struct Session {
    /// Tells our packets from those of another run in the same room.
    pub(crate) run: u32,
    /// What stamps count from.
    pub(crate) epoch: Instant,
    certificate: DtlsCert,
    crypto: Arc<CryptoProvider>,
    formats: Formats,
}

/// Payload types and ids of header extensions, as routers gave them. All routers of a run are made alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Formats {
    pub(crate) opus: Option<u8>,
    pub(crate) vp8: Option<u8>,
    pub(crate) rtx: Option<u8>,
    extensions: Vec<(u8, KnownExtension)>,
}

/// Extensions that the peers write and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KnownExtension {
    Mid,
    AbsSendTime,
    TransportWideCc,
    AudioLevel,
}

/// Why there can be no session.
#[derive(Debug, Error)]
pub(crate) enum Unusable {
    #[error("no certificate for DTLS could be made")]
    Certificate,
}

impl Session {
    pub(crate) fn new(run: u32, epoch: Instant, formats: Formats) -> Result<Self, Unusable> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        // One for all peers. A server checks it as often as if there were many, and making them would be our own work.
        let certificate = crypto.dtls_provider.generate_certificate().ok_or(Unusable::Certificate)?;
        Ok(Self { run, epoch, certificate, crypto, formats })
    }

    pub(crate) const fn formats(&self) -> &Formats {
        &self.formats
    }

    /// What a server compares our certificate with (RFC 8122 §5).
    pub(crate) fn fingerprint(&self) -> DtlsFingerprint {
        let digest = self.crypto.sha256_provider.sha256(&self.certificate.certificate);
        let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        DtlsFingerprint { algorithm: FingerprintAlgorithm::Sha256, value: bytes.join(":").into() }
    }

    pub(super) fn start(&self, now: Instant) -> Rtc {
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::clone(&self.crypto))
            .set_dtls_cert(self.certificate.clone())
            .set_rtp_mode(true)
            .clear_codecs()
            .clear_extension_map();
        let Formats { opus, vp8, rtx, extensions } = &self.formats;
        let codecs = config.codec_config();
        if let Some(opus) = *opus {
            let (rate, format) = (Frequency::FORTY_EIGHT_KHZ, FormatParams::default());
            codecs.add_config(opus.into(), None, Codec::Opus, rate, Some(2), format);
        }
        if let Some(vp8) = *vp8 {
            let (rate, format) = (Frequency::NINETY_KHZ, FormatParams::default());
            codecs.add_config(vp8.into(), rtx.map(Into::into), Codec::Vp8, rate, None, format);
        }
        for (id, extension) in extensions {
            config = config.set_extension(*id, extension.foreign());
        }
        config.build(now)
    }
}

impl Formats {
    /// What a router of Opus and VP8 has.
    pub(crate) fn of(capabilities: &RtpCapabilities) -> Self {
        let number = |is: &dyn Fn(&MimeType) -> bool| {
            let codec = capabilities.codecs.iter().find(|codec| is(&codec.mime_type))?;
            codec.preferred_payload_type.map(|payload_type| payload_type.number())
        };
        let mut extensions = Vec::new();
        for extension in &capabilities.header_extensions {
            if let Some(known) = KnownExtension::of(&extension.uri)
                && !extensions.contains(&(extension.preferred_id, known))
            {
                extensions.push((extension.preferred_id, known));
            }
        }
        Self {
            opus: number(&|mime| mime.is("audio/opus")),
            vp8: number(&|mime| mime.is("video/vp8")),
            rtx: number(&|mime| mime.is_rtx() && mime.kind() == MediaKind::Video),
            extensions,
        }
    }

    /// Whether peers write and read this one.
    pub(crate) fn knows(uri: &RtpHeaderExtensionUri) -> bool {
        KnownExtension::of(uri).is_some()
    }
}

impl KnownExtension {
    fn of(uri: &RtpHeaderExtensionUri) -> Option<Self> {
        match uri {
            RtpHeaderExtensionUri::Mid => Some(Self::Mid),
            RtpHeaderExtensionUri::AbsSendTime => Some(Self::AbsSendTime),
            RtpHeaderExtensionUri::TransportWideCc => Some(Self::TransportWideCc),
            RtpHeaderExtensionUri::SsrcAudioLevel => Some(Self::AudioLevel),
            _ => None,
        }
    }

    fn foreign(self) -> Extension {
        match self {
            Self::Mid => Extension::RtpMid,
            Self::AbsSendTime => Extension::AbsoluteSendTime,
            Self::TransportWideCc => Extension::TransportSequenceNumber,
            Self::AudioLevel => Extension::AudioLevel,
        }
    }
}
