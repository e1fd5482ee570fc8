//! When a transport is to be asked again, and for what: one deadline for each thing that happens by a timer.
//!
//! The host has one timer for each transport. It is told of a deadline only when that is before the one it knows, so a
//! deadline that moves back costs nothing but a timer that fires for nothing.

use wire::Mono;

/// What a transport does by a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Sends reports about its streams.
    Reports,
    /// Sends transport-wide feedback.
    Feedback,
    /// Asks for packets that are missing.
    Nacks,
    /// Asks for key frames again.
    KeyFrames,
    /// Looks for streams that fell silent.
    Scores,
    /// Tells senders how much they may send.
    Remb,
    /// Ends the consent of an ICE peer that fell silent.
    Consent,
    /// Undoes that a socket is connected to an ICE peer.
    Unsettle,
    /// Sends a message of the DTLS handshake again, or gives up.
    Handshake,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Agenda {
    at: [Mono; Due::ALL.len()],
    /// What the host was told last, until its timer fires.
    armed: Mono,
}

impl Due {
    /// All of them, in the order in which they are done.
    pub(crate) const ALL: [Self; 9] = [
        Self::Nacks,
        Self::KeyFrames,
        Self::Feedback,
        Self::Reports,
        Self::Scores,
        Self::Remb,
        Self::Consent,
        Self::Unsettle,
        Self::Handshake,
    ];
}

impl Agenda {
    pub(crate) const fn new() -> Self {
        Self { at: [Mono::NEVER; Due::ALL.len()], armed: Mono::NEVER }
    }

    /// Sets a deadline, whatever it was before; [`Mono::NEVER`] takes it off.
    pub(crate) fn set(&mut self, due: Due, at: Mono) {
        if let Some(place) = self.at.get_mut(due as usize) {
            *place = at;
        }
    }

    /// Sets a deadline unless there is an earlier one.
    pub(crate) fn hasten(&mut self, due: Due, at: Mono) {
        if let Some(place) = self.at.get_mut(due as usize) {
            *place = at.min(*place);
        }
    }

    /// The deadline of something, or [`Mono::NEVER`].
    pub(crate) fn at(&self, due: Due) -> Mono {
        self.at.get(due as usize).copied().unwrap_or(Mono::NEVER)
    }

    /// Whether that is due now; it is off the agenda then.
    pub(crate) fn take(&mut self, due: Due, now: Mono) -> bool {
        let is_due = self.at(due) <= now;
        if is_due {
            self.set(due, Mono::NEVER);
        }
        is_due
    }

    /// The host's timer fired.
    pub(crate) const fn fired(&mut self) {
        self.armed = Mono::NEVER;
    }

    /// What the host is to be told, if it is.
    pub(crate) fn arm(&mut self) -> Option<Mono> {
        let earliest = self.at.iter().copied().min().unwrap_or(Mono::NEVER);
        (earliest < self.armed).then(|| {
            self.armed = earliest;
            earliest
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: u64) -> Mono {
        Mono::from_nanos(nanos)
    }

    #[test]
    fn the_host_hears_of_earlier_deadlines_only() {
        let mut agenda = Agenda::new();
        assert_eq!(agenda.arm(), None);
        agenda.set(Due::Reports, at(9));
        assert_eq!((agenda.arm(), agenda.arm()), (Some(at(9)), None));
        agenda.set(Due::Nacks, at(12));
        assert_eq!(agenda.arm(), None);
        agenda.set(Due::Feedback, at(5));
        assert_eq!(agenda.arm(), Some(at(5)));
    }

    #[test]
    fn what_was_done_is_armed_for_again_after_the_timer_fired() {
        let mut agenda = Agenda::new();
        agenda.set(Due::Reports, at(9));
        agenda.arm();
        agenda.fired();
        assert!(!agenda.take(Due::Reports, at(8)), "a timer may fire for nothing");
        assert_eq!(agenda.arm(), Some(at(9)));
        assert!(agenda.take(Due::Reports, at(9)) && !agenda.take(Due::Reports, at(9)));
        agenda.fired();
        assert_eq!(agenda.arm(), None);
    }

    #[test]
    fn hastening_moves_a_deadline_forward_only() {
        let mut agenda = Agenda::new();
        agenda.hasten(Due::Nacks, at(7));
        agenda.hasten(Due::Nacks, at(9));
        assert_eq!(agenda.at(Due::Nacks), at(7));
        agenda.hasten(Due::Nacks, at(3));
        assert_eq!(agenda.at(Due::Nacks), at(3));
    }
}
