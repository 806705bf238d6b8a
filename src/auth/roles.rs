//! Roles: named sets of permissions, from the configuration.
use std::collections::BTreeMap;
use std::sync::Arc;

use slurmdash_api::auth::Permission;
use slurmdash_api::users::Role;

use crate::store::users::UserRecord;

/// The role of those who look after everything.
pub const ADMIN: &str = "admin";
/// The role of those who run jobs.
pub const USER: &str = "user";

/// The roles that there are unless the configuration says otherwise.
pub fn defaults() -> BTreeMap<String, Vec<Permission>> {
    use Permission as P;
    let viewer = vec![P::JobView, P::NodeView, P::TemplateView];
    let user = [viewer.as_slice(), &[P::JobSubmit, P::DataRead, P::DataWrite]].concat();
    let operator = [user.as_slice(), &[P::JobManage, P::AuditView, P::EventView]].concat();
    let admin = P::ALL.to_vec();
    let roles = [(ADMIN, admin), ("operator", operator), (USER, user), ("viewer", viewer)];
    roles
        .into_iter()
        .map(|(name, mut permissions)| {
            permissions.sort_unstable();
            (name.to_owned(), permissions)
        })
        .collect()
}

/// What each role allows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Roles(Arc<BTreeMap<String, Vec<Permission>>>);

impl Roles {
    /// From the configuration.
    pub fn new(roles: BTreeMap<String, Vec<Permission>>) -> Self {
        Self(Arc::new(roles))
    }

    /// Whether there is a role of this name.
    pub fn is_one(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What an account may do: all that its roles allow, and what it was given beside them. A role that is not
    /// configured allows nothing.
    pub fn permissions_of(&self, user: &UserRecord) -> Vec<Permission> {
        let of_roles = user.roles.iter().filter_map(|role| self.0.get(role)).flatten();
        let mut permissions: Vec<_> = of_roles.chain(&user.permissions).copied().collect();
        permissions.sort_unstable();
        permissions.dedup();
        permissions
    }

    /// Whether an account can look after accounts.
    pub fn is_admin(&self, user: &UserRecord) -> bool {
        user.is_active && self.permissions_of(user).contains(&Permission::UserManage)
    }

    /// All of them, by name.
    pub fn list(&self) -> Vec<Role> {
        let role = |(name, permissions): (&String, &Vec<Permission>)| Role {
            name: name.clone(),
            permissions: permissions.clone(),
        };
        self.0.iter().map(role).collect()
    }
}
