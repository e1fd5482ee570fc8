//! RTCP on its way out: requests for key frames, and whatever waits when the transport is flushed.

use ice::Tuple;
use wire::rtcp::{Fir, FirItem, Pli};
use wire::{Mono, Ssrc};

use super::{Kind, Transport};
use crate::io::{Depart, Departing, Local};

/// How a producer is asked for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// RFC 4585 §6.3.1.
    Pli(Ssrc),
    /// RFC 5104 §4.3.1, with the number of the request.
    Fir(Ssrc, u8),
}

impl Transport {
    /// Asks the peer for a key frame in this tick.
    pub(crate) fn want(&mut self, request: Request) -> bool {
        // A request has no sender of its own; like the protocol's other worker, it names the stream itself.
        self.is_connected()
            && self.rtcp.compound(|out| match request {
                Request::Pli(media) => out.push(&Pli { sender: media, media }),
                Request::Fir(media, sequence) => {
                    out.push(&Fir { sender: media, items: &[FirItem { ssrc: media, sequence }] })
                }
            })
    }

    /// Hands each compound that waits to `direct`, or sends it.
    pub(super) fn flush_rtcp(&mut self, now: Mono, depart: &mut impl Depart, direct: &mut dyn FnMut(&[u8])) {
        let mut queue = core::mem::take(&mut self.rtcp);
        for compound in queue.compounds() {
            if self.kind == Kind::Direct {
                self.sent.add(now, compound.len());
                direct(compound);
            } else {
                self.send_rtcp(now, compound, depart);
            }
        }
        queue.clear();
        self.counts.unsent.rtcp_full = queue.take_refused();
        self.rtcp = queue;
    }

    fn send_rtcp(&mut self, now: Mono, compound: &[u8], depart: &mut impl Depart) {
        let Some(Tuple { local, remote: to }) = self.rtcp_way() else { return };
        let out = depart.reserve(compound.len().saturating_add(srtp::MAX_RTCP_OVERHEAD));
        let len = match &mut self.srtp {
            None => out.get_mut(..compound.len()).map(|out| {
                out.copy_from_slice(compound);
                compound.len()
            }),
            Some(srtp) => srtp.contexts().and_then(|contexts| contexts.sealer.seal_rtcp(compound, out).ok()),
        };
        match len {
            Some(len) => {
                self.sent.add(now, len);
                depart.send(Departing { local, to, len, segment_size: len, is_answer: false });
            }
            None => self.counts.unsent.unsealed = self.counts.unsent.unsealed.saturating_add(1),
        }
    }

    fn rtcp_way(&self) -> Option<Tuple<Local>> {
        match self.kind {
            Kind::Plain { rtcp_mux: false, .. } => self.flows.rtcp(),
            _ => self.flows.rtp(),
        }
    }
}
