//! A host from inside: what the installer can see and do there. [`local`] is this machine, `fake` is one in memory.
//!
//! Everything that actions do to a host goes through this trait, so what holds on the fake host holds here.

#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod local;
#[cfg(test)]
pub(crate) mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// Largest file that is read or written as a whole, bytes; the program itself is copied otherwise.
pub const MAX_FILE: u64 = 16 << 20;

/// The installer's own file among apt's sources.
pub(crate) const APT_SOURCE: &str = "/etc/apt/sources.list.d/slurmdash.list";

/// Why something can't be seen or done on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HostError {
    /// A file or folder.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        error: String,
        /// The error number (errno(3)), where there is one.
        errno: Option<i32>,
    },
    /// A command could not be started.
    #[error("{program} can't be started: {error}")]
    NotStarted {
        /// Its name.
        program: String,
        /// The system's words.
        error: String,
    },
    /// A command took too long, and was ended.
    #[error("{program} gave no answer within {seconds} s")]
    TimedOut {
        /// Its name.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// A command failed, or a part of the host's software answered that it can't.
    #[error("{what} failed: {said}")]
    Failed {
        /// What was wanted, in words or as the command's name.
        what: String,
        /// The last of what it said.
        said: String,
    },
    /// Something on the host is not as it can be understood.
    #[error("{0}")]
    Malformed(String),
    /// The host can't be reached (any more).
    #[error("{0}")]
    Away(String),
}

/// What something in the file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// Something in the file system, links not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a file.
    pub size: u64,
    /// Last change of its content, seconds and nanoseconds since 1970.
    pub modified: (i64, u32),
}

/// What a file or folder is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A line of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Login.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Number of the first group.
    pub gid: u32,
    /// Comment.
    pub comment: String,
    /// Home folder.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
}

/// A line of group(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
    /// Logins of those who are in it besides those whose first group it is.
    pub members: Vec<String>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUser {
    /// As it will be.
    pub user: User,
    /// Makes the home folder, from the host's skeleton, and keeps the mail folder away.
    pub with_home: bool,
}

/// What systemd says about a unit. Source: org.freedesktop.systemd1(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// `loaded`, `not-found`, `masked`, …
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, …
    pub active: String,
    /// `enabled`, `disabled`, `static`, …; empty when there is no such unit file.
    pub enabled: String,
    /// A service's `Type=`: `simple`, `forking`, `notify`, …; empty for other units.
    #[serde(default)]
    pub kind: String,
    /// Its process ended by itself, and systemd is about to start it once more.
    #[serde(default)]
    pub starts_again: bool,
}

impl Unit {
    /// Whether there is such a unit.
    pub fn exists(&self) -> bool {
        self.load != "not-found"
    }

    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        self.active == "active"
    }

    /// Whether its daemon itself says when it is up, so that systemd does not take it for active before. Source:
    /// systemd.service(5), `Type=`. A daemon that forks may do so before it has read its configuration.
    pub fn tells_when_up(&self) -> bool {
        matches!(self.kind.as_str(), "notify" | "notify-reload" | "dbus" | "oneshot")
    }

    /// Whether it starts with the host.
    pub fn is_enabled(&self) -> bool {
        self.enabled == "enabled" || self.enabled == "enabled-runtime"
    }
}

/// What is done to a unit. Source: systemctl(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitVerb {
    /// Starts it with the host from now on.
    Enable,
    /// The reverse.
    Disable,
    /// Starts it now.
    Start,
    /// Stops it now.
    Stop,
    /// Stops it and starts it.
    Restart,
    /// Has it read its configuration.
    Reload,
}

/// A package that would come, or is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Its name as the host's package system has it, without the architecture.
    pub name: String,
    /// Its version, as the package system writes it.
    pub version: String,
}

/// A command, as an argument vector. No shell ever sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Program, looked for in the system's folders.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it reads; secrets go here, never into arguments.
    pub input: Bytes,
    /// Variables beside the few that every command gets (`PATH`, `LANG=C.UTF-8`, `HOME`).
    pub environment: BTreeMap<String, String>,
    /// The login it runs as; root when absent.
    pub user: Option<String>,
    /// Time limit.
    pub within: Duration,
}

impl Command {
    /// A command without arguments, with a time limit of a minute.
    pub fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            input: Bytes::default(),
            environment: BTreeMap::new(),
            user: None,
            within: Duration::from_mins(1),
        }
    }

    /// With more arguments.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With something to read.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Bytes(input.into());
        self
    }

    /// As another user than root.
    #[must_use]
    pub fn as_user(mut self, login: &str) -> Self {
        self.user = Some(login.to_owned());
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        self.within = Duration::from_secs(seconds);
        self
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed, at most 16 MiB.
    pub stdout: Bytes,
    /// What it complained about, at most 1 MiB.
    pub stderr: Bytes,
}

impl Output {
    /// Whether it ended well.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }

    /// What it printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout.0).into_owned()
    }

    /// The last lines of what it complained about, else of what it printed: what to show a person.
    pub fn complaint(&self) -> String {
        let of = |bytes: &Bytes| {
            let text = String::from_utf8_lossy(&bytes.0).into_owned();
            let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
            lines[lines.len().saturating_sub(6)..].join("\n")
        };
        let said = of(&self.stderr);
        if said.is_empty() { of(&self.stdout) } else { said }
    }
}

/// What is done to a host, all of it blocking. Paths are absolute. Each call is complete and on disk when it returns.
pub trait Host: Send + Sync {
    /// What is at a path, links not followed; `None` where nothing is.
    fn entry(&self, path: &Path) -> Result<Option<Entry>, HostError>;
    /// A regular file, whole, at most [`MAX_FILE`].
    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError>;
    /// SHA-256 of a regular file of any size, 64 hex digits.
    fn digest(&self, path: &Path) -> Result<String, HostError>;
    /// Names in a folder, sorted.
    fn list(&self, path: &Path) -> Result<Vec<String>, HostError>;
    /// Puts a file in its place at once, over what was there: written beside it, synced, renamed, its folder synced. Its
    /// folder must be there. `modified` is its time of change, now when absent.
    fn write(
        &self,
        path: &Path,
        content: &[u8],
        attributes: Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError>;
    /// Like [`Host::write`], with the program that runs as content. Root's, 0755.
    fn write_program(&self, path: &Path) -> Result<(), HostError>;
    /// SHA-256 of the program that runs.
    fn program_digest(&self) -> Result<String, HostError>;
    /// Makes a folder; its own folder must be there.
    fn make_directory(&self, path: &Path, attributes: Attributes) -> Result<(), HostError>;
    /// Gives something that is there (no link) its owner and mode.
    fn set_attributes(&self, path: &Path, attributes: Attributes) -> Result<(), HostError>;
    /// Removes a file, also one that is not complete, a link or an empty folder; nothing there is fine.
    fn remove(&self, path: &Path) -> Result<(), HostError>;
    /// Moves something with all that is in it, to another file system too; nothing may be at `to`, whose folder is made,
    /// root's and 0700.
    fn move_away(&self, path: &Path, to: &Path) -> Result<(), HostError>;

    /// Users in the host's own list (passwd(5)), in its order.
    fn users(&self) -> Result<Vec<User>, HostError>;
    /// Groups in the host's own list (group(5)), in its order.
    fn groups(&self) -> Result<Vec<Group>, HostError>;
    /// Makes a group.
    fn add_group(&self, name: &str, gid: u32) -> Result<(), HostError>;
    /// Makes a user, without a password.
    fn add_user(&self, user: &NewUser) -> Result<(), HostError>;
    /// Removes a user; the home folder stays.
    fn remove_user(&self, name: &str) -> Result<(), HostError>;
    /// Removes a group.
    fn remove_group(&self, name: &str) -> Result<(), HostError>;
    /// Puts a user into a group, or takes them out.
    fn set_member(&self, group: &str, user: &str, is_member: bool) -> Result<(), HostError>;

    /// Packages that are installed, sorted by name.
    fn packages(&self) -> Result<Vec<Package>, HostError>;
    /// Asks the mirrors what there is.
    fn refresh_packages(&self) -> Result<(), HostError>;
    /// All packages that installing these would bring or change, these among them; those that are there already are left out.
    fn would_install(&self, names: &[String]) -> Result<Vec<Package>, HostError>;
    /// Installs packages and what they need, without what is merely recommended. No service is started by it. What an
    /// interrupted installation left half-done is finished first.
    fn install_packages(&self, names: &[String]) -> Result<(), HostError>;
    /// Brings packages that are there to these versions, older ones too. No service is started or stopped by it.
    fn set_versions(&self, packages: &[Package]) -> Result<(), HostError>;
    /// Removes packages with their configuration. Refused when others would go too.
    fn purge_packages(&self, names: &[String]) -> Result<(), HostError>;

    /// What systemd knows of a unit.
    fn unit(&self, name: &str) -> Result<Unit, HostError>;
    /// Does something to a unit, and waits for it. systemd reads changed unit files first.
    fn set_unit(&self, name: &str, verb: UnitVerb) -> Result<(), HostError>;
    /// The last lines of a unit's journal, oldest first.
    fn unit_log(&self, name: &str, lines: u32) -> Result<Vec<String>, HostError>;

    /// Runs a command to its end.
    fn run(&self, command: &Command) -> Result<Output, HostError>;
    /// Waits before something is looked at once more.
    fn pause(&self, duration: Duration);
}

/// What a file's name ends in until it is complete. A fixed name: what a power cut leaves is taken away the next time.
pub(crate) const UNFINISHED: &str = ".slurmdash-new";

/// Where a file is until it is complete, and after a power cut.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// Runs a command that must end well.
pub fn run_well(host: &dyn Host, command: &Command) -> Result<Output, HostError> {
    let output = host.run(command)?;
    if output.is_ok() {
        return Ok(output);
    }
    Err(HostError::Failed { what: command.program.clone(), said: output.complaint() })
}
