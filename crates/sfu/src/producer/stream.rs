//! The streams of a producer: which encoding a packet belongs to, by SSRC, payload type and RID.
//!
//! There is at most one stream per encoding, with at most one RTX stream, so nothing grows with what a remote sends.

use core::time::Duration;

use model::dump::RtpStreamParams;
use model::rtp::RtpParameters;
use streams::receive::{Arrived, ReceiveStream, Setup};
use wire::rtp::{ExtensionId, View};
use wire::{Mono, PayloadType, Ssrc};

use super::layers::Layers;
use super::parameters::{codec_of, rtx_of};
use super::{DropReason, describe};
use crate::content::{Codec, Content, Habits};
use crate::transport::Request;

/// One encoding: what was announced of it and what was seen of it.
#[derive(Clone, Debug)]
pub(super) struct Encoding {
    ssrc: Option<Ssrc>,
    rtx_ssrc: Option<Ssrc>,
    rid: Option<Box<[u8]>>,
    pub(super) media: PayloadType,
    rtx: Option<PayloadType>,
    pub(super) stream: Option<Stream>,
    /// What a stream of it is made of, but for what its packets say.
    pub(super) described: RtpStreamParams,
}

/// A stream that was seen.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) ssrc: Ssrc,
    pub(super) rtx_ssrc: Option<Ssrc>,
    pub(super) receive: ReceiveStream,
    /// Nothing where there is one.
    pub(super) layers: Option<Box<Layers>>,
    pub(super) pli_count: u64,
    pub(super) fir_count: u64,
    fir_sequence: u8,
    habits: Habits,
}

/// Which encoding a packet belongs to, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// As media.
    Media(usize),
    /// As the retransmission of media.
    Rtx(usize),
}

/// What a packet says about the stream it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs<'a> {
    pub(super) arrived: Arrived,
    pub(super) ssrc: Ssrc,
    pub(super) payload_type: PayloadType,
    /// The RID, or the repaired RID of a retransmission.
    pub(super) rid: Option<&'a [u8]>,
}

/// The encodings of valid parameters.
pub(super) fn encodings(parameters: &RtpParameters) -> Vec<Encoding> {
    let encodings = parameters.encodings.iter().enumerate().filter_map(|(at, encoding)| {
        let codec = codec_of(parameters, encoding)?;
        let media = codec.payload_type;
        Some(Encoding {
            described: describe(parameters, at, codec),
            ssrc: encoding.ssrc.map(|ssrc| Ssrc(ssrc.0)),
            rtx_ssrc: encoding.rtx.map(|rtx| Ssrc(rtx.ssrc.0)),
            rid: encoding.rid.as_deref().filter(|rid| !rid.is_empty()).map(|rid| rid.as_bytes().into()),
            media: PayloadType::from_low_bits(media.number()),
            rtx: rtx_of(parameters, media).map(|rtx| PayloadType::from_low_bits(rtx.payload_type.number())),
            stream: None,
        })
    });
    encodings.collect()
}

/// Finds a packet's encoding, and takes note of a stream that is seen for the first time.
pub(super) fn belongs(encodings: &mut [Encoding], signs: &Signs<'_>) -> Result<Membership, DropReason> {
    if let Some(known) = known(encodings, signs.ssrc) {
        return Ok(known);
    }
    let sole = encodings.len() == 1;
    let announced = encodings.iter().position(|encoding| encoding.announces(signs));
    let by_rid = || {
        let rid = signs.rid?;
        encodings.iter().position(|encoding| encoding.rid.as_deref() == Some(rid) && encoding.carries(signs))
    };
    let by_being_alone = || {
        encodings.iter().position(|encoding| {
            sole && encoding.ssrc.is_none() && encoding.rid.is_none() && encoding.carries(signs)
        })
    };
    let at = announced.or_else(by_rid).or_else(by_being_alone).ok_or(DropReason::UnknownStream)?;
    let encoding = encodings.get_mut(at).ok_or(DropReason::UnknownStream)?;
    encoding.meet(at, signs, sole)
}

impl Encoding {
    fn announces(&self, signs: &Signs<'_>) -> bool {
        let media = self.ssrc == Some(signs.ssrc) && self.media == signs.payload_type;
        media || self.rtx_ssrc == Some(signs.ssrc) && self.rtx == Some(signs.payload_type)
    }

    fn carries(&self, signs: &Signs<'_>) -> bool {
        self.media == signs.payload_type || self.rtx == Some(signs.payload_type)
    }

    fn meet(&mut self, at: usize, signs: &Signs<'_>, sole: bool) -> Result<Membership, DropReason> {
        let setup = Setup {
            clock_rate: self.described.clock_rate,
            nack: self.described.use_nack,
            dtx: self.described.use_dtx,
            watched: !sole,
        };
        match &mut self.stream {
            None if self.media == signs.payload_type => {
                self.stream =
                    Some(Stream::new(signs, &self.described, ReceiveStream::new(&setup, &signs.arrived)));
                Ok(Membership::Media(at))
            }
            // Nothing to repair yet, and nothing that says its packets are wanted.
            None => Err(DropReason::RepairOfUnseen),
            Some(stream) if self.rtx == Some(signs.payload_type) && stream.rtx_ssrc.is_none() => {
                stream.rtx_ssrc = Some(signs.ssrc);
                Ok(Membership::Rtx(at))
            }
            // Who restarts without saying so has another SSRC; who is only late is still the one that is heard.
            Some(stream) if self.media == signs.payload_type && stream.is_silent(signs.arrived.at) => {
                let receive = stream.receive.succeeded(&setup, &signs.arrived);
                *stream = Stream::new(signs, &self.described, receive);
                Ok(Membership::Media(at))
            }
            Some(_) => Err(DropReason::SecondSsrc),
        }
    }

    /// Whether its sender is known and takes requests for key frames.
    pub(super) const fn can_be_asked(&self) -> bool {
        self.stream.is_some() && (self.described.use_pli || self.described.use_fir)
    }

    /// How its sender is asked for a key frame, counted.
    pub(super) fn request_key_frame(&mut self) -> Option<Request> {
        let stream = self.stream.as_mut()?;
        if self.described.use_pli {
            stream.pli_count = stream.pli_count.saturating_add(1);
            return Some(Request::Pli(stream.ssrc));
        }
        if self.described.use_fir {
            stream.fir_count = stream.fir_count.saturating_add(1);
            // RFC 5104 §4.3.1.1: one more for each request that is no repetition.
            stream.fir_sequence = stream.fir_sequence.wrapping_add(1);
            return Some(Request::Fir(stream.ssrc, stream.fir_sequence));
        }
        None
    }
}

impl Stream {
    fn new(signs: &Signs<'_>, described: &RtpStreamParams, receive: ReceiveStream) -> Self {
        Self {
            ssrc: signs.ssrc,
            rtx_ssrc: None,
            receive,
            layers: Layers::new(described.spatial_layers, described.temporal_layers),
            pli_count: 0,
            fir_count: 0,
            fir_sequence: 0,
            habits: Habits::default(),
        }
    }

    /// Reads what a packet carries.
    #[inline]
    pub(super) fn read(
        &mut self,
        codec: Codec,
        packet: &View<'_>,
        descriptor: Option<ExtensionId>,
    ) -> Content {
        let descriptor = descriptor.filter(|_| codec.is_described()).and_then(|id| packet.element(id));
        codec.read(packet.payload(), descriptor, packet.timestamp(), &mut self.habits)
    }

    fn is_silent(&self, now: Mono) -> bool {
        now.since(self.receive.last_at()) >= TAKEOVER
    }
}

#[inline]
pub(super) fn known(encodings: &[Encoding], ssrc: Ssrc) -> Option<Membership> {
    for (at, encoding) in encodings.iter().enumerate() {
        match &encoding.stream {
            Some(stream) if stream.ssrc == ssrc => return Some(Membership::Media(at)),
            Some(stream) if stream.rtx_ssrc == Some(ssrc) => return Some(Membership::Rtx(at)),
            _ => {}
        }
    }
    None
}

/// After how much silence another SSRC may take an encoding over: longer than a sender that is alive is ever silent
/// with video, shorter than a user waits after a reload.
const TAKEOVER: Duration = Duration::from_secs(3);
