//! RTCP. In: requests for key frames are found out of compound packets; the rest is counted and, for now, ignored.
//! Out: requests for key frames, each a packet of its own, in the tick in which somebody asked.
//!
//! Reports, NACKs and everything else that leaves by a timer will stand behind the requests in [`Wanted`].

use std::net::SocketAddr;

use wire::rtcp::{Builder, Compound, Fir, FirItem, Packet, Pli};
use wire::{Mono, Ssrc};

use super::senders::Use;
use super::{DropReason, Kind, SenderIndex, Transport};
use crate::io::{Depart, Departing, SocketRole};

/// What a consumer's peer asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feedback {
    /// A key frame of what that sender sends.
    KeyFrame(SenderIndex),
}

/// How a producer is asked for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// RFC 4585 §6.3.1.
    Pli(Ssrc),
    /// RFC 5104 §4.3.1, with the number of the request.
    Fir(Ssrc, u8),
}

/// RTCP that waits for the flush.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    requests: Vec<Request>,
}

impl Transport {
    /// Reads a compound packet that is in the clear, and says what was asked for.
    pub(crate) fn read_rtcp(&mut self, compound: &[u8], found: &mut Vec<Feedback>) -> Result<(), DropReason> {
        let compound = Compound::parse(compound).map_err(|_| DropReason::Malformed)?;
        for packet in compound.packets().flatten() {
            match packet {
                Packet::Pli(Pli { media, .. }) => {
                    if let Some(sender) = self.asked(media) {
                        sender.1.pli_count = sender.1.pli_count.saturating_add(1);
                        found.push(Feedback::KeyFrame(sender.0));
                    }
                }
                Packet::Fir(fir) => {
                    for item in fir.items.iter() {
                        if let Some(sender) = self.asked(item.ssrc) {
                            sender.1.fir_count = sender.1.fir_count.saturating_add(1);
                            found.push(Feedback::KeyFrame(sender.0));
                        }
                    }
                }
                // Reports and NACKs are answered once there are statistics and a store. A BYE ends nothing: the
                // application says when a producer ends.
                Packet::SenderReport(_)
                | Packet::ReceiverReport(_)
                | Packet::Sdes(_)
                | Packet::Bye(_)
                | Packet::App(_)
                | Packet::Xr(_)
                | Packet::Nack(_)
                | Packet::TransportCc(_)
                | Packet::Remb(_)
                | Packet::Other(_) => {}
            }
        }
        Ok(())
    }

    /// Asks the peer for a key frame in this tick. Whether it can be asked.
    pub(crate) fn want(&mut self, request: Request) -> bool {
        let reachable = self.is_connected();
        if reachable && !self.wanted.requests.contains(&request) {
            self.wanted.requests.push(request);
        }
        reachable
    }

    pub(super) fn wants_nothing(&self) -> bool {
        self.wanted.requests.is_empty()
    }

    /// Hands each packet that waits to `direct`, or sends it.
    pub(super) fn flush_rtcp(&mut self, now: Mono, depart: &mut impl Depart, direct: &mut dyn FnMut(&[u8])) {
        let mut requests = core::mem::take(&mut self.wanted.requests);
        for request in requests.drain(..) {
            let mut plain = [0; REQUEST_LIMIT];
            let mut builder = Builder::new(&mut plain);
            // A request has no sender of its own; like the protocol's other worker, it names the stream itself.
            let written = match request {
                Request::Pli(media) => builder.push(&Pli { sender: media, media }),
                Request::Fir(media, sequence) => {
                    builder.push(&Fir { sender: media, items: &[FirItem { ssrc: media, sequence }] })
                }
            };
            if written.is_err() {
                continue;
            }
            if self.kind == Kind::Direct {
                self.counts.sent.add(now, builder.len());
                direct(builder.written());
            } else {
                let len = builder.len();
                self.send_rtcp(now, plain.get(..len).unwrap_or_default(), depart);
            }
        }
        self.wanted.requests = requests;
    }

    fn send_rtcp(&mut self, now: Mono, compound: &[u8], depart: &mut impl Depart) {
        let Some((role, to)) = self.rtcp_way() else { return };
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
                self.counts.sent.add(now, len);
                depart.send(Departing { role, to, len, segment_size: len });
            }
            None => self.counts.unsealed = self.counts.unsealed.saturating_add(1),
        }
    }

    fn rtcp_way(&self) -> Option<(SocketRole, SocketAddr)> {
        match self.kind {
            Kind::Plain { rtcp_mux: false, .. } => Some((SocketRole::Rtcp, self.flows.rtcp()?)),
            _ => Some((SocketRole::Rtp, self.flows.rtp()?)),
        }
    }

    fn asked(&mut self, media: Ssrc) -> Option<(SenderIndex, &mut super::Sender)> {
        // Of retransmissions there is no key frame.
        let Use::Media(index) = self.senders.find(media)? else { return None };
        Some((index, self.senders.get_mut(index)?))
    }
}

/// A FIR of one item has 20 bytes.
const REQUEST_LIMIT: usize = 32;
