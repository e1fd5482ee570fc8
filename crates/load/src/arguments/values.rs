//! Numbers with units.

use std::time::Duration;

/// `5ms`, `2s`, `1.5s`, `3m`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1_000_000), ("us", 1_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];
    let (number, unit) = units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
    times(number, unit).map(Duration::from_nanos)
}

/// `64000`, `500k`, `2.5M`; in bits a second.
pub(super) fn bitrate(text: &str) -> Option<u64> {
    let units = [("k", 1_000), ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];
    let suffixed = units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)));
    let (number, unit) = suffixed.unwrap_or((text, 1));
    times(number, unit)
}

/// `0.1%`; in millionths.
pub(super) fn share_ppm(text: &str) -> Option<u64> {
    times(text.strip_suffix('%')?, 10_000).filter(|share| *share <= 1_000_000)
}

/// A decimal number times a unit, where the result is whole.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
    let part = if part.is_empty() { 0 } else { part.parse::<u64>().ok()? };
    let product = part.checked_mul(unit)?;
    if product % scale != 0 {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(product / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read_exactly() {
        assert_eq!(duration("5ms"), Some(Duration::from_millis(5)));
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1_500)));
        assert_eq!(duration("3m"), Some(Duration::from_secs(180)));
        assert_eq!(duration("250us"), Some(Duration::from_micros(250)));
        assert_eq!(bitrate("64000"), Some(64_000));
        assert_eq!(bitrate("2.5M"), Some(2_500_000));
        assert_eq!(bitrate("500k"), Some(500_000));
        assert_eq!(share_ppm("0.1%"), Some(1_000));
        assert_eq!(share_ppm("100%"), Some(1_000_000));
    }

    #[test]
    fn anything_else_is_not_guessed_at() {
        for text in ["5", "ms", "-5ms", "5 ms", "1.s.s", "1e3s", "99999999999999999999s", ""] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in ["", "k", "1.5", "1.2345k", "0x10"] {
            assert_eq!(bitrate(text), None, "{text}");
        }
        for text in ["1", "101%", "%", "-1%"] {
            assert_eq!(share_ppm(text), None, "{text}");
        }
    }
}
