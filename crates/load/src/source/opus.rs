//! Sound that looks like Opus.

use std::time::Duration;

use super::{Payload, Stamps, bytes_in, filled};

/// Frames of 20 ms and constant size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opus {
    frame_len: usize,
}

impl Opus {
    /// Of so many bits a second, as far as that leaves room for the stamp.
    pub(crate) fn new(bitrate: u64) -> Self {
        Self { frame_len: bytes_in(bitrate, INTERVAL) }
    }

    pub(crate) const fn interval(&self) -> Duration {
        INTERVAL
    }

    pub(super) fn frame(&self, at: Duration, stamps: &mut Stamps) -> Payload {
        let stamp = stamps.stamp(at, false);
        Payload { bytes: filled(&[TABLE_OF_CONTENTS], self.frame_len, stamp), marker: false }
    }
}

/// What WebRTC's encoders send.
const INTERVAL: Duration = Duration::from_millis(20);
/// RFC 6716 §3.1: fullband of 20 ms (31), stereo, one frame.
const TABLE_OF_CONTENTS: u8 = 31 << 3 | 1 << 2;

#[cfg(test)]
mod tests {
    use wire::codec::opus::is_dtx;

    use super::*;
    use crate::stamp::Stamp;

    #[test]
    fn the_bitrate_is_kept_and_no_packet_is_silence() {
        let mut stamps = Stamps { run: 1, stream: 2, next: 0 };
        let opus = Opus::new(32_000);
        let payload = opus.frame(Duration::ZERO, &mut stamps);
        assert_eq!(payload.bytes.len(), 80, "of 50 a second");
        assert!(!is_dtx(&payload.bytes));
        assert_eq!(Stamp::of(&opus.frame(Duration::ZERO, &mut stamps).bytes).unwrap().number, 1);
        // Less than a stamp takes cannot be sent.
        assert_eq!(Opus::new(1_000).frame(Duration::ZERO, &mut stamps).bytes.len(), Stamp::LEN + 1);
    }
}
