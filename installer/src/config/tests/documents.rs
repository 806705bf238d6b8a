//! The schema, what is read, and what is written about it say the same.
use serde_json::Value;

use super::*;

/// Every key of the schema, as `ssh.port`, `hosts[].name`, with its default; `options{}` are keys of a map.
fn keys(schema: &Value, root: &Value, path: &str, all: &mut BTreeMap<String, Value>) {
    let schema = schema["$ref"].as_str().map_or(schema, |to| root.pointer(&to[1..]).unwrap());
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        keys(choice, root, path, all);
    }
    if schema["items"].is_object() {
        keys(&schema["items"], root, &format!("{path}[]"), all);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        all.insert(path.clone(), property["default"].clone());
        keys(property, root, &path, all);
    }
    if schema["properties"].is_object() {
        assert_eq!(schema["additionalProperties"], json!(false), "{path} is open");
    }
}

fn schema_keys() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    keys(&schema(), &schema(), "", &mut all);
    all
}

/// Keys of a value, likewise.
fn value_keys(value: &Value, path: &str, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| value_keys(item, &format!("{path}[]"), all)),
        Value::Object(object) if !path.ends_with("options") && !path.ends_with("cgroup") => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                all.insert(path.clone(), value.clone());
                value_keys(value, &path, all);
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_has_the_keys_that_are_read_and_no_other() {
    let full = yaml::read(FULL).unwrap();
    let mut report = problem::Report::default();
    let mut file: file::File = serde_json::from_value(schema::check(&full, &mut report)).unwrap();
    assert!(report.is_empty());
    file.identities.dashboard = Some(Identity::DASHBOARD);
    let mut read = BTreeMap::new();
    value_keys(&serde_json::to_value(file).unwrap(), "", &mut read);
    assert_eq!(schema_keys().keys().collect::<Vec<_>>(), read.keys().collect::<Vec<_>>());
}

#[test]
fn the_schema_says_the_defaults_that_hold() {
    let minimal: file::File = serde_json::from_value(json!({
        "cluster": "hpc", "hosts": [], "partitions": [{"name": "a", "nodes": "all"}],
        "accounting": {"accounts": [{"name": "a"}]},
    }))
    .unwrap();
    let mut hold = BTreeMap::new();
    value_keys(&serde_json::to_value(minimal).unwrap(), "", &mut hold);
    for (key, said) in schema_keys().into_iter().filter(|(_, said)| !said.is_null()) {
        assert_eq!(hold.get(&key), Some(&said), "{key}");
    }
}

#[test]
fn every_key_is_in_the_documents_and_every_example_there_is_right() {
    let text = include_str!("../../../../docs/cluster-yaml.md");
    for key in schema_keys().keys() {
        assert!(text.contains(&format!("| `{key}` |")), "docs/cluster-yaml.md has no row for {key}");
    }
    let examples: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        parse(example).unwrap_or_else(|problems| panic!("{example}\n{problems:#?}"));
    }
}
