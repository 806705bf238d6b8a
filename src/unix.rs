//! Unix users and their groups as this host's own lists know them.
//!
//! The program is linked statically and can't load the host's name services itself, so it asks `getent`, which knows
//! the users of LDAP and SSSD as well. Where there is no `getent`, `/etc/passwd` and `/etc/group` are the lists.

mod groups;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::hands::local::command;
use crate::hands::{Command, HandsError, Output, UnixUser};

pub use groups::groups_of;

/// Time limit of a look-up: a directory server that is away takes its time.
const WITHIN: Duration = Duration::from_secs(5);

/// Where `getent` is looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin";

/// Most that a look-up of one user may print, bytes.
const MOST_OUTPUT: u64 = 64 << 10;

/// `getent`'s exit code when the list has no such user.
const NOT_IN_THE_LIST: i32 = 2;

/// Why a look-up has no answer. That there is no such user is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The name services gave no answer in time.
    #[error("the host's list of users gave no answer within {} s", WITHIN.as_secs())]
    TimedOut,
    /// They failed.
    #[error("the host's list of users can't be read: {0}")]
    Failed(String),
    /// What they say is no line of passwd(5) or group(5).
    #[error("the host's list of users has something else than what was asked for {0}")]
    Malformed(String),
}

/// A user with their login shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub user: UnixUser,
    /// Login shell.
    pub shell: PathBuf,
}

/// The user with exactly this name. Source: getent(1).
pub async fn lookup(name: &str) -> Result<Option<UnixUser>, LookupError> {
    if !can_be_a_name(name) {
        return Ok(None);
    }
    // Digits are a user's number to getent, so the answer may be about somebody else.
    let account = account(name, PATH, WITHIN).await?;
    Ok(account.map(|account| account.user).filter(|user| user.name == name))
}

/// The user that this program runs as. For its start: it may block as long as a look-up may take.
pub fn own() -> Account {
    let uid = rustix::process::getuid().as_raw();
    // On a thread of its own, as the caller may be in a runtime already.
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(account(&uid.to_string(), PATH, WITHIN)).ok()?
    });
    let known = asked.join().ok().flatten().filter(|account| account.user.uid == uid);
    known.or_else(|| listed(|account| account.user.uid == uid).ok()?).unwrap_or_else(|| nameless(uid))
}

/// Login of the user we run as; the user id in digits where no list has it.
pub fn own_login() -> String {
    own().user.name
}

/// A user that no list has, as in a container that runs with any user id.
fn nameless(uid: u32) -> Account {
    let user =
        UnixUser { name: uid.to_string(), uid, gid: rustix::process::getgid().as_raw(), home: PathBuf::from("/") };
    Account { user, shell: PathBuf::from("/bin/sh") }
}

/// Whether it could be a login: nothing that passes for an option or breaks a line of the list.
fn can_be_a_name(name: &str) -> bool {
    (1..=256).contains(&name.len())
        && !name.starts_with(['-', '+'])
        && !name.contains([':', '/'])
        && !name.contains(char::is_control)
}

/// Whether a text can be a login that something is done as: POSIX's portable names, and the `$`-less rest of what
/// useradd(8) takes.
pub fn is_login(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=32).contains(&name.len()) && !name.starts_with(['-', '.']) && name.bytes().all(plain)
}

/// What `getent` says about a name or number.
async fn account(key: &str, path: &str, within: Duration) -> Result<Option<Account>, LookupError> {
    let Some(said) = getent("passwd", &[key.to_owned()], MOST_OUTPUT, path, within).await? else {
        let in_list = |account: &Account| account.user.name == key || account.user.uid.to_string() == key;
        return listed(in_list).map_err(|error| LookupError::Failed(error.to_string()));
    };
    if said.code == Some(NOT_IN_THE_LIST) {
        return Ok(None);
    }
    if !said.is_ok() {
        return Err(failed(&said));
    }
    let line = said.stdout.strip_suffix(b"\n").unwrap_or(&said.stdout);
    parse(line).map(Some).ok_or_else(|| LookupError::Malformed(key.to_owned()))
}

/// Asks `getent`; `None` where there is none on this host.
async fn getent(
    list: &str,
    keys: &[String],
    most_output: u64,
    path: &str,
    within: Duration,
) -> Result<Option<Output>, LookupError> {
    let environment = [(OsString::from("PATH"), OsString::from(path))];
    let folder = Some(PathBuf::from("/"));
    let asked = Command::new("getent").args([list]).args(keys);
    let asked = Command { folder, most_output, within, ..asked };
    match command::run(&environment, OsStr::new("/").as_ref(), asked).await {
        Ok(said) => Ok(Some(said)),
        Err(HandsError::TimedOut { .. }) => Err(LookupError::TimedOut),
        Err(HandsError::NotStarted { kind: io::ErrorKind::NotFound, .. }) => Ok(None),
        Err(error) => Err(LookupError::Failed(error.to_string())),
    }
}

fn failed(said: &Output) -> LookupError {
    let words: String = String::from_utf8_lossy(&said.stderr).trim().chars().take(200).collect();
    LookupError::Failed(format!("getent failed: {words}"))
}

/// The first user in `/etc/passwd` that is meant.
fn listed(meant: impl Fn(&Account) -> bool) -> io::Result<Option<Account>> {
    let list = std::fs::read("/etc/passwd")?;
    Ok(list.split(|byte| *byte == b'\n').filter_map(parse).find(meant))
}

/// One line of passwd(5): seven fields, the fifth of them in any encoding.
fn parse(line: &[u8]) -> Option<Account> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    let path = |field: &[u8], otherwise: &str| match field {
        [] => PathBuf::from(otherwise),
        field => PathBuf::from(OsStr::from_bytes(field)),
    };
    let name = std::str::from_utf8(name).ok().filter(|name| can_be_a_name(name))?.to_owned();
    let home = Some(path(home, "/")).filter(|home| home.is_absolute())?;
    let shell = Some(path(shell, "/bin/sh")).filter(|shell| shell.is_absolute())?;
    if line.contains(&0) || line.contains(&b'\n') {
        return None;
    }
    Some(Account { user: UnixUser { name, uid: number(uid)?, gid: number(gid)?, home }, shell })
}

/// A field of digits alone.
fn number(field: &[u8]) -> Option<u32> {
    let digits = field.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(field).ok().filter(|_| digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Asks a `getent` that does this.
    async fn ask(body: &str) -> Result<Option<Account>, LookupError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("getent");
        std::fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        account("ada", &format!("{}:/usr/bin:/bin", dir.path().display()), Duration::from_millis(500)).await
    }

    #[tokio::test]
    async fn a_user_is_one_whole_line() {
        let ada = ask(r"printf 'ada:x:1000:1001:A\351da:/home/ada:/bin/bash\n'").await.unwrap().unwrap();
        let user = UnixUser { name: "ada".into(), uid: 1000, gid: 1001, home: "/home/ada".into() };
        assert_eq!(ada, Account { user, shell: "/bin/bash".into() });
        let bare = ask("echo ada:x:1:2:::").await.unwrap().unwrap();
        assert_eq!((bare.user.home, bare.shell), (PathBuf::from("/"), PathBuf::from("/bin/sh")));
        for malformed in [
            "echo",
            "echo ada",
            "echo ada:x:1:2::/home/ada",
            "echo ada:x:1:2::/home/ada:/bin/sh:more",
            "echo ada:x:-1:2::/home/ada:/bin/sh",
            "echo ada:x:+1:2::/home/ada:/bin/sh",
            "echo ada:x::2::/home/ada:/bin/sh",
            "echo ada:x:4294967296:2::/home/ada:/bin/sh",
            "echo ada:x:1:2::home:/bin/sh",
            "echo -ada:x:1:2::/home/ada:/bin/sh",
            "echo :x:1:2::/home/ada:/bin/sh",
            "echo ada:x:1:2::/home/ada:/bin/sh; echo eve:x:0:0::/:/bin/sh",
        ] {
            assert_eq!(ask(malformed).await, Err(LookupError::Malformed("ada".into())), "{malformed}");
        }
    }

    #[tokio::test]
    async fn no_user_and_no_answer_are_told_apart() {
        assert_eq!(ask("exit 2").await, Ok(None));
        let failed = ask("echo 'no such service' >&2; exit 1").await;
        assert_eq!(failed, Err(LookupError::Failed("getent failed: no such service".into())));
        assert_eq!(ask("sleep 1000").await, Err(LookupError::TimedOut));
        assert!(matches!(ask("yes").await, Err(LookupError::Failed(_))));
    }

    #[tokio::test]
    async fn a_name_is_never_a_number_or_an_option() {
        let root = lookup("root").await.unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        let long = "a".repeat(300);
        for name in ["0", "", "-s", "--help", "+root", "root:x", "ro\0ot", "root\n", "no-such-user-here", &long] {
            assert_eq!(lookup(name).await, Ok(None), "{name:?}");
        }
    }

    #[tokio::test]
    async fn without_getent_the_file_is_the_list() {
        let found = account("root", "/nowhere", WITHIN).await.unwrap().unwrap();
        assert_eq!((found.user.name.as_str(), found.user.uid), ("root", 0));
        assert_eq!(account("no-such-user-here", "/nowhere", WITHIN).await, Ok(None));
    }

    #[test]
    fn we_are_somebody() {
        let own = own();
        assert_eq!(own.user.uid, rustix::process::getuid().as_raw());
        assert!(!own.user.name.is_empty() && own.user.home.is_absolute());
    }
}
