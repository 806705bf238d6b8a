//! `auth.oidc`: signing in at an OpenID provider.
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::auth::oidc::judge_issuer;

/// Longest name on the button, characters.
const MAX_NAME: usize = 64;

/// Signing in at an OpenID provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// The provider's issuer, exactly as it calls itself; its `/.well-known/openid-configuration` says the rest.
    pub issuer: String,
    /// What the provider calls this program.
    pub client_id: String,
    /// File with the secret that the provider gave, readable by the server's user only. None for a public client.
    pub client_secret_file: Option<PathBuf>,
    /// What the button on the login page says.
    pub name: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that becomes the account's name.
    pub username_claim: String,
    /// The claim that names the Unix user; `username_claim` when absent.
    pub unix_user_claim: Option<String>,
    /// `@` and one of these domains is taken off the Unix user's claim; another domain is refused. Without any,
    /// nothing is taken off.
    pub unix_user_domains: Vec<String>,
    /// The claim that lists the groups; `a.b` is `b` in `a`.
    pub groups_claim: String,
    /// Who is in none of these groups is not let in; all are when empty.
    pub allowed_groups: Vec<String>,
    /// From a group to the role that its members have.
    pub roles: BTreeMap<String, String>,
    /// The role of who is in none of the groups of `roles`.
    pub default_role: String,
    /// The only certificate authorities that are trusted for the provider, PEM; the host's when absent.
    pub ca_file: Option<PathBuf>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: None,
            name: "Single sign-on".into(),
            scopes: ["openid", "profile", "email"].map(String::from).into(),
            username_claim: "preferred_username".into(),
            unix_user_claim: None,
            unix_user_domains: Vec::new(),
            groups_claim: "groups".into(),
            allowed_groups: Vec::new(),
            roles: BTreeMap::new(),
            default_role: "user".into(),
            ca_file: None,
        }
    }
}

impl Oidc {
    /// Names everything that is wrong, by key below `auth.oidc`.
    pub(super) fn judge(&self, mut refuse: impl FnMut(&str, String)) {
        if let Err(words) = judge_issuer(&self.issuer) {
            refuse("issuer", words);
        }
        if self.client_id.is_empty() || !self.client_id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            refuse("client_id", "must be what the provider calls this program".into());
        }
        if self.name.trim().is_empty() || self.name.chars().count() > MAX_NAME || self.name.contains(char::is_control) {
            refuse("name", format!("must be 1 to {MAX_NAME} characters on one line"));
        }
        for scope in self.scopes.iter().filter(|scope| !is_scope(scope)) {
            refuse("scopes", format!("{scope:?} can't be a scope"));
        }
        for (key, claim) in [
            ("username_claim", &self.username_claim),
            ("unix_user_claim", self.unix_user_claim.as_ref().unwrap_or(&self.username_claim)),
            ("groups_claim", &self.groups_claim),
        ] {
            if claim.is_empty() {
                refuse(key, "must be a claim's name".into());
            }
        }
        for domain in self.unix_user_domains.iter().filter(|domain| domain.is_empty() || domain.contains('@')) {
            refuse("unix_user_domains", format!("must be domains without @, not {domain:?}"));
        }
        for role in self.roles.values().chain([&self.default_role]).filter(|role| !is_role(role)) {
            let key = if *role == self.default_role { "default_role" } else { "roles" };
            refuse(key, format!("{role:?} can't be a role's name"));
        }
        for (key, file) in [("client_secret_file", &self.client_secret_file), ("ca_file", &self.ca_file)] {
            if let Some(file) = file.as_ref().filter(|file| !file.is_absolute()) {
                refuse(key, format!("must be an absolute path, not {}", file.display()));
            }
        }
    }
}

/// RFC 6749, appendix A.4.
fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn is_role(role: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=32).contains(&role.len()) && role.bytes().all(plain)
}
