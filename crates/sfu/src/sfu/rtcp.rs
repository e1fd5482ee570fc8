//! RTCP on its way in: each packet of a compound goes to whom it concerns.
//!
//! A compound is bounded, and so is what one packet of it leads to. Who names a stream that is not there, or not theirs
//! to speak of, changes nothing.

use model::key::TransportKey;
use wire::rtcp::{Compound, Packet};
use wire::{Mono, Ssrc};

use super::Sfu;
use crate::io::{Io, Packets};
use crate::transport::{DropReason, SenderIndex, Use};

/// Where RTCP came to, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// On which transport.
    pub(super) at: TransportKey,
    /// When the kernel received it.
    pub(super) received: Mono,
}

impl<S: Copy> Sfu<S> {
    /// Reads a compound packet that is in the clear.
    pub(super) fn take_rtcp<P>(
        &mut self,
        heard: Heard,
        compound: &[u8],
        io: &mut Io<'_, P>,
    ) -> Result<(), DropReason>
    where
        P: Packets<Slot = S>,
    {
        let compound = Compound::parse(compound).map_err(|_| DropReason::Malformed)?;
        self.counters.rtcp_received = self.counters.rtcp_received.saturating_add(1);
        let mut askable = ASKED_LIMIT;
        for packet in compound.packets().flatten() {
            match packet {
                Packet::Pli(pli) => self.heard_pli(heard, &pli, io.out),
                Packet::Fir(fir) => self.heard_fir(heard, &fir, io.out),
                // Of our own streams, as their sender sees them.
                Packet::SenderReport(report) => {
                    self.heard_sender_report(heard, &report, io.out);
                    report.reports.iter().for_each(|block| self.heard_report_block(heard, &block, io.out));
                }
                // Of streams that we send, as their receiver sees them.
                Packet::ReceiverReport(report) => {
                    report.reports.iter().for_each(|block| self.heard_report_block(heard, &block, io.out));
                }
                Packet::Nack(nack) => {
                    let asked = self.heard_nack(heard, (&nack, askable), io);
                    askable = askable.saturating_sub(asked);
                }
                // Of either.
                Packet::Xr(xr) => {
                    self.heard_answers(heard, &xr);
                    self.heard_reference_time(heard, &xr);
                }
                // What a path can carry is estimated elsewhere.
                Packet::TransportCc(_) | Packet::Remb(_) => {}
                // A BYE ends nothing: the application says when a producer ends.
                Packet::Sdes(_) | Packet::Bye(_) | Packet::App(_) | Packet::Other(_) => {}
            }
        }
        self.tell_rescored(io.out);
        Ok(())
    }

    /// The sender of media under that SSRC.
    pub(super) fn media_sender(&self, at: TransportKey, media: Ssrc) -> Option<SenderIndex> {
        match self.transports.get(at)?.senders.find(media)? {
            Use::Media(sender) => Some(sender),
            Use::Rtx(_) => None,
        }
    }
}

/// Packets that one compound may ask for again: as many as a receiver keeps track of. A datagram has room for six times
/// that, in one NACK or in many.
const ASKED_LIMIT: usize = 1_000;
