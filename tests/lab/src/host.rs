//! One host: booted, entered, broken.

use std::ffi::OsString;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;

use crate::base::Release;
use crate::root::{self, Places};
use crate::run::{LIMIT, Ran, eventually, finish};
use crate::{Lab, net, process};

/// What a host has that another may not have.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its system.
    pub release: Release,
    /// Whether its apt reaches the package cache.
    pub packages: bool,
    /// Whether it has `/shared` and `/home` in common with others.
    pub shared: bool,
    /// Size of its disk beside the base, in MiB; otherwise it has as much as this machine.
    pub disk_mib: Option<u32>,
}

impl Default for Shape {
    fn default() -> Self {
        Self { release: Release::default(), packages: true, shared: false, disk_mib: None }
    }
}

/// A host of a lab, running or not.
#[derive(Debug, Clone)]
pub struct Host<'lab> {
    lab: &'lab Lab,
    name: String,
    address: Ipv4Addr,
}

/// Capabilities that the host's own first process has not. Whoever enters from outside must not have them either.
const WITHOUT: &str = "-sys_module,-sys_rawio,-sys_pacct,-sys_resource,-sys_time,-ipc_lock,-mac_override,-mac_admin,\
                       -syslog,-wake_alarm,-block_suspend,-audit_read,-perfmon,-bpf,-checkpoint_restore";

/// The environment of a command in a host.
const ENVIRONMENT: [&str; 5] = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "USER=root",
    "LANG=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
];

impl<'lab> Host<'lab> {
    pub(crate) fn of(lab: &'lab Lab, name: &str) -> Result<Self> {
        let address = net::address(lab.number, name)?;
        Ok(Self { lab, name: name.to_owned(), address })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its whole root, seen from outside. Empty while it is off.
    pub fn root(&self) -> PathBuf {
        self.places().root()
    }

    /// What this machine calls it; cables and cgroups have this name.
    fn machine(&self) -> String {
        format!("l{}-{}", self.lab.number, self.name)
    }

    fn places(&self) -> Places {
        Places { folder: self.lab.folder.join("hosts").join(&self.name) }
    }

    fn id(&self) -> PathBuf {
        self.places().folder.join("pid")
    }

    fn mark(&self) -> String {
        format!("systemd-nspawn --quiet --machine={} ", self.machine())
    }

    fn launcher(&self) -> Option<Pid> {
        process::running(&self.id(), &self.mark())
    }

    fn first_process(&self) -> Result<Pid> {
        self.launcher()
            .and_then(|launcher| process::child(launcher, "systemd"))
            .with_context(|| format!("{} is off", self.name))
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.launcher().is_some()
    }

    /// Boots it and waits for its sshd, with the disk that it has.
    pub fn boot(&self) -> Result<()> {
        let shape = fs::read_to_string(self.places().folder.join("shape")).context("it was never up")?;
        let shared = shape.contains("shared");
        let packages = shape.contains("packages");
        self.start(&Shape { packages, shared, ..Shape::default() })?;
        self.wait()
    }

    pub(crate) fn start(&self, shape: &Shape) -> Result<()> {
        if self.is_on() {
            return Ok(());
        }
        let places = self.places();
        fs::create_dir_all(&places.folder)?;
        let words = [(shape.shared, "shared "), (shape.packages, "packages ")];
        let words = words.iter().filter_map(|(is, word)| is.then_some(*word)).collect::<String>();
        fs::write(places.folder.join("shape"), words)?;
        root::unmount(&places)?;
        root::mount(self.lab, &places, shape)?;
        root::fit(self.lab, &places, &self.name, shape)?;
        let mut argv = ["systemd-nspawn", "--quiet"].map(str::to_owned).to_vec();
        argv.push(format!("--machine={}", self.machine()));
        argv.push(format!("--hostname={}", self.name));
        argv.push(format!("--directory={}", places.root().display()));
        argv.push(format!("--uuid={}", root::machine_id(self.lab.number, &self.name)));
        argv.push(format!("--network-bridge={}", net::bridge(self.lab.number)));
        argv.extend(
            ["--boot", "--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off"]
                .map(str::to_owned),
        );
        argv.push("--console=read-only".to_owned());
        if shape.shared {
            argv.push(format!("--bind={}:/shared", self.lab.shared().display()));
            argv.push(format!("--bind={}:/home", self.lab.home().display()));
        }
        let cgroups = self.cgroups();
        for folder in &cgroups {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        process::start(&argv, &cgroups, &places.folder.join("console"), &self.id())
    }

    /// One of its own in each tree that systemd looks at.
    fn cgroups(&self) -> Vec<PathBuf> {
        process::cgroups().into_iter().map(|folder| folder.join(self.machine())).collect()
    }

    pub(crate) fn wait(&self) -> Result<()> {
        let what = format!("{} lets us in", self.name);
        let waited = eventually(&what, Duration::from_secs(90), || {
            let ran = finish(&self.ssh_argv(&["true"], 2), None, Duration::from_secs(10))?;
            Ok(ran.ok().then_some(()))
        });
        waited.with_context(|| {
            let console = fs::read_to_string(self.places().folder.join("console")).unwrap_or_default();
            console.lines().rev().take(8).collect::<Vec<_>>().join("\n")
        })
    }

    /// Runs a command in the host, as its root, past its network.
    pub fn exec(&self, argv: &[&str]) -> Result<Ran> {
        self.exec_within(argv, None, LIMIT)
    }

    /// The same with something to read and a time limit, at which the command is killed in the host.
    pub fn exec_within(&self, argv: &[&str], input: Option<&[u8]>, limit: Duration) -> Result<Ran> {
        let seconds = limit.as_secs().to_string();
        let mut inner = vec!["timeout", "--signal=KILL", &seconds];
        inner.extend(argv);
        let mut ran = finish(&self.enter_argv(&inner)?, input, limit + Duration::from_secs(10))?;
        ran.command = format!("{}: {}", self.name, argv.join(" "));
        Ok(ran)
    }

    /// The words of a command line that runs a command in the host.
    pub fn enter_argv(&self, argv: &[&str]) -> Result<Vec<OsString>> {
        let target = self.first_process()?.as_raw_nonzero().to_string();
        let mut words: Vec<OsString> =
            ["setpriv".to_owned(), format!("--bounding-set={WITHOUT}")].map(OsString::from).into();
        words.extend(["nsenter", "--target", &target].map(OsString::from));
        words.extend(
            ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "env", "-i"]
                .map(OsString::from),
        );
        words.extend(ENVIRONMENT.map(OsString::from));
        words.extend(argv.iter().map(OsString::from));
        Ok(words)
    }

    /// Runs a command through its sshd, as root. The words are joined and read by its shell.
    pub fn ssh(&self, argv: &[&str]) -> Result<Ran> {
        let mut ran = finish(&self.ssh_argv(argv, 5), None, LIMIT)?;
        ran.command = format!("{} (ssh): {}", self.name, argv.join(" "));
        Ok(ran)
    }

    /// The words of a command line that runs a command through its sshd.
    pub fn ssh_argv(&self, argv: &[&str], connect_seconds: u32) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["ssh".into(), "-i".into(), self.lab.key().into()];
        for option in [
            format!("UserKnownHostsFile={}", self.lab.known_hosts().display()),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "BatchMode=yes".to_owned(),
            "LogLevel=ERROR".to_owned(),
            format!("ConnectTimeout={connect_seconds}"),
            "ServerAliveInterval=5".to_owned(),
            "ServerAliveCountMax=4".to_owned(),
        ] {
            words.extend(["-o".into(), option.into()]);
        }
        words.extend(["-F".into(), "/dev/null".into(), format!("root@{}", self.address).into()]);
        words.extend(argv.iter().map(OsString::from));
        words
    }

    /// Copies a file in, as root's, past its network.
    pub fn put(&self, from: &Path, to: &str, mode: u32) -> Result<()> {
        let bytes = fs::read(from).with_context(|| from.display().to_string())?;
        self.write(to, &bytes, mode)
    }

    /// Writes a file in the host, as root's.
    pub fn write(&self, to: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let mode = format!("{mode:o}");
        let argv = ["install", "-D", "-m", &mode, "/dev/stdin", to];
        self.exec_within(&argv, Some(bytes), LIMIT)?.good()?;
        Ok(())
    }

    /// Reads a file of it from outside.
    pub fn read(&self, path: &str) -> Result<String> {
        let file = self.root().join(path.trim_start_matches('/'));
        fs::read_to_string(&file).with_context(|| format!("{}:{path}", self.name))
    }

    /// Cuts its power: everything in it is gone at once. Its disk stays as the kernel has it.
    pub fn kill(&self) -> Result<()> {
        for cgroup in self.cgroups() {
            process::kill_all(&cgroup)?;
        }
        process::end(&self.id(), &self.mark())?;
        net::remove_cable(&self.machine())?;
        root::unmount(&self.places())?;
        eventually(&format!("{} has left its cgroups", self.name), Duration::from_secs(10), || {
            self.cgroups().iter().try_for_each(|cgroup| remove_cgroup(cgroup)).map(Some)
        })
    }

    /// Switches it off in order.
    pub fn power_off(&self) -> Result<()> {
        if self.is_on() {
            // The command's own end comes with that of the host.
            let _ = self.exec(&["systemctl", "poweroff"])?;
            eventually("orderly end", Duration::from_secs(100), || Ok((!self.is_on()).then_some(())))?;
        }
        self.kill()
    }

    /// Switches it off and forgets everything it wrote.
    pub fn forget(&self) -> Result<()> {
        self.kill()?;
        root::remove_tree(&self.places().folder)
    }

    /// A fresh host of that name, booted.
    pub fn reset(&self, shape: &Shape) -> Result<()> {
        self.forget()?;
        self.start(shape)?;
        self.wait()
    }

    /// Pulls its cable out.
    pub fn cut(&self) -> Result<()> {
        ensure!(self.is_on(), "{} is off", self.name);
        net::plug(&self.machine(), false)
    }

    /// Puts its cable in again.
    pub fn heal(&self) -> Result<()> {
        net::plug(&self.machine(), true)
    }

    /// Lets nothing through between it and another host, both ways, until [`net::join`].
    pub fn part_from(&self, other: &Self) -> Result<()> {
        net::part(self.lab.number, self.address, other.address)
    }
}

/// Takes a tree of cgroups away in which nothing runs. None is good too.
fn remove_cgroup(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    fs::remove_dir(folder).with_context(|| folder.display().to_string())
}
