//! What a consumer's streams counted, where its producer is on another shard: each shard says what it counts, with its own
//! time.

use model::command::{Action, ConsumerCommand, ProducerCommand};
use model::reply::{Answer as Replied, Refusal};
use model::rtp::RtpEncodingParameters;
use model::score::ConsumerType;
use model::stats::RtpStreamStats;

use super::flight::{Distant, Plan, Step, Then};
use super::objects::Consumer;
use super::table::No;
use super::{Core, lost};

impl Core {
    /// Asks whoever counts for a consumer. Of a pipe only its own streams are told.
    pub(super) fn consumer_stats(&self, no: No<Consumer>) -> Result<Plan, Refusal> {
        let row = self.registry.consumers.get(no).ok_or_else(lost::refusal)?;
        let producer = self.registry.producers.get(row.producer).ok_or_else(lost::refusal)?;
        let (shard, key) = (row.head.shard, row.head.key.consumer());
        let own = Step::main(shard, Action::Consumer(key, ConsumerCommand::Stats));
        if producer.head.shard == shard || row.consumer_type == ConsumerType::Pipe {
            return Ok(Plan { steps: vec![own], then: Then::StreamStats, claims: Vec::new() });
        }
        let theirs = Action::Producer(producer.head.key.producer(), ProducerCommand::Stats);
        let mut steps = vec![own, Step::side(producer.head.shard, theirs)];
        if row.consumer_type == ConsumerType::Simulcast {
            // Which of them it gets, only its own shard knows.
            steps.push(Step::side(shard, Action::Consumer(key, ConsumerCommand::Report)));
        }
        let distant = Distant {
            consumer_type: row.consumer_type,
            encodings: producer.rtp_parameters.encodings.clone(),
        };
        Ok(Plan { steps, then: Then::DistantStats(Box::new(distant)), claims: Vec::new() })
    }
}

impl Distant {
    /// The consumer's own streams, and after them that of its producer's which it sends, once it sends one.
    pub(super) fn joined(
        &self,
        mut own: Vec<RtpStreamStats>,
        others: Vec<(usize, Replied)>,
    ) -> Vec<RtpStreamStats> {
        let (mut theirs, mut current) = (Vec::new(), 0);
        for (_, reply) in others {
            match reply {
                Replied::StreamStats(stats) => theirs = stats,
                Replied::Consumer(report) => {
                    let layer = report.layers.map(|layers| layers.current_spatial_layer);
                    current = layer.and_then(|layer| usize::try_from(layer).ok()).unwrap_or(usize::MAX);
                }
                _ => {}
            }
        }
        let has_sent = own.iter().any(|stats| stats.counters.packet_count > 0);
        let encoding = self.encodings.get(current).filter(|_| has_sent);
        let is_sole = self.consumer_type != ConsumerType::Simulcast;
        let is_it = |stats: &RtpStreamStats, encoding: &RtpEncodingParameters| {
            let counters = &stats.counters;
            is_sole
                || encoding.ssrc == Some(counters.ssrc)
                || (encoding.rid.is_some() && encoding.rid == counters.rid)
        };
        own.extend(encoding.and_then(|encoding| theirs.into_iter().find(|stats| is_it(stats, encoding))));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::dump::LayersDump;
    use model::reply::ConsumerReport;

    /// `stats` is read from JSON, so that only what matters has to be said.
    fn stream(ssrc: u32, packets: u64, direction: &str) -> RtpStreamStats {
        let json = serde_json::json!({
            "type": direction, "timestamp": 1, "ssrc": ssrc, "kind": "video", "mimeType": "video/VP8",
            "packetsLost": 0, "fractionLost": 0, "jitter": 0, "packetsDiscarded": 0, "packetsRetransmitted": 0,
            "packetsRepaired": 0, "nackCount": 0, "nackPacketCount": 0, "pliCount": 0, "firCount": 0,
            "roundTripTime": 0.0, "rtxPacketsDiscarded": 0, "score": 10, "packetCount": packets, "byteCount": 0,
            "bitrate": 0, "bitrateByLayer": {},
        });
        serde_json::from_value(json).unwrap()
    }

    fn report(current_spatial_layer: i16) -> Replied {
        let layers = LayersDump {
            preferred_spatial_layer: 1,
            target_spatial_layer: 1,
            current_spatial_layer,
            preferred_temporal_layer: 0,
            target_temporal_layer: 0,
            current_temporal_layer: 0,
        };
        Replied::Consumer(Box::new(ConsumerReport { rtp_streams: Vec::new(), layers: Some(layers) }))
    }

    fn ssrcs(distant: &Distant, sent: u64, others: Vec<(usize, Replied)>) -> Vec<u32> {
        let joined = distant.joined(vec![stream(9, sent, "outbound-rtp")], others);
        joined.iter().map(|stats| stats.counters.ssrc.0).collect()
    }

    #[test]
    fn the_stream_that_is_sent_stands_after_the_consumers_own() {
        let encoding =
            |ssrc| RtpEncodingParameters { ssrc: Some(model::id::Ssrc(ssrc)), ..Default::default() };
        let mut distant =
            Distant { consumer_type: ConsumerType::Simulcast, encodings: vec![encoding(1), encoding(2)] };
        let theirs =
            || (1, Replied::StreamStats(vec![stream(1, 5, "inbound-rtp"), stream(2, 5, "inbound-rtp")]));
        assert_eq!(ssrcs(&distant, 1, vec![(2, report(1)), theirs()]), [9, 2]);
        assert_eq!(ssrcs(&distant, 1, vec![theirs(), (2, report(-1))]), [9], "none is sent");
        assert_eq!(ssrcs(&distant, 0, vec![theirs(), (2, report(1))]), [9], "none was sent yet");
        distant.consumer_type = ConsumerType::Simple;
        assert_eq!(ssrcs(&distant, 1, vec![theirs()]), [9, 1]);
    }
}
