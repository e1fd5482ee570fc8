//! Whether a shard goes on.
//!
//! One that has nothing to do sleeps, so that it counted no tick says nothing by itself. Each look wakes it, and until the
//! next it has ticked; but for a wake-up that came while it was just falling asleep, for which the one after makes up.
//! Looks are counted and not time: a process that was stopped, or a control that was late, accuses nobody.

use std::time::Duration;

/// What was seen of one shard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pulse {
    ticks: u64,
    /// Looks since it was last seen to go on.
    missed: u32,
}

impl Pulse {
    /// Looks at how often it has ticked: `None` where it published too often to be read.
    pub(super) const fn look(&mut self, ticks: Option<u64>) {
        match ticks {
            Some(ticks) if ticks == self.ticks => self.missed = self.missed.saturating_add(1),
            Some(ticks) => *self = Self { ticks, missed: 0 },
            None => self.missed = 0,
        }
    }

    /// For how long it has not gone on though it was woken.
    pub(super) const fn silent(self) -> Duration {
        LOOK.saturating_mul(self.missed)
    }
}

/// How often shards are looked at: what a shard that sleeps is woken for must be seldom.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// Ticks take milliseconds at worst, and wake-ups get lost one at a time; a machine that gives a thread no time for so
/// long serves no calls either.
pub(super) const STUCK: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(looks: &[Option<u64>]) -> Duration {
        let mut pulse = Pulse::default();
        looks.iter().for_each(|ticks| pulse.look(*ticks));
        pulse.silent()
    }

    #[test]
    fn who_ticks_in_between_goes_on_and_who_does_not_grows_silent() {
        assert_eq!(seen(&[Some(1), Some(2), Some(3)]), Duration::ZERO);
        assert_eq!(seen(&[Some(1), Some(1), Some(2)]), Duration::ZERO, "one wake-up was lost");
        assert_eq!(seen(&[Some(7), Some(7), Some(7), Some(7)]), 3 * LOOK);
        assert_eq!(seen(&[Some(7), Some(7), None]), Duration::ZERO, "it publishes all the time");
        assert_eq!(seen(&[Some(7), Some(7), Some(1)]), Duration::ZERO, "it was started anew");
        assert_eq!(seen(&[Some(0); 6]), 6 * LOOK, "it never got through its first tick");
    }
}
