//! Transports by kind and state, how long it takes to connect, and what does not.

use std::time::Instant;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// See the module.
#[derive(Debug)]
pub(crate) struct Transports {
    now: IntGaugeVec,
    failures: IntCounterVec,
    connect: Histogram,
}

/// Where one transport stands. It leaves the gauges when this is dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    now: IntGaugeVec,
    failures: IntCounterVec,
    connect: Histogram,
    kind: &'static str,
    gauge: IntGauge,
    state: &'static str,
    /// When it was made; absent once it was connected.
    since: Option<Instant>,
}

impl Transports {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "Transports, by kind and by how far they got: WebRTC by DTLS, others are open.";
        let now = IntGaugeVec::new(Opts::new("shardcast_transports", help), &["kind", "state"])?;
        let help = "WebRTC transports that lost their peer (ice), or could not agree with it (dtls).";
        let failures = IntCounterVec::new(Opts::new("shardcast_transport_failures_total", help), &["what"])?;
        // So that there is a zero before there is a failure.
        ["ice", "dtls"].iter().for_each(|what| failures.with_label_values(&[what]).inc_by(0));
        let help = "Seconds from a WebRTC transport's creation until media can flow.";
        let buckets = vec![0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
        let opts = HistogramOpts::new("shardcast_transport_connect_seconds", help).buckets(buckets);
        let connect = Histogram::with_opts(opts)?;
        registry.register(Box::new(now.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        registry.register(Box::new(connect.clone()))?;
        Ok(Self { now, failures, connect })
    }

    /// One was made.
    pub(crate) fn stage(&self, kind: &'static str, state: &'static str) -> Stage {
        let Self { now, failures, connect } = self;
        let gauge = now.with_label_values(&[kind, state]);
        gauge.inc();
        let (now, failures, connect) = (now.clone(), failures.clone(), connect.clone());
        Stage { now, failures, connect, kind, gauge, state, since: Some(Instant::now()) }
    }
}

impl Stage {
    /// It got that far.
    pub(crate) fn reach(&mut self, state: &'static str, at: Instant) {
        if state == self.state {
            return;
        }
        self.gauge.dec();
        self.gauge = self.now.with_label_values(&[self.kind, state]);
        self.gauge.inc();
        self.state = state;
        if state == "connected"
            && let Some(since) = self.since.take()
        {
            self.connect.observe(at.saturating_duration_since(since).as_secs_f64());
        }
    }

    pub(crate) fn fail(&self, what: &str) {
        self.failures.with_label_values(&[what]).inc();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_transport_is_counted_where_it_stands_and_its_way_there_once() {
        let registry = Registry::new();
        let transports = Transports::new(&registry).unwrap();
        let page = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let mut stage = transports.stage("webrtc", "new");
        let since = stage.since.unwrap();
        stage.reach("connecting", since);
        stage.reach("connected", since + Duration::from_millis(150));
        stage.reach("connected", since + Duration::from_secs(9));
        stage.fail("ice");
        let text = page();
        for line in [
            "shardcast_transports{kind=\"webrtc\",state=\"connected\"} 1",
            "shardcast_transports{kind=\"webrtc\",state=\"new\"} 0",
            "shardcast_transport_connect_seconds_bucket{le=\"0.1\"} 0",
            "shardcast_transport_connect_seconds_bucket{le=\"0.2\"} 1",
            "shardcast_transport_connect_seconds_count 1",
            "shardcast_transport_failures_total{what=\"ice\"} 1",
            "shardcast_transport_failures_total{what=\"dtls\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        drop(stage);
        assert!(page().contains("shardcast_transports{kind=\"webrtc\",state=\"connected\"} 0"));
    }
}
