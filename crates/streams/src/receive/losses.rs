//! What share of packets was lost lately: the mean of the latest shares, of which newer ones weigh more.

/// See the module.
#[derive(Clone, Debug)]
pub struct Losses {
    count: usize,
    /// From 0 to 1, the oldest first.
    shares: [f32; SHARES],
}

impl Losses {
    /// Nothing was lost.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, shares: [0.0; SHARES] }
    }

    /// Adds how many of how many were lost.
    pub fn add(&mut self, lost: usize, of: usize) {
        let [lost, of] = [lost, of].map(|count| f32::from(u16::try_from(count).unwrap_or(u16::MAX)));
        self.add_share(if of > 0.0 { lost / of } else { 0.0 });
    }

    /// Adds a share, from 0 to 1.
    pub fn add_share(&mut self, share: f32) {
        self.shares.copy_within(1.., 0);
        if let Some(newest) = self.shares.last_mut() {
            *newest = share;
        }
        self.count = self.count.saturating_add(1).min(SHARES);
    }

    /// From 0 to 1.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let (mut sum, mut weights, mut weight) = (0.0, 0.0, 0.0);
        for share in self.shares.iter().skip(SHARES.saturating_sub(self.count)) {
            weight += 1.0;
            sum += f64::from(*share) * weight;
            weights += weight;
        }
        if weights > 0.0 { sum / weights } else { 0.0 }
    }
}

impl Default for Losses {
    fn default() -> Self {
        Self::new()
    }
}

/// The protocol's.
const SHARES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_shares_weigh_more_and_old_ones_are_forgotten() {
        let mut losses = Losses::new();
        assert_eq!(losses.mean().to_bits(), 0);
        losses.add(0, 0);
        losses.add(5, 10);
        // (0 * 1 + 0.5 * 2) / 3.
        assert!((losses.mean() - 1.0 / 3.0).abs() < 1e-9);
        for _ in 0..24 {
            losses.add(1, 4);
        }
        assert!((losses.mean() - 0.25).abs() < 1e-9);
    }
}
