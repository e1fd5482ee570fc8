//! One (SSRC, index), one byte string: operations on a sealer, in any order, against a model that remembers all.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use proptest::prelude::*;
use srtp::{KeyMaterial, PacketIndex, Plaintext, Reseal, SealError, Sealer, StreamHandle, Suite};
use std::collections::BTreeMap;

proptest! {
    #[test]
    fn whatever_is_done_an_index_has_one_byte_string(
        suite in prop::sample::select(Suite::ALL.to_vec()),
        start in prop::sample::select(vec![0, 65_000, (1 << 48) - 6000]),
        steps in prop::collection::vec((0_u8..16, 0_u32..3, 0_u64..2500, 0_u8..2), 1..150),
    ) {
        let key = KeyMaterial::new(suite, &vec![1; suite.key_len()], &vec![2; suite.salt_len()]).unwrap();
        let mut world = World { sealer: Sealer::new(key).unwrap(), ssrcs: BTreeMap::new() };
        for (kind, ssrc, distance, payload) in steps {
            let index = world.index(ssrc, start, kind, distance);
            match kind {
                0 => world.add(ssrc, Reseal::Proven),
                1 => world.add(ssrc, Reseal::Never),
                2 => world.remove(ssrc),
                3..8 => world.seal(ssrc, index, payload, Seal::Again),
                _ => world.seal(ssrc, index, payload, Seal::Fresh),
            }
        }
    }
}

struct World {
    sealer: Sealer,
    ssrcs: BTreeMap<u32, Known>,
}

/// All that ever happened to an SSRC.
#[derive(Default)]
struct Known {
    live: Option<(StreamHandle, Reseal)>,
    sealed: BTreeMap<u64, Vec<u8>>,
    /// What is below was used up by streams that were removed.
    floor: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Seal {
    Fresh,
    Again,
}

impl World {
    /// Something near the highest index, on both sides of the window's lower edge and above it.
    fn index(&self, ssrc: u32, start: u64, kind: u8, distance: u64) -> u64 {
        let highest = self.ssrcs.get(&ssrc).and_then(|known| known.sealed.keys().last()).copied();
        let centre = highest.unwrap_or(start);
        let index = match kind % 4 {
            0 => centre + distance,
            1 => centre + distance % 3,
            2 => centre.saturating_sub(distance % 3),
            _ => centre.saturating_sub(1020 + distance % 8),
        };
        index.min(PacketIndex::MAX.value())
    }

    fn add(&mut self, ssrc: u32, reseal: Reseal) {
        let known = self.ssrcs.entry(ssrc).or_default();
        let added = self.sealer.add_stream(ssrc, reseal);
        if known.live.is_some() {
            assert_eq!(added, Err(SealError::StreamExists));
        } else {
            known.live = Some((added.unwrap(), reseal));
        }
    }

    fn remove(&mut self, ssrc: u32) {
        let known = self.ssrcs.entry(ssrc).or_default();
        let Some((stream, _)) = known.live.take() else { return };
        assert!(self.sealer.remove_stream(stream));
        known.floor = known.sealed.keys().last().map_or(0, |highest| highest + 1);
        let highest = known.sealed.keys().last().copied().and_then(PacketIndex::new);
        assert_eq!(self.sealer.highest_index(ssrc), highest);
    }

    fn seal(&mut self, ssrc: u32, index: u64, payload: u8, how: Seal) {
        let known = self.ssrcs.entry(ssrc).or_default();
        let Some((stream, reseal)) = known.live else { return };
        let at = PacketIndex::new(index).unwrap();
        let mut out = header(ssrc, at);
        let text = Plaintext { header_len: 12, payload: &[payload; 20], padding: &[] };
        let outcome = match how {
            Seal::Fresh => self.sealer.seal_rtp(stream, at, &mut out, text),
            Seal::Again => self.sealer.reseal_rtp(stream, at, &mut out, text),
        };
        let verdict = known.verdict(index, reseal, how);
        match (outcome, verdict) {
            (Ok(len), Ok(())) => {
                let sealed = known.sealed.entry(index).or_insert_with(|| out[..len].to_vec());
                assert_eq!(out[..len], *sealed, "{ssrc} {index}: other bytes under the same index");
            }
            // Only the sealer has seen that the bytes are others.
            (Err(SealError::NotIdentical), Ok(())) => {
                assert!(how == Seal::Again, "a fresh index has nothing to be compared with");
                assert!(out.iter().all(|&byte| byte == 0));
                // The same bytes once more prove that these were others, or they would have been let out.
                self.again_with_the_other_payload(ssrc, at, payload);
            }
            (outcome, verdict) => assert_eq!(outcome.map(|_| ()), verdict, "{ssrc} {index}"),
        }
    }

    fn again_with_the_other_payload(&mut self, ssrc: u32, at: PacketIndex, refused: u8) {
        let known = self.ssrcs.entry(ssrc).or_default();
        let Some((stream, _)) = known.live else { return };
        let mut out = header(ssrc, at);
        let text = Plaintext { header_len: 12, payload: &[1 - refused; 20], padding: &[] };
        let len = self.sealer.reseal_rtp(stream, at, &mut out, text).unwrap();
        assert_eq!(Some(&out[..len]), known.sealed.get(&at.value()).map(Vec::as_slice));
    }
}

impl Known {
    /// What the README promises, said without a window.
    fn verdict(&self, index: u64, reseal: Reseal, how: Seal) -> Result<(), SealError> {
        if how == Seal::Again && reseal == Reseal::Never {
            return Err(SealError::ResealNotKept);
        }
        if self.sealed.keys().last().is_some_and(|&highest| index + 1024 <= highest) {
            return Err(SealError::IndexTooOld);
        }
        let removed = index < self.floor;
        let used = removed || self.sealed.contains_key(&index);
        match how {
            Seal::Fresh if used => Err(SealError::IndexUsed),
            Seal::Again if !used => Err(SealError::NeverSealed),
            // The proofs went with the stream.
            Seal::Again if removed => Err(SealError::NotIdentical),
            Seal::Fresh | Seal::Again => Ok(()),
        }
    }
}

fn header(ssrc: u32, at: PacketIndex) -> [u8; 60] {
    let mut out = [0; 60];
    out[0] = 0x80;
    out[2..4].copy_from_slice(&at.sequence().to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
    out
}
