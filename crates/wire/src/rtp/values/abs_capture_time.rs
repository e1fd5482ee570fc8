//! When a frame was captured (`http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time`).

use crate::Ntp;
use crate::bytes::{Reader, Writer};

/// The capture time in the capturer's NTP clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AbsCaptureTime {
    /// When the first frame of the packet was captured.
    pub captured: Ntp,
    /// What to add to the sender's clock to get the capturer's, in units of 2^-32 s; the long form has it.
    pub clock_offset: Option<i64>,
}

impl AbsCaptureTime {
    /// Longest value.
    pub const LIMIT: usize = 16;

    /// Reads an element's value: eight bytes, or sixteen with the clock offset.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let captured = Ntp(reader.u64()?);
        let clock_offset = if reader.rest().is_empty() { None } else { Some(reader.u64()?.cast_signed()) };
        reader.rest().is_empty().then_some(Self { captured, clock_offset })
    }

    /// The long form for whoever sends it on: when it was captured in that sender's own clock says how far the
    /// capturer's is ahead of it.
    #[must_use]
    #[inline]
    pub const fn relayed(self, captured_here: Ntp) -> Self {
        // Clocks of different epochs wrap to a difference that is as wrong as the clocks are.
        let offset = self.captured.0.wrapping_sub(captured_here.0).cast_signed();
        Self { captured: self.captured, clock_offset: Some(offset) }
    }

    /// Writes an element's value to `out` and returns the part that was written.
    pub fn write(self, out: &mut [u8; Self::LIMIT]) -> &[u8] {
        let mut writer = Writer::new(out);
        let whole = writer.put_u64(self.captured.0);
        debug_assert!(whole.is_ok(), "the short form fits by the array's length");
        if let Some(offset) = self.clock_offset {
            let whole = writer.put_u64(offset.cast_unsigned());
            debug_assert!(whole.is_ok(), "the long form fits by the array's length");
        }
        let len = writer.len();
        out.get(..len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_come_back_and_other_lengths_do_not() {
        for clock_offset in [None, Some(-1), Some(i64::MIN), Some(7 << 32)] {
            let value = AbsCaptureTime { captured: Ntp(0x0102_0304_0506_0708), clock_offset };
            let mut out = [0; AbsCaptureTime::LIMIT];
            let written = value.write(&mut out);
            assert_eq!(written.len(), if clock_offset.is_some() { 16 } else { 8 });
            assert_eq!(written.first_chunk(), Some(&[1, 2, 3, 4, 5, 6, 7, 8]));
            assert_eq!(AbsCaptureTime::parse(written), Some(value));
        }
        let long = AbsCaptureTime { captured: Ntp(5 << 32), clock_offset: Some(9) }.relayed(Ntp(7 << 32));
        assert_eq!(long, AbsCaptureTime { captured: Ntp(5 << 32), clock_offset: Some(-2 << 32) });
        for len in (0..20).filter(|len| ![8, 16].contains(len)) {
            assert_eq!(AbsCaptureTime::parse(&[0; 20][..len]), None, "{len}");
        }
    }
}
