//! Real hosts on one machine: each boots its own systemd in a container of systemd-nspawn, with a disk, an address, a host
//! key and an sshd of its own. For what can only be seen on a whole system: packages, services, power cuts, two heads.
//!
//! | place below `target/lab` | what it is |
//! |---|---|
//! | `base-…/` | a minimal Debian that all hosts share, read-only (overlayfs) |
//! | `debs/` | the packages that hosts have asked for: a cache that answers at [`net::CACHE`] |
//! | `N/hosts/HOST/` | what host HOST of lab N wrote (`upper`), and its whole root (`root`), which may be read from outside |
//! | `N/shared/`, `N/home/` | what hosts with shared storage see at `/shared` and `/home` |
//!
//! Labs with different numbers don't meet: lab N has its own bridge and 10.78.N.0/24. Hosts have no way out but to the
//! package cache.
//!
//! Rules that keep the machine itself safe, learned the hard way:
//!
//! - A command that enters a host gets no more capabilities than that host has. With root's own, `date -s` in a host sets
//!   the clock of the whole machine: there is no namespace for it.
//! - Every host's launcher is in a cgroup of its own; nspawn puts `payload` below its caller's, and two would share it.
//! - Nothing is ended by name: only what is in a host's own cgroup, or has an id that was written down and the command
//!   line that was started.
//! - A route that leads nowhere keeps the lab's addresses on this machine when the bridge is gone.
//! - Everything that asks a daemon has a time limit.

pub mod base;
pub mod cache;
pub mod census;
pub mod compare;
pub mod host;
pub mod net;
pub mod process;
mod root;
pub mod run;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context as _, Result, bail, ensure};

pub use self::host::{Host, Shape};
pub use self::run::{Ran, run};

/// Everything that is started from here asks for these programs; the package of each in Debian.
pub const PROGRAMS: [(&str, &str); 10] = [
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("apt-cacher-ng", "apt-cacher-ng"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("ssh-keygen", "openssh-client"),
    ("setpriv", "util-linux"),
    ("mkfs.ext4", "e2fsprogs"),
    ("dpkg-scanpackages", "dpkg-dev"),
    ("curl", "curl"),
];

/// Hosts with a network of their own.
#[derive(Debug)]
pub struct Lab {
    number: u8,
    /// `target/lab`.
    shared: PathBuf,
    /// `target/lab/N`.
    folder: PathBuf,
    /// Ends the hosts of a test with the test. Without one they go on until [`Lab::down`].
    watcher: Option<Child>,
    /// Held while this lab is used; freed when it is dropped.
    _lock: File,
}

impl Lab {
    /// The lab of the tests, with nothing in it: whatever an earlier run left is ended and forgotten. Waits while
    /// another test has it.
    pub fn for_test() -> Result<Self> {
        let mut lab = Self::open(number_from_environment(0)?)?;
        lab.down()?;
        lab.forget()?;
        let cgroups = process::cgroups().into_iter().next().context("no cgroups")?;
        lab.watcher = Some(process::watch(&cgroups.join(format!("l{}-", lab.number)))?);
        lab.start()?;
        Ok(lab)
    }

    /// A lab that stays up after this process.
    pub fn by_hand(number: u8) -> Result<Self> {
        let lab = Self::open(number)?;
        lab.start()?;
        Ok(lab)
    }

    /// One that is up already, or not; starts nothing.
    pub fn look(number: u8) -> Result<Self> {
        Self::open(number)
    }

    fn open(number: u8) -> Result<Self> {
        can_run()?;
        ensure!(number < net::CACHE.octets()[2], "labs have numbers below {}", net::CACHE.octets()[2]);
        let shared = place()?;
        let folder = shared.join(number.to_string());
        fs::create_dir_all(folder.join("hosts"))?;
        let lock = lock(&number.to_string())?;
        Ok(Self { number, shared, folder, watcher: None, _lock: lock })
    }

    fn start(&self) -> Result<()> {
        for folder in ["shared", "home"] {
            fs::create_dir_all(self.folder.join(folder))?;
        }
        let _alone = lock("all")?;
        net::up(self.number)?;
        cache::up(&self.shared)?;
        root::keys(self)
    }

    /// Which one it is.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// A host by name, running or not.
    pub fn host(&self, name: &str) -> Result<Host<'_>> {
        Host::of(self, name)
    }

    /// Boots hosts that don't run yet, all at the same time, and waits until their sshd lets us in.
    pub fn boot(&self, hosts: &[(&str, Shape)]) -> Result<Vec<Host<'_>>> {
        let hosts = hosts
            .iter()
            .map(|(name, shape)| {
                let host = self.host(name)?;
                host.start(shape)?;
                Ok(host)
            })
            .collect::<Result<Vec<_>>>()?;
        for host in &hosts {
            host.wait()?;
        }
        Ok(hosts)
    }

    /// Those that exist, running or not.
    pub fn hosts(&self) -> Result<Vec<Host<'_>>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join("hosts"))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        names.iter().map(|name| self.host(name)).collect()
    }

    /// Cuts every host's power and takes the bridge away. Disks stay.
    pub fn down(&self) -> Result<()> {
        for host in self.hosts()? {
            host.kill()?;
        }
        let _alone = lock("all")?;
        net::down(self.number)?;
        cache::down_when_last()
    }

    /// Forgets what hosts wrote.
    pub fn forget(&self) -> Result<()> {
        for host in self.hosts()? {
            host.forget()?;
        }
        for folder in ["shared", "home"] {
            root::remove_tree(&self.folder.join(folder))?;
        }
        Ok(())
    }

    /// What hosts with shared storage see at `/shared`.
    pub fn shared(&self) -> PathBuf {
        self.folder.join("shared")
    }

    /// What they see at `/home`.
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The key that every host's root has, and that every host lets in as root.
    pub fn key(&self) -> PathBuf {
        self.shared.join("key")
    }

    /// Host keys of all hosts, by name and address.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            // What is left is ended by the watcher, or at the next start; there is nobody to tell.
            let _ = self.down();
            let _ = watcher.wait();
        }
    }
}

/// What is the machine's and not a folder's: two checkouts have the same bridges, cgroups and cache.
const RUN: &str = "/run/slurmdash-lab";

/// Waits for a lock: a lab's by its number, or `all` for what labs share. It is closed in every program that is started,
/// as std opens files with `O_CLOEXEC`.
fn lock(name: &str) -> Result<File> {
    fs::create_dir_all(RUN)?;
    let lock = File::create(Path::new(RUN).join(format!("{name}.lock")))?;
    lock.lock()?;
    Ok(lock)
}

/// Why there can be no lab here, as an error.
pub fn can_run() -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "the lab of real hosts needs root");
    for (program, package) in PROGRAMS {
        ensure!(run::on_path(program).is_some(), "{program} is missing (Debian: {package})");
    }
    Ok(())
}

/// `SLURMDASH_LAB`, or `target/lab` of this project.
fn place() -> Result<PathBuf> {
    let folder = match (env::var_os("SLURMDASH_LAB"), env::var_os("CARGO_TARGET_DIR")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(target)) => PathBuf::from(target).join("lab"),
        (None, None) => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    let folder = folder.canonicalize()?;
    // overlayfs reads these as its own separators.
    if folder.to_string_lossy().contains([':', ',', '\\']) {
        bail!("the lab can't be in {}: no colons, commas or backslashes", folder.display());
    }
    Ok(folder)
}

fn number_from_environment(otherwise: u8) -> Result<u8> {
    match env::var("SLURMDASH_LAB_NUMBER") {
        Ok(number) => number.parse().context("SLURMDASH_LAB_NUMBER"),
        Err(_) => Ok(otherwise),
    }
}
