//! What is not as it should be, in words, with what mends it.
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is done until it is mended.
    Error,
    /// It is said, and done all the same.
    Warning,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The host it is about, when it is about one.
    pub host: Option<String>,
    /// What is wrong, in a sentence without a full stop.
    pub what: String,
    /// What mends it; a command where there is one.
    pub fix: String,
}

impl Finding {
    /// What must be mended first.
    pub fn error(host: Option<&str>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Error, host: host.map(str::to_owned), what: what.into(), fix: fix.into() }
    }

    /// What should be known.
    pub fn warning(host: Option<&str>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(host, what, fix) }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}: ")?;
        }
        write!(f, "{}; {}", self.what, self.fix)
    }
}
