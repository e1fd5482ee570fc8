//! The report for people.

use std::fmt::Write;

use super::millis;
use crate::findings::Findings;
use crate::histogram::Percentiles;

/// Times in milliseconds.
pub(super) fn text(findings: &Findings) -> String {
    let mut text = String::new();
    // A string takes whatever is written to it.
    let _ = head(&mut text, findings)
        .and_then(|()| times(&mut text, findings))
        .and_then(|()| counts(&mut text, findings))
        .and_then(|()| process(&mut text, findings))
        .and_then(|()| judgement(&mut text, findings));
    text
}

fn head(out: &mut String, findings: &Findings) -> std::fmt::Result {
    let Findings { plan, peers, lasted, .. } = findings;
    let shape = plan.shape;
    writeln!(
        out,
        "{} rooms of {} publishers, {} subscribers, {} idle peers at {}: {:.1} s",
        shape.rooms,
        shape.publishers,
        shape.subscribers,
        shape.idle,
        plan.server,
        lasted.as_secs_f64()
    )?;
    match findings.joining_took {
        Some(took) => writeln!(out, "joining took {:.1} s", took.as_secs_f64())?,
        None => writeln!(out, "not all had joined when it ended")?,
    }
    if findings.interrupted {
        writeln!(out, "INTERRUPTED: what follows is what there was by then")?;
    }
    writeln!(
        out,
        "peers: {} of {} have what they wanted, {} connected, {} failed",
        peers.satisfied, peers.asked, peers.connected, peers.failed
    )?;
    for (cause, count) in &findings.failures {
        writeln!(out, "  {count} because {cause}")?;
    }
    writeln!(out)
}

fn times(out: &mut String, findings: &Findings) -> std::fmt::Result {
    let Findings { joining, latency, .. } = findings;
    writeln!(out, "{:<34}{:>9} {:>9} {:>9} {:>9} {:>9}", "ms", "count", "p50", "p90", "p99", "max")?;
    for (name, values) in [
        ("joining", joining.total),
        ("  asking the server", joining.api),
        ("  ICE", joining.ice),
        ("  DTLS", joining.dtls),
        ("  a stream's first packet", joining.first_packet),
        ("  a stream's first key frame", findings.key_frame_wait),
        ("one-way latency", latency.all),
        ("  while peers joined", latency.while_joining),
        ("  afterwards", latency.afterwards),
        ("longest silence of each stream", findings.silence),
        ("this program: timers served late", findings.own.lag),
        ("  requests waited for others of it", findings.own.asking.waits),
    ] {
        row(out, name, values, millis)?;
    }
    writeln!(out, "%")?;
    row(out, "loss of each stream", findings.loss.of_streams_ppm, |ppm| ppm as f64 / 1e4)?;
    writeln!(out)
}

fn row(
    out: &mut String,
    name: &str,
    values: Option<Percentiles>,
    shown: impl Fn(u64) -> f64,
) -> std::fmt::Result {
    let Some(Percentiles { count, p50, p90, p99, max }) = values else {
        return writeln!(out, "{name:<34}{:>9}", "none");
    };
    let [p50, p90, p99, max] = [p50, p90, p99, max].map(shown);
    writeln!(out, "{name:<34}{count:>9} {p50:>9.2} {p90:>9.2} {p99:>9.2} {max:>9.2}")
}

fn counts(out: &mut String, findings: &Findings) -> std::fmt::Result {
    let Findings { traffic, loss, own, .. } = findings;
    writeln!(
        out,
        "sent {} packets, {} bytes, {} key frames for {} requests; received {} packets, {} bytes",
        traffic.sent_packets,
        traffic.sent_bytes,
        traffic.key_frames,
        traffic.key_frame_requests,
        traffic.received_packets,
        traffic.received_bytes
    )?;
    writeln!(
        out,
        "lost {} of {} packets for good; {} gaps, {} packets came late, {} came again",
        loss.lost, loss.expected, loss.holes, loss.late, loss.repeated
    )?;
    for (number, load) in own.threads.iter().enumerate() {
        writeln!(
            out,
            "this program, thread {number}: busy {} %, {} % in its busiest second; waited for a CPU {} %",
            load.busy_permille / 10,
            load.busiest_permille / 10,
            load.waited_permille / 10
        )?;
    }
    Ok(())
}

fn process(out: &mut String, findings: &Findings) -> std::fmt::Result {
    let Some(process) = &findings.process else { return Ok(()) };
    let mb = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
    writeln!(
        out,
        "server: {} MB before, {} when all had joined, {} at the end",
        mb(Some(process.memory_before_bytes)),
        mb(process.memory_joined_bytes),
        mb(process.memory_after_bytes)
    )?;
    if let Some(joining) = process.joining_cpu_s {
        let threads = process.joining_cpu_s_by_thread.iter();
        let threads: Vec<String> = threads.map(|(name, ran)| format!("{name} {ran:.2}")).collect();
        writeln!(out, "server: {joining:.2} CPU seconds while peers joined ({})", threads.join(", "))?;
    }
    if let Some(percent) = process.afterwards_cpu_percent {
        writeln!(out, "server: {percent:.1} % of a CPU afterwards")?;
    }
    Ok(())
}

fn judgement(out: &mut String, findings: &Findings) -> std::fmt::Result {
    for verdict in &findings.verdicts {
        let word = if verdict.met { "met" } else { "MISSED" };
        writeln!(out, "{word}: {} {}, found {}", verdict.argument, verdict.limit, verdict.found)?;
    }
    if !findings.doubts.is_empty() {
        writeln!(out, "DOUBTFUL: this says as much about this program as about the server, since")?;
    }
    findings.doubts.iter().try_for_each(|doubt| writeln!(out, "  {doubt}"))
}
