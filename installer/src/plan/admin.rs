//! The Unix user whom the dashboard's first admin acts as, and whose jobs prove the cluster.
use std::path::{Path, PathBuf};

use super::site::SiteHost;
use crate::action::{Action, AddGroup, AddUser};
use crate::config::{Config, Role, ShareFrom};
use crate::finding::Finding;
use crate::host::User;

/// The user that is made when there is none to be taken.
const OWN: &str = "clusteradmin";
/// Its number, or the next one that is free everywhere.
const OWN_UID: u32 = 5000;
/// Below are users of the system, and nothing is done as one (`ssh.min_uid`).
const MIN_UID: u32 = 1000;
/// Before the login, in slurmdash's configuration: what was settled at the first time stays.
pub(crate) const REMEMBERED: &str = "# The first admin acts as: ";

/// Who it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admin {
    /// Login.
    pub(crate) login: String,
    /// As it is, or is to be, on every host; `None` when it comes from a directory (LDAP) and is nobody's to make.
    account: Option<Account>,
}

#[derive(Debug, Clone)]
struct Account {
    user: User,
    group: String,
}

/// Settles it: given, else as at the first time, else the user who ran sudo, else one of our own.
pub(crate) fn settle(config: &Config, hosts: &[SiteHost]) -> Result<Admin, Finding> {
    let dashboard = config.dashboard_host().and_then(|host| hosts.iter().find(|reached| reached.name() == host.name));
    let remembered = dashboard.and_then(|host| {
        let text = host.file(super::dashboard::CONFIGURATION)?;
        text.lines().find_map(|line| line.strip_prefix(REMEMBERED)).map(str::to_owned)
    });
    let sudo = || {
        let user = hosts.iter().find_map(|host| host.facts.sudo_user.clone())?;
        let number = known(hosts, &user).next().map(|(_, user)| user.uid);
        number.is_none_or(|uid| uid >= MIN_UID).then_some(user)
    };
    let given = config.dashboard.admin.unix_user.clone();
    let login = given.or(remembered).or_else(sudo).unwrap_or_else(|| OWN.to_owned());
    let mut users = known(hosts, &login);
    let Some((first_host, first)) = users.next() else {
        let account = (login == OWN).then(|| own(hosts));
        return Ok(Admin { login, account });
    };
    if first.uid < MIN_UID {
        return Err(Finding::error(
            Some(first_host.name()),
            format!("{login}, whom the dashboard's first admin is to act as, is a user of the system ({})", first.uid),
            "name a person's login as `dashboard: {admin: {unix_user: …}}`",
        ));
    }
    if let Some((other_host, other)) = users.find(|(_, other)| other.uid != first.uid) {
        return Err(Finding::error(
            Some(other_host.name()),
            format!("{login} is {} here and {} on {}", other.uid, first.uid, first_host.name()),
            format!("give {login} the same number everywhere"),
        ));
    }
    let group = first_host.facts.groups.iter().find(|group| group.gid == first.gid);
    let group = group.map_or_else(|| login.clone(), |group| group.name.clone());
    Ok(Admin { login, account: Some(Account { user: first.clone(), group }) })
}

/// Where a login is known, in the hosts' own lists.
fn known<'a>(hosts: &'a [SiteHost<'a>], login: &str) -> impl Iterator<Item = (&'a SiteHost<'a>, &'a User)> + use<'a> {
    let login = login.to_owned();
    hosts.iter().filter_map(move |host| {
        let user = host.facts.users.iter().find(|user| user.name == login)?;
        Some((host, user))
    })
}

/// A user of our own, with a number that is free everywhere.
fn own(hosts: &[SiteHost]) -> Account {
    let taken = |number: u32| {
        let user = |host: &SiteHost| host.facts.users.iter().any(|user| user.uid == number);
        let group = |host: &SiteHost| host.facts.groups.iter().any(|group| group.gid == number && group.name != OWN);
        hosts.iter().any(|host| user(host) || group(host))
    };
    let uid = (OWN_UID..OWN_UID + 10_000).find(|number| !taken(*number)).unwrap_or(OWN_UID);
    let user = User {
        name: OWN.to_owned(),
        uid,
        gid: uid,
        comment: "Looks after the cluster".to_owned(),
        home: PathBuf::from("/home").join(OWN),
        shell: PathBuf::from("/bin/bash"),
    };
    Account { user, group: OWN.to_owned() }
}

impl Admin {
    /// The group, where a host has not got it.
    pub(crate) fn group_on(&self, _host: &SiteHost) -> Option<Action> {
        let account = self.account.as_ref()?;
        Some(Action::AddGroup(AddGroup { name: account.group.clone(), gid: account.user.gid }))
    }

    /// The user. A home is made once: by the host that serves homes, by the first one where they come from elsewhere, by
    /// each where every host has its own.
    pub(crate) fn user_on(&self, config: &Config, host: &SiteHost) -> Option<Action> {
        let Account { user, group } = self.account.as_ref()?;
        let with_home = match config.storage.home.as_ref().filter(|share| user.home.starts_with(&share.path)) {
            None => true,
            Some(share) => match &share.from {
                ShareFrom::Host(server) => server == host.name(),
                ShareFrom::Existing => {
                    config.host_with(Role::Controller).is_some_and(|first| first.name == host.name())
                }
            },
        };
        Some(Action::AddUser(AddUser {
            name: user.name.clone(),
            uid: user.uid,
            group: group.clone(),
            groups: Vec::new(),
            comment: user.comment.clone(),
            home: user.home.clone(),
            shell: shell(&user.shell),
            with_home,
        }))
    }

    /// Whether anybody's own list has the user, or it will.
    pub(crate) fn is_local(&self) -> bool {
        self.account.is_some()
    }
}

/// A shell that every host has.
fn shell(shell: &Path) -> PathBuf {
    match shell.to_str() {
        Some("/bin/bash" | "/usr/bin/bash" | "/bin/sh" | "/usr/bin/sh") => shell.to_owned(),
        _ => PathBuf::from("/bin/bash"),
    }
}
