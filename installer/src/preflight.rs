//! Whether it can be done at all: what is wrong with hosts, in words, with what mends it. Pure, from facts.
mod cluster;
mod host;

use std::collections::BTreeMap;
use std::path::Path;

pub use cluster::explain;
pub(crate) use cluster::{unreachable, unsupported};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Role};
use crate::facts::Facts;
use crate::plan::site::{SLURM_CONF, WRITTEN};
use crate::secrets::Secrets;

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

/// Judges all hosts, errors first. `facts` are by the hosts' names in the configuration; one that is missing there could
/// not be reached.
pub fn judge(config: &Config, facts: &BTreeMap<String, Facts>, secrets: &Secrets) -> Vec<Finding> {
    let mut findings = Vec::new();
    let conf =
        config.host_with(Role::Controller).and_then(|host| facts.get(&host.name)?.files.get(Path::new(SLURM_CONF)));
    let is_ours = conf.is_some_and(|text| text.starts_with(WRITTEN));
    let cluster = host::Cluster { config, secrets, is_ours };
    for host in &config.hosts {
        match facts.get(&host.name) {
            Some(facts) => host::judge(&cluster, host, facts, &mut findings),
            None => findings.extend(unreachable(host)),
        }
    }
    cluster::judge(config, facts, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}
