//! What counts as the same.

use serde_json::{Map, Value};

use crate::generate::{Case, Damage};

/// Every step where the two disagree, in words.
pub(crate) fn differences<'a>(
    case: &'a Case,
    theirs: &'a Value,
    ours: &'a Value,
) -> impl Iterator<Item = String> + 'a {
    let empty = Map::new();
    let known: Vec<_> = theirs.as_object().unwrap_or(&empty).keys().cloned().collect();
    // Where we are stricter by design the case ends for both.
    let stricter = known.iter().any(|step| {
        theirs[step]["error"] != "TypeError"
            && ours[step]["error"] == "TypeError"
            && is_stricter(case.damage.as_ref())
    });
    known.into_iter().filter(move |_| !stricter).filter_map(move |step| {
        let (theirs_of, ours_of) = (&theirs[&step], &ours[&step]);
        if same(theirs_of, ours_of) || knows_better(&step, theirs, ours) {
            return None;
        }
        Some(format!(
            "step {step}\n theirs {theirs_of}\n ours   {ours_of}\n damage {:?}\n task   {}",
            case.damage, case.task
        ))
    })
}

fn same(theirs: &Value, ours: &Value) -> bool {
    match (theirs.get("ok"), ours.get("ok")) {
        (Some(theirs), Some(ours)) => plain(theirs, "") == plain(ours, ""),
        (None, None) => theirs.get("error").is_some() && theirs["error"] == ours["error"],
        _ => false,
    }
}

/// `canConsume` of the package says no where a consumer can be made, if the RTX codec of a codec that is not shared
/// comes first. Ours says yes.
fn knows_better(step: &str, theirs: &Value, ours: &Value) -> bool {
    step == "canConsume"
        && theirs[step]["ok"] == false
        && ours[step]["ok"] == true
        && theirs["consumer"].get("ok").is_some()
}

/// JSON without what is absent in another spelling: optional fields that are null, zero, false or empty.
fn plain(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let given =
                |(name, value): &(&String, &Value)| !(OPTIONAL.contains(&name.as_str()) && is_falsy(value));
            let field = |(name, value): (&String, &Value)| (name.clone(), plain(value, name));
            Value::Object(fields.iter().filter(given).map(field).collect())
        }
        // To JavaScript an array is an object without names.
        Value::Array(items) if name == "parameters" && items.is_empty() => Value::Object(Map::new()),
        Value::Array(items) => Value::Array(items.iter().map(|item| plain(item, "")).collect()),
        Value::Number(number) => number.as_f64().into(),
        other => other.clone(),
    }
}

fn is_falsy(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value.as_f64() == Some(0.0) || value == ""
}

/// What the package lets through and we do not: numbers that can not stand in a packet, and optional fields that it
/// never looks at.
fn is_stricter(damage: Option<&Damage>) -> bool {
    let Some(Damage { field, value: Some(value) }) = damage else { return false };
    match field.as_str() {
        "payloadType" | "preferredPayloadType" => value.is_number() && !in_range(value, 127),
        "id" | "preferredId" | "channels" => value.is_number() && !in_range(value, 255),
        "clockRate" | "ssrc" => value.is_number() && !in_range(value, u64::from(u32::MAX)),
        "streamId" | "maxPacketLifeTime" | "maxRetransmits" => value.is_number() && !in_range(value, 65535),
        "codecPayloadType" => !is_falsy(value) && !in_range(value, 127),
        "maxBitrate" => !is_falsy(value) && !in_range(value, u64::MAX),
        "direction" => value.is_string(),
        // An item of a list has no name; an encoding may be an array there.
        "" => value.is_array(),
        _ => false,
    }
}

fn in_range(value: &Value, highest: u64) -> bool {
    value.as_u64().is_some_and(|value| value <= highest)
}

const OPTIONAL: [&str; 13] = [
    "mid",
    "msid",
    "rid",
    "ssrc",
    "codecPayloadType",
    "rtx",
    "scalabilityMode",
    "maxBitrate",
    "cname",
    "preferredPayloadType",
    "maxPacketLifeTime",
    "maxRetransmits",
    "channels",
];
