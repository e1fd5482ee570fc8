//! Padding that egress adds behind a payload (RFC 3550 §5.1). The header says so through [`super::Stamp`].

/// Fills `tail` with padding: zeros, and its own length in the last byte. Padding has at most 255 bytes; of a
/// longer tail nothing is written and `false` comes back, as for an empty one.
#[must_use]
pub fn fill(tail: &mut [u8]) -> bool {
    let Ok(count) = u8::try_from(tail.len()) else { return false };
    let Some((last, zeros)) = tail.split_last_mut() else { return false };
    zeros.fill(0);
    *last = count;
    true
}

/// Padding of 1 to [`LEVELLING_LIMIT`] bytes without a copy, to be sealed as a packet's extra input.
#[must_use]
pub fn tail(count: usize) -> Option<&'static [u8]> {
    let row = TAILS.get(count.checked_sub(1)?)?;
    row.get(LEVELLING_LIMIT.checked_sub(count)?..)
}

/// Longest padding that levels a run of packets.
pub const LEVELLING_LIMIT: usize = 16;

static TAILS: [[u8; LEVELLING_LIMIT]; LEVELLING_LIMIT] = [
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_what_fill_writes() {
        for count in 1..=LEVELLING_LIMIT {
            let mut filled = [9; LEVELLING_LIMIT];
            assert!(fill(&mut filled[..count]));
            assert_eq!(tail(count), Some(&filled[..count]));
        }
        assert_eq!(tail(0), None);
        assert_eq!(tail(LEVELLING_LIMIT + 1), None);
        assert!(!fill(&mut []));
        assert!(!fill(&mut [0; 256]));
    }
}
