//! How a picture was held when it was taken (3GPP TS 26.114 §7.4.5, `urn:3gpp:video-orientation`).

/// How far a receiver must turn the picture, clockwise, to show it upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

/// Camera, mirroring and rotation of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VideoOrientation {
    /// The camera looks away from the user.
    pub back_camera: bool,
    /// The picture is mirrored left to right.
    pub mirrored: bool,
    /// How it must be turned.
    pub rotation: Rotation,
}

impl VideoOrientation {
    /// Reads an element's value; the four upper bits are reserved and ignored.
    #[must_use]
    pub const fn parse(data: &[u8]) -> Option<Self> {
        let [byte] = *data else { return None };
        let rotation = match byte & 3 {
            0 => Rotation::None,
            1 => Rotation::Quarter,
            2 => Rotation::Half,
            _ => Rotation::ThreeQuarters,
        };
        Some(Self { back_camera: byte & 8 != 0, mirrored: byte & 4 != 0, rotation })
    }

    /// An element's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 1] {
        let rotation = match self.rotation {
            Rotation::None => 0,
            Rotation::Quarter => 1,
            Rotation::Half => 2,
            Rotation::ThreeQuarters => 3,
        };
        [(if self.back_camera { 8 } else { 0 }) | (if self.mirrored { 4 } else { 0 }) | rotation]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_comes_back() {
        for byte in 0..16 {
            assert_eq!(VideoOrientation::parse(&[byte]).unwrap().to_bytes(), [byte]);
        }
        let orientation = VideoOrientation::parse(&[0xf9]).unwrap();
        assert!(orientation.back_camera && !orientation.mirrored);
        assert_eq!(orientation.rotation, Rotation::Quarter);
        assert_eq!(VideoOrientation::parse(&[]), None);
    }
}
