//! Users and groups: read from the host's own lists, changed by the programs of shadow-utils (useradd(8) and others).
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::{Command, Group, Host, HostError, NewUser, User};

/// How often a change is tried again while another program holds the lists.
const TRIES: usize = 30;
/// Numbers below are of the system, whose users have no subordinate numbers, no mail and no ageing passwords.
const FIRST_PERSON: u32 = 1000;

/// Reads passwd(5). Lines for other sources (`+`, `-`) and remarks are left out.
pub(crate) fn passwd(text: &str) -> Result<Vec<User>, HostError> {
    let mut users = Vec::new();
    for (number, line) in lines(text) {
        let parts: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, comment, home, shell] = parts[..] else { return Err(malformed("passwd", number)) };
        let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { return Err(malformed("passwd", number)) };
        users.push(User {
            name: name.to_owned(),
            uid,
            gid,
            comment: comment.to_owned(),
            home: PathBuf::from(home),
            shell: PathBuf::from(shell),
        });
    }
    Ok(users)
}

/// Reads group(5). Lines for other sources (`+`, `-`) and remarks are left out.
pub(crate) fn group(text: &str) -> Result<Vec<Group>, HostError> {
    let mut groups = Vec::new();
    for (number, line) in lines(text) {
        let parts: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = parts[..] else { return Err(malformed("group", number)) };
        let Ok(gid) = gid.parse() else { return Err(malformed("group", number)) };
        let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
        groups.push(Group { name: name.to_owned(), gid, members });
    }
    Ok(groups)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let counts = |line: &str| !line.trim().is_empty() && !line.starts_with(['+', '-', '#']);
    text.lines().enumerate().filter(move |(_, line)| counts(line)).map(|(index, line)| (index + 1, line))
}

fn malformed(list: &str, number: usize) -> HostError {
    HostError::Malformed(format!(
        "/etc/{list}, line {number}: this is no line of {list}(5); see what pwck and grpck say, and repair it"
    ))
}

fn text(path: &str) -> Result<String, HostError> {
    Ok(String::from_utf8_lossy(&super::files::read(Path::new(path))?).into_owned())
}

pub fn users() -> Result<Vec<User>, HostError> {
    passwd(&text("/etc/passwd")?)
}

pub fn groups() -> Result<Vec<Group>, HostError> {
    group(&text("/etc/group")?)
}

/// A name that these programs take and that can't be read as an option.
fn name(name: &str) -> Result<&str, HostError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    if name.len() <= 32 && name.starts_with(starts) && name.chars().all(allowed) {
        return Ok(name);
    }
    Err(HostError::Malformed(format!("{name:?} is no name for a user or a group")))
}

/// A word of passwd(5), which has no way to write a colon or a line's end.
fn field<'a>(what: &str, text: &'a str) -> Result<&'a str, HostError> {
    if text.contains([':', '\n', '\0']) {
        return Err(HostError::Malformed(format!("{text:?} can't be the {what} of a user")));
    }
    Ok(text)
}

fn change(host: &dyn Host, command: &Command) -> Result<(), HostError> {
    for tries in 1.. {
        let output = host.run(command)?;
        if output.is_ok() {
            return Ok(());
        }
        // Words and not the exit code: it is 1 for useradd and 10 for others.
        let is_held =
            ["cannot lock", "currently used by process"].iter().any(|words| output.complaint().contains(words));
        if !is_held || tries >= TRIES {
            return Err(HostError::Failed { what: command.program.clone(), said: output.complaint() });
        }
        host.pause(Duration::from_secs(1));
    }
    Ok(())
}

pub fn add_group(host: &dyn Host, group: &str, gid: u32) -> Result<(), HostError> {
    change(host, &Command::new("groupadd").args(["--gid", &gid.to_string(), "--", name(group)?]))
}

pub fn add_user(host: &dyn Host, new: &NewUser) -> Result<(), HostError> {
    change(host, &useradd(new)?)
}

fn useradd(new: &NewUser) -> Result<Command, HostError> {
    let NewUser { user, with_home } = new;
    let (home, shell) = (user.home.to_string_lossy(), user.shell.to_string_lossy());
    let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
    let mut command = Command::new("useradd").args(["--uid", &uid, "--gid", &gid, "--no-user-group"]);
    command = command.args(["--comment", field("comment", &user.comment)?]);
    command = command.args(["--home-dir", field("home", &home)?, "--shell", field("shell", &shell)?]);
    if user.uid < FIRST_PERSON || !with_home {
        command = command.args(["--system"]);
    } else {
        // No folder, so that no mailbox is made where the distribution makes one.
        command = command.args(["--key", "MAIL_DIR=/dev/null"]);
    }
    let home = if *with_home { "--create-home" } else { "--no-create-home" };
    Ok(command.args([home, "--", name(&user.name)?]))
}

/// Ends what is left of somebody's sessions: their own systemd outlives the last one by seconds, and keeps them from being
/// removed. What runs in a unit of the system, such as a job, is not touched.
pub fn end_sessions(host: &dyn Host, user: &str) -> Result<(), HostError> {
    let Some(user) = host.users()?.into_iter().find(|found| found.name == user) else { return Ok(()) };
    let unit = format!("user@{}.service", user.uid);
    let ends = [
        Command::new("loginctl").args(["terminate-user", name(&user.name)?]),
        Command::new("systemctl").args(["stop", unit.as_str()]),
    ];
    for end in ends {
        // Who has no session, or a host without logind, is told by a failure.
        match host.run(&end) {
            Ok(_) | Err(HostError::NotStarted { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub fn remove_user(host: &dyn Host, user: &str) -> Result<(), HostError> {
    if !host.users()?.iter().any(|found| found.name == user) {
        return Ok(());
    }
    end_sessions(host, user)?;
    let before = host.groups()?;
    change(host, &Command::new("userdel").args(["--", name(user)?]))?;
    // userdel takes a group of the same name along (USERGROUPS_ENAB of login.defs(5)), which may have been there before.
    let after = host.groups()?;
    for lost in before.iter().filter(|group| !after.iter().any(|other| other.name == group.name)) {
        add_group(host, &lost.name, lost.gid)?;
        for member in lost.members.iter().filter(|member| *member != user) {
            set_member(host, &lost.name, member, true)?;
        }
    }
    Ok(())
}

pub fn remove_group(host: &dyn Host, group: &str) -> Result<(), HostError> {
    if !host.groups()?.iter().any(|found| found.name == group) {
        return Ok(());
    }
    change(host, &Command::new("groupdel").args(["--", name(group)?]))
}

pub fn set_member(host: &dyn Host, group: &str, user: &str, is_member: bool) -> Result<(), HostError> {
    let groups = host.groups()?;
    let found = groups.iter().find(|found| found.name == group);
    let is_now = found.is_some_and(|group| group.members.iter().any(|member| member == user));
    if is_now == is_member {
        return Ok(());
    }
    let option = if is_member { "--add" } else { "--delete" };
    change(host, &Command::new("gpasswd").args([option, name(user)?, name(group)?]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin\n\
        +::::::\n\
        ada:x:5000:5000:Ada Lovelace,,,:/home/ada:/bin/bash\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:syslog,ada\n\nada:x:5000:\n";

    #[test]
    fn lists_are_read_in_their_order() {
        let users = passwd(PASSWD).unwrap();
        assert_eq!(users.iter().map(|user| user.uid).collect::<Vec<_>>(), [0, 998, 5000]);
        assert_eq!((users[2].comment.as_str(), users[2].home.as_path()), ("Ada Lovelace,,,", Path::new("/home/ada")));
        let groups = group(GROUP).unwrap();
        assert_eq!((groups[1].name.as_str(), groups[1].members.clone()), ("adm", vec!["syslog".into(), "ada".into()]));
        assert!(groups[2].members.is_empty());
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = passwd("root:x:0:0:root:/root:/bin/bash\nada:x:many:1::/:/bin/sh\n").unwrap_err();
        assert!(error.to_string().starts_with("/etc/passwd, line 2: "), "{error}");
        assert!(group("root:x:0\n").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn this_machine_has_lists() {
        assert!(users().unwrap().iter().any(|user| user.name == "root" && user.uid == 0));
        assert!(groups().unwrap().iter().any(|group| group.name == "root" && group.gid == 0));
    }

    fn munge() -> User {
        let (home, shell) = (PathBuf::from("/nonexistent"), PathBuf::from("/usr/sbin/nologin"));
        User { name: "munge".into(), uid: 901, gid: 901, comment: "MUNGE".into(), home, shell }
    }

    #[test]
    fn users_are_made_by_arguments_alone() {
        let command = useradd(&NewUser { user: munge(), with_home: false }).unwrap();
        assert_eq!(
            command.arguments.join(" "),
            "--uid 901 --gid 901 --no-user-group --comment MUNGE --home-dir /nonexistent --shell /usr/sbin/nologin \
             --system --no-create-home -- munge"
        );
        let person = User { name: "clusteradmin".into(), uid: 5000, ..munge() };
        let command = useradd(&NewUser { user: person, with_home: true }).unwrap();
        assert!(command.arguments.ends_with(&["--create-home".into(), "--".into(), "clusteradmin".into()]));
        assert!(!command.arguments.contains(&"--system".into()));
        for bad in ["", "-rf", "a:b", "a b", "0", "a\n", "ünicode"] {
            assert!(
                useradd(&NewUser { user: User { name: bad.into(), ..munge() }, with_home: false }).is_err(),
                "{bad}"
            );
        }
        let comment = User { comment: "x:0:0".into(), ..munge() };
        assert!(useradd(&NewUser { user: comment, with_home: false }).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "(\\PC|\n|:|,){0,200}") {
            let _ = passwd(&text);
            let _ = group(&text);
        }
    }
}
