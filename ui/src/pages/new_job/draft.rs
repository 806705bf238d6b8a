//! What was filled in so far, kept in this browser until the job is submitted or the draft discarded.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::browser;

const KEY: &str = "slurmdash.draft";

/// What the person wants to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// A script of their own.
    Custom,
    /// This template.
    Template(String),
}

/// An unfinished job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// Whose it is: the browser may be shared.
    pub user: String,
    /// What to run.
    pub pick: Option<Pick>,
    /// Texts of the fields by name, parameters as `parameters.<name>`.
    pub fields: BTreeMap<String, String>,
    /// Ids of its uploads, finished or not.
    pub uploads: Vec<String>,
}

impl Draft {
    /// The draft that `user` left here, if any.
    pub fn load(user: &str) -> Option<Draft> {
        let draft: Draft = serde_json::from_str(&browser::stored(KEY)?).ok()?;
        (draft.user == user).then_some(draft)
    }

    /// Keeps it.
    pub fn save(&self) {
        if let Ok(text) = serde_json::to_string(self) {
            browser::store(KEY, &text);
        }
    }

    /// Throws away what is kept.
    pub fn forget() {
        browser::forget(KEY);
    }

    /// Whether there is nothing in it worth keeping.
    pub fn is_empty(&self) -> bool {
        self.pick.is_none() && self.uploads.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_survive_being_written_and_newer_or_older_fields() {
        let draft = Draft {
            user: "ada".into(),
            pick: Some(Pick::Template("pytorch".into())),
            fields: BTreeMap::from([("nodes".into(), "2".into())]),
            uploads: vec!["u1".into()],
        };
        let text = serde_json::to_string(&draft).expect("JSON");
        assert_eq!(serde_json::from_str::<Draft>(&text).expect("read back"), draft);
        let old: Draft = serde_json::from_str(r#"{"user":"ada","pick":"custom","more":1}"#).expect("read");
        assert_eq!(old.pick, Some(Pick::Custom));
        assert!(!old.is_empty() && Draft::default().is_empty());
    }
}
