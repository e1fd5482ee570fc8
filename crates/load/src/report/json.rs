//! The report for programs. docs/load.md describes it.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::millis;
use crate::findings::{Findings, Loss, Outcome, Peers, Traffic, Verdict};
use crate::histogram::Percentiles;
use crate::own::Load;
use crate::plan::{Media, Shape};
use crate::server_process::ServerUsage;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    version: &'static str,
    server: String,
    shape: Shape,
    media: Media,
    join_rate_per_s: u32,
    lasted_s: f64,
    joining_took_s: Option<f64>,
    interrupted: bool,
    fine: bool,
    doubtful: bool,
    doubts: &'a [String],
    thresholds: Vec<Threshold<'a>>,
    peers: PeersReport,
    failures: &'a BTreeMap<String, u64>,
    joining_ms: BTreeMap<&'static str, Option<Shown>>,
    key_frame_wait_ms: Option<Shown>,
    latency_ms: BTreeMap<&'static str, Option<Shown>>,
    longest_silence_ms: Option<Shown>,
    loss: LossReport,
    traffic: TrafficReport,
    own: OwnReport,
    server_process: Option<&'a ServerUsage>,
}

/// In the unit that the field names.
#[derive(Clone, Copy, Debug, Serialize)]
struct Shown {
    count: u64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct Threshold<'a> {
    argument: &'a str,
    limit: &'a str,
    found: &'a str,
    met: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PeersReport {
    asked: u64,
    began: u64,
    connected: u64,
    satisfied: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LossReport {
    expected_packets: u64,
    lost_packets: u64,
    gaps: u64,
    late_packets: u64,
    repeated_packets: u64,
    of_streams_percent: Option<Shown>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TrafficReport {
    sent_packets: u64,
    sent_bytes: u64,
    key_frames: u64,
    key_frame_requests: u64,
    received_packets: u64,
    received_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnReport {
    threads: Vec<ThreadReport>,
    asking: ThreadReport,
    requests_waited_ms: Option<Shown>,
    lag_ms: Option<Shown>,
    dropped_by_sockets: u64,
    unsent_datagrams: u64,
    skipped_frames: u64,
    strange_packets: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadReport {
    busy_percent: f64,
    busiest_second_percent: f64,
    waited_percent: f64,
}

pub(super) fn text(findings: &Findings) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(&Report::of(findings))?)
}

impl<'a> Report<'a> {
    fn of(findings: &'a Findings) -> Self {
        let Findings { plan, joining, latency, .. } = findings;
        let ms = |values| Shown::of(values, millis);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            server: format!("http://{}", plan.server),
            shape: plan.shape,
            media: plan.media,
            join_rate_per_s: plan.pace.join_rate.get(),
            lasted_s: findings.lasted.as_secs_f64(),
            joining_took_s: findings.joining_took.map(|took| took.as_secs_f64()),
            interrupted: findings.interrupted,
            fine: findings.outcome() == Outcome::Fine,
            doubtful: !findings.doubts.is_empty(),
            doubts: &findings.doubts,
            thresholds: findings.verdicts.iter().map(Threshold::of).collect(),
            peers: findings.peers.into(),
            failures: &findings.failures,
            joining_ms: BTreeMap::from([
                ("total", ms(joining.total)),
                ("api", ms(joining.api)),
                ("ice", ms(joining.ice)),
                ("dtls", ms(joining.dtls)),
                ("firstPacket", ms(joining.first_packet)),
            ]),
            key_frame_wait_ms: ms(findings.key_frame_wait),
            latency_ms: BTreeMap::from([
                ("all", ms(latency.all)),
                ("whileJoining", ms(latency.while_joining)),
                ("afterwards", ms(latency.afterwards)),
            ]),
            longest_silence_ms: ms(findings.silence),
            loss: findings.loss.into(),
            traffic: findings.traffic.into(),
            own: OwnReport {
                threads: findings.own.threads.iter().map(ThreadReport::of).collect(),
                asking: ThreadReport::of(&findings.own.asking.load),
                requests_waited_ms: ms(findings.own.asking.waits),
                lag_ms: ms(findings.own.lag),
                dropped_by_sockets: findings.own.dropped_by_sockets,
                unsent_datagrams: findings.own.unsent,
                skipped_frames: findings.own.skipped_frames,
                strange_packets: findings.own.strange,
            },
            server_process: findings.process.as_ref(),
        }
    }
}

impl Shown {
    fn of(values: Option<Percentiles>, shown: impl Fn(u64) -> f64) -> Option<Self> {
        let Percentiles { count, p50, p90, p99, max } = values?;
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(shown);
        Some(Self { count, p50, p90, p99, max })
    }
}

impl<'a> Threshold<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        let Verdict { argument, limit, found, met } = verdict;
        Self { argument, limit, found, met: *met }
    }
}

impl ThreadReport {
    fn of(load: &Load) -> Self {
        let percent = |permille: u64| permille as f64 / 10.0;
        Self {
            busy_percent: percent(load.busy_permille),
            busiest_second_percent: percent(load.busiest_permille),
            waited_percent: percent(load.waited_permille),
        }
    }
}

impl From<Peers> for PeersReport {
    fn from(Peers { asked, began, connected, satisfied, failed }: Peers) -> Self {
        Self { asked, began, connected, satisfied, failed }
    }
}

impl From<Loss> for LossReport {
    fn from(loss: Loss) -> Self {
        Self {
            expected_packets: loss.expected,
            lost_packets: loss.lost,
            gaps: loss.holes,
            late_packets: loss.late,
            repeated_packets: loss.repeated,
            of_streams_percent: Shown::of(loss.of_streams_ppm, |ppm| ppm as f64 / 1e4),
        }
    }
}

impl From<Traffic> for TrafficReport {
    fn from(traffic: Traffic) -> Self {
        let Traffic {
            sent_packets,
            sent_bytes,
            key_frames,
            key_frame_requests,
            received_packets,
            received_bytes,
        } = traffic;
        Self { sent_packets, sent_bytes, key_frames, key_frame_requests, received_packets, received_bytes }
    }
}
