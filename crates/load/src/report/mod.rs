//! What a run found, for people and for programs.

mod json;
mod table;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::findings::Findings;

/// Writes the table to standard output, and the JSON to where the plan wants it.
///
/// # Errors
/// When something cannot be written.
pub(crate) fn write(findings: &Findings) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match findings.plan.output.json.as_deref() {
        Some(path) if path == Path::new("-") => return writeln!(out, "{}", json::text(findings)?),
        Some(path) => fs::write(path, format!("{}\n", json::text(findings)?))?,
        None => {}
    }
    out.write_all(table::text(findings).as_bytes())
}

/// Nanoseconds in the unit that people think in here.
fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::findings::tests::findings;
    use crate::plan::Thresholds;

    #[test]
    fn the_table_says_what_went_wrong_and_how_far_it_can_be_believed() {
        let text = table::text(&findings(Thresholds::default()));
        for line in [
            "peers: 2 of 6 have what they wanted, 4 connected, 4 failed\n",
            "  2 because the server refused with 429: try again\n",
            "lost 10 of 100 packets for good; 10 gaps, 0 packets came late, 0 came again\n",
            "MISSED: --max-failures 0, found 4\n",
            "DOUBTFUL: ",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        let latency = text.lines().find(|line| line.starts_with("one-way latency")).unwrap();
        let numbers: Vec<&str> = latency.split_whitespace().skip(2).collect();
        assert_eq!(numbers, ["90", "2.00", "2.00", "2.00", "2.00"]);
    }

    #[test]
    fn programs_find_the_same_in_the_json() {
        let text = json::text(&findings(Thresholds::default())).unwrap();
        let report: Value = serde_json::from_str(&text).unwrap();
        let peers = json!({ "asked": 6, "began": 6, "connected": 4, "satisfied": 2, "failed": 4 });
        assert_eq!(report["peers"], peers);
        assert_eq!((&report["fine"], &report["doubtful"]), (&json!(false), &json!(true)));
        assert_eq!(report["latencyMs"]["all"]["count"], 90);
        assert_eq!(report["latencyMs"]["all"]["max"], 2.0);
        assert_eq!(report["latencyMs"]["afterwards"], Value::Null);
        assert_eq!(report["loss"]["ofStreamsPercent"]["p99"], 10.0);
        assert_eq!(report["thresholds"][0]["argument"], "--max-failures");
        assert_eq!(report["own"]["threads"][0]["busiestSecondPercent"], 95.0);
        assert_eq!(report["serverProcess"], Value::Null);
    }
}
