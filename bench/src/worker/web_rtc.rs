//! `bench worker --web-rtc`: forwarding through WebRTC transports, against plain ones with SRTP under the same suite.
//!
//! Two of each subject stand side by side and take turns. Peers of WebRTC transports do ICE and DTLS before; the suite is
//! the one that both ends prefer.

use std::io;

use serde::Serialize;

use super::run::{Run, Ways, one_shard};
use crate::args::Options;
use crate::case::Case;
use crate::channel::{Features, Subject, Transports};
use crate::out;
use crate::row::Row;
use crate::suite::Suite;
use crate::verdict::Verdict;

/// What one subject takes for it, on one case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Quotient {
    subject: String,
    burst: usize,
    /// CPU of a packet by that of a plain transport.
    by_plain: f64,
}

/// Rows of both, and what they come to.
pub(super) fn measure(
    cases: &[Case],
    subjects: &[Subject],
    options: &Options,
) -> io::Result<(Vec<Row>, Vec<Quotient>, Vec<Verdict>)> {
    let (mut rows, mut quotients, mut verdicts) = (Vec::new(), Vec::new(), Vec::new());
    for subject in subjects {
        for case in cases {
            let case = Case { suite: Suite::Gcm256, ..*case };
            let contenders = WAYS.map(|ways| (subject, ways));
            let mut run = Run::start_as(&case, &contenders, options, one_shard(options))?;
            if rows.is_empty() {
                out::line(&Row::heading());
            }
            let measured = run.measure(options)?;
            measured.iter().for_each(out::line);
            let invalid = measured.iter().find_map(|row| row.invalid.as_deref());
            let by_plain = run.by(0).get(1).copied().unwrap_or(f64::NAN);
            let (name, burst) = (subject.name.clone(), case.burst);
            let what = format!("{name} at bursts of {burst}: WebRTC transports by plain ones");
            let verdict = Verdict::unless(invalid, what, (by_plain, MOST));
            out::line(&verdict);
            verdicts.push(verdict);
            rows.extend(measured);
            quotients.push(Quotient { subject: name, burst, by_plain });
        }
    }
    Ok((rows, quotients, verdicts))
}

const WAYS: [Ways; 2] = [
    Ways { suffix: "/plain", features: Features::Usual, transports: Transports::Plain, feedback: false },
    Ways { suffix: "/webrtc", features: Features::Usual, transports: Transports::WebRtc, feedback: false },
];
const MOST: f64 = 1.05;
