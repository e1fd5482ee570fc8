//! XR (RFC 3611): the two blocks that give a receiver its round-trip time.

use super::list::write_all;
use super::packet::XR;
use super::{Item, List, Malformed, WriteError, WritePacket};
use crate::bytes::Reader;
use crate::{NoRoom, Ntp, Ssrc, Writer};

/// An extended report to write.
#[derive(Clone, Copy, Debug)]
pub struct Xr<'a> {
    /// The packet's sender.
    pub ssrc: Ssrc,
    /// What it reports.
    pub blocks: &'a [XrBlock<'a>],
}

/// A report block to write.
#[derive(Clone, Copy, Debug)]
pub enum XrBlock<'a> {
    /// RRT (RFC 3611 §4.4): the receiver's wall clock, for the sender to answer.
    ReceiverReferenceTime(Ntp),
    /// DLRR (RFC 3611 §4.5): the answers.
    Dlrr(&'a [DlrrReport]),
}

/// The answer to one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DlrrReport {
    /// The receiver.
    pub ssrc: Ssrc,
    /// Middle 32 bits of its last reference time; zero when there was none.
    pub last_receiver_report: u32,
    /// Time since that arrived, in units of 2^-16 s.
    pub delay_since_last_receiver_report: u32,
}

/// An extended report that was received.
#[derive(Clone, Copy, Debug)]
pub struct XrView<'a> {
    /// The packet's sender.
    pub ssrc: Ssrc,
    blocks: &'a [u8],
}

/// A report block that was received.
#[derive(Clone, Copy, Debug)]
pub enum XrBlockView<'a> {
    /// RRT.
    ReceiverReferenceTime(Ntp),
    /// DLRR.
    Dlrr(List<'a, DlrrReport, 12>),
    /// A block that we do not read. RFC 3611 §3: to be ignored.
    Other {
        /// The block type.
        block_type: u8,
        /// The byte behind it.
        specific: u8,
        /// What follows the four-byte header.
        body: &'a [u8],
    },
}

impl<'a> XrView<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32().ok_or(Malformed::Truncated)?);
        let blocks = reader.rest();
        let mut rest = blocks;
        while !rest.is_empty() {
            (_, rest) = XrBlockView::split_first(rest)?;
        }
        Ok(Self { ssrc, blocks })
    }

    /// The report blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = XrBlockView<'a>> + use<'a> {
        let mut rest = self.blocks;
        core::iter::from_fn(move || {
            let block;
            (block, rest) = XrBlockView::split_first(rest).ok()?;
            Some(block)
        })
    }
}

impl<'a> XrBlockView<'a> {
    fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let [block_type, specific, high, low] = reader.array().ok_or(Malformed::Truncated)?;
        let words = usize::from(u16::from_be_bytes([high, low]));
        let body = reader.take(words.saturating_mul(4)).ok_or(Malformed::Truncated)?;
        let block = match block_type {
            RECEIVER_REFERENCE_TIME => {
                let ntp = <[u8; 8]>::try_from(body).map_err(|_| Malformed::Content)?;
                Self::ReceiverReferenceTime(Ntp(u64::from_be_bytes(ntp)))
            }
            DLRR => Self::Dlrr(List::whole(body).ok_or(Malformed::Content)?),
            _ => Self::Other { block_type, specific, body },
        };
        Ok((block, reader.rest()))
    }
}

impl Item<12> for DlrrReport {
    fn read(&[a, b, c, d, e, f, g, h, i, j, k, l]: &[u8; 12]) -> Self {
        Self {
            ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])),
            last_receiver_report: u32::from_be_bytes([e, f, g, h]),
            delay_since_last_receiver_report: u32::from_be_bytes([i, j, k, l]),
        }
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        out.put_u32(self.ssrc.0)?;
        out.put_u32(self.last_receiver_report)?;
        out.put_u32(self.delay_since_last_receiver_report)
    }
}

impl WritePacket for Xr<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((XR, 0))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        out.put_u32(self.ssrc.0)?;
        for block in self.blocks {
            match block {
                XrBlock::ReceiverReferenceTime(ntp) => {
                    out.put(&[RECEIVER_REFERENCE_TIME, 0, 0, 2])?;
                    out.put_u64(ntp.0)?;
                }
                XrBlock::Dlrr(reports) => {
                    let words =
                        u16::try_from(reports.len().saturating_mul(3)).map_err(|_| WriteError::TooMany)?;
                    out.put(&[DLRR, 0])?;
                    out.put_u16(words)?;
                    write_all(out, reports)?;
                }
            }
        }
        Ok(())
    }
}

const RECEIVER_REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
