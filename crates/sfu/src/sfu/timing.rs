//! What is done by a timer. The host has one for each transport, and says when it fired.

use model::key::TransportKey;

use super::Sfu;
use crate::io::{Io, Output, Outputs, Packets};
use crate::transport::Due;

impl<S: Copy> Sfu<S> {
    /// The timer of a transport fired: it is at or after the time that the last [`Output::Arm`] named. One that fires
    /// early, or for a transport that is gone, does no harm.
    pub fn timeout<P>(&mut self, key: TransportKey, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        self.now = io.now;
        let Some(transport) = self.transports.get_mut(key) else { return };
        transport.agenda.fired();
        for due in Due::ALL {
            let is_due = |sfu: &mut Self| {
                sfu.transports.get_mut(key).is_some_and(|transport| transport.agenda.take(due, io.now))
            };
            if is_due(self) {
                match due {
                    Due::KeyFrames => self.repeat_key_requests(key, io.out),
                    Due::Nacks => self.ask_for_missing(key, io),
                    Due::Feedback => self.give_feedback(key, io),
                    Due::Reports => self.report(key, io),
                    Due::Scores => self.look_for_silence(key, io.out),
                    Due::Remb => self.tell_bandwidth(key, io.now, io.out),
                    Due::Consent => self.end_consent(key, io.out),
                    Due::Unsettle => self.unsettle(key, io.out),
                    Due::Handshake => self.handshake_due(key, io.out),
                }
            }
        }
        self.rearm(key, io.out);
    }

    /// Tells the host of a deadline that is before the one it knows of. To be called after the agenda changed.
    pub(super) fn rearm(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let at = self.transports.get_mut(key).and_then(|transport| transport.agenda.arm());
        out.extend(at.map(|at| Output::Arm { transport: key, at }));
    }
}
