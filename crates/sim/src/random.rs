//! Chance that follows from a seed: `SplitMix64`, from the description in Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators" (OOPSLA 2014).
//!
//! Whoever needs chance gets a generator of their own, so that what one of them draws changes nothing for the others.

use core::time::Duration;

/// A generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed. Any seed will do, and neighbouring seeds have nothing in common.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator for one purpose, named by a number: it depends on the seed and the number, and on nothing that was
    /// drawn.
    #[must_use]
    pub const fn of(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose.wrapping_add(STEP))))
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below a bound, which is not zero. The bias is below 2^-32 for bounds that fit in 32 bits.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(u64::MAX)
    }

    /// A duration from zero up to, and not reaching, a bound.
    pub fn up_to(&mut self, bound: Duration) -> Duration {
        Duration::from_nanos(self.below(u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Whether something with that chance happens. Draws one number, whatever the chance is.
    pub fn happens(&mut self, chance: Chance) -> bool {
        self.below(u64::from(MILLION)) < u64::from(chance.0)
    }
}

/// How often something happens, in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// It does not happen.
    pub const NEVER: Self = Self(0);
    /// It always happens.
    pub const ALWAYS: Self = Self(MILLION);

    /// So many times in a hundred.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self::per_million(percent.saturating_mul(MILLION / 100))
    }

    /// So many times in a million.
    #[must_use]
    pub const fn per_million(parts: u32) -> Self {
        Self(if parts > MILLION { MILLION } else { parts })
    }

    /// In parts per million.
    #[must_use]
    pub const fn as_per_million(self) -> u32 {
        self.0
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const MILLION: u32 = 1_000_000;
/// The odd number closest to 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs for seed 1234567, as the reference implementations of SplitMix64 give them.
        let mut random = Random::new(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn purposes_do_not_disturb_each_other() {
        let mut a = Random::of(7, 1);
        let mut b = Random::of(7, 2);
        let alone: Vec<u64> = (0..8).map(|_| a.next()).collect();
        let mut a = Random::of(7, 1);
        let beside: Vec<u64> = (0..8).map(|_| (a.next(), b.next()).0).collect();
        assert_eq!(alone, beside);
        assert_ne!(Random::of(7, 1).next(), Random::of(8, 1).next());
        assert_ne!(Random::of(7, 1).next(), Random::of(7, 2).next());
    }

    #[test]
    fn a_chance_is_kept() {
        let mut random = Random::new(3);
        let mut count = |chance| (0..100_000).filter(|_| random.happens(chance)).count();
        assert_eq!(count(Chance::NEVER), 0);
        assert_eq!(count(Chance::ALWAYS), 100_000);
        let five = count(Chance::percent(5));
        assert!((4_800..5_200).contains(&five), "{five} of 100,000 at 5 %");
    }
}
