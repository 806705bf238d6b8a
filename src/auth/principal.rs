//! Who is behind a request, and what they may do.
use std::net::IpAddr;

use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{AccountSource, Permission, User};

use crate::store::audit::By;

/// Where a request came from, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Address of the caller.
    pub address: Option<IpAddr>,
    /// What the caller's program calls itself.
    pub agent: Option<String>,
    /// The request's id, as in the log.
    pub request_id: Option<String>,
}

impl Origin {
    /// As the audit log names somebody who is not signed in.
    pub fn by(&self, at: UnixSeconds) -> By {
        let Self { address, agent, request_id } = self.clone();
        By { address, agent, request_id, ..By::system(at) }
    }
}

/// By what somebody is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An access token of the session with this id.
    Session(String),
    /// The API key with this id.
    ApiKey(String),
}

/// The signed-in person behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Account id.
    pub user_id: String,
    /// Account name.
    pub username: String,
    /// What they may do: what their roles allow and, with an API key, the key as well.
    pub permissions: Vec<Permission>,
    /// Names of their roles.
    pub roles: Vec<String>,
    /// Who checks their password.
    pub source: AccountSource,
    /// The Unix user whose jobs and files are theirs, where that is not the server's own.
    pub unix_user: Option<String>,
    /// By what they are known.
    pub credential: Credential,
    /// Where the request came from.
    pub origin: Origin,
}

impl Principal {
    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Refuses unless they may.
    pub fn require(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.may(permission) { Ok(()) } else { Err(Forbidden(permission)) }
    }

    /// The session they are in, unless they came with an API key.
    pub fn session_id(&self) -> Option<&str> {
        match &self.credential {
            Credential::Session(id) => Some(id),
            Credential::ApiKey(_) => None,
        }
    }

    /// As the audit log names them.
    pub fn by(&self, at: UnixSeconds) -> By {
        let (user_id, username) = (Some(self.user_id.clone()), Some(self.username.clone()));
        let key_id = match &self.credential {
            Credential::ApiKey(id) => Some(id.clone()),
            Credential::Session(_) => None,
        };
        By { user_id, username, key_id, ..self.origin.by(at) }
    }

    /// As the API shows them.
    pub fn user(&self) -> User {
        User {
            id: self.user_id.clone(),
            username: self.username.clone(),
            permissions: self.permissions.clone(),
            roles: self.roles.clone(),
            source: self.source,
            unix_user: self.unix_user.clone(),
        }
    }
}

/// The person lacks a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission {}; ask an administrator for it", .0.as_str())]
pub struct Forbidden(pub Permission);
