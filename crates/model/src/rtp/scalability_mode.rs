//! Scalability modes (W3C WebRTC-SVC): how many spatial and temporal layers a stream has.

use serde::{Deserialize, Serialize};

/// A scalability mode as it was written. Any text is one; what does not follow the grammar means one layer of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ScalabilityMode(Box<str>);

/// How many layers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerCount {
    /// Resolutions, 1 to 99.
    pub spatial: u8,
    /// Frame rates, 1 to 99.
    pub temporal: u8,
    /// Whether spatial layers depend on one another in key pictures only.
    pub ksvc: bool,
}

impl ScalabilityMode {
    /// The mode of that many full layers.
    pub fn of(spatial: usize, temporal: u8) -> Self {
        Self(format!("L{spatial}T{temporal}").into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many layers it says there are. The grammar is `L` or `S`, a number, `T`, a number, and perhaps `_KEY`;
    /// numbers are 1 to 99, and what follows is not looked at.
    pub fn layers(&self) -> LayerCount {
        Self::parse(&self.0).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<LayerCount> {
        let rest = text.strip_prefix(['L', 'S'])?;
        let (spatial, rest) = rest.split_once('T')?;
        let spatial =
            Some(spatial).filter(|text| leading_number(text) == text.len()).and_then(|t| t.parse().ok())?;
        let (temporal, rest) = rest.split_at_checked(leading_number(rest))?;
        Some(LayerCount { spatial, temporal: temporal.parse().ok()?, ksvc: rest.starts_with("_KEY") })
    }
}

impl Default for LayerCount {
    fn default() -> Self {
        Self { spatial: 1, temporal: 1, ksvc: false }
    }
}

impl LayerCount {
    /// Whether there is anything to choose from.
    pub const fn is_layered(self) -> bool {
        self.spatial > 1 || self.temporal > 1
    }
}

impl From<&str> for ScalabilityMode {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Box<str>> for ScalabilityMode {
    fn from(text: Box<str>) -> Self {
        Self(text)
    }
}

/// How many bytes at the start are a number from 1 to 99.
fn leading_number(text: &str) -> usize {
    let mut digits = text.bytes().take(2).take_while(u8::is_ascii_digit);
    match digits.next() {
        None | Some(b'0') => 0,
        Some(_) => 1 + digits.count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        let layers = |text: &str| {
            let LayerCount { spatial, temporal, ksvc } = ScalabilityMode::from(text).layers();
            (spatial, temporal, ksvc)
        };
        assert_eq!(layers("L1T3"), (1, 3, false));
        assert_eq!(layers("S3T3"), (3, 3, false));
        assert_eq!(layers("L3T2_KEY"), (3, 2, true));
        assert_eq!(layers("L20T30_KEY_SHIFT"), (20, 30, true));
        assert_eq!(layers("L1T333"), (1, 33, false));
        for text in ["", "S", "L1", "L0T1", "L1T0", "L100T1", "X1T1", "l1t2", "L1 T2", "L01T1", "LT1", "L1Tx"]
        {
            assert_eq!(layers(text), (1, 1, false), "{text:?}");
        }
    }

    #[test]
    fn a_mode_that_we_make_says_what_it_means() {
        assert_eq!(ScalabilityMode::of(3, 2).layers(), LayerCount { spatial: 3, temporal: 2, ksvc: false });
    }
}
