//! What is sent again, because somebody asked for it: in the RTX stream, or under the number of the first time and then
//! with the very same bytes.
//!
//! RTX takes a copy more than media does: its first two bytes of payload are its own, and so it is written whole and
//! sealed in place.

use srtp::{Plaintext, Reseal};
use streams::send::Written;
use wire::rtp::values::{AbsSendTime, TransportSequence};
use wire::rtp::{Stamp, padding, rtx};

use super::egress::Source;
use super::{Going, Queued, Transport};
use crate::sfu::Moment;

impl Going {
    /// Bytes that it adds to the packet.
    #[inline]
    pub(super) fn extra_len(self) -> usize {
        match self {
            Self::First => 0,
            Self::Rtx => rtx::PREFIX_LEN,
            Self::Again(written) => usize::from(written.padding),
        }
    }
}

impl Transport {
    /// Writes a packet of the RTX stream to the start of `out`, sealed if the transport does so. Its length.
    pub(super) fn write_rtx<S>(
        &mut self,
        moment: Moment,
        queued: &Queued,
        source: Source<'_, S>,
        out: &mut [u8],
    ) -> Option<usize> {
        let Source { packet, payload, padding } = source;
        let sender = self.senders.get_mut(queued.sender)?;
        let (original, is_numbered) = (sender.stamp(queued, packet, padding > 0), sender.is_numbered);
        let stream = sender.rtx.as_mut()?;
        let index = stream.next?;
        // Used up, whatever becomes of it: a number that is missing does no harm.
        stream.next = index.next();
        let (payload_type, ssrc) = (stream.payload_type?, stream.ssrc);
        let stamp = Stamp { payload_type, ssrc, sequence: index.sequence(), ..original };
        let header_len = packet.plan.stamp(&stamp, out).ok()?;
        packet.plan.placeholders().write_abs_send_time(out, moment.abs_send_time);
        self.numbers.write(is_numbered, packet.plan.placeholders(), out);
        // RFC 4588 §4: the original sequence number first.
        let mut end = header_len;
        let tail = padding::tail(padding).unwrap_or_default();
        for part in [&rtx::prefix(original.sequence)[..], payload, tail] {
            let start = end;
            end = end.saturating_add(part.len());
            out.get_mut(start..end)?.copy_from_slice(part);
        }
        let Some(srtp) = &mut self.srtp else { return Some(end) };
        let sealer = &mut srtp.contexts()?.sealer;
        let handle = match stream.handle {
            Some(handle) => handle,
            None => *stream.handle.insert(sealer.add_stream(ssrc, Reseal::Never).ok()?),
        };
        sealer.seal_rtp_in_place(handle, index, out, header_len..end).ok()
    }

    /// Writes a packet as it was the first time. Under SRTP what is not the same bit by bit is not released.
    pub(super) fn write_again<S>(
        &mut self,
        queued: &Queued,
        written: Written,
        source: Source<'_, S>,
        out: &mut [u8],
    ) -> Option<usize> {
        let Source { packet, payload, padding } = source;
        let sender = self.senders.get(queued.sender)?;
        let header_len = packet.plan.stamp(&sender.stamp(queued, packet, padding > 0), out).ok()?;
        let placeholders = packet.plan.placeholders();
        placeholders.write_abs_send_time(out, AbsSendTime::parse(&written.abs_send_time)?);
        placeholders.write_transport_sequence(out, TransportSequence(written.transport_sequence));
        let padding = padding::tail(padding).unwrap_or_default();
        let text = Plaintext { header_len, payload, padding };
        match &mut self.srtp {
            None => super::egress::write_plain(out, text),
            Some(srtp) => {
                let sealer = &mut srtp.contexts()?.sealer;
                sealer.reseal_rtp(sender.handle?, queued.index, out, text).ok()
            }
        }
    }
}
