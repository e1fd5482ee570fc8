//! Reading dictionaries out of JSON, knowing at every value the way that led to it.
//!
//! The rules for optional fields are those of the npm package, whose users write this JSON: an optional field that is
//! absent, null, false, zero or empty is as good as absent.

use std::fmt;

use serde_json::Value;

/// A field that is not what it has to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}; it must be {expected}")]
pub struct Invalid {
    /// The way to the field, as in `rtpParameters.codecs[1].payloadType`.
    pub field: String,
    /// What stands there, as JSON, shortened; or the word "missing".
    pub value: String,
    /// What would be right.
    pub expected: &'static str,
}

impl Invalid {
    /// Says that what `field` holds is not right, and what would be.
    pub fn new(field: impl Into<String>, value: impl fmt::Display, expected: &'static str) -> Self {
        Self { field: field.into(), value: shortened(&value.to_string()), expected }
    }
}

/// A dictionary that can be read at a place in a document.
pub(crate) trait Read: Sized {
    fn read(place: &Place<'_>) -> Result<Self, Invalid>;
}

/// A value inside a document, or the lack of one, and the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    value: Option<&'a Value>,
    step: Step<'a>,
    parent: Option<&'a Place<'a>>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    pub(crate) fn root(name: &'a str, value: &'a Value) -> Self {
        Self { value: Some(value), step: Step::Field(name), parent: None }
    }

    pub(crate) fn field(&'a self, name: &'a str) -> Place<'a> {
        Place {
            value: self.value.and_then(|value| value.get(name)),
            step: Step::Field(name),
            parent: Some(self),
        }
    }

    pub(crate) fn value(&self) -> Option<&'a Value> {
        self.value
    }

    /// What the npm package takes for "not given".
    pub(crate) fn is_falsy(&self) -> bool {
        match self.value {
            None | Some(Value::Null | Value::Bool(false)) => true,
            Some(Value::Number(number)) => number.as_f64() == Some(0.0),
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        }
    }

    pub(crate) fn invalid(&self, expected: &'static str) -> Invalid {
        let value = self.value.map_or_else(|| "missing".to_owned(), Value::to_string);
        Invalid::new(self.to_string(), value, expected)
    }

    pub(crate) fn object(&self, expected: &'static str) -> Result<(), Invalid> {
        if self.value.is_some_and(Value::is_object) { Ok(()) } else { Err(self.invalid(expected)) }
    }

    pub(crate) fn text(&self, expected: &'static str) -> Result<&'a str, Invalid> {
        self.value.and_then(Value::as_str).ok_or_else(|| self.invalid(expected))
    }

    /// A text that may be missing; an empty text is a text.
    pub(crate) fn optional_text(&self) -> Result<Option<Box<str>>, Invalid> {
        match self.value {
            Some(Value::String(text)) => Ok(Some(text.as_str().into())),
            _ if self.is_falsy() => Ok(None),
            _ => Err(self.invalid("a string, or absent")),
        }
    }

    /// An integer in the range of `T`.
    pub(crate) fn integer<T: TryFrom<u64>>(&self, expected: &'static str) -> Result<T, Invalid> {
        self.value
            .and_then(|value| value.as_u64().or_else(|| u64::try_from(integer(value)?).ok()))
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| self.invalid(expected))
    }

    /// An integer that may be missing; zero is an integer.
    pub(crate) fn optional_integer<T: TryFrom<u64>>(
        &self,
        expected: &'static str,
    ) -> Result<Option<T>, Invalid> {
        match self.value {
            Some(Value::Number(_)) => self.integer(expected).map(Some),
            _ if self.is_falsy() => Ok(None),
            _ => Err(self.invalid(expected)),
        }
    }

    pub(crate) fn optional_bool(&self) -> Result<Option<bool>, Invalid> {
        match self.value {
            Some(Value::Bool(value)) => Ok(Some(*value)),
            _ if self.is_falsy() => Ok(None),
            _ => Err(self.invalid("true or false, or absent")),
        }
    }

    /// A dictionary that may be missing.
    pub(crate) fn optional<T: Read>(&self) -> Result<Option<T>, Invalid> {
        if self.is_falsy() { Ok(None) } else { T::read(self).map(Some) }
    }

    /// A list that may be missing, which is the empty one.
    pub(crate) fn optional_list<T: Read>(&self) -> Result<Vec<T>, Invalid> {
        if self.is_falsy() { Ok(Vec::new()) } else { self.list("an array, or absent") }
    }

    /// A list where anything that is not one counts as empty.
    pub(crate) fn list_or_nothing<T: Read>(&self) -> Result<Vec<T>, Invalid> {
        if self.value.is_some_and(Value::is_array) { self.list("an array") } else { Ok(Vec::new()) }
    }

    pub(crate) fn list<T: Read>(&self, expected: &'static str) -> Result<Vec<T>, Invalid> {
        let items = self.value.and_then(Value::as_array).ok_or_else(|| self.invalid(expected))?;
        let place =
            |(index, value)| Place { value: Some(value), step: Step::Index(index), parent: Some(self) };
        items.iter().enumerate().map(|item| T::read(&place(item))).collect()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The integer that a JSON number is; `48000.0` is one too, as it is in JavaScript.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    number.as_i64().or_else(|| number.as_f64().and_then(integral))
}

/// The integer that a double is, when every integer of its size has a double of its own.
pub(crate) fn integral(value: f64) -> Option<i64> {
    if value.fract() != 0.0 || value.abs() > MAX_EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "no fraction, and within 53 bits")]
    let value = value as i64;
    Some(value)
}

/// Gives a dictionary with [`Read`] its public way in, and serde's, which is the same.
macro_rules! readable {
    ($($dictionary:ty = $name:literal),+ $(,)?) => {$(
        impl $dictionary {
            /// Reads the dictionary; the error names the field that is wrong and what would be right.
            pub fn from_json(value: &serde_json::Value) -> Result<Self, $crate::Invalid> {
                <Self as $crate::json::Read>::read(&$crate::json::Place::root($name, value))
            }
        }

        impl<'de> serde::Deserialize<'de> for $dictionary {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                Self::from_json(&value).map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use readable;

fn shortened(value: &str) -> String {
    match value.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

/// Characters of a wrong value that an error repeats: enough to recognise it, too little to flood a log.
const MAX_SHOWN: usize = 60;

/// 2^53: above it a double is not one integer.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_names_field_value_and_what_would_be_right() {
        let document = json!({ "codecs": [{}, { "payloadType": "x" }] });
        let root = Place::root("rtpParameters", &document);
        let codecs = root.field("codecs");
        let codec = Place {
            value: codecs.value.and_then(|value| value.get(1)),
            step: Step::Index(1),
            parent: Some(&codecs),
        };
        let error = codec.field("payloadType").integer::<u8>("an integer from 0 to 127").unwrap_err();
        assert_eq!(
            error.to_string(),
            "rtpParameters.codecs[1].payloadType is \"x\"; it must be an integer from 0 to 127"
        );
    }

    #[test]
    fn a_wrong_value_is_repeated_only_in_part() {
        let long = json!("ü".repeat(1000));
        let error = Place::root("mid", &long).invalid("short");
        assert!(error.value.chars().count() <= MAX_SHOWN + 1);
    }

    #[test]
    fn integers_are_what_javascript_takes_for_integers() {
        assert_eq!(integer(&json!(48000.0)), Some(48000));
        assert_eq!(integer(&json!(-1)), Some(-1));
        assert_eq!(integer(&json!(1.5)), None);
        assert_eq!(integer(&json!(1e300)), None);
        assert_eq!(integer(&json!("1")), None);
    }
}
