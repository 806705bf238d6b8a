//! The groups that a Unix user is in.
use std::collections::BTreeSet;
use std::time::Duration;

use super::{LookupError, MOST_OUTPUT, NOT_IN_THE_LIST, PATH, WITHIN, failed, getent, number};
use crate::hands::UnixUser;

/// Most groups that a user may be in.
const MOST_GROUPS: usize = 1024;

/// Most that a look-up of groups may print, bytes: their lines name all members.
const MOST_MEMBERS: u64 = 8 << 20;

/// `getent`'s exit code when it does not know a list by this name. Source: getent(1).
const NO_SUCH_LIST: i32 = 1;

/// Names of the groups that a user is in, the primary one among them, sorted. A group without a name is left out.
/// Source: getent(1), initgroups(3).
pub async fn groups_of(user: &UnixUser) -> Result<Vec<String>, LookupError> {
    groups_by(user, PATH, WITHIN).await
}

async fn groups_by(user: &UnixUser, path: &str, within: Duration) -> Result<Vec<String>, LookupError> {
    let Some(said) = getent("initgroups", std::slice::from_ref(&user.name), MOST_OUTPUT, path, within).await? else {
        return listed(user);
    };
    // The `getent` of a system whose name services are files has no such list.
    if said.code == Some(NO_SUCH_LIST) {
        return listed(user);
    }
    if !said.is_ok() {
        return Err(failed(&said));
    }
    let malformed = || LookupError::Malformed(user.name.clone());
    let mut numbers = numbers(&said.stdout, &user.name).ok_or_else(malformed)?;
    numbers.insert(user.gid);
    if numbers.len() > MOST_GROUPS {
        return Err(LookupError::Failed(format!("{} is in more than {MOST_GROUPS} groups", user.name)));
    }
    let keys: Vec<String> = numbers.iter().map(u32::to_string).collect();
    let Some(said) = getent("group", &keys, MOST_MEMBERS, path, within).await? else { return listed(user) };
    // That some have no name is no failure.
    if !said.is_ok() && said.code != Some(NOT_IN_THE_LIST) {
        return Err(failed(&said));
    }
    let groups = said.stdout.split(|byte| *byte == b'\n').filter_map(parse);
    Ok(sorted(groups.filter(|group| numbers.contains(&group.gid))))
}

fn sorted<'a>(groups: impl Iterator<Item = Group<'a>>) -> Vec<String> {
    groups.map(|group| group.name).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The numbers in `getent initgroups`' only line: the user's name, and the groups' numbers.
fn numbers(said: &[u8], name: &str) -> Option<BTreeSet<u32>> {
    let line = said.strip_suffix(b"\n").unwrap_or(said);
    let mut words = std::str::from_utf8(line).ok().filter(|line| !line.contains('\n'))?.split_ascii_whitespace();
    words.next().filter(|word| *word == name)?;
    words.map(|word| number(word.as_bytes())).collect()
}

/// The user's groups in `/etc/group`.
fn listed(user: &UnixUser) -> Result<Vec<String>, LookupError> {
    let list = std::fs::read("/etc/group").map_err(|error| LookupError::Failed(error.to_string()))?;
    Ok(among(&list, user))
}

fn among(list: &[u8], user: &UnixUser) -> Vec<String> {
    let groups = list.split(|byte| *byte == b'\n').filter_map(parse);
    sorted(groups.filter(|group| group.gid == user.gid || group.members.contains(&user.name.as_bytes())))
}

/// A group with the names of its members, in any encoding.
struct Group<'a> {
    name: String,
    gid: u32,
    members: Vec<&'a [u8]>,
}

/// One line of group(5): four fields. What is none is passed over, as it can only give somebody a group less.
fn parse(line: &[u8]) -> Option<Group<'_>> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    let [name, _, gid, members] = fields.as_slice() else { return None };
    let can_be_a_name = |name: &&str| (1..=256).contains(&name.len()) && !name.contains(char::is_control);
    let name = std::str::from_utf8(name).ok().filter(can_be_a_name)?.to_owned();
    Some(Group { name, gid: number(gid)?, members: members.split(|byte| *byte == b',').collect() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn ada() -> UnixUser {
        UnixUser { name: "ada".into(), uid: 1000, gid: 1001, home: "/home/ada".into() }
    }

    /// Asks a `getent` that says this about the user's groups, and this about groups.
    async fn ask(initgroups: &str, group: &str) -> Result<Vec<String>, LookupError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("getent");
        let body = format!("#!/bin/sh\nasked=\"$*\"\ncase $1 in initgroups) {initgroups};; group) {group};; esac\n");
        std::fs::write(&file, body).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        groups_by(&ada(), &format!("{}:/usr/bin:/bin", dir.path().display()), Duration::from_millis(500)).await
    }

    #[tokio::test]
    async fn groups_are_those_of_the_numbers_and_the_primary_one() {
        let group =
            "test \"$asked\" = 'group 27 100 1001' && printf 'users:x:100:bob,ada\\nada:x:1001:\\nsudo:*:27:\\n'";
        assert_eq!(ask("echo 'ada                   100 27 100'", group).await.unwrap(), ["ada", "sudo", "users"]);
        // One of them has no name.
        assert_eq!(ask("echo ada 100", "echo 'domain users:x:100:'; exit 2").await.unwrap(), ["domain users"]);
        assert_eq!(ask("echo ada", "exit 2").await.unwrap(), [""; 0]);
        // What was not asked for is nothing of theirs.
        assert_eq!(ask("echo ada 100", "printf 'wheel:x:10:ada\\nusers:x:100:\\n'").await.unwrap(), ["users"]);
    }

    #[tokio::test]
    async fn hostile_answers_are_told() {
        for (initgroups, group) in [
            ("echo", "exit 2"),
            ("echo eve 0", "exit 2"),
            ("echo ada -1", "exit 2"),
            ("echo ada 0x0", "exit 2"),
            ("echo ada 4294967296", "exit 2"),
            ("printf 'ada 1\\neve 0\\n'", "exit 2"),
            ("printf 'ada \\377\\n'", "exit 2"),
        ] {
            let malformed = Err(LookupError::Malformed("ada".into()));
            assert_eq!(ask(initgroups, group).await, malformed, "{initgroups} {group}");
        }
        assert!(matches!(ask("seq -s ' ' 1 2000 | sed 's/^/ada /'", "exit 2").await, Err(LookupError::Failed(_))));
        assert!(matches!(ask("yes", "exit 2").await, Err(LookupError::Failed(_) | LookupError::TimedOut)));
        assert!(matches!(ask("exit 3", "exit 2").await, Err(LookupError::Failed(_))));
        assert!(matches!(ask("echo ada 100", "exit 3").await, Err(LookupError::Failed(_))));
        for group in
            ["echo users", "echo users:x:100", "echo users:x:+100:", "echo :x:100:", "printf 'a\\0b:x:100:\\n'"]
        {
            assert_eq!(ask("echo ada 100", group).await.unwrap(), [""; 0], "{group}");
        }
        assert!(matches!(ask("echo ada 100", "yes").await, Err(LookupError::Failed(_) | LookupError::TimedOut)));
        assert_eq!(ask("sleep 1000", "exit 2").await, Err(LookupError::TimedOut));
        assert_eq!(ask("echo ada 100", "sleep 1000").await, Err(LookupError::TimedOut));
    }

    #[tokio::test]
    async fn without_the_list_the_file_is_asked() {
        let root = UnixUser { name: "root".into(), uid: 0, gid: 0, home: "/root".into() };
        assert!(groups_by(&root, "/nowhere", WITHIN).await.unwrap().contains(&"root".to_owned()));
        assert_eq!(ask("echo 'Unknown database' >&2; exit 1", "exit 1").await, listed(&ada()));
        let list = b"root:x:0:\nusers:x:100:bob,ada\nadas:x:7:adam\nada:x:1001:\nbad\n\xff:x:9:ada\nstaff:x:50:ada\n";
        assert_eq!(among(list, &ada()), ["ada", "staff", "users"]);
    }
}
