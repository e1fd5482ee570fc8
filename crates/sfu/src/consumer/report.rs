//! What a consumer's streams are made of, which layers it sends, and what it counted.

use model::dump::{LayersDump, RtpStreamDump, RtpStreamParams};
use model::reply::ConsumerReport;
use model::rtp::MediaKind;
use model::stats::{RtpStreamCounters, RtpStreamKindStats, RtpStreamStats};
use wire::Mono;

use super::Consumer;
use crate::producer::{counters, rtx_dump};
use crate::transport::Sender;

impl Consumer {
    /// Streams and layers.
    pub(crate) fn report<'a>(&self, senders: impl Iterator<Item = &'a Sender>) -> ConsumerReport {
        let stream = |(params, sender): (&RtpStreamParams, &Sender)| RtpStreamDump {
            params: params.clone(),
            score: sender.reception.score(),
            rtx_stream: rtx_dump(params),
        };
        ConsumerReport {
            rtp_streams: self.cold.described.iter().zip(senders).map(stream).collect(),
            layers: self.layers_dump(),
        }
    }

    /// What one of its streams counted.
    pub(crate) fn stats_of(&self, sender: &Sender, kind: MediaKind, now: Mono) -> Option<RtpStreamStats> {
        let params = self.cold.described.get(usize::from(sender.encoding))?;
        let reception = &sender.reception;
        let counters = RtpStreamCounters {
            packets_lost: reception.lost(),
            fraction_lost: reception.fraction_lost(),
            jitter: reception.jitter(),
            packets_retransmitted: reception.repeats.retransmitted,
            packets_repaired: reception.repeats.repaired,
            nack_count: reception.repeats.nacks,
            nack_packet_count: reception.repeats.nacked,
            pli_count: sender.pli_count,
            fir_count: sender.fir_count,
            round_trip_time: reception.round_trip().map_or(0.0, |time| time.as_secs_f32() * 1_000.0),
            score: reception.score(),
            packet_count: sender.tally.packets,
            byte_count: sender.bytes.total(),
            bitrate: sender.bytes.bits_per_second(now),
            ..counters(params, kind, now)
        };
        Some(RtpStreamStats { counters, kind: RtpStreamKindStats::Outbound {} })
    }

    /// The target is what is preferred, since nothing else decides yet; of the current stream everything is sent.
    fn layers_dump(&self) -> Option<LayersDump> {
        let layers = self.cold.layers?;
        let highest = i16::from(layers.temporal).saturating_sub(1);
        let spatial = i16::from(layers.preferred.spatial_layer);
        let temporal = layers.preferred.temporal_layer.map_or(highest, i16::from);
        let current = self.current().filter(|_| self.is_active());
        let current_spatial = current.map_or(NONE, |encoding| match self.consumer_type {
            model::score::ConsumerType::Svc => i16::from(layers.spatial).saturating_sub(1),
            _ => i16::try_from(encoding).unwrap_or(i16::MAX),
        });
        let aims = self.is_active();
        Some(LayersDump {
            preferred_spatial_layer: spatial,
            target_spatial_layer: if aims { spatial } else { NONE },
            current_spatial_layer: current_spatial,
            preferred_temporal_layer: temporal,
            target_temporal_layer: if aims { temporal } else { NONE },
            current_temporal_layer: current.map_or(NONE, |_| highest),
        })
    }
}

/// No layer.
const NONE: i16 = -1;
