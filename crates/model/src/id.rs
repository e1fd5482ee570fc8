//! Names: the strings that front doors give to objects, and the numbers that packets carry.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        // So that a table keyed by the id answers to a text from the outside without a copy of it.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

id! {
    /// Names a WebRtcServer.
    WebRtcServerId,
    /// Names a Router.
    RouterId,
    /// Names a Transport of any kind.
    TransportId,
    /// Names a Producer. The same name may exist in another router: a pipe keeps it.
    ProducerId,
    /// Names a Consumer.
    ConsumerId,
    /// Names a DataProducer. The same name may exist in another router: a pipe keeps it.
    DataProducerId,
    /// Names a DataConsumer.
    DataConsumerId,
    /// Names an observer, of audio levels or of the active speaker.
    RtpObserverId,
}

/// The synchronisation source of an RTP stream (RFC 3550 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Ssrc(pub u32);

impl Ssrc {
    /// The ssrc that stands `steps` after this one; streams of one sender are numbered in a row.
    pub fn after(self, steps: usize) -> Self {
        // A sender with more than 2^32 streams does not exist; the remainder keeps the conversion total.
        let steps = u32::try_from(steps % (1 << 32)).unwrap_or_default();
        Self(self.0.wrapping_add(steps))
    }
}

/// The payload type of an RTP packet: seven bits (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "u8", into = "u8")]
pub struct PayloadType(u8);

impl PayloadType {
    /// The payload type of that number, or nothing above 127.
    pub const fn new(number: u8) -> Option<Self> {
        if number > 127 { None } else { Some(Self(number)) }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl From<PayloadType> for u8 {
    fn from(payload_type: PayloadType) -> Self {
        payload_type.0
    }
}

impl TryFrom<u8> for PayloadType {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::new(number).ok_or("a payload type is an integer from 0 to 127")
    }
}

impl TryFrom<u64> for PayloadType {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        u8::try_from(number).map_err(|_| "a payload type is an integer from 0 to 127")?.try_into()
    }
}

impl TryFrom<u64> for Ssrc {
    type Error = std::num::TryFromIntError;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        u32::try_from(number).map(Self)
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_type_has_seven_bits() {
        assert_eq!(PayloadType::new(127).map(PayloadType::number), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert!(serde_json::from_str::<PayloadType>("128").is_err());
    }

    #[test]
    fn streams_in_a_row_wrap() {
        assert_eq!(Ssrc(u32::MAX).after(2), Ssrc(1));
    }
}
