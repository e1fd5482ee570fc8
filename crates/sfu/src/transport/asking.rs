//! Peers that want to know how far we are (RFC 3611 §4.4), until they are answered with the next report.

use wire::rtcp::DlrrReport;
use wire::{Mono, Ntp, Ssrc};

/// See the module. A peer asks under one SSRC, or two; more than [`PEERS_LIMIT`] have to ask again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking {
    peers: Vec<(Ssrc, Ntp, Mono)>,
}

impl Asking {
    /// Somebody says what time it is there.
    pub(crate) fn note(&mut self, ssrc: Ssrc, ntp: Ntp, received: Mono) {
        self.peers.retain(|(known, ..)| *known != ssrc);
        if self.peers.len() < PEERS_LIMIT {
            self.peers.push((ssrc, ntp, received));
        }
    }

    /// The answers, each given once.
    pub(crate) fn answers(&mut self, now: Mono) -> ([DlrrReport; PEERS_LIMIT], usize) {
        let none = DlrrReport { ssrc: Ssrc(0), last_receiver_report: 0, delay_since_last_receiver_report: 0 };
        let mut answers = [none; PEERS_LIMIT];
        let count = self.peers.len().min(PEERS_LIMIT);
        for (answer, (ssrc, ntp, received)) in answers.iter_mut().zip(self.peers.drain(..)) {
            *answer = DlrrReport {
                ssrc,
                last_receiver_report: ntp.middle(),
                // RFC 3611 §4.5: in units of 2^-16 s.
                delay_since_last_receiver_report: Ntp::default().after(now.since(received)).middle(),
            };
        }
        (answers, count)
    }
}

/// What a report has room for beside everything else.
pub(crate) const PEERS_LIMIT: usize = 8;
