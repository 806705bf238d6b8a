//! A host in memory, which can be broken at any call. For tests: of actions, of whole plans, of the installer.
//!
//! It is Debian 12 as it is installed, with that distribution's packages of munge, Slurm and MariaDB and what their
//! scripts do. Everything that a test needs otherwise it changes by [`Fake::change`].
pub mod catalogue;
pub mod commands;
mod host;
mod packages;
mod slurm;
mod snapshot;
pub mod tree;
mod units;
pub mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::commands::Answer;
use self::tree::Tree;
use self::world::{Broken, World};
use super::{Attributes, Command, Group, HostError, Output, User};

pub use self::slurm::{Job, Slurm};
pub use self::snapshot::Snapshot;

/// When the call that is made to fail does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It has done nothing.
    Before,
    /// It has done all, and says that it failed.
    After,
    /// It has done half of its parts, where it has parts; else nothing.
    Half,
}

impl Moment {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Before, Self::Half, Self::After];
}

#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    /// Changing calls so far.
    calls: u32,
    /// The call that fails.
    fails: Option<(u32, Moment)>,
    /// The call at which the power goes.
    dies: Option<(u32, Moment)>,
    /// The power is off.
    is_off: bool,
}

struct State {
    world: World,
    faults: Faults,
    answers: BTreeMap<String, Answer>,
    /// Commands that ran, with what they read left out.
    ran: Vec<Vec<String>>,
    /// The bytes of the program that runs.
    program: Vec<u8>,
}

/// The host. Clones are the same host.
#[derive(Clone)]
pub struct Fake(Arc<Mutex<State>>);

/// Folders that Debian's base has; no package takes them with it.
const BASE: &[&str] = &[
    "/boot",
    "/dev",
    "/etc",
    "/etc/default",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/skel",
    "/etc/ssh",
    "/etc/ssh/sshd_config.d",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/systemd/system/multi-user.target.wants",
    "/home",
    "/lib",
    "/lib/systemd",
    "/lib/systemd/system",
    "/proc",
    "/proc/1",
    "/proc/self",
    "/proc/sys",
    "/proc/sys/kernel",
    "/root",
    "/run",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/local",
    "/usr/local/bin",
    "/usr/sbin",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
];

/// Whether Debian's base has a folder.
fn is_of_the_base(folder: &Path) -> bool {
    folder == Path::new("/") || BASE.iter().any(|base| folder == Path::new(base))
}

impl Fake {
    /// A host as it is after the installation of Debian 12.
    pub fn debian_12(hostname: &str) -> Self {
        let world = bare(hostname);
        let program = b"slurmdash, this very program".to_vec();
        let state = State { world, faults: Faults::default(), answers: BTreeMap::new(), ran: Vec::new(), program };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the host by hand, past all faults.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let world = &mut self.state().world;
        let changed = change(world);
        world.parts = 0;
        changed
    }

    /// Puts a file there by hand, root's, with the folders above it.
    pub fn put_file(&self, path: &str, content: &str, mode: u32) {
        let put = self.change(|world| {
            let place = Path::new(path);
            world.make_directories(place.parent().unwrap_or(Path::new("/")), 0o755)?;
            world.write(place, content.as_bytes(), Attributes { mode, uid: 0, gid: 0 }, None)
        });
        debug_assert_eq!(put, Ok(()), "a file is put where one can be");
    }

    /// The text of a file, or none.
    pub fn text(&self, path: &str) -> Option<String> {
        self.state().world.tree.text(path)
    }

    /// What a program does and says, in place of what is known of it.
    pub fn answer(&self, program: &str, answer: impl Fn(&mut World, &Command) -> Output + Send + Sync + 'static) {
        self.state().answers.insert(program.to_owned(), Arc::new(answer));
    }

    /// The bytes of the program that runs.
    pub fn set_program(&self, program: &[u8]) {
        self.state().program = program.to_vec();
    }

    /// A unit does not start any more: it says this. `at_once`: systemd sees it fail when it is started, else later.
    pub fn break_unit(&self, name: &str, log: &[&str], at_once: bool) {
        let log = log.iter().map(|&line| line.to_owned()).collect();
        self.change(|world| world.broken.insert(name.to_owned(), Broken { log, at_once, lasts: None }));
    }

    /// A unit starts, and ends by itself so many moments later: it says this.
    pub fn break_unit_after(&self, name: &str, log: &[&str], moments: u32) {
        let log = log.iter().map(|&line| line.to_owned()).collect();
        let broken = Broken { log, at_once: false, lasts: Some(moments) };
        self.change(|world| world.broken.insert(name.to_owned(), broken));
    }

    /// Writes below a folder find no room (`ENOSPC`).
    pub fn fill_disk(&self, folder: &str) {
        self.change(|world| world.tree.full.push(folder.into()));
    }

    /// Nothing below a folder can be changed (`EROFS`).
    pub fn make_read_only(&self, folder: &str) {
        self.change(|world| world.tree.read_only.push(folder.into()));
    }

    /// There is room and all can be changed again, and the mirrors answer.
    pub fn repair(&self) {
        self.change(|world| {
            world.tree.full.clear();
            world.tree.read_only.clear();
            world.broken.clear();
            world.mirror_down = false;
        });
    }

    /// The mirrors don't answer.
    pub fn cut_mirror(&self) {
        self.change(|world| world.mirror_down = true);
    }

    /// The `n`-th changing call from now on, 1 the first, fails.
    pub fn fail_at(&self, n: u32, moment: Moment) {
        let faults = &mut self.state().faults;
        faults.fails = Some((faults.calls + n, moment));
    }

    /// The power goes at the `n`-th changing call from now on: it and all after it find the host away.
    pub fn die_at(&self, n: u32, moment: Moment) {
        let faults = &mut self.state().faults;
        faults.dies = Some((faults.calls + n, moment));
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state().faults.is_off
    }

    /// No call fails any more. The power comes back, if it was off: what was on disk is there, `/run` is empty, and what
    /// starts with the host runs.
    pub fn revive(&self) {
        let mut state = self.state();
        let was_off = std::mem::take(&mut state.faults.is_off);
        state.faults.fails = None;
        state.faults.dies = None;
        if was_off {
            state.world.boot();
        }
    }

    /// Changing calls so far: those after which the host was not what it was before.
    pub fn calls(&self) -> u32 {
        self.state().faults.calls
    }

    /// Commands that ran, as argument vectors with the program first.
    pub fn ran(&self) -> Vec<Vec<String>> {
        self.state().ran.clone()
    }

    /// What the host is, without what is below some folders.
    pub fn snapshot(&self, ignored: &[&str]) -> Snapshot {
        Snapshot::of(&self.state().world, ignored)
    }

    /// Looks.
    fn see<T>(&self, look: impl FnOnce(&World) -> Result<T, HostError>) -> Result<T, HostError> {
        let state = self.state();
        if state.faults.is_off { Err(away(&state.world)) } else { look(&state.world) }
    }

    /// Does something to the host, unless a fault is due. Whether it is a changing call is seen from what it does.
    fn act<T>(&self, act: impl Fn(&mut World) -> Result<T, HostError>) -> Result<T, HostError> {
        let mut state = self.state();
        if state.faults.is_off {
            return Err(away(&state.world));
        }
        let attempt = |most_parts: u32| {
            let mut world = state.world.clone();
            (world.parts, world.most_parts) = (0, most_parts);
            let outcome = act(&mut world);
            (world, outcome)
        };
        let (mut after, outcome) = attempt(u32::MAX);
        let parts = std::mem::take(&mut after.parts);
        after.most_parts = u32::MAX;
        let mut same = after.clone();
        same.now = state.world.now;
        if same == state.world {
            return outcome;
        }
        let call = state.faults.calls + 1;
        let due = |fault: Option<(u32, Moment)>| fault.filter(|(at, _)| *at == call).map(|(_, moment)| moment);
        let (fails, dies) = (due(state.faults.fails), due(state.faults.dies));
        let world = match fails.or(dies) {
            None | Some(Moment::After) => Some(after),
            Some(Moment::Half) if parts > 1 => {
                let (mut half, _) = attempt(parts / 2);
                (half.parts, half.most_parts) = (0, u32::MAX);
                Some(half)
            }
            Some(Moment::Before | Moment::Half) => None,
        };
        state.faults.calls = call;
        if let Some(world) = world {
            state.world = world;
        }
        if dies.is_some() {
            state.faults.is_off = true;
            return Err(away(&state.world));
        }
        if fails.is_some() {
            let said = format!("made to fail at changing call {call}");
            return Err(HostError::Failed { what: "this".into(), said });
        }
        outcome
    }
}

fn away(world: &World) -> HostError {
    HostError::Away(format!("{} does not answer", world.hostname))
}

/// Debian 12 as it is installed.
fn bare(hostname: &str) -> World {
    let mut world = World {
        hostname: hostname.to_owned(),
        now: 1_767_225_600,
        tree: Tree::new(1_767_225_600),
        users: Vec::new(),
        groups: Vec::new(),
        catalogue: catalogue::debian_12(),
        older: BTreeMap::new(),
        packages: BTreeMap::new(),
        mirror_down: false,
        daemons: BTreeMap::new(),
        broken: BTreeMap::new(),
        databases: std::collections::BTreeSet::new(),
        database_users: BTreeMap::new(),
        grants: std::collections::BTreeSet::new(),
        slurm: Slurm::default(),
        dashboard: BTreeMap::new(),
        firewall: None,
        open_ports: std::collections::BTreeSet::new(),
        parts: 0,
        most_parts: u32::MAX,
    };
    let files = [
        ("/etc/hostname", format!("{hostname}\n")),
        ("/etc/hosts", format!("127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n")),
        ("/etc/os-release", OS_RELEASE.to_owned()),
        ("/proc/1/comm", "systemd\n".to_owned()),
        ("/proc/cpuinfo", "processor\t: 0\ncore id\t: 0\n\nprocessor\t: 1\ncore id\t: 1\n".to_owned()),
        ("/proc/meminfo", "MemTotal:        8388608 kB\n".to_owned()),
        ("/proc/self/cgroup", "0::/init.scope\n".to_owned()),
        ("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n".to_owned()),
        ("/proc/self/status", "Name:\tslurmdash\nUid:\t0\t0\t0\t0\n".to_owned()),
        ("/proc/sys/kernel/hostname", format!("{hostname}\n")),
        ("/proc/sys/kernel/osrelease", "6.1.0-40-amd64\n".to_owned()),
        ("/etc/skel/.bashrc", "# ~/.bashrc\n".to_owned()),
        ("/etc/skel/.profile", "# ~/.profile\n".to_owned()),
        ("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n".to_owned()),
    ];
    let made = BASE.iter().try_for_each(|folder| world.make_directories(Path::new(folder), 0o755));
    let made = made.and_then(|()| {
        let root = Attributes { mode: 0o644, uid: 0, gid: 0 };
        files.iter().try_for_each(|(path, text)| world.write(Path::new(path), text.as_bytes(), root, None))
    });
    debug_assert_eq!(made, Ok(()), "a bare tree takes its folders");
    let people = [("root", 0, "/root", "/bin/bash"), ("nobody", 65534, "/nonexistent", "/usr/sbin/nologin")];
    for (name, number, home, shell) in people.into_iter().chain([("ada", 1000, "/home/ada", "/bin/bash")]) {
        world.groups.push(Group { name: name.into(), gid: number, members: Vec::new() });
        let (comment, home, shell) = (String::new(), PathBuf::from(home), PathBuf::from(shell));
        world.users.push(User { name: name.into(), uid: number, gid: number, comment, home, shell });
    }
    world.groups.push(Group { name: "sudo".into(), gid: 27, members: vec!["ada".into()] });
    world.packages.insert("adduser".into(), world::Installed { version: "3.134".into(), configured: true });
    world.add_service("ssh.service");
    world
}

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
