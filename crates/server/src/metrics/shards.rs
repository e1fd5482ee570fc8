//! What each shard counted, under the names that it counts by: `shardcast_shard_…`, with the shard as a label, and of what
//! it dropped the reason, and the class of that.
//!
//! Shards publish their counters for any thread to read, so a scrape waits for nobody. How busy a shard is follows from
//! the seconds that it was busy and idle.

use std::collections::BTreeMap;

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use shard::{CounterKind, DropClass};
use shardcast::runtime::ShardCounters;

/// One family for each counter.
pub(super) fn families(shards: &[ShardCounters]) -> Vec<MetricFamily> {
    let mut families = Families::default();
    for ShardCounters { shard, driver, counters, silent, hang } in shards {
        let labels = [("shard", shard.0.to_string())];
        let totals = &counters.totals;
        counters.each(|name, kind, value| match (name, kind) {
            ("busy_nanos", _) => families.count("busy_seconds", &labels, seconds(value)),
            ("idle_nanos", _) => families.count("idle_seconds", &labels, seconds(value)),
            (level, CounterKind::Level) => families.level(level, &labels, number(value)),
            (count, CounterKind::Total) => families.count(count, &labels, number(value)),
            (drop, CounterKind::Drop(class)) => {
                let reason = drop.strip_prefix("dropped_").unwrap_or(drop);
                families.count("dropped", &reasoned(shard.0, class, reason), number(value));
            }
        });
        let host = [("shard", shard.0.to_string()), ("host", (*driver).to_owned())];
        families.level("host", &host, 1.0);
        families.level("silent_seconds", &labels, silent.as_secs_f64());
        families.count("stuck_refused", &labels, number(hang.refused));
        families.count("stuck_late", &labels, number(hang.late));
        let tick = Distribution { buckets: &counters.tick_nanos.buckets, sum: totals.busy_nanos, unit: 1e9 };
        families.distribution("tick_seconds", &labels, &tick);
        let sent = counters.driver.sent_datagrams;
        let runs = Distribution { buckets: &counters.run_datagrams.buckets, sum: sent, unit: 1.0 };
        families.distribution("run_datagrams", &labels, &runs);
    }
    families.0.into_values().collect()
}

type Labels = [(&'static str, String)];

#[derive(Default)]
struct Families(BTreeMap<String, MetricFamily>);

/// Counts by powers of two.
struct Distribution<'a> {
    buckets: &'a [u64],
    sum: u64,
    /// What a value is divided by.
    unit: f64,
}

impl Families {
    fn count(&mut self, name: &str, labels: &Labels, value: f64) {
        let mut counter = Counter::default();
        counter.set_value(value);
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_counter(counter);
        self.add(&format!("{name}_total"), MetricType::COUNTER, metric);
    }

    fn level(&mut self, name: &str, labels: &Labels, value: f64) {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_gauge(gauge);
        self.add(name, MetricType::GAUGE, metric);
    }

    fn distribution(&mut self, name: &str, labels: &Labels, of: &Distribution<'_>) {
        let mut seen = 0_u64;
        let mut bound = 1.0;
        let mut buckets = Vec::new();
        // The last bucket has no bound.
        for count in of.buckets.iter().take(of.buckets.len().saturating_sub(1)) {
            seen = seen.saturating_add(*count);
            let mut bucket = Bucket::default();
            bucket.set_cumulative_count(seen);
            bucket.set_upper_bound(bound / of.unit);
            buckets.push(bucket);
            bound *= 2.0;
        }
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(of.buckets.iter().sum());
        histogram.set_sample_sum(number(of.sum) / of.unit);
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_histogram(histogram);
        self.add(name, MetricType::HISTOGRAM, metric);
    }

    fn add(&mut self, name: &str, kind: MetricType, metric: Metric) {
        let name = format!("shardcast_shard_{name}");
        let family = self.0.entry(name).or_insert_with_key(|name| {
            let mut family = MetricFamily::default();
            family.set_name(name.clone());
            family.set_help("See docs/operations.md.".to_owned());
            family.set_field_type(kind);
            family
        });
        family.mut_metric().push(metric);
    }
}

fn reasoned(shard: u16, class: DropClass, reason: &str) -> [(&'static str, String); 3] {
    [("shard", shard.to_string()), ("class", class.word().to_owned()), ("reason", reason.to_owned())]
}

fn pairs(labels: &Labels) -> Vec<LabelPair> {
    let pair = |(name, value): &(&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value.clone());
        pair
    };
    labels.iter().map(pair).collect()
}

fn seconds(nanos: u64) -> f64 {
    number(nanos) / 1e9
}

/// Prometheus counts in floating point: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::key::ShardIndex;
    use prometheus::TextEncoder;
    use shardcast::core::HangCounters;

    use super::*;

    #[test]
    fn counters_levels_and_distributions_are_told_by_shard() {
        let shard = |number, ticks, transports| {
            let mut counters = ShardCounters {
                shard: ShardIndex(number),
                driver: "uring",
                counters: Box::default(),
                silent: Duration::from_secs(number.into()),
                hang: HangCounters { refused: 5, late: number.into() },
            };
            (counters.counters.totals.ticks, counters.counters.totals.transports) = (ticks, transports);
            counters.counters.totals.busy_nanos = 1_500_000_000;
            counters.counters.totals.dropped_ring_full = 4;
            (0..3).for_each(|_| counters.counters.tick_nanos.record(1_000));
            counters
        };
        let page = TextEncoder::new().encode_to_string(&families(&[shard(0, 7, 2), shard(3, 9, 0)])).unwrap();
        for line in [
            "# TYPE shardcast_shard_ticks_total counter",
            "shardcast_shard_ticks_total{shard=\"0\"} 7",
            "shardcast_shard_ticks_total{shard=\"3\"} 9",
            "shardcast_shard_dropped_total{shard=\"3\",class=\"loss\",reason=\"ring_full\"} 4",
            "shardcast_shard_dropped_total{shard=\"3\",class=\"policy\",reason=\"paused\"} 0",
            "shardcast_shard_dropped_total{shard=\"3\",class=\"hostile\",reason=\"unauthentic\"} 0",
            "# TYPE shardcast_shard_pool_present gauge",
            "# TYPE shardcast_shard_transports gauge",
            "shardcast_shard_silent_seconds{shard=\"0\"} 0",
            "shardcast_shard_silent_seconds{shard=\"3\"} 3",
            "shardcast_shard_stuck_refused_total{shard=\"0\"} 5",
            "shardcast_shard_stuck_late_total{shard=\"3\"} 3",
            "shardcast_shard_transports{shard=\"0\"} 2",
            "shardcast_shard_busy_seconds_total{shard=\"3\"} 1.5",
            "shardcast_shard_host{shard=\"0\",host=\"uring\"} 1",
            "shardcast_shard_tick_seconds_bucket{shard=\"0\",le=\"0.000000512\"} 0",
            "shardcast_shard_tick_seconds_bucket{shard=\"0\",le=\"0.000001024\"} 3",
            "shardcast_shard_tick_seconds_count{shard=\"0\"} 3",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }
}
