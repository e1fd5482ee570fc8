//! A report block, as sender and receiver reports carry it (RFC 3550 §6.4.1).

use super::Item;
use crate::bytes::{Reader, u24_bytes};
use crate::{NoRoom, Ssrc, Writer};

/// How one stream was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: Ssrc,
    /// Share of packets lost since the last report, in units of 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; duplicates can make it negative. 24 bits: more is written as the limit.
    pub cumulative_lost: i32,
    /// Highest sequence number received, in the low 16 bits, and its cycles above.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; zero when there was none.
    pub last_sender_report: u32,
    /// Time since then, in units of 2^-16 s.
    pub delay_since_last_sender_report: u32,
}

impl Item<24> for ReportBlock {
    fn read(bytes: &[u8; 24]) -> Self {
        // The array's length makes every read succeed; the default keeps that free of a panic path.
        Self::read_from(&mut Reader::new(bytes)).unwrap_or_default()
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        out.put_u32(self.ssrc.0)?;
        out.put_u8(self.fraction_lost)?;
        out.put(&u24_bytes(self.cumulative_lost.clamp(LOST_MIN, LOST_MAX).cast_unsigned()))?;
        out.put_u32(self.highest_sequence)?;
        out.put_u32(self.jitter)?;
        out.put_u32(self.last_sender_report)?;
        out.put_u32(self.delay_since_last_sender_report)
    }
}

impl ReportBlock {
    fn read_from(reader: &mut Reader<'_>) -> Option<Self> {
        let ssrc = Ssrc(reader.u32()?);
        let [fraction_lost, high, middle, low] = reader.array()?;
        Some(Self {
            ssrc,
            fraction_lost,
            // Read into the upper bytes and shifted down, 24 bits keep their sign.
            cumulative_lost: i32::from_be_bytes([high, middle, low, 0]) >> 8,
            highest_sequence: reader.u32()?,
            jitter: reader.u32()?,
            last_sender_report: reader.u32()?,
            delay_since_last_sender_report: reader.u32()?,
        })
    }
}

const LOST_MAX: i32 = 0x7f_ffff;
const LOST_MIN: i32 = -0x80_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_keep_their_sign_and_stop_at_24_bits() {
        for (lost, read) in [(0, 0), (-1, -1), (i32::MAX, LOST_MAX), (i32::MIN, LOST_MIN), (70_000, 70_000)] {
            let block = ReportBlock { cumulative_lost: lost, fraction_lost: 200, ..ReportBlock::default() };
            let mut bytes = [0; 24];
            block.write(&mut Writer::new(&mut bytes)).unwrap();
            assert_eq!(ReportBlock::read(&bytes), ReportBlock { cumulative_lost: read, ..block });
        }
    }
}
