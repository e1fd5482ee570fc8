//! Any bytes as an RTP packet.

use wire::rtp::values::{
    AbsCaptureTime, AbsSendTime, AudioLevel, PlayoutDelay, TransportSequence, VideoOrientation,
};
use wire::rtp::{ExtensionForm, Layout, Mid, View};
use wire::{Kind, classify};

/// A packet that parses has parts that add up, whatever its elements hold; and it is classified as RTP or RTCP.
pub fn rtp_view(data: &[u8]) {
    let sealed = Layout::parse_sealed(data);
    let Ok(view) = View::parse(data) else {
        return;
    };
    let layout = view.layout();
    assert_eq!(sealed.and_then(|sealed| sealed.opened(data)), Ok(layout));
    assert!(matches!(classify(data), Some(Kind::Rtp | Kind::Rtcp)));
    assert_eq!(layout.header_len() + layout.payload_len() + layout.padding_len(), data.len());
    assert_eq!(layout.packet_len(), data.len());
    let extension = match layout.extension_form() {
        ExtensionForm::Absent => 0,
        _ => 4 + view.extension_bytes().len(),
    };
    assert_eq!(12 + 4 * view.csrcs().len() + extension, layout.header_len());

    let mut used = 0;
    for element in view.elements() {
        used += 1 + element.data.len();
        read_values(element.data);
        assert!(view.element(element.id).is_some());
    }
    assert!(used <= view.extension_bytes().len());

    // A layout that belongs to other bytes may mislead, but must not panic.
    for other in [data.split_first().map_or(data, |(_, rest)| rest), &[0xff; 40]] {
        if let Some(misled) = View::new(other, layout) {
            let _ = (misled.csrcs().count(), misled.elements().count(), misled.payload());
        }
    }
}

/// What is read comes back when written, but for bits that are reserved.
fn read_values(data: &[u8]) {
    if let Some(value) = AbsSendTime::parse(data) {
        assert_eq!(value.to_bytes(), data);
        assert!(value.micros_since(value) == 0);
    }
    if let Some(value) = AudioLevel::parse(data) {
        assert_eq!(value.to_bytes(), data);
    }
    if let Some(value) = VideoOrientation::parse(data) {
        assert_eq!(VideoOrientation::parse(&value.to_bytes()), Some(value));
    }
    if let Some(value) = AbsCaptureTime::parse(data) {
        assert_eq!(value.write(&mut [0; AbsCaptureTime::LIMIT]), data);
    }
    if let Some(value) = PlayoutDelay::parse(data) {
        assert_eq!(value.to_bytes(), data);
    }
    if let Some(value) = TransportSequence::parse(data) {
        assert_eq!(value.to_bytes(), data);
    }
    assert_eq!(
        Mid::new(data).as_ref().map(Mid::as_bytes),
        Some(data).filter(|data| (1..=8).contains(&data.len()))
    );
}
