//! Opus (RFC 6716, RFC 7587).

/// Whether a payload is a pause in speech (DTX): every frame in it is empty, which is how encoders say that there is
/// nothing to hear (RFC 6716 §3.2.1: "no frame").
///
/// libopus sends the table of contents alone. Two bytes say the same where they are the head of frames without data;
/// a frame of one byte after a code of 0 is sound, however little, so that length alone does not tell. What is longer
/// than two bytes is taken for sound: nobody writes silence that way.
#[must_use]
#[inline]
pub const fn is_dtx(payload: &[u8]) -> bool {
    match *payload {
        [_] => true,
        // RFC 6716 §3.2.4: two frames, the length of the first; the rest, here nothing, is the second.
        [toc, 0] if toc & CODE == 2 => true,
        // RFC 6716 §3.2.5: a number of frames without padding; without further bytes, of one size that is zero, or one.
        [toc, count] if toc & CODE == 3 => {
            count & PADDING == 0 && count & COUNT != 0 && (count & VARIABLE == 0 || count & COUNT == 1)
        }
        _ => false,
    }
}

// RFC 6716 §3.1: the last two bits of the table of contents.
const CODE: u8 = 3;
// RFC 6716 §3.2.5, the frame count byte.
const VARIABLE: u8 = 0x80;
const PADDING: u8 = 0x40;
const COUNT: u8 = 0x3f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_without_data_are_a_pause() {
        for toc in 0..=255 {
            assert!(is_dtx(&[toc]), "{toc:#x}");
        }
        assert!(is_dtx(&[0x7a, 0]));
        assert!(is_dtx(&[0x7b, 0x03]));
        assert!(is_dtx(&[0x7b, 0x81]));
    }

    #[test]
    fn sound_is_none_and_neither_is_what_breaks_the_format() {
        assert!(!is_dtx(&[]));
        // One frame of one byte; two of half a byte each, which cannot be.
        assert!(!is_dtx(&[0x78, 0]));
        assert!(!is_dtx(&[0x79, 0]));
        assert!(!is_dtx(&[0x7a, 1]));
        // No frames; several of which the lengths are missing; padding.
        assert!(!is_dtx(&[0x7b, 0x00]));
        assert!(!is_dtx(&[0x7b, 0x82]));
        assert!(!is_dtx(&[0x7b, 0x41]));
        assert!(!is_dtx(&[0x78, 0, 0]));
    }
}
