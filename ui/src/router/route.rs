//! Which page a path names.
use super::decode;

/// The pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/login`
    Login,
    /// `/dashboard`
    Dashboard,
    /// `/jobs`
    Jobs,
    /// `/jobs/new`
    NewJob,
    /// `/jobs/<id>`
    Job(String),
    /// `/nodes`
    Nodes,
    /// `/templates`
    Templates,
    /// `/templates/<id>`
    Template(String),
    /// `/profile`
    Profile,
    /// `/admin` and what is below it.
    Admin(AdminPage),
    /// `/gallery`
    Gallery,
    /// `/`: leads on to the dashboard.
    Root,
    /// Anything else.
    NotFound,
}

/// The pages of those who look after the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminPage {
    /// `/admin`: leads on to the first one that the person may see.
    Home,
    /// `/admin/users`
    Users,
    /// `/admin/users/<id>`
    User(String),
    /// `/admin/roles`
    Roles,
    /// `/admin/audit`
    Audit,
    /// `/admin/events`
    Events,
}

impl Route {
    /// The page that a path names.
    pub fn parse(path: &str) -> Route {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let route = (segments.next(), segments.next(), segments.next());
        match route {
            (None, ..) => Self::Root,
            (Some("login"), None, _) => Self::Login,
            (Some("dashboard"), None, _) => Self::Dashboard,
            (Some("jobs"), None, _) => Self::Jobs,
            (Some("jobs"), Some("new"), None) => Self::NewJob,
            (Some("jobs"), Some(id), None) => Self::Job(decode(id)),
            (Some("nodes"), None, _) => Self::Nodes,
            (Some("templates"), None, _) => Self::Templates,
            (Some("templates"), Some(id), None) => Self::Template(decode(id)),
            (Some("profile"), None, _) => Self::Profile,
            (Some("admin"), None, _) => Self::Admin(AdminPage::Home),
            (Some("admin"), Some("users"), None) => Self::Admin(AdminPage::Users),
            (Some("admin"), Some("users"), Some(id)) if segments.next().is_none() => {
                Self::Admin(AdminPage::User(decode(id)))
            }
            (Some("admin"), Some("roles"), None) => Self::Admin(AdminPage::Roles),
            (Some("admin"), Some("audit"), None) => Self::Admin(AdminPage::Audit),
            (Some("admin"), Some("events"), None) => Self::Admin(AdminPage::Events),
            (Some("gallery"), None, _) => Self::Gallery,
            _ => Self::NotFound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_pages() {
        assert_eq!(Route::parse("/"), Route::Root);
        assert_eq!(Route::parse("/jobs"), Route::Jobs);
        assert_eq!(Route::parse("/jobs/"), Route::Jobs);
        assert_eq!(Route::parse("/jobs/new"), Route::NewJob);
        assert_eq!(Route::parse("/jobs/12_%5B3-4%5D"), Route::Job("12_[3-4]".into()));
        assert_eq!(Route::parse("/templates/pytorch"), Route::Template("pytorch".into()));
        assert_eq!(Route::parse("/admin/users"), Route::Admin(AdminPage::Users));
        assert_eq!(Route::parse("/admin/users/a%2Fb"), Route::Admin(AdminPage::User("a/b".into())));
        assert_eq!(Route::parse("/admin/users/a/b"), Route::NotFound);
        assert_eq!(Route::parse("/jobs/1/2"), Route::NotFound);
        assert_eq!(Route::parse("/api/docs"), Route::NotFound);
    }
}
