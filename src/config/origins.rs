//! Where each value came from, for `slurmdash config show`, and errors that name their key.
use figment::Source;
use figment::error::Kind;

use super::{ENV_PREFIX, Loaded, Problem};

/// One key with its value and origin.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Dotted path, such as `http.listen`.
    pub key: String,
    /// The value as JSON.
    pub value: serde_json::Value,
    /// `default`, `flag`, an environment variable's name, or the file.
    pub origin: String,
}

/// Every key there is, in the order of the sections.
pub fn entries(loaded: &Loaded) -> Vec<Entry> {
    let config = serde_json::to_value(&loaded.config).unwrap_or_default();
    let mut entries = Vec::new();
    flatten("", &config, &mut |key, value| {
        entries.push(Entry { key: key.to_owned(), value: value.clone(), origin: origin(loaded, key) });
    });
    entries
}

fn flatten(prefix: &str, value: &serde_json::Value, found: &mut impl FnMut(&str, &serde_json::Value)) {
    match value {
        serde_json::Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, value, found);
            }
        }
        value => found(prefix, value),
    }
}

fn origin(loaded: &Loaded, key: &str) -> String {
    let Some(metadata) = loaded.figment.find_metadata(key) else {
        return "default".into();
    };
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => {
            format!("{ENV_PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
        }
        _ => {
            let is_flag = metadata.name.contains("Flags");
            if is_flag { "flag".into() } else { "default".into() }
        }
    }
}

/// Figment's error in our words: the dotted key first.
pub(super) fn problem(error: &figment::Error) -> Problem {
    let key = if error.path.is_empty() { "configuration".into() } else { error.path.join(".") };
    let mut message = match &error.kind {
        Kind::UnknownField(_, known) => format!("is no key here; known are {}", known.join(", ")),
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            format!("must be {wanted}, not {found}")
        }
        Kind::UnknownVariant(found, known) => format!("must be one of {}, not {found}", known.join(", ")),
        other => other.to_string(),
    };
    if error.metadata.as_ref().is_some_and(|metadata| metadata.name.contains("environment")) {
        message.push_str(" (from the environment)");
    }
    Problem { key, message }
}
