//! How fast each layer of a stream comes. Kept for streams that were announced with several; what no announcement names
//! is counted with the stream alone.

use std::collections::BTreeMap;

use streams::Rate;
use wire::Mono;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    temporal: usize,
    /// By spatial layer, and in each by temporal layer.
    rates: Box<[Rate]>,
}

impl Layers {
    /// Nothing for a stream of one layer.
    pub(super) fn new(spatial: u8, temporal: u8) -> Option<Box<Self>> {
        let [spatial, temporal] = [spatial, temporal].map(|count| usize::from(count.clamp(1, LAYERS_LIMIT)));
        let count = spatial.saturating_mul(temporal);
        (count > 1).then(|| Box::new(Self { temporal, rates: vec![Rate::new(); count].into() }))
    }

    /// Counts a packet of that many bytes.
    pub(super) fn add(&mut self, at: Mono, (spatial, temporal): (u8, u8), len: usize) {
        let of_spatial = self.rates.chunks_mut(self.temporal).nth(usize::from(spatial));
        if let Some(rate) = of_spatial.and_then(|rates| rates.get_mut(usize::from(temporal))) {
            rate.add(at, len);
        }
    }

    /// The bits per second of who gets everything up to and with each layer, by `spatial.temporal`.
    pub(super) fn bits_per_second(&self, now: Mono) -> BTreeMap<Box<str>, u64> {
        let mut below = vec![0_u64; self.temporal];
        let mut up_to = BTreeMap::new();
        for (spatial, rates) in self.rates.chunks(self.temporal).enumerate() {
            let mut sum = 0_u64;
            for (temporal, (rate, below)) in rates.iter().zip(&mut below).enumerate() {
                sum = sum.saturating_add(rate.bits_per_second(now));
                *below = below.saturating_add(sum);
                up_to.insert(format!("{spatial}.{temporal}").into(), *below);
            }
        }
        up_to
    }
}

/// As many as three bits of a payload descriptor can name.
const LAYERS_LIMIT: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_takes_those_below_it() {
        assert!(Layers::new(1, 1).is_none() && Layers::new(0, 0).is_none());
        let mut layers = Layers::new(2, 2).unwrap();
        let layered =
            [((0, 0), 1_000), ((0, 1), 200), ((1, 0), 4_000), ((1, 1), 800), ((2, 0), 9), ((0, 2), 9)];
        layered.into_iter().for_each(|(layer, len)| layers.add(Mono::ZERO, layer, len));
        // Over a window of two and a half seconds.
        let expected = [("0.0", 3_200), ("0.1", 3_840), ("1.0", 16_000), ("1.1", 19_200)];
        let expected: BTreeMap<_, _> = expected.into_iter().map(|(name, rate)| (name.into(), rate)).collect();
        assert_eq!(layers.bits_per_second(Mono::ZERO), expected);
        assert_eq!(Layers::new(99, 99).unwrap().bits_per_second(Mono::ZERO).len(), 64);
    }
}
