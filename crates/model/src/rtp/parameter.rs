//! Codec and header extension parameters: named values that keep their type.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::Invalid;
use crate::json::{Place, Read, integer, integral, readable};

/// A value of one of the five types that the worker's protocol carries. It comes back as the type it was given in:
/// `1`, `"1"` and `true` are three different values.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A number without fraction, of 32 bits.
    Integer(i32),
    /// Any other number. Built by [`ParameterValue::number`], so that no double is an integer in disguise.
    Double(f64),
    /// A text.
    String(Box<str>),
    /// A list of integers.
    IntegerArray(Vec<i32>),
}

impl ParameterValue {
    /// The value of a JavaScript number, where `3.0` is the integer 3.
    pub fn number(value: f64) -> Self {
        match integral(value).and_then(|value| i32::try_from(value).ok()) {
            Some(value) => Self::Integer(value),
            None => Self::Double(value),
        }
    }

    /// The integer, if it is one.
    pub const fn as_integer(&self) -> Option<i32> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// The text, if it is one.
    pub const fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    /// Whether JavaScript takes the value for "not given".
    pub fn is_falsy(&self) -> bool {
        match self {
            Self::Boolean(value) => !value,
            Self::Integer(value) => *value == 0,
            Self::Double(value) => *value == 0.0 || value.is_nan(),
            Self::String(value) => value.is_empty(),
            Self::IntegerArray(_) => false,
        }
    }
}

impl From<i32> for ParameterValue {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for ParameterValue {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl Serialize for ParameterValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i32(*value),
            // JavaScript writes a number without fraction without one, whatever its size.
            Self::Double(value) => match integral(*value) {
                Some(value) => serializer.serialize_i64(value),
                None => serializer.serialize_f64(*value),
            },
            Self::String(value) => serializer.serialize_str(value),
            Self::IntegerArray(values) => values.serialize(serializer),
        }
    }
}

impl Read for ParameterValue {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        let wrong = || place.invalid("a string, a number, true, false or an array of 32-bit integers");
        match place.value().ok_or_else(wrong)? {
            Value::Bool(value) => Ok(Self::Boolean(*value)),
            Value::Number(number) => number.as_f64().map(Self::number).ok_or_else(wrong),
            Value::String(text) => Ok(Self::String(text.as_str().into())),
            Value::Array(values) => values
                .iter()
                .map(|value| integer(value).and_then(|value| i32::try_from(value).ok()))
                .collect::<Option<_>>()
                .map(Self::IntegerArray)
                .ok_or_else(wrong),
            Value::Null | Value::Object(_) => Err(wrong()),
        }
    }
}

readable!(ParameterValue = "parameter");

/// Named values in the order they were given; a name occurs once.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(Box<str>, ParameterValue)>);

impl Parameters {
    /// No values.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }

    /// Gives a name its value; a name that is known keeps its place.
    pub fn set(&mut self, name: &str, value: impl Into<ParameterValue>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| **known != *name);
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParameterValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// A set of named values is the same in any order.
impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl<'a, V: Into<ParameterValue>> FromIterator<(&'a str, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (&'a str, V)>>(values: I) -> Self {
        let mut parameters = Self::new();
        values.into_iter().for_each(|(name, value)| parameters.set(name, value));
        parameters
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Read for Parameters {
    // What is no object counts as absent, as with the npm package.
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        let Some(Value::Object(values)) = place.value() else { return Ok(Self::new()) };
        let read = |name: &String| Ok((name.as_str().into(), ParameterValue::read(&place.field(name))?));
        values.keys().map(read).collect::<Result<_, _>>().map(Self)
    }
}

readable!(Parameters = "parameters");

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_keep_their_types() {
        let document =
            json!({ "a": true, "b": -5, "c": 222.222, "d": "333", "e": [1, -2], "f": 4_294_967_296_u64 });
        let parameters = Parameters::from_json(&document).unwrap();
        assert_eq!(parameters.get("b"), Some(&ParameterValue::Integer(-5)));
        assert_eq!(parameters.get("c"), Some(&ParameterValue::Double(222.222)));
        assert_eq!(parameters.get("f"), Some(&ParameterValue::Double(4_294_967_296.0)));
        assert_eq!(serde_json::to_value(&parameters).unwrap(), document);
    }

    #[test]
    fn a_number_without_fraction_is_an_integer() {
        assert_eq!(ParameterValue::number(3.0), ParameterValue::Integer(3));
        assert_eq!(ParameterValue::number(-0.0), ParameterValue::Integer(0));
        assert_eq!(ParameterValue::number(0.5), ParameterValue::Double(0.5));
    }

    #[test]
    fn null_and_objects_are_no_values() {
        let error = Parameters::from_json(&json!({ "x": null })).unwrap_err();
        assert_eq!(error.field, "parameters.x");
        assert!(Parameters::from_json(&json!({ "x": {} })).is_err());
        assert!(Parameters::from_json(&json!({ "x": [0.5] })).is_err());
    }

    #[test]
    fn a_name_occurs_once_and_keeps_its_place() {
        let mut parameters: Parameters = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
        assert_eq!(parameters.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(parameters.get("a"), Some(&ParameterValue::Integer(3)));
        parameters.remove("a");
        assert_eq!(parameters.len(), 1);
    }
}
