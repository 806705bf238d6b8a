//! Signing in with a name and password of the cluster: who may, and what they may then do.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Signing in with a name and password of the cluster, which the sshd of `ssh.host` checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterSignIn {
    /// Whether people may. It needs `ssh.host` and `ssh.known_hosts`, and not `ssh.enabled`.
    pub enabled: bool,
    /// Members of any of these Unix groups may; when empty, every Unix user from `ssh.min_uid` on.
    pub groups: Vec<String>,
    /// Roles that members of a Unix group have: group → role.
    pub roles: BTreeMap<String, String>,
    /// The role of people that no group gives one.
    pub default_role: String,
}

impl ClusterSignIn {
    /// Whether a member of these Unix groups may sign in.
    pub fn admits(&self, groups: &[String]) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|group| groups.contains(group))
    }

    /// The roles that a member of these Unix groups has: those of all of them, each once, else the default one.
    pub fn roles_of(&self, groups: &[String]) -> Vec<&str> {
        let given = self.roles.iter().filter(|(group, _)| groups.contains(group)).map(|(_, role)| role.as_str());
        let mut given: Vec<&str> = given.collect();
        given.sort_unstable();
        given.dedup();
        if given.is_empty() { vec![&self.default_role] } else { given }
    }

    /// Judges what types can't.
    pub(super) fn judge(&self, refuse: &mut impl FnMut(&str, String)) {
        for group in self.groups.iter().chain(self.roles.keys()).filter(|group| !is_group(group)) {
            let key = if self.groups.contains(group) { "auth.cluster.groups" } else { "auth.cluster.roles" };
            refuse(key, format!("must name Unix groups, and {group:?} can't be the name of one"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_role = |role: &str| (1..=64).contains(&role.len()) && role.chars().all(plain);
        for (group, role) in self.roles.iter().filter(|(_, role)| !is_role(role)) {
            refuse("auth.cluster.roles", format!("must give the group {group} the name of a role, not {role:?}"));
        }
        if !is_role(&self.default_role) {
            refuse("auth.cluster.default_role", format!("must be the name of a role, not {:?}", self.default_role));
        }
    }
}

impl Default for ClusterSignIn {
    fn default() -> Self {
        Self { enabled: false, groups: Vec::new(), roles: BTreeMap::new(), default_role: "user".into() }
    }
}

/// Whether a text can be the name of a group: one field of a line of group(5). Directories have names with blanks.
fn is_group(name: &str) -> bool {
    (1..=256).contains(&name.len())
        && name.trim() == name
        && !name.contains([':', ','])
        && !name.contains(char::is_control)
}
