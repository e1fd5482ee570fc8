//! Rows of tables.

use model::dump::{Entries, Entry};
use model::id::Ssrc;
use model::trace::TraceDirection;

use super::words;
use crate::schema::common;

words! {
    TraceDirection, common::TraceDirection: In = DirectionIn, Out = DirectionOut;
}

/// A row from one id, or other text, to an id.
pub(crate) fn text_row<'a>(key: &'a str, value: &'a str) -> common::StringString<'a> {
    common::StringString { key: key.into(), value: value.into() }
}

macro_rules! rows {
    ($($key:ident => $value:ident),+ $(,)?) => {$(
        impl<'a> From<&'a Entry<model::id::$key, model::id::$value>> for common::StringString<'a> {
            fn from(row: &'a Entry<model::id::$key, model::id::$value>) -> Self {
                text_row(row.key.as_str(), row.value.as_str())
            }
        }
    )+};
}

macro_rules! long_rows {
    ($($key:ident => $value:ident),+ $(,)?) => {$(
        impl<'a> From<&'a Entries<model::id::$key, model::id::$value>> for common::StringStringArray<'a> {
            fn from(row: &'a Entries<model::id::$key, model::id::$value>) -> Self {
                let values = row.values.iter().map(|id| id.as_str().into()).collect();
                Self { key: row.key.as_str().into(), values }
            }
        }
    )+};
}

macro_rules! ssrc_rows {
    ($($value:ident),+ $(,)?) => {$(
        impl<'a> From<&'a Entry<Ssrc, model::id::$value>> for common::Uint32String<'a> {
            fn from(row: &'a Entry<Ssrc, model::id::$value>) -> Self {
                Self { key: row.key.0, value: row.value.as_str().into() }
            }
        }
    )+};
}

rows! { ConsumerId => ProducerId, DataConsumerId => DataProducerId }
long_rows! {
    ProducerId => ConsumerId, ProducerId => RtpObserverId, DataProducerId => DataConsumerId,
}
ssrc_rows! { ConsumerId, ProducerId }

impl<'a> From<&'a Entry<Box<str>, model::id::ProducerId>> for common::StringString<'a> {
    fn from(row: &'a Entry<Box<str>, model::id::ProducerId>) -> Self {
        text_row(&row.key, row.value.as_str())
    }
}

impl<'a> From<&'a Entry<u16, model::id::DataProducerId>> for common::Uint16String<'a> {
    fn from(row: &'a Entry<u16, model::id::DataProducerId>) -> Self {
        Self { key: row.key, value: row.value.as_str().into() }
    }
}
