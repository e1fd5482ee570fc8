//! The rewritten header of one packet: prepared once per packet and extension map, stamped once per consumer.
//!
//! What all consumers share (CSRCs, remapped elements, the form and length of the header extension) is laid
//! out by [`HeaderPlan::prepare`]. [`HeaderPlan::stamp`] then costs one copy of some 30 to 60 bytes and a few
//! stores. The header has the same length for every consumer, whatever its MID: that keeps runs equal in size.

use super::element_writer::{ElementWriter, Form, MidSlot};
use super::layout::{EXTENSION_BIT, PADDING_BIT};
use super::values::{AbsSendTime, TransportSequence};
use super::{Element, ExtensionMap, FIXED_HEADER_LEN, Mid, View};
use crate::{NoRoom, PayloadType, Ssrc, Writer};

/// A header that is ready but for what differs between consumers. Owned by whoever fans out and used again for
/// every packet.
#[derive(Clone, Debug)]
pub struct HeaderPlan {
    bytes: [u8; HEADER_LIMIT],
    len: usize,
    placeholders: Placeholders,
    mid: Option<MidSlot>,
    left_out: u32,
}

/// What one consumer's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The payload type.
    pub payload_type: PayloadType,
    /// The marker bit.
    pub marker: bool,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    /// Whether padding follows the payload; its bytes are the caller's to append.
    pub padding: bool,
    /// What goes into the reserved MID; `None` leaves padding there.
    pub mid: Option<Mid>,
}

/// Where in a stamped header the values lie that are known only when the packet leaves. Until they are written
/// they are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placeholders {
    /// Offset of the three bytes of abs-send-time.
    pub abs_send_time_at: Option<u16>,
    /// Offset of the two bytes of the transport-wide sequence number.
    pub transport_sequence_at: Option<u16>,
}

/// Why no plan could be made. The plan is empty afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The elements to copy and to set need more than [`HEADER_LIMIT`] bytes.
    #[error("the rewritten header would have more than {HEADER_LIMIT} bytes")]
    TooLong,
}

impl HeaderPlan {
    /// A plan for a bare header, without any extension.
    #[must_use]
    pub const fn new() -> Self {
        let mut bytes = [0; HEADER_LIMIT];
        if let Some(first) = bytes.first_mut() {
            *first = VERSION_BITS;
        }
        Self {
            bytes,
            len: FIXED_HEADER_LEN,
            placeholders: Placeholders { abs_send_time_at: None, transport_sequence_at: None },
            mid: None,
            left_out: 0,
        }
    }

    /// Lays out the header for `source`'s consumers: its CSRCs, what `map` reserves, `values` (each instead of
    /// a copied element of that id), and the elements that `map` copies. Of several elements that end up with
    /// one id, the first stays.
    ///
    /// # Errors
    /// [`PlanError::TooLong`], for which a peer is to blame who sends oversized elements.
    pub fn prepare(
        &mut self,
        source: &View<'_>,
        map: &ExtensionMap,
        values: &[Element<'_>],
    ) -> Result<(), PlanError> {
        self.lay_out(Some(source), map, values)
    }

    /// The same for a packet without a source, such as a probe.
    ///
    /// # Errors
    /// [`PlanError::TooLong`].
    pub fn prepare_fresh(&mut self, map: &ExtensionMap, values: &[Element<'_>]) -> Result<(), PlanError> {
        self.lay_out(None, map, values)
    }

    /// Bytes of every header stamped from this plan.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.len
    }

    /// Where the values belong that are written when the packet leaves; the same in every stamped header.
    #[must_use]
    pub const fn placeholders(&self) -> Placeholders {
        self.placeholders
    }

    /// Elements that the map names and that were left out because they need the two-byte form.
    #[must_use]
    pub const fn left_out(&self) -> u32 {
        self.left_out
    }

    /// Writes one consumer's header to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`NoRoom`] when `out` is shorter than [`Self::header_len`].
    #[inline]
    pub fn stamp(&self, stamp: &Stamp, out: &mut [u8]) -> Result<usize, NoRoom> {
        let template = self.bytes.get(..self.len).ok_or(NoRoom)?;
        let header = out.get_mut(..self.len).ok_or(NoRoom)?;
        header.copy_from_slice(template);
        let fixed = header.first_chunk_mut::<FIXED_HEADER_LEN>().ok_or(NoRoom)?;
        let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = fixed;
        *first |= if stamp.padding { PADDING_BIT } else { 0 };
        *second = stamp.payload_type.value() | if stamp.marker { MARKER_BIT } else { 0 };
        [*s0, *s1] = stamp.sequence.to_be_bytes();
        [*t0, *t1, *t2, *t3] = stamp.timestamp.to_be_bytes();
        [*c0, *c1, *c2, *c3] = stamp.ssrc.0.to_be_bytes();
        if let (Some(slot), Some(mid)) = (self.mid, stamp.mid) {
            slot.write(header, mid)?;
        }
        Ok(self.len)
    }

    fn lay_out(
        &mut self,
        source: Option<&View<'_>>,
        map: &ExtensionMap,
        values: &[Element<'_>],
    ) -> Result<(), PlanError> {
        let mut outcome = self.attempt(source, map, values, Form::OneByte);
        if map.two_byte && outcome.is_ok() && self.left_out > 0 {
            outcome = self.attempt(source, map, values, Form::TwoByte);
        }
        if outcome.is_err() {
            *self = Self::new();
        }
        outcome.map_err(|NoRoom| PlanError::TooLong)
    }

    fn attempt(
        &mut self,
        source: Option<&View<'_>>,
        map: &ExtensionMap,
        values: &[Element<'_>],
        form: Form,
    ) -> Result<(), NoRoom> {
        let csrcs = source.map(View::csrc_bytes).unwrap_or_default();
        let mut layout = ElementWriter::new(Writer::new(&mut self.bytes), form);
        layout.out.put(&[0; FIXED_HEADER_LEN])?;
        layout.out.put(csrcs)?;
        let extension_at = layout.out.len();
        layout.out.put(&[0; 4])?;
        // Reserved elements come first: their offsets then depend on the CSRCs alone.
        let mid = layout.reserve_mid(map.mid)?;
        let abs_send_time = layout.reserve::<{ AbsSendTime::LEN }>(map.abs_send_time)?;
        let transport_sequence = layout.reserve::<{ TransportSequence::LEN }>(map.transport_sequence)?;
        for value in values {
            layout.put(value.id, value.data)?;
        }
        for element in source.into_iter().flat_map(View::elements) {
            if let Some(id) = map.target(element.id) {
                layout.put(id, element.data)?;
            }
        }
        let (mut out, left_out) = layout.finish();
        let mut first = VERSION_BITS | u8::try_from(csrcs.len() >> 2).unwrap_or_default();
        if out.len() == extension_at.saturating_add(4) {
            out.truncate(extension_at);
        } else {
            out.align_to_word()?;
            first |= EXTENSION_BIT;
            let words = out.len().saturating_sub(extension_at).saturating_sub(4) >> 2;
            out.patch(extension_at, &form.profile().to_be_bytes())?;
            out.patch(
                extension_at.saturating_add(2),
                &u16::try_from(words).map_err(|_| NoRoom)?.to_be_bytes(),
            )?;
        }
        out.patch(0, &[first])?;
        self.len = out.len();
        self.left_out = left_out;
        self.mid = mid;
        self.placeholders =
            Placeholders { abs_send_time_at: abs_send_time, transport_sequence_at: transport_sequence };
        Ok(())
    }
}

impl Default for HeaderPlan {
    fn default() -> Self {
        Self::new()
    }
}

impl Placeholders {
    /// Writes the abs-send-time into a stamped header; nothing when none was reserved.
    #[inline]
    pub fn write_abs_send_time(&self, header: &mut [u8], value: AbsSendTime) {
        overwrite(header, self.abs_send_time_at, value.to_bytes());
    }

    /// Writes the transport-wide sequence number into a stamped header; nothing when none was reserved.
    #[inline]
    pub fn write_transport_sequence(&self, header: &mut [u8], value: TransportSequence) {
        overwrite(header, self.transport_sequence_at, value.to_bytes());
    }
}

#[inline]
fn overwrite<const N: usize>(header: &mut [u8], at: Option<u16>, value: [u8; N]) {
    let slot = at.and_then(|at| header.get_mut(usize::from(at)..)).and_then(<[u8]>::first_chunk_mut::<N>);
    if let Some(slot) = slot {
        *slot = value;
    }
}

/// Longest header a plan can hold: fixed part and 15 CSRCs (72), extension header (4), the reserved elements
/// (19), one element of 255 bytes such as a dependency descriptor with its template, and some 30 bytes of others.
pub const HEADER_LIMIT: usize = 384;

const VERSION_BITS: u8 = 0x80;
const MARKER_BIT: u8 = 0x80;
