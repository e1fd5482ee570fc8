//! Holds every table, enum and union that we declare against the accessors in the npm package that will read and
//! write them. A slot that is off by one, a field left out or a default that differs fails here, by name.

mod npm;

use std::collections::BTreeMap;

use worker::flat::{Place, Shape};
use worker::schema;

/// Second views of the first slots of another table.
const OURS_ALONE: &[(&str, &str)] = &[("request", "Head"), ("message", "Outline")];

/// One accessor of a generated class: the vtable offset it reads, how, and what absence yields.
#[derive(Debug)]
struct Accessor<'a> {
    offset: u16,
    read: &'a str,
    absent: &'a str,
}

#[test]
fn every_slot_and_number_is_that_of_the_npm_package() {
    let mut compared = 0;
    let mut differences = Vec::new();
    for (namespace, layouts) in schema::LAYOUTS {
        let classes = npm::package().join("mediasoup/node/lib/fbs").join(kebab(namespace));
        for layout in *layouts {
            if OURS_ALONE.contains(&(*namespace, layout.name)) {
                continue;
            }
            let file = classes.join(kebab(&snake(layout.name))).with_extension("js");
            let source = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            let name = format!("{namespace}.{}", layout.name);
            let found = match layout.shape {
                Shape::Table(fields) => differ_in_fields(&source, fields, &mut compared),
                Shape::Enum(values) | Shape::Union(values) => {
                    differ_in_values(&source, values, &mut compared)
                }
            };
            differences.extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared > 700, "compared only {compared} fields and values: the sources were not understood");
}

fn differ_in_fields(source: &str, fields: &[Place], compared: &mut usize) -> Vec<String> {
    let mut theirs = accessors(source);
    let mut differences: Vec<_> = fields.iter().filter_map(|field| differ_in_demand(source, field)).collect();
    for field in fields {
        let name = camel(field.name.trim_start_matches("r#"));
        let tag = format!("{name}Type");
        let expected = if field.slots == 2 {
            vec![(field.slot, tag.as_str()), (field.slot + 1, name.as_str())]
        } else {
            vec![(field.slot, name.as_str())]
        };
        for (slot, name) in expected {
            *compared += 1;
            match theirs.remove(name) {
                None => differences.push(format!("{name} is not in the package")),
                Some(accessor) if accessor.offset != 4 + 2 * slot => {
                    differences
                        .push(format!("{name} is ours at slot {slot}, theirs at offset {}", accessor.offset));
                }
                Some(accessor) if field.slots == 1 => differences.extend(differ_in_type(field, &accessor)),
                Some(_) => {}
            }
        }
    }
    differences.extend(theirs.into_keys().map(|name| format!("{name} is missing here")));
    differences
}

/// Compares width, optionality and default of scalars; references only have optionality to compare, and the
/// package's readers treat a required reference like an optional one.
fn differ_in_type(field: &Place, theirs: &Accessor<'_>) -> Option<String> {
    let (bare, optional) = match field.type_name.strip_prefix("Option<").and_then(|t| t.strip_suffix('>')) {
        Some(bare) => (bare, true),
        None => (field.type_name, false),
    };
    let read = match bare {
        "bool" | "i8" => "readInt8",
        "u8" => "readUint8",
        "u16" => "readUint16",
        "i16" => "readInt16",
        "u32" => "readUint32",
        "i32" => "readInt32",
        "u64" => "readUint64",
        "f32" => "readFloat32",
        "f64" => "readFloat64",
        _ => return None,
    };
    let absent = match (field.default, bare, optional) {
        (Some(default), ..) => default,
        (None, _, true) => "null",
        (None, "bool", false) => "false",
        (None, "u64", false) => "BigInt('0')",
        (None, "f32" | "f64", false) => "0.0",
        (None, ..) => "0",
    };
    let same = theirs.read == read && theirs.absent == absent;
    (!same).then(|| {
        format!("{} is {} here, {} or {} there", field.name, field.type_name, theirs.read, theirs.absent)
    })
}

/// Compares what is required: a bare reference here is one that the package's writers demand.
fn differ_in_demand(source: &str, field: &Place) -> Option<String> {
    let offset = 4 + 2 * (field.slot + field.slots - 1);
    let demanded = source.contains(&format!("builder.requiredField(offset, {offset});"));
    let ours = ["Str<", "Raw<", "Vec<"].iter().any(|reference| field.type_name.starts_with(reference));
    let optional = field.type_name.starts_with("Option<");
    (demanded && optional || ours && !demanded)
        .then(|| format!("{} is {} here, required there: {demanded}", field.name, field.type_name))
}

fn differ_in_values(source: &str, values: &[(u8, &str)], compared: &mut usize) -> Vec<String> {
    let mut theirs = BTreeMap::new();
    for line in source.lines() {
        let Some((name, number)) = line.trim().split_once("\"] = ") else { continue };
        let Some((_, name)) = name.rsplit_once("[\"") else { continue };
        if let Ok(number) = number.trim_end_matches(']').split(']').next().unwrap_or_default().parse::<u8>() {
            theirs.insert(number, plain(name));
        }
    }
    let mut ours: BTreeMap<u8, String> = values.iter().map(|&(number, name)| (number, plain(name))).collect();
    if theirs.get(&0).is_some_and(|name| name == "none") {
        ours.insert(0, "none".into());
    }
    *compared += ours.len();
    if ours == theirs { vec![] } else { vec![format!("ours {ours:?}, theirs {theirs:?}")] }
}

/// The accessors of a generated class, by name; those of lengths, elements and typed arrays of vectors left out.
fn accessors(source: &str) -> BTreeMap<String, Accessor<'_>> {
    let mut found = BTreeMap::new();
    let lines: Vec<&str> = source.lines().collect();
    for window in lines.windows(3) {
        let [head, offset, value] = window else { continue };
        let Some((name, _)) = head.trim().split_once('(') else { continue };
        let Some(offset) = offset.trim().strip_prefix("const offset = this.bb.__offset(this.bb_pos, ") else {
            continue;
        };
        let Some(offset) = offset.strip_suffix(");").and_then(|n| n.parse().ok()) else { continue };
        let vector_part = ["Length", "Array"]
            .iter()
            .any(|suffix| name.strip_suffix(suffix).is_some_and(|base| found.contains_key(base)));
        if vector_part {
            continue;
        }
        let read = value.split("this.bb.").nth(1).and_then(|call| call.split('(').next()).unwrap_or_default();
        let absent = value.rsplit(" : ").next().unwrap_or_default().trim_end_matches(';');
        found.insert(name.to_owned(), Accessor { offset, read, absent });
    }
    found
}

/// A name without case and separators: `WEBRTCSERVER_DUMP` and `WebrtcserverDump` are one.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn kebab(snake: &str) -> String {
    snake.replace('_', "-")
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|c| c.to_ascii_uppercase());
        name + &head.into_iter().chain(letters).collect::<String>()
    })
}
