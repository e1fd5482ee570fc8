//! From a datagram to a packet in a slot: what it claims to be, whether it is the peer's, and whether it is authentic.
//!
//! A packet that proves nothing changes nothing but a counter: comedia learns its peer from a packet that was opened.

use ice::Tuple;
use wire::rtcp::Compound;
use wire::rtp::Layout;
use wire::{Kind as Protocol, Ssrc, classify};

use super::flow::Standing;
use super::srtp::Contexts;
use super::{DropReason, Kind, Transport};
use crate::io::{Datagram, Local, Packets};
use srtp::OpenError;
use wire::Mono;

/// What a datagram turned out to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opened<S> {
    /// An RTP packet, in a slot to which one reference is held.
    Rtp(S, Layout),
    /// A compound RTCP packet of that many bytes, in the scratch memory.
    Rtcp(usize),
    /// Something for ICE.
    Stun,
    /// Something for DTLS.
    Dtls,
}

/// The flow that a packet fixed, or on which it came unexpectedly.
pub(crate) type Learned = Option<Tuple<Local>>;

impl Transport {
    /// Opens a datagram. Of RTCP the plaintext stands in `scratch` afterwards.
    pub(crate) fn open<P: Packets>(
        &mut self,
        now: Mono,
        datagram: &Datagram<'_>,
        packets: &mut P,
        scratch: &mut [u8],
    ) -> Result<(Opened<P::Slot>, Learned), DropReason> {
        self.counts.received.add(now, datagram.bytes.len());
        let protocol = match classify(datagram.bytes) {
            Some(protocol @ (Protocol::Rtp | Protocol::Rtcp)) => protocol,
            Some(Protocol::Stun) if self.kind == Kind::WebRtc => return Ok((Opened::Stun, None)),
            Some(Protocol::Dtls) if self.kind == Kind::WebRtc => return Ok((Opened::Dtls, None)),
            _ => return Err(DropReason::Unsupported),
        };
        let standing = self.standing(protocol, datagram)?;
        let opened = if protocol == Protocol::Rtp {
            let (slot, layout) = self.open_rtp(datagram.bytes, packets)?;
            Opened::Rtp(slot, layout)
        } else {
            let len = self.open_rtcp(datagram.bytes, scratch)?;
            // Before anything is learned from it.
            let compound = scratch.get(..len).unwrap_or_default();
            Compound::parse(compound).map_err(|_| DropReason::Malformed)?;
            Opened::Rtcp(len)
        };
        let learned = match standing {
            Standing::Known => None,
            Standing::First => {
                self.flows.learn(datagram.tuple());
                Some(datagram.tuple())
            }
            Standing::Elsewhere => Some(datagram.tuple()),
        };
        Ok((opened, learned))
    }

    /// Takes an RTP packet of the application.
    pub(crate) fn take_rtp<P: Packets>(
        &mut self,
        now: Mono,
        packet: &[u8],
        packets: &mut P,
    ) -> Result<(P::Slot, Layout), DropReason> {
        self.counts.received.add(now, packet.len());
        fill_plain(packet, packets)
    }

    /// Counts RTCP of the application.
    pub(crate) fn take_rtcp(&mut self, now: Mono, compound: &[u8]) {
        self.counts.received.add(now, compound.len());
    }

    fn standing(&self, protocol: Protocol, datagram: &Datagram<'_>) -> Result<Standing, DropReason> {
        let expected = match (self.kind, protocol) {
            (Kind::WebRtc, _) => return self.standing_with_ice(datagram.tuple()),
            (Kind::Direct, _) => return Err(DropReason::NotConnected),
            (Kind::Plain { rtcp_mux: false, .. }, Protocol::Rtcp) => 1,
            (Kind::Plain { .. } | Kind::Pipe, _) => 0,
        };
        if datagram.local.place() != expected {
            return Err(DropReason::UnknownFlow);
        }
        self.flows.check(self.kind, datagram.tuple())
    }

    fn standing_with_ice(&self, at: Tuple<Local>) -> Result<Standing, DropReason> {
        if self.flows.rtp() == Some(at) {
            return Ok(Standing::Known);
        }
        match self.web_rtc() {
            // Before there are keys, there is no way of media.
            Some(web_rtc) if web_rtc.knows(at) && self.flows.rtp().is_none() => Err(DropReason::NotConnected),
            Some(web_rtc) if web_rtc.knows(at) => Ok(Standing::Elsewhere),
            _ => Err(DropReason::UnknownFlow),
        }
    }

    fn contexts(&mut self) -> Result<Option<&mut Contexts>, DropReason> {
        match &mut self.srtp {
            None => Ok(None),
            Some(srtp) => srtp.contexts().map(Some).ok_or(DropReason::NotConnected),
        }
    }

    fn open_rtp<P: Packets>(
        &mut self,
        sealed: &[u8],
        packets: &mut P,
    ) -> Result<(P::Slot, Layout), DropReason> {
        let Some(contexts) = self.contexts()? else { return fill_plain(sealed, packets) };
        let layout = Layout::parse_sealed(sealed).map_err(|_| DropReason::Malformed)?;
        // What nobody says is that there was no room.
        let mut outcome = Err(DropReason::NoSlot);
        let slot = packets.fill(sealed.len(), |out| {
            outcome = open_into(contexts, sealed, layout, out);
            outcome.ok().map(|layout| layout.packet_len())
        });
        let layout = outcome?;
        slot.map(|slot| (slot, layout)).ok_or(DropReason::NoSlot)
    }

    fn open_rtcp(&mut self, sealed: &[u8], scratch: &mut [u8]) -> Result<usize, DropReason> {
        let out = scratch.get_mut(..sealed.len()).ok_or(DropReason::NoSlot)?;
        let Some(contexts) = self.contexts()? else {
            out.copy_from_slice(sealed);
            return Ok(sealed.len());
        };
        let len = contexts.opener.open_rtcp(sealed, out).map(|opened| opened.len).map_err(reason)?;
        // RFC 3550 §6.4: whoever sends it stands behind the first word.
        if let Some([_, _, _, _, sender @ ..]) = out.first_chunk::<8>() {
            self.heard_from(Ssrc(u32::from_be_bytes(*sender)));
        }
        Ok(len)
    }
}

fn open_into(
    contexts: &mut Contexts,
    sealed: &[u8],
    layout: Layout,
    out: &mut [u8],
) -> Result<Layout, DropReason> {
    let opened = contexts.opener.open_rtp(sealed, layout.header_len(), out).map_err(reason)?;
    let opened = out.get(..opened.len).ok_or(DropReason::NoSlot)?;
    layout.opened(opened).map_err(|_| DropReason::Malformed)
}

fn fill_plain<P: Packets>(packet: &[u8], packets: &mut P) -> Result<(P::Slot, Layout), DropReason> {
    let layout = Layout::parse(packet).map_err(|_| DropReason::Malformed)?;
    let slot = packets.fill(packet.len(), |out| {
        out.get_mut(..packet.len())?.copy_from_slice(packet);
        Some(packet.len())
    });
    slot.map(|slot| (slot, layout)).ok_or(DropReason::NoSlot)
}

const fn reason(error: OpenError) -> DropReason {
    match error {
        OpenError::Malformed => DropReason::Malformed,
        OpenError::Replayed | OpenError::TooOld => DropReason::Replayed,
        OpenError::Unauthentic | OpenError::IndexExhausted => DropReason::Unauthentic,
        OpenError::TooManyStreams | OpenError::NoRoom { .. } => DropReason::NoSlot,
    }
}
