//! Which packets a path loses.

use crate::random::{Chance, Random};

/// A way to lose packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// None.
    #[default]
    Never,
    /// Each with the same chance.
    Random(Chance),
    /// Two states, each with a chance of its own; before every packet the state may change (Gilbert 1960, Elliott 1963).
    /// It begins in the good one.
    GilbertElliott {
        /// From the good state to the bad.
        worsens: Chance,
        /// From the bad state to the good; the mean stay in the bad is one over this.
        improves: Chance,
        /// Of a packet, in the good state.
        in_good: Chance,
        /// Of a packet, in the bad state.
        in_bad: Chance,
    },
    /// So many in a row, which begin at any packet with that chance.
    Bursts {
        /// That a burst begins here.
        begins: Chance,
        /// Packets lost in a row.
        length: u32,
    },
    /// Of every so many packets the first few, beginning with the packet of that number; no chance.
    Every {
        /// Packets in a round. With 0 nothing is lost.
        round: u32,
        /// Of them, how many are lost in a row.
        lost: u32,
        /// Packets before the first round.
        from: u32,
    },
}

/// What a way to lose packets remembers.
#[derive(Clone, Debug)]
pub(super) struct Losing {
    loss: Loss,
    random: Random,
    is_bad: bool,
    /// Packets of the present burst that are still to be lost.
    left: u32,
    sent: u64,
}

impl Losing {
    pub(super) const fn new(loss: Loss, random: Random) -> Self {
        Self { loss, random, is_bad: false, left: 0, sent: 0 }
    }

    /// Whether the next packet is lost.
    pub(super) fn next(&mut self) -> bool {
        let number = self.sent;
        self.sent += 1;
        match self.loss {
            Loss::Never => false,
            Loss::Random(chance) => self.random.happens(chance),
            Loss::GilbertElliott { worsens, improves, in_good, in_bad } => {
                let change = if self.is_bad { improves } else { worsens };
                self.is_bad ^= self.random.happens(change);
                self.random.happens(if self.is_bad { in_bad } else { in_good })
            }
            Loss::Bursts { begins, length } => {
                if self.random.happens(begins) && self.left == 0 {
                    self.left = length;
                }
                let lost = self.left > 0;
                self.left = self.left.saturating_sub(1);
                lost
            }
            Loss::Every { round, lost, from } => {
                let since = number.checked_sub(u64::from(from));
                since
                    .and_then(|since| since.checked_rem(u64::from(round)))
                    .is_some_and(|at| at < u64::from(lost))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(loss: Loss, packets: usize) -> Vec<bool> {
        let mut losing = Losing::new(loss, Random::new(11));
        (0..packets).map(|_| losing.next()).collect()
    }

    fn share(pattern: &[bool]) -> f64 {
        let count = |packets: usize| f64::from(u32::try_from(packets).unwrap());
        count(pattern.iter().filter(|lost| **lost).count()) / count(pattern.len())
    }

    /// Lengths of the runs of lost packets.
    fn runs(pattern: &[bool]) -> Vec<usize> {
        pattern.split(|lost| !lost).map(<[bool]>::len).filter(|length| *length > 0).collect()
    }

    #[test]
    fn random_loss_is_as_frequent_as_asked_and_stands_alone() {
        let lost = pattern(Loss::Random(Chance::percent(5)), 200_000);
        assert!((share(&lost) - 0.05).abs() < 0.002, "{}", share(&lost));
        let runs = runs(&lost);
        let mean = share(&lost) * 200_000.0 / f64::from(u32::try_from(runs.len()).unwrap());
        assert!((mean - 1.0 / 0.95).abs() < 0.02, "mean run {mean}");
    }

    #[test]
    fn the_two_states_give_their_stationary_loss_in_runs() {
        let loss = Loss::GilbertElliott {
            worsens: Chance::percent(1),
            improves: Chance::percent(25),
            in_good: Chance::NEVER,
            in_bad: Chance::ALWAYS,
        };
        let lost = pattern(loss, 200_000);
        // 0.01 / (0.01 + 0.25), in runs of 1 / 0.25.
        assert!((share(&lost) - 0.0385).abs() < 0.004, "{}", share(&lost));
        let runs = runs(&lost);
        let mean = share(&lost) * 200_000.0 / f64::from(u32::try_from(runs.len()).unwrap());
        assert!((mean - 4.0).abs() < 0.3, "mean run {mean}");
    }

    #[test]
    fn a_burst_takes_exactly_its_length() {
        let lost = pattern(Loss::Bursts { begins: Chance::per_million(500), length: 20 }, 100_000);
        let runs = runs(&lost);
        assert!(runs.len() > 20 && runs.iter().all(|run| run % 20 == 0), "{runs:?}");
    }

    #[test]
    fn rounds_need_no_chance() {
        let lost = pattern(Loss::Every { round: 4, lost: 1, from: 2 }, 10);
        let at: Vec<usize> = (0..10).filter(|packet| lost[*packet]).collect();
        assert_eq!(at, [2, 6]);
        assert_eq!(share(&pattern(Loss::Every { round: 0, lost: 1, from: 0 }, 10)), 0.0);
    }
}
