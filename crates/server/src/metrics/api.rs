//! What is asked over HTTP, how long answers take, and who follows events.

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// See the module.
#[derive(Debug)]
pub(crate) struct Api {
    seconds: HistogramVec,
    answers: IntCounterVec,
    events: IntCounter,
    missed: IntCounter,
    followers: IntGauge,
    connections: IntGauge,
    ended: IntCounterVec,
}

/// Somebody is connected, until this is dropped.
#[derive(Debug)]
pub(crate) struct Connected(IntGauge);

/// Somebody follows events, until this is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    followers: IntGauge,
    missed: IntCounter,
}

impl Api {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "Seconds until a request was answered, by operation.";
        let buckets = vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];
        let opts = HistogramOpts::new("shardcast_api_request_seconds", help).buckets(buckets);
        let api = Self {
            seconds: HistogramVec::new(opts, &["method", "path"])?,
            answers: IntCounterVec::new(
                Opts::new("shardcast_api_answers_total", "Requests that were answered, by status."),
                &["status"],
            )?,
            events: IntCounter::new("shardcast_events_total", "Events that were told.")?,
            missed: IntCounter::new(
                "shardcast_events_missed_total",
                "Events that followers came too late for.",
            )?,
            followers: IntGauge::new("shardcast_event_followers", "WebSockets that follow events.")?,
            connections: IntGauge::new("shardcast_api_connections", "Connections to the API.")?,
            ended: IntCounterVec::new(
                Opts::new("shardcast_api_connections_ended_total", "Connections that we ended, by why."),
                &["reason"],
            )?,
        };
        registry.register(Box::new(api.seconds.clone()))?;
        registry.register(Box::new(api.answers.clone()))?;
        registry.register(Box::new(api.events.clone()))?;
        registry.register(Box::new(api.missed.clone()))?;
        registry.register(Box::new(api.followers.clone()))?;
        registry.register(Box::new(api.connections.clone()))?;
        registry.register(Box::new(api.ended.clone()))?;
        // So that there is a zero before there is one.
        ENDINGS.iter().for_each(|reason| api.ended.with_label_values(&[reason]).inc_by(0));
        Ok(api)
    }

    /// A request was answered. The path is that of the operation, not the one that was asked for.
    pub(crate) fn answered(&self, method: &'static str, path: &str, status: u16, seconds: f64) {
        self.seconds.with_label_values(&[method, path]).observe(seconds);
        self.answers.with_label_values(&[&*status.to_string()]).inc();
    }

    pub(crate) fn connect(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// We ended a connection, or refused one.
    pub(crate) fn ended(&self, reason: &'static str) {
        self.ended.with_label_values(&[reason]).inc();
    }

    pub(crate) fn follow(&self) -> Follower {
        self.followers.inc();
        Follower { followers: self.followers.clone(), missed: self.missed.clone() }
    }

    /// So many events were told in all.
    pub(super) fn set_events(&self, count: u64) {
        self.events.inc_by(count.saturating_sub(self.events.get()));
    }
}

impl Follower {
    pub(crate) fn miss(&self, count: u64) {
        self.missed.inc_by(count);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.followers.dec();
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Why we end connections. docs/operations.md says what each means.
const ENDINGS: [&str; 8] = ["address", "rate", "tls", "headers", "stalled", "silent", "expired", "gone"];
