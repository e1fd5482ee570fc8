//! How well producers and consumers do, in numbers of them: how many have which score now, and a histogram of what
//! scores were reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::rtp::MediaKind;
use model::score::{ConsumerType, ProducerType};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntGauge, IntGaugeVec, Opts, Registry};

/// See the module.
#[derive(Debug)]
pub(crate) struct Quality {
    producers: Kind,
    consumers: Kind,
}

#[derive(Debug)]
struct Kind {
    now: IntGaugeVec,
    reported: HistogramVec,
    /// Of all labels together.
    counts: Arc<[AtomicU64; SCORES]>,
}

/// Where one producer or consumer stands. It leaves the gauges when this is dropped.
#[derive(Debug)]
pub(crate) struct Standing {
    /// By score.
    now: [IntGauge; SCORES],
    reported: Histogram,
    counts: Arc<[AtomicU64; SCORES]>,
    score: Option<usize>,
}

impl Quality {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self { producers: Kind::new("producer", registry)?, consumers: Kind::new("consumer", registry)? })
    }

    /// How many producers, and how many consumers, have each score now.
    pub(crate) fn scores(&self) -> ([u64; SCORES], [u64; SCORES]) {
        (self.producers.by_score(), self.consumers.by_score())
    }

    pub(crate) fn producer(&self, kind: MediaKind, producer_type: ProducerType) -> Standing {
        self.producers.standing(
            kind,
            match producer_type {
                ProducerType::Simple => "simple",
                ProducerType::Simulcast => "simulcast",
                ProducerType::Svc => "svc",
            },
        )
    }

    pub(crate) fn consumer(&self, kind: MediaKind, consumer_type: ConsumerType) -> Standing {
        self.consumers.standing(
            kind,
            match consumer_type {
                ConsumerType::Simple => "simple",
                ConsumerType::Simulcast => "simulcast",
                ConsumerType::Svc => "svc",
                ConsumerType::Pipe => "pipe",
            },
        )
    }
}

impl Kind {
    fn by_score(&self) -> [u64; SCORES] {
        std::array::from_fn(|score| self.counts.get(score).map_or(0, |count| count.load(Ordering::Relaxed)))
    }

    fn new(what: &str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = format!("{what}s that have this score now, 10 being the best.");
        let opts = Opts::new(format!("shardcast_{what}s"), help);
        let now = IntGaugeVec::new(opts, &["kind", "type", "score"])?;
        let help = format!("Scores of {what}s, counted each time one is reported.");
        let opts = HistogramOpts::new(format!("shardcast_{what}_score"), help);
        let bounds = (0_u8..=10).map(f64::from).collect();
        let reported = HistogramVec::new(opts.buckets(bounds), &["kind", "type"])?;
        registry.register(Box::new(now.clone()))?;
        registry.register(Box::new(reported.clone()))?;
        Ok(Self { now, reported, counts: Arc::default() })
    }

    fn standing(&self, kind: MediaKind, of: &str) -> Standing {
        let kind = match kind {
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
        };
        Standing {
            now: SCORE_LABELS.map(|score| self.now.with_label_values(&[kind, of, score])),
            reported: self.reported.with_label_values(&[kind, of]),
            counts: Arc::clone(&self.counts),
            score: None,
        }
    }
}

impl Standing {
    /// It has this score, which nobody reported.
    pub(crate) fn set(&mut self, score: u8) {
        let score = usize::from(score).min(SCORES - 1);
        self.leave();
        if let Some(now) = self.now.get(score) {
            now.inc();
        }
        if let Some(count) = self.counts.get(score) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.score = Some(score);
    }

    /// This score was reported.
    pub(crate) fn update(&mut self, score: u8) {
        self.set(score);
        self.reported.observe(f64::from(score));
    }

    fn leave(&mut self) {
        let Some(score) = self.score.take() else { return };
        if let Some(now) = self.now.get(score) {
            now.dec();
        }
        if let Some(count) = self.counts.get(score) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.leave();
    }
}

const SCORES: usize = 11;
const SCORE_LABELS: [&str; SCORES] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

#[cfg(test)]
mod tests {
    use super::*;

    fn page(registry: &Registry) -> String {
        prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[test]
    fn one_who_changes_is_counted_once_and_one_who_leaves_not_at_all() {
        let registry = Registry::new();
        let quality = Quality::new(&registry).unwrap();
        let mut one = quality.producer(MediaKind::Video, ProducerType::Simulcast);
        let mut other = quality.producer(MediaKind::Video, ProducerType::Simulcast);
        one.set(0);
        other.set(10);
        one.update(7);
        one.update(10);
        let gauge = |score: &str, count: u8| {
            let labels = format!("kind=\"video\",score=\"{score}\",type=\"simulcast\"");
            format!("shardcast_producers{{{labels}}} {count}\n")
        };
        let text = page(&registry);
        assert!(text.contains(&gauge("10", 2)) && text.contains(&gauge("7", 0)), "{text}");
        assert_eq!(quality.scores().0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        drop(one);
        assert_eq!(quality.scores().0.iter().sum::<u64>(), 1);
        let text = page(&registry);
        assert!(text.contains(&gauge("10", 1)), "{text}");
        let bucket = |le: &str, count: u8| {
            let labels = format!("kind=\"video\",type=\"simulcast\",le=\"{le}\"");
            format!("shardcast_producer_score_bucket{{{labels}}} {count}\n")
        };
        for (le, count) in [("6", 0), ("7", 1), ("9", 1), ("10", 2), ("+Inf", 2)] {
            assert!(text.contains(&bucket(le, count)), "{le}: {text}");
        }
    }
}
