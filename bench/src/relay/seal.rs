//! How a transport protects what it sends: the suites of `srtp`, or not at all.

use srtp::{KeyMaterial, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle};

use crate::suite::Suite;

/// One transport's outgoing protection.
#[derive(Debug)]
pub(super) enum Seal {
    Clear,
    Srtp(Box<Sealer>),
}

impl Seal {
    pub(super) fn towards(suite: Suite, peer: usize) -> Result<Self, String> {
        let (key, salt) = suite.keys_for(peer);
        let suite = match suite {
            Suite::Clear => return Ok(Self::Clear),
            Suite::Gcm128 => srtp::Suite::AeadAes128Gcm,
            Suite::Gcm256 => srtp::Suite::AeadAes256Gcm,
            Suite::Sha1Tag80 => srtp::Suite::AesCm128HmacSha1_80,
        };
        let material = KeyMaterial::new(suite, &key, &salt).map_err(|error| error.to_string())?;
        Sealer::new(material).map(|sealer| Self::Srtp(Box::new(sealer))).map_err(|error| error.to_string())
    }

    /// Bytes added to each packet.
    pub(super) fn overhead(&self) -> usize {
        match self {
            Self::Clear => 0,
            Self::Srtp(sealer) => sealer.suite().rtp_overhead(),
        }
    }

    pub(super) fn add_stream(&mut self, ssrc: u32) -> Result<Option<StreamHandle>, String> {
        match self {
            Self::Clear => Ok(None),
            Self::Srtp(sealer) => {
                sealer.add_stream(ssrc, Reseal::Never).map(Some).map_err(|error| error.to_string())
            }
        }
    }

    /// Puts the payload behind the header that stands in `out`. Says how long the packet became.
    #[inline]
    pub(super) fn write(
        &mut self,
        stream: Option<StreamHandle>,
        index: u64,
        out: &mut [u8],
        text: Plaintext<'_>,
    ) -> Option<usize> {
        match (self, stream) {
            (Self::Srtp(sealer), Some(stream)) => {
                sealer.seal_rtp(stream, PacketIndex::new(index)?, out, text).ok()
            }
            (Self::Clear, _) => {
                let end = text.header_len + text.payload.len();
                out.get_mut(text.header_len..end)?.copy_from_slice(text.payload);
                Some(end)
            }
            (Self::Srtp(_), None) => None,
        }
    }
}
