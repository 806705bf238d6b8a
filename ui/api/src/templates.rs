//! Job templates as the API shows them and as their YAML files are written.
use serde::{Deserialize, Serialize};

use crate::jobs::ParameterValue;
use crate::uploads::FileType;

/// `GET /api/v2/templates/{id}`, and the shape of a template's YAML file (without `id` and `source`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Template {
    /// The file's name without `.yaml`: lower-case letters, digits and `-`.
    pub id: String,
    /// Name on the card, such as `PyTorch Training`.
    pub name: String,
    /// What it is for, in a sentence or two.
    pub description: String,
    /// Category, such as `machine-learning` or `cfd`.
    pub category: String,
    /// Shown to everyone.
    pub is_public: bool,
    /// Suggested settings.
    pub resources: TemplateResources,
    /// What the person fills in.
    pub parameters: Vec<TemplateParameter>,
    /// Files it takes.
    pub files: Vec<TemplateFile>,
    /// The batch script's body. Parameters and files reach it as environment variables, never as pasted text.
    pub script: String,
}

/// A template's suggested settings; each can be changed in the form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TemplateResources {
    /// Partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// Tasks over all nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
    /// CPUs of each task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus_per_task: Option<u32>,
    /// Memory on each node, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// GPUs on each node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// Time limit as Slurm writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// One thing the person fills in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateParameter {
    /// Name in `parameters` of a submission: lower-case letters, digits and `_`. The script sees it in upper case.
    pub name: String,
    /// Label of its field.
    pub label: String,
    /// Kind of value.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// Help under its field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Value when nothing is filled in; without one a value is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<serde_json::Value>))]
    pub default: Option<ParameterValue>,
    /// Smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The values of a `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// What kind of value a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    /// One line of text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of `choices`.
    Choice,
}

/// A file the template takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// Name: lower-case letters, digits and `_`. The script sees the path as `FILE_<NAME>`.
    pub name: String,
    /// Label in the upload step.
    pub label: String,
    /// Glob that the file's name must match, such as `*.py`; any name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Type the file must have; any when absent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileType>,
    /// Whether a submission without it is refused.
    #[serde(default)]
    pub required: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl TemplateFile {
    /// Whether an uploaded file fills this place: its type is right and its name matches `pattern` (`*` and `?`,
    /// ignoring case; several patterns are separated by commas).
    pub fn accepts(&self, name: &str, kind: FileType) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.pattern.as_deref().is_none_or(|patterns| {
                let name = name.to_lowercase();
                patterns.split(',').any(|pattern| glob(pattern.trim().to_lowercase().as_bytes(), name.as_bytes()))
            })
    }
}

/// Matches `text` against a pattern of `*` (anything) and `?` (one byte) in linear space and at worst quadratic time.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((sp, st)) => {
                    p = sp + 1;
                    t = st + 1;
                    star = Some((sp, st + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// `GET /api/v2/templates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateList {
    /// The templates, by category and name.
    pub templates: Vec<Template>,
    /// Files that could not be read, for those who may fix them.
    pub problems: Vec<TemplateProblem>,
}

/// Why a template file was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateProblem {
    /// The file's name.
    pub file: String,
    /// Line, from 1; absent when the trouble has no place.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// Query of `GET /api/v2/templates`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct TemplateQuery {
    /// Category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Only public, or only private ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_public: Option<bool>,
    /// Part of the name or description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_ignoring_case() {
        let file = |pattern: &str| TemplateFile {
            name: "f".into(),
            label: "F".into(),
            pattern: Some(pattern.into()),
            kind: None,
            required: false,
            help: None,
        };
        assert!(file("*.py").accepts("Train.PY", FileType::Script));
        assert!(file("*.inp, *.k").accepts("crash.k", FileType::Other));
        assert!(file("a*b?c*").accepts("a---bxc", FileType::Other));
        assert!(!file("*.py").accepts("train.pyc", FileType::Other));
        assert!(!file("?.py").accepts(".py", FileType::Script));
    }
}
