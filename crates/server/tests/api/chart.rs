//! As much of Helm as the chart's template of the configuration wants, so that it is this template that is tested and not
//! what somebody remembers of it: `if`, `else`, `range` over a map, `end`, a few functions, and values in YAML's simplest form.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What Helm makes of a template, or what the template says against the values.
pub(crate) fn render(template: &str, values: &Value) -> Result<String, String> {
    let pieces = pieces(template);
    let root = json!({ "Values": values, "Release": { "Name": "room" } });
    let mut run = Run { pieces: &pieces, at: 0, root, variables: BTreeMap::new(), made: String::new() };
    let end = run.block(true)?;
    assert_eq!(end, "", "an end of nothing");
    Ok(run.made)
}

/// Maps in maps by indentation, with scalars.
pub(crate) fn values(yaml: &str) -> Value {
    let content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let lines: Vec<&str> = yaml.lines().filter(content).collect();
    let (map, rest) = map(&lines, 0);
    assert!(rest.is_empty(), "{rest:?}");
    map
}

enum Piece {
    Text(String),
    Action(String),
}

struct Run<'a> {
    pieces: &'a [Piece],
    at: usize,
    root: Value,
    variables: BTreeMap<String, Value>,
    made: String,
}

impl Run<'_> {
    /// Goes on to the end of what it is in, whose word it returns. What is not live makes nothing.
    fn block(&mut self, live: bool) -> Result<&'static str, String> {
        while let Some(piece) = self.pieces.get(self.at) {
            self.at += 1;
            let action = match piece {
                Piece::Text(text) if live => {
                    self.made += text;
                    continue;
                }
                Piece::Text(_) => continue,
                Piece::Action(action) => action,
            };
            match action.split_once(' ').unwrap_or((action, "")) {
                ("end", _) => return Ok("end"),
                ("else", "") => return Ok("else"),
                ("if", condition) => {
                    let holds = live && holds(&self.value(condition)?);
                    if self.block(holds)? == "else" {
                        self.block(live && !holds)?;
                    }
                }
                ("range", over) => self.range(live, over)?,
                _ if live => {
                    let value = self.value(action)?;
                    self.made += &value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                }
                _ => {}
            }
        }
        Ok("")
    }

    fn range(&mut self, live: bool, over: &str) -> Result<(), String> {
        let (names, of) = over.split_once(" := ").unwrap();
        let (key, value) = names.split_once(", ").unwrap();
        let entries = if live { self.value(of)?.as_object().unwrap().clone() } else { Map::new() };
        let start = self.at;
        if entries.is_empty() {
            self.block(false)?;
        }
        for (name, entry) in entries {
            self.at = start;
            self.variables.insert(key.to_owned(), json!(name));
            self.variables.insert(value.to_owned(), entry);
            self.block(true)?;
        }
        Ok(())
    }

    /// Each call has what the one before made as its last argument.
    fn value(&self, expression: &str) -> Result<Value, String> {
        let mut piped = None;
        for call in expression.split(" | ") {
            let words = words(call);
            let mut of: Vec<Value> = words.iter().skip(1).map(|word| self.term(word)).collect();
            of.extend(piped.take());
            piped = Some(match (words[0].as_str(), of.as_slice()) {
                ("fail", [why]) => return Err(why.as_str().unwrap().to_owned()),
                ("hasKey", [map, key]) => json!(map.as_object().unwrap().contains_key(key.as_str().unwrap())),
                ("omit", [Value::Object(map), keys @ ..]) => map
                    .iter()
                    .filter(|(key, _)| !keys.contains(&json!(key)))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
                ("toJson", [value]) => json!(value.to_string()),
                (term, []) => self.term(term),
                _ => panic!("{call:?} is more than is known here"),
            });
        }
        Ok(piped.unwrap())
    }

    fn term(&self, word: &str) -> Value {
        if let Some(text) = word.strip_prefix('"') {
            return json!(text);
        }
        if let Some(path) = word.strip_prefix('.') {
            let pointer = format!("/{}", path.replace('.', "/"));
            return self.root.pointer(&pointer).cloned().unwrap_or(Value::Null);
        }
        self.variables.get(word).unwrap_or_else(|| panic!("{word:?} is more than is known here")).clone()
    }
}

fn holds(value: &Value) -> bool {
    !(value.is_null() || [json!(false), json!(0), json!(""), json!({}), json!([])].contains(value))
}

/// A dash inside the braces takes the white space beside it away.
fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").unwrap();
        let text = if action.starts_with('-') { text.trim_end() } else { text };
        pieces.push(Piece::Text(text.to_owned()));
        rest = if action.ends_with('-') { after.trim_start() } else { after };
        pieces.push(Piece::Action(action.trim_matches('-').trim().to_owned()));
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

/// A text keeps its first quotation mark, and its spaces.
fn words(call: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_text = false;
    for character in call.trim().chars() {
        let word = words.last_mut().unwrap();
        match character {
            '"' if is_text => is_text = false,
            ' ' if !is_text => words.push(String::new()),
            _ => {
                is_text |= character == '"';
                word.push(character);
            }
        }
    }
    words
}

fn map<'a, 'b>(mut lines: &'a [&'b str], indent: usize) -> (Value, &'a [&'b str]) {
    let mut made = Map::new();
    while let [line, rest @ ..] = lines {
        let depth = line.len() - line.trim_start().len();
        if depth < indent {
            break;
        }
        assert_eq!(depth, indent, "{line}");
        let (key, value) = line.trim().split_once(':').unwrap();
        lines = rest;
        let value = match value.trim() {
            "" => {
                let (inner, rest) = map(rest, indent + 2);
                lines = rest;
                inner
            }
            // Only strings, numbers and what is empty are JSON as well.
            text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        };
        made.insert(key.to_owned(), value);
    }
    (Value::Object(made), lines)
}
