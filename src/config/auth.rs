//! Section `auth`: sessions and roles.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slurmdash_api::auth::Permission;

use super::{ClusterSignIn, Oidc};
use crate::auth::roles;
use crate::auth::sessions::Life;

/// Accounts and sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// A session that is not used for so long ends, minutes.
    pub session_idle_minutes: u32,
    /// A session ends after so long, used or not, hours.
    pub session_max_hours: u32,
    /// What each role allows. A role named here is as it is here; those of the default that are not stay.
    pub roles: BTreeMap<String, Vec<Permission>>,
    /// Signing in with a name and password of the cluster.
    pub cluster: ClusterSignIn,
    /// Signing in at an identity provider.
    pub oidc: Option<Oidc>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            session_idle_minutes: 7 * 24 * 60,
            session_max_hours: 30 * 24,
            roles: roles::defaults(),
            cluster: ClusterSignIn::default(),
            oidc: None,
        }
    }
}

impl Auth {
    /// How long sessions last.
    pub fn session_life(&self) -> Life {
        Life { idle: i64::from(self.session_idle_minutes) * 60, most: i64::from(self.session_max_hours) * 3600 }
    }

    /// What is wrong with it beyond its types.
    pub(super) fn judge(&self, mut refuse: impl FnMut(&str, String)) {
        for (key, value, least, most) in [
            // An access token lives for 15 minutes and is renewed before its end.
            ("auth.session_idle_minutes", self.session_idle_minutes, 20, 7 * 24 * 60),
            ("auth.session_max_hours", self.session_max_hours, 1, 366 * 24),
        ] {
            if !(least..=most).contains(&value) {
                refuse(key, format!("must be between {least} and {most}, not {value}"));
            }
        }
        for name in self.roles.keys() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
                refuse(
                    "auth.roles",
                    format!("a role's name is 1 to 32 lower-case letters, digits, - or _, not {name:?}"),
                );
            }
        }
        let oidc = self.oidc.as_ref();
        let given = [
            ("auth.cluster.roles", self.cluster.roles.values().collect::<Vec<_>>()),
            ("auth.cluster.default_role", vec![&self.cluster.default_role]),
            ("auth.oidc.roles", oidc.map(|oidc| oidc.roles.values().collect()).unwrap_or_default()),
            ("auth.oidc.default_role", oidc.map(|oidc| vec![&oidc.default_role]).unwrap_or_default()),
        ];
        for (key, names) in given {
            if let Some(unknown) = names.into_iter().find(|name| !self.roles.contains_key(*name)) {
                let known: Vec<_> = self.roles.keys().map(String::as_str).collect();
                refuse(key, format!("names the role {unknown:?}, and there are {} only", known.join(", ")));
            }
        }
        let administers = |permissions: &Vec<Permission>| permissions.contains(&Permission::UserManage);
        if !self.roles.get(roles::ADMIN).is_some_and(administers) {
            refuse("auth.roles.admin", "must hold user:manage, or nobody could look after accounts".into());
        }
    }
}
