//! The minimal Debian that hosts begin with, made once.

use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail};

use crate::net::{CACHE, CACHE_PORT};
use crate::root::{digest, remove_tree};
use crate::run::run;

/// What a freshly installed Debian server has that matters here.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,iproute2,iputils-ping,procps,\
                        ca-certificates,sudo,less,debian-archive-keyring";

/// Units that make noise, or want what a container has not.
const MASKED: [&str; 9] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
];

/// Of packages nobody reads the manual here.
const LEFT_OUT: [&str; 4] = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A release of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// 12, with Slurm 22.05.
    #[default]
    Bookworm,
    /// 13, with Slurm 24.11.
    Trixie,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        })
    }
}

impl FromStr for Release {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "bookworm" => Ok(Self::Bookworm),
            "trixie" => Ok(Self::Trixie),
            _ => bail!("'{text}' is no release known here: bookworm, trixie"),
        }
    }
}

/// The release's root folder below `shared`; makes it where it is missing, in about a minute.
pub fn make(shared: &Path, release: Release) -> Result<PathBuf> {
    let sources = sources(release)?;
    let key = digest(format!("{release} {PACKAGES} {MASKED:?} 1\n{sources}").as_bytes());
    let folder = shared.join(format!("base-{release}-{}", &key[..12]));
    let done = folder.with_extension("done");
    if done.exists() {
        return Ok(folder);
    }
    remove_tree(&folder)?;
    let list = shared.join("base.list");
    fs::write(&list, &sources)?;
    let mut argv: Vec<String> =
        ["mmdebstrap", "--quiet", "--variant=minbase", "--format=directory"].map(str::to_owned).to_vec();
    argv.push(format!("--include={PACKAGES}"));
    argv.extend(proxy().map(|option| format!("--aptopt={option}")));
    argv.extend(LEFT_OUT.map(|option| format!("--dpkgopt={option}")));
    argv.push("--dpkgopt=force-unsafe-io".to_owned());
    argv.extend([release.to_string(), folder.display().to_string(), list.display().to_string()]);
    run(&argv)?;
    finish(&folder, &sources)?;
    fs::write(done, "")?;
    Ok(folder)
}

/// Takes away what a host must have of its own, and adds what all have.
fn finish(root: &Path, sources: &str) -> Result<()> {
    for gone in ["etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list"] {
        remove(&root.join(gone))?;
    }
    for folder in ["etc/apt/sources.list.d", "etc/ssh"] {
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("ssh_host_") || name.starts_with("0000") {
                fs::remove_file(entry.path())?;
            }
        }
    }
    fs::write(root.join("etc/apt/sources.list"), sources)?;
    fs::write(root.join("etc/resolv.conf"), "")?;
    let journal = root.join("etc/systemd/journald.conf.d");
    fs::create_dir_all(&journal)?;
    fs::write(journal.join("lab.conf"), "[Journal]\nStorage=persistent\nSystemMaxUse=64M\nRateLimitIntervalSec=0\n")?;
    let units = root.join("etc/systemd/system");
    for unit in MASKED {
        remove(&units.join(unit))?;
        symlink("/dev/null", units.join(unit))?;
    }
    let wanted = units.join("multi-user.target.wants");
    fs::create_dir_all(&wanted)?;
    let networkd = wanted.join("systemd-networkd.service");
    remove(&networkd)?;
    symlink("/lib/systemd/system/systemd-networkd.service", networkd)?;
    Ok(())
}

/// Options of apt with which a host reaches the package cache. Dates are not checked: this machine's clock may be anything.
pub fn proxy() -> [String; 3] {
    [
        format!("Acquire::http::Proxy \"http://{CACHE}:{CACHE_PORT}\""),
        "Acquire::Check-Valid-Until \"false\"".to_owned(),
        "Acquire::Check-Date \"false\"".to_owned(),
    ]
}

/// Where this machine's own apt gets Debian from, for the release; no mirror's name is in any file of the project.
fn sources(release: Release) -> Result<String> {
    let targets = run(&["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)", "Created-By: Packages"])?;
    let site = |label: &str| {
        targets.lines().find_map(|line| line.strip_prefix(&format!("Debian|{label}|"))).map(str::to_owned)
    };
    let main = site("Debian").context("this machine's apt knows no mirror of Debian (apt-get update?)")?;
    let line = |site: &str, part: &str| format!("deb [signed-by={KEYRING}] {site} {release}{part} main\n");
    let security = site("Debian-Security").map(|site| line(&site, "-security")).unwrap_or_default();
    Ok(line(&main, "") + &line(&main, "-updates") + &security)
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context(file.display().to_string()),
        _ => Ok(()),
    }
}
