//! Profiles and levels of H.264, as `profile-level-id` has them (RFC 6184 §8.1).

use crate::rtp::Parameters;

/// A profile and a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileLevelId {
    /// What the decoder has to know.
    pub profile: H264Profile,
    /// How much the decoder has to bear.
    pub level: H264Level,
}

/// The profiles that WebRTC endpoints use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in H.264 Annex A")]
pub enum H264Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    PredictiveHigh444,
}

/// A level; levels compare by what they demand. Level 1b stands between 1 and 1.1 (H.264 Table A-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct H264Level {
    idc: u8,
    // After the number, so that 1b (idc 10 here) sorts after 1 and before 1.1.
    is_1b: bool,
}

impl H264Level {
    /// Level 1b.
    pub const L1_B: Self = Self { idc: 10, is_1b: true };

    /// The level of that number, ten times what is written: 31 is level 3.1.
    pub const fn new(idc: u8) -> Option<Self> {
        match idc {
            10..=13 | 20..=22 | 30..=32 | 40..=42 | 50..=52 => Some(Self { idc, is_1b: false }),
            _ => None,
        }
    }
}

impl ProfileLevelId {
    /// What holds when nothing is said. RFC 6184 says Baseline and level 1; WebRTC endpoints mean this.
    pub const DEFAULT: Self =
        Self { profile: H264Profile::ConstrainedBaseline, level: H264Level { idc: 31, is_1b: false } };

    /// Reads six hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, profile_idc, profile_iop, level_idc] = u32::from_str_radix(text, 16).ok()?.to_be_bytes();
        // Level 1b is 1.1 with constraint_set3_flag (H.264 §A.3.1).
        let level = match level_idc {
            11 if profile_iop & CONSTRAINT_SET3 != 0 => H264Level::L1_B,
            _ => H264Level::new(level_idc)?,
        };
        let profile = PROFILES
            .iter()
            .find(|known| known.idc == profile_idc && profile_iop & known.mask == known.value)
            .map(|known| known.profile)?;
        Some(Self { profile, level })
    }

    /// Writes six hexadecimal digits. Level 1b does not exist for the High profiles.
    pub fn to_text(self) -> Option<String> {
        let (profile, profile_1b) = match self.profile {
            H264Profile::ConstrainedBaseline => (0x42e0, Some(0x42f0)),
            H264Profile::Baseline => (0x4200, Some(0x4210)),
            H264Profile::Main => (0x4d00, Some(0x4d10)),
            H264Profile::ConstrainedHigh => (0x640c, None),
            H264Profile::High => (0x6400, None),
            H264Profile::PredictiveHigh444 => (0xf400, None),
        };
        if self.level.is_1b {
            return profile_1b.map(|profile| format!("{profile:04x}0b"));
        }
        Some(format!("{profile:04x}{:02x}", self.level.idc))
    }
}

/// What `fmtp` says; nothing if it says what is no profile and level.
pub(super) fn profile_level_id(parameters: &Parameters) -> Option<ProfileLevelId> {
    match parameters.get(PROFILE_LEVEL_ID) {
        Some(value) if !value.is_falsy() => ProfileLevelId::parse(value.as_str()?),
        _ => Some(ProfileLevelId::DEFAULT),
    }
}

/// The `profile-level-id` of an answer to `remote` by an end that has `local`, of the same profile: the lower level,
/// unless both allow the levels to differ (RFC 6184 §8.2.2). Nothing if neither end says one, or there is no way to
/// write it.
pub(super) fn answer(local: &Parameters, remote: &Parameters) -> Option<String> {
    let says =
        |parameters: &Parameters| parameters.get(PROFILE_LEVEL_ID).is_some_and(|value| !value.is_falsy());
    if !says(local) && !says(remote) {
        return None;
    }
    let (ours, theirs) = (profile_level_id(local)?, profile_level_id(remote)?);
    let asymmetric = allows_asymmetry(local) && allows_asymmetry(remote);
    let level = if asymmetric { ours.level } else { ours.level.min(theirs.level) };
    ProfileLevelId { profile: ours.profile, level }.to_text()
}

fn allows_asymmetry(parameters: &Parameters) -> bool {
    use crate::rtp::ParameterValue::{Boolean, Integer, String};
    match parameters.get("level-asymmetry-allowed") {
        Some(Integer(1) | Boolean(true)) => true,
        Some(String(text)) => **text == *"1",
        _ => false,
    }
}

pub(super) const PROFILE_LEVEL_ID: &str = "profile-level-id";

/// The bit of profile_iop that turns level 1.1 into 1b.
const CONSTRAINT_SET3: u8 = 0x10;

/// profile_idc, and the bits of profile_iop that decide.
struct KnownProfile {
    idc: u8,
    mask: u8,
    value: u8,
    profile: H264Profile,
}

/// RFC 6184 Table 5. The first that matches counts.
const PROFILES: [KnownProfile; 9] = {
    use H264Profile::*;
    const fn known(idc: u8, mask: u8, value: u8, profile: H264Profile) -> KnownProfile {
        KnownProfile { idc, mask, value, profile }
    }
    [
        known(0x42, 0b0100_1111, 0b0100_0000, ConstrainedBaseline),
        known(0x4d, 0b1000_1111, 0b1000_0000, ConstrainedBaseline),
        known(0x58, 0b1100_1111, 0b1100_0000, ConstrainedBaseline),
        known(0x42, 0b0100_1111, 0b0000_0000, Baseline),
        known(0x58, 0b1100_1111, 0b1000_0000, Baseline),
        known(0x4d, 0b1010_1111, 0b0000_0000, Main),
        known(0x64, 0b1111_1111, 0b0000_0000, High),
        known(0x64, 0b1111_1111, 0b0000_1100, ConstrainedHigh),
        known(0xf4, 0b1111_1111, 0b0000_0000, PredictiveHigh444),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::ParameterValue;

    fn fmtp(id: &str, asymmetry: i32) -> Parameters {
        [("profile-level-id", ParameterValue::from(id)), ("level-asymmetry-allowed", asymmetry.into())]
            .into_iter()
            .collect()
    }

    #[test]
    fn what_is_parsed_is_written() {
        for text in ["42e01f", "42f00b", "42100b", "4d100b", "42000a", "4d0028", "640c34", "640032", "f4001e"]
        {
            assert_eq!(ProfileLevelId::parse(text).unwrap().to_text().as_deref(), Some(text));
        }
        for text in ["", "42e01", "42e01fa", "42e0zz", "000000", "42e00f", "640c3f", "ff001f", "+42e01"] {
            assert_eq!(ProfileLevelId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn one_b_stands_between_one_and_one_point_one() {
        let level = |idc| H264Level::new(idc).unwrap();
        assert!(level(10) < H264Level::L1_B && H264Level::L1_B < level(11) && level(11) < level(52));
    }

    #[test]
    fn the_answer_takes_the_lower_level_unless_both_allow_otherwise() {
        assert_eq!(answer(&fmtp("42e01f", 0), &fmtp("42e015", 1)).as_deref(), Some("42e015"));
        assert_eq!(answer(&fmtp("42e01f", 1), &fmtp("42e015", 1)).as_deref(), Some("42e01f"));
        assert_eq!(answer(&Parameters::new(), &fmtp("42e034", 1)).as_deref(), Some("42e01f"));
        assert_eq!(answer(&Parameters::new(), &Parameters::new()), None);
    }
}
