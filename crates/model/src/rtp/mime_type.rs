//! MIME types of codecs, in the case they were written in.

use std::fmt;

use serde::{Serialize, Serializer};

use super::MediaKind;
use crate::Invalid;
use crate::json::{Place, Read, readable};

/// `audio/opus`, `video/VP8`, `video/rtx`: compared without regard to case (RFC 2045 §5.1), kept as written.
#[derive(Clone, Debug)]
pub struct MimeType {
    kind: MediaKind,
    text: Box<str>,
}

impl MimeType {
    /// Takes a text that begins with `audio/` or `video/` and has something after it.
    pub fn new(text: &str) -> Option<Self> {
        let (kind, subtype) = text.split_at_checked(KIND_LENGTH)?;
        let kind = match kind {
            _ if kind.eq_ignore_ascii_case("audio/") => MediaKind::Audio,
            _ if kind.eq_ignore_ascii_case("video/") => MediaKind::Video,
            _ => return None,
        };
        let first = subtype.chars().next()?;
        (!matches!(first, '\n' | '\r' | '\u{2028}' | '\u{2029}')).then(|| Self { kind, text: text.into() })
    }

    /// The retransmission format of a kind (RFC 4588 §8).
    pub fn rtx(kind: MediaKind) -> Self {
        Self { kind, text: format!("{kind}/rtx").into() }
    }

    /// The part before the slash.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part after the slash, as it was written.
    pub fn subtype(&self) -> &str {
        self.text.get(KIND_LENGTH..).unwrap_or_default()
    }

    /// Whether this is the given codec, whatever the case of either.
    pub fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    /// Whether this is retransmission (RFC 4588) rather than media.
    pub fn is_rtx(&self) -> bool {
        self.subtype().rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case("rtx"))
    }
}

impl PartialEq for MimeType {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.text)
    }
}

impl Eq for MimeType {}

impl fmt::Display for MimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for MimeType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Read for MimeType {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        Self::new(place.text(EXPECTED)?).ok_or_else(|| place.invalid(EXPECTED))
    }
}

readable!(MimeType = "mimeType");

const EXPECTED: &str = "a MIME type such as \"audio/opus\" or \"video/VP8\"";

/// `audio/` and `video/` are equally long.
const KIND_LENGTH: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_kept_and_does_not_matter() {
        let given = MimeType::new("VIDEO/h264").unwrap();
        assert_eq!(given.kind(), MediaKind::Video);
        assert_eq!(given.as_str(), "VIDEO/h264");
        assert_eq!(given, MimeType::new("video/H264").unwrap());
        assert_eq!(given.subtype(), "h264");
    }

    #[test]
    fn what_has_no_kind_or_no_codec_is_refused() {
        for text in ["", "audio", "audio/", "text/plain", "xaudio/opus", "vidéo/VP8", "audio/\nx"] {
            assert!(MimeType::new(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn rtx_is_known_in_any_case() {
        assert!(MimeType::new("video/RTX").unwrap().is_rtx());
        assert!(!MimeType::new("video/rtx2").unwrap().is_rtx());
        assert!(!MimeType::new("video/VP8").unwrap().is_rtx());
    }
}
