//! A producer's header extensions: where its packets say whose they are, and under which ids the router passes
//! them on.
//!
//! Inside a router every extension has one id for all, the number of its URI plus one, and consumers are negotiated
//! with these. MID and what depends on the moment of sending are reserved and written per consumer. A RID names an
//! encoding of the producer and ends here.

use model::rtp::{MediaKind, RtpHeaderExtensionParameters, RtpHeaderExtensionUri as Uri, RtpParameters};
use wire::rtp::values::{AbsCaptureTime, PacketId};
use wire::rtp::{Element, ExtensionId, ExtensionMap, HeaderPlan, PlanError, View};

use crate::Packet;

/// Where the packets of a transport carry MID and RIDs. One per transport: the ids of the last producer that has
/// them, because they are needed before the producer is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveIds {
    /// Of the MID.
    pub mid: Option<ExtensionId>,
    /// Of the RID.
    pub rid: Option<ExtensionId>,
    /// Of the repaired RID.
    pub repaired_rid: Option<ExtensionId>,
    /// Of the time of sending.
    pub abs_send_time: Option<ExtensionId>,
    /// Of the sequence number that is counted per transport.
    pub transport_sequence: Option<ExtensionId>,
    /// Of the dependency descriptor.
    pub dependency_descriptor: Option<ExtensionId>,
    /// Of how the camera is held.
    pub video_orientation: Option<ExtensionId>,
}

impl ReceiveIds {
    /// The ids that `parameters` have.
    pub fn of(parameters: &RtpParameters) -> Self {
        let mut ids = Self::default();
        ids.update(parameters);
        ids
    }

    /// Takes over the ids that `parameters` have and keeps the others.
    pub fn update(&mut self, parameters: &RtpParameters) {
        for extension in &parameters.header_extensions {
            let id = ExtensionId::new(extension.id);
            match extension.uri {
                Uri::Mid => self.mid = id,
                Uri::RtpStreamId => self.rid = id,
                Uri::RepairedRtpStreamId => self.repaired_rid = id,
                Uri::AbsSendTime => self.abs_send_time = id,
                Uri::TransportWideCc => self.transport_sequence = id,
                Uri::DependencyDescriptor => self.dependency_descriptor = id,
                Uri::VideoOrientation => self.video_orientation = id,
                _ => {}
            }
        }
    }
}

/// How a producer's packets are laid out for its consumers. The same on every shard.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    map: ExtensionMap,
    /// Where its packets carry when they were captured.
    abs_capture_time: Option<ExtensionId>,
    /// Where they carry what they are called.
    packet_id: Option<ExtensionId>,
}

impl Outline {
    pub(super) fn new(kind: MediaKind, extensions: &[RtpHeaderExtensionParameters]) -> Self {
        let id_of = |uri: &Uri| {
            let extension = extensions.iter().find(|extension| extension.uri == *uri)?;
            ExtensionId::new(extension.id)
        };
        Self {
            map: map(kind, extensions),
            abs_capture_time: id_of(&Uri::AbsCaptureTime),
            packet_id: id_of(&Uri::MediasoupPacketId),
        }
    }

    /// Whether its packets have names of their own.
    pub(super) fn names(&self, view: &View<'_>) -> bool {
        self.packet_id.and_then(|id| view.element(id)).is_some()
    }

    /// Lays out the header that a packet's consumers share.
    pub(super) fn lay_out(
        &self,
        packet: &Packet,
        view: &View<'_>,
        plan: &mut HeaderPlan,
    ) -> Result<(), PlanError> {
        let captured = self.abs_capture_time.and_then(|id| view.element(id)).and_then(AbsCaptureTime::parse);
        if captured.is_none() && packet.packet_id.is_none() {
            return plan.prepare(view, &self.map, &[]);
        }
        // In the long form, because the capturer's clock is not ours and we know by how much.
        let mut time = [0; AbsCaptureTime::LIMIT];
        let time = captured.map(|captured| captured.relayed(packet.captured).write(&mut time));
        let name = packet.packet_id.map(|id| PacketId(id).to_bytes());
        let element = |uri, data| Some(Element { id: router_id(uri)?, data });
        let first = time.and_then(|data| element(&Uri::AbsCaptureTime, data));
        let second = name.as_ref().and_then(|data| element(&Uri::MediasoupPacketId, data));
        match (first, second) {
            (Some(first), Some(second)) => plan.prepare(view, &self.map, &[first, second]),
            (Some(one), None) | (None, Some(one)) => plan.prepare(view, &self.map, &[one]),
            (None, None) => plan.prepare(view, &self.map, &[]),
        }
    }
}

/// The id of an extension inside the router: its number in the worker's protocol plus one.
pub const fn router_id(uri: &Uri) -> Option<ExtensionId> {
    ExtensionId::new(match uri {
        Uri::Mid => 1,
        Uri::RtpStreamId => 2,
        Uri::RepairedRtpStreamId => 3,
        Uri::AbsSendTime => 4,
        Uri::TransportWideCc => 5,
        Uri::SsrcAudioLevel => 6,
        Uri::DependencyDescriptor => 7,
        Uri::VideoOrientation => 8,
        Uri::TimeOffset => 9,
        Uri::AbsCaptureTime => 10,
        Uri::PlayoutDelay => 11,
        Uri::MediasoupPacketId => 12,
        Uri::Other(_) => return None,
    })
}

/// What becomes of the extensions of a producer of `kind`.
fn map(kind: MediaKind, extensions: &[RtpHeaderExtensionParameters]) -> ExtensionMap {
    let mut map = ExtensionMap::new();
    if let Some(mid) = router_id(&Uri::Mid) {
        map = map.reserve_mid(mid);
    }
    // Bandwidth is estimated for video alone.
    if kind == MediaKind::Video {
        if let Some(id) = router_id(&Uri::AbsSendTime) {
            map = map.reserve_abs_send_time(id);
        }
        if let Some(id) = router_id(&Uri::TransportWideCc) {
            map = map.reserve_transport_sequence(id);
        }
    }
    for extension in extensions {
        let passes = !matches!(
            extension.uri,
            Uri::Mid | Uri::RtpStreamId | Uri::RepairedRtpStreamId | Uri::AbsSendTime | Uri::TransportWideCc
        );
        if let (true, Some(from), Some(to)) =
            (passes, ExtensionId::new(extension.id), router_id(&extension.uri))
        {
            map = map.copy(from, to);
        }
    }
    map
}
