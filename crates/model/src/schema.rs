//! How the dictionaries that are written or read by hand look, for documents that describe an API. The others derive it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::rtp::{MimeType, ParameterValue, Parameters, RtpHeaderExtensionUri};
use crate::trace::TraceSet;
use crate::transport::{IceCandidate, SctpParameters, TransportTuple};

/// One that is always the same.
macro_rules! looks {
    ($($name:ident: $schema:tt;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

looks! {
    MimeType: { "type": "string", "pattern": "^(?:[aA][uU][dD][iI][oO]|[vV][iI][dD][eE][oO])/." };
    RtpHeaderExtensionUri: { "type": "string", "minLength": 1 };
    ParameterValue: { "type": ["string", "number", "boolean", "array"], "items": { "type": "integer" } };
    Parameters: {
        "type": "object",
        "additionalProperties": {
            "type": ["string", "number", "boolean", "array"],
            "items": { "type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647_i64 }
        }
    };
    TransportTuple: {
        "type": "object",
        "required": ["localIp", "localAddress", "localPort", "protocol"],
        "properties": {
            "localIp": { "type": "string" },
            "localAddress": { "type": "string" },
            "localPort": { "type": "integer", "minimum": 0, "maximum": 65_535 },
            "remoteIp": { "type": "string" },
            "remotePort": { "type": "integer", "minimum": 0, "maximum": 65_535 },
            "protocol": { "enum": ["udp", "tcp"] }
        }
    };
    IceCandidate: {
        "type": "object",
        "required": ["foundation", "priority", "ip", "address", "protocol", "port", "type"],
        "properties": {
            "foundation": { "type": "string" },
            "priority": { "type": "integer" },
            "ip": { "type": "string" },
            "address": { "type": "string" },
            "protocol": { "enum": ["udp", "tcp"] },
            "port": { "type": "integer", "minimum": 0, "maximum": 65_535 },
            "type": { "enum": ["host"] },
            "tcpType": { "enum": ["passive"] }
        }
    };
    SctpParameters: {
        "type": "object",
        "required": ["port", "OS", "MIS", "maxMessageSize"],
        "additionalProperties": { "type": ["integer", "boolean"] }
    };
}

impl<T: JsonSchema> JsonSchema for TraceSet<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Set_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>() })
    }
}
