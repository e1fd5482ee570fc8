//! Reports that leave by a timer.
//!
//! A transport begins to report half a second after something happened on it, goes on once a second and up to half of it
//! more, so that many transports do not report at once, and stops when there is nothing to say.

use core::time::Duration;

use model::key::TransportKey;
use wire::Mono;

use super::Sfu;
use crate::io::{Io, Outputs, Packets};
use crate::transport::Due;

impl<S: Copy> Sfu<S> {
    /// It is time to report.
    pub(super) fn report<P>(&mut self, key: TransportKey, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        let (sent, received) = (self.report_sent(key, io.now), self.report_received(key, io.now));
        let Some(owner) = self.transports.get_mut(key) else { return };
        if sent || received {
            let next = owner.report_interval();
            owner.agenda.hasten(Due::Reports, io.now + next);
            self.list(key, io.out);
        } else {
            // Whatever is sent next begins anew.
            owner.has_more = true;
        }
    }

    /// Something happened that is to be reported some time.
    #[inline]
    pub(super) fn expect_report(&mut self, key: TransportKey, now: Mono, out: &mut Outputs<S>) {
        let Some(owner) = self.transports.get_mut(key) else { return };
        if owner.agenda.at(Due::Reports) == Mono::NEVER {
            owner.agenda.set(Due::Reports, now + FIRST_REPORT);
            owner.rtcp.prepare();
            self.rearm(key, out);
        }
    }
}

/// When a transport reports for the first time, as in the protocol.
const FIRST_REPORT: Duration = Duration::from_millis(500);
