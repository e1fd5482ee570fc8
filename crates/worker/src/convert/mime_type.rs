//! Names of codecs. The package compares them as texts, so each has one spelling here, whatever the application wrote.

use model::Invalid;
use model::rtp::{MediaKind, MimeType};

/// The codec of that name, in its usual spelling.
pub(super) fn known(text: &str) -> Result<MimeType, Invalid> {
    let invalid = || Invalid::new("mimeType", format_args!("{text:?}"), EXPECTED);
    let given = MimeType::new(text).ok_or_else(invalid)?;
    let spelled =
        SUBTYPES.iter().find(|known| known.eq_ignore_ascii_case(given.subtype())).ok_or_else(invalid)?;
    let kind = match given.kind() {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    MimeType::new(&format!("{kind}/{spelled}")).ok_or_else(invalid)
}

const EXPECTED: &str = "the MIME type of a codec that routers know, such as \"audio/opus\" or \"video/VP8\"";

/// What may stand behind `audio/` or `video/`, as the IANA registry or its inventors spell it.
const SUBTYPES: &[&str] = &[
    "opus",
    "multiopus",
    "PCMA",
    "PCMU",
    "ISAC",
    "G722",
    "iLBC",
    "SILK",
    "VP8",
    "VP9",
    "H264",
    "AV1",
    "CN",
    "telephone-event",
    "rtx",
    "ulpfec",
    "x-ulpfecuc",
    "flexfec",
    "red",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_as_usual_and_an_unknown_one_is_named() {
        assert_eq!(known("VIDEO/h264").unwrap().as_str(), "video/H264");
        assert_eq!(known("audio/OPUS").unwrap().as_str(), "audio/opus");
        for text in ["video/theora", "chicken", "audio/", ""] {
            let why = known(text).unwrap_err().to_string();
            assert!(why.contains(&format!("{text:?}")), "{why}");
        }
    }
}
