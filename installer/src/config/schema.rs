//! The JSON Schema of `cluster.yaml`, which is also what files are held against: keys, types and ranges are said once, there.
use serde_json::{Map, Value};

use super::problem::{KeyPath, Mark, PathStep, Report, did_you_mean, quoted};
use super::yaml::{Content, Entry, Node};

/// JSON Schema (2020-12) of `cluster.yaml`, for editors and other programs.
///
/// What it can't say, [`super::parse`] refuses: names, and what must fit together.
pub fn schema() -> Value {
    // A test reads it; null, which allows nothing, is never seen.
    serde_json::from_str(include_str!("cluster.schema.json")).unwrap_or_default()
}

/// Holds a file against the schema and gives its value as the schema's types say. Everything that doesn't fit is
/// reported, and null there.
pub(super) fn check(root: &Node, report: &mut Report) -> Value {
    let schema = schema();
    let mut check = Check { root: &schema, report, path: KeyPath::default() };
    check.value(root, root.mark, &schema).unwrap_or_default()
}

struct Check<'a> {
    root: &'a Value,
    report: &'a mut Report,
    path: KeyPath,
}

impl<'a> Check<'a> {
    fn refuse(&mut self, mark: Mark, message: String, suggestion: Option<String>) {
        self.report.refuse_at(mark, &self.path, message, suggestion);
    }

    fn value(&mut self, node: &Node, mark: Mark, schema: &'a Value) -> Option<Value> {
        let schema = self.followed(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            return self.any_of(node, mark, choices);
        }
        match (&node.content, first_type(schema)) {
            (Content::Map(entries), "object") => Some(self.object(entries, mark, schema)),
            // A key above what is commented out.
            (Content::Scalar { .. }, "object") if node.is_null() => Some(self.object(&[], mark, schema)),
            (Content::List(items), "array") => self.array(items, mark, schema),
            (Content::Scalar { text, plain }, kind @ ("string" | "integer" | "boolean")) if !node.is_null() => {
                self.scalar(text, *plain, mark, kind, schema)
            }
            (_, kind) => {
                self.refuse(mark, format!("must be {}, not {}", in_words(kind), node.kind()), None);
                None
            }
        }
    }

    /// The schema that a reference stands for.
    fn followed(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        reference.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    /// The first choice that takes this kind of thing; else the one for a single value, whose words are clear enough.
    fn any_of(&mut self, node: &Node, mark: Mark, choices: &'a [Value]) -> Option<Value> {
        let fits = |schema: &&Value| matches!(node.content, Content::List(_)) == (first_type(schema) == "array");
        if let Some(choice) = choices.iter().find(fits).filter(|_| !matches!(node.content, Content::Map(_))) {
            return self.value(node, mark, choice);
        }
        let words: Vec<&str> = choices.iter().map(|schema| in_words(first_type(schema))).collect();
        self.refuse(mark, format!("must be {}, not {}", words.join(" or "), node.kind()), None);
        None
    }

    fn object(&mut self, entries: &[Entry], mark: Mark, schema: &'a Value) -> Value {
        let nothing = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&nothing);
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        let mut object = Map::new();
        for Entry { key, mark, value } in entries {
            self.path.0.push(PathStep::Key(key.clone()));
            // Borrowed from the root, not from `known`, whose empty stand-in lives for this call alone.
            let property = schema["properties"].get(key).or(any);
            match property {
                None => {
                    let keys = || known.keys().map(String::as_str);
                    let list = || format!("the keys here are {}", keys().collect::<Vec<_>>().join(", "));
                    let suggestion = did_you_mean(key, keys()).unwrap_or_else(list);
                    self.refuse(*mark, "is no key that is known here".to_owned(), Some(suggestion));
                }
                // An optional key without a value is as good as absent; a required one is told to be missing below.
                Some(_) if value.is_null() && any.is_none() => {}
                // What doesn't fit keeps its place, so that nothing is said to be missing that is merely wrong.
                Some(property) => {
                    let value = self.value(value, *mark, property).unwrap_or_default();
                    object.insert(key.clone(), value);
                }
            }
            self.path.0.pop();
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(key) {
                self.path.0.push(PathStep::Key(key.to_owned()));
                self.refuse(mark, "is missing".to_owned(), None);
                self.path.0.pop();
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, items: &[Node], mark: Mark, schema: &'a Value) -> Option<Value> {
        let count = items.len() as u64;
        let (least, most) = (schema["minItems"].as_u64().unwrap_or(0), schema["maxItems"].as_u64());
        if count < least || most.is_some_and(|most| count > most) {
            let message = match most {
                Some(most) if count > most => format!("has {count} items; there may be at most {most}"),
                _ => "must not be empty".to_owned(),
            };
            self.refuse(mark, message, None);
            return None;
        }
        let mut array = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            self.path.0.push(PathStep::Item(at));
            array.push(self.value(item, item.mark, &schema["items"]).unwrap_or_default());
            self.path.0.pop();
        }
        Some(Value::Array(array))
    }

    /// A scalar as its type is. Text is taken as it is written, so that 22.10 and 1-00:00:00 stay what they are.
    fn scalar(&mut self, text: &str, plain: bool, mark: Mark, kind: &str, schema: &Value) -> Option<Value> {
        match kind {
            "integer" => {
                let digits =
                    plain && text.len() <= 20 && text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
                let number = digits.then(|| text.parse::<i128>().ok()).flatten();
                let (least, most) = (schema["minimum"].as_u64().unwrap_or(0), schema["maximum"].as_u64());
                let most = most.unwrap_or(u64::MAX);
                let Some(number) = number else {
                    self.refuse(mark, format!("must be a whole number, not {}", quoted(text)), None);
                    return None;
                };
                match u64::try_from(number) {
                    Ok(number) if (least..=most).contains(&number) => Some(number.into()),
                    _ => {
                        self.refuse(mark, format!("must be between {least} and {most}, not {number}"), None);
                        None
                    }
                }
            }
            "boolean" if plain && text == "true" => Some(true.into()),
            "boolean" if plain && text == "false" => Some(false.into()),
            "boolean" => {
                let suggestion = match text.to_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" | "1" => Some("write true".to_owned()),
                    "no" | "off" | "n" | "false" | "0" => Some("write false".to_owned()),
                    _ => None,
                };
                self.refuse(mark, format!("must be true or false, not {}", quoted(text)), suggestion);
                None
            }
            _ => {
                let choices = schema["enum"].as_array();
                if let Some(choices) = choices.filter(|choices| !choices.iter().any(|choice| choice == text)) {
                    let words: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
                    let message = format!("must be one of {}, not {}", words.join(", "), quoted(text));
                    self.refuse(mark, message, did_you_mean(text, words));
                    return None;
                }
                Some(text.into())
            }
        }
    }
}

/// The type by which a value is read: the first of several.
fn first_type(schema: &Value) -> &str {
    schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default()
}

fn in_words(kind: &str) -> &'static str {
    match kind {
        "object" => "a mapping",
        "array" => "a list",
        "integer" => "a whole number",
        "boolean" => "true or false",
        _ => "a single value",
    }
}
