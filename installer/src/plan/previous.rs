//! What slurm.conf said before, on the controller.
use std::collections::BTreeMap;

use super::hardware::Node;
use super::site::SiteHost;

/// Compute nodes by name, as they were.
pub(crate) fn nodes(_hosts: &[SiteHost]) -> BTreeMap<String, Node> {
    BTreeMap::new()
}

/// Nodes that an old file has and a new one has not, folded.
pub(crate) fn lost(_old: &str, _new: &str) -> Vec<String> {
    Vec::new()
}
