//! What the commands need beside Rust, how to see whether it is there, and how to install it.
//!
//! Tried on Debian and Ubuntu. The package names for Fedora and Homebrew are written from their catalogues and were
//! not tried on a machine.

use std::cell::Cell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use xshell::cmd;

use crate::project::{Project, on_path};

/// Something that has to be installed.
pub struct Need {
    /// How a person calls it.
    name: &'static str,
    /// What it is for, as the end of "… is needed to".
    purpose: &'static str,
    present: fn() -> bool,
    apt: &'static [&'static str],
    dnf: &'static [&'static str],
    brew: &'static [&'static str],
}

/// Runs the UI's tools and the browser tests.
pub const NODE: Need = Need {
    name: "Node.js 18 or newer with npm",
    purpose: "bundle the UI and drive the browser tests",
    present: || on_path("node").is_some() && on_path("npm").is_some(),
    apt: &["nodejs", "npm"],
    dnf: &["nodejs", "nodejs-npm"],
    brew: &["node"],
};

/// The browser of the tests.
pub const CHROMIUM: Need = Need {
    name: "Chromium",
    purpose: "run the browser tests and Lighthouse",
    present: || chromium().is_some(),
    apt: &["chromium"],
    dnf: &["chromium"],
    brew: &["chromium"],
};

/// A real Slurm for the tests, and what people log in to it with.
pub const SLURM: Need = Need {
    name: "Slurm with accounting, munge, MariaDB, sshd and iproute2",
    purpose: "bring up the real cluster of the tests",
    present: || {
        ["slurmctld", "slurmd", "slurmdbd", "sbatch", "munged", "mariadbd", "mariadb", "sshd", "ip"]
            .into_iter()
            .all(|program| on_path(program).is_some())
    },
    // Of MariaDB only the programs: the tests start one of their own, and the machine needs none.
    apt: &[
        "slurmctld",
        "slurmd",
        "slurm-client",
        "slurmdbd",
        "munge",
        "mariadb-server-core",
        "mariadb-client-core",
        "openssh-server",
        "iproute2",
    ],
    dnf: &[
        "slurm",
        "slurm-slurmctld",
        "slurm-slurmd",
        "slurm-slurmdbd",
        "munge",
        "mariadb-server",
        "openssh-server",
        "iproute",
    ],
    brew: &[],
};

/// Makes the folder with another release of Debian.
pub const MMDEBSTRAP: Need = Need {
    name: "mmdebstrap",
    purpose: "make a folder of Debian 13, which has a newer Slurm",
    present: || on_path("mmdebstrap").is_some(),
    apt: &["mmdebstrap"],
    dnf: &[],
    brew: &[],
};

/// What real hosts on one machine take.
pub const LAB: Need = Need {
    name: "systemd-nspawn, mmdebstrap, apt-cacher-ng, nftables and what belongs to them",
    purpose: "bring up real hosts for the installer's tests",
    present: || lab::PROGRAMS.iter().all(|(program, _)| on_path(program).is_some()),
    apt: &[
        "systemd-container",
        "mmdebstrap",
        "apt-cacher-ng",
        "nftables",
        "iproute2",
        "openssh-client",
        "util-linux",
        "e2fsprogs",
        "dpkg-dev",
        "curl",
    ],
    dnf: &[],
    brew: &[],
};

/// Debian's compiler that comes with the sources of its standard library and everything they depend on.
pub const DEBIAN_RUST: Need = Need {
    name: "Debian's Rust with the sources of std",
    purpose: "build std for a target that rustup can't download here",
    present: || {
        Path::new("/usr/share/cargo/bin").is_dir() && debian_std_sources().is_dir() && on_path("wasm-ld").is_some()
    },
    apt: &["rustc-web", "cargo-web", "rust-web-src", "lld"],
    dnf: &[],
    brew: &[],
};

/// The C compiler for musl, for the C parts of the shipped program.
pub const MUSL_C: Need = Need {
    name: "musl's C compiler",
    purpose: "compile the C parts of a static program",
    present: || on_path("musl-gcc").is_some(),
    apt: &["musl-tools"],
    dnf: &["musl-gcc"],
    brew: &[],
};

/// Makes the folder that `ziglang` is installed into.
pub const PYTHON_VENV: Need = Need {
    name: "Python with venv",
    purpose: "install Zig's C compiler for musl",
    present: || cfg!(not(target_os = "linux")) || python_has_venv(),
    apt: &["python3", "python3-venv"],
    dnf: &["python3"],
    brew: &["python"],
};

fn debian_std_sources() -> PathBuf {
    PathBuf::from("/usr/lib/rustlib/src/rust/library/std")
}

fn python_has_venv() -> bool {
    std::process::Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Chromium or Chrome: `CHROME_PATH`, or the first one on the path.
pub fn chromium() -> Option<PathBuf> {
    env::var_os("CHROME_PATH").map(PathBuf::from).or_else(|| {
        ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"].into_iter().find_map(on_path)
    })
}

enum Packager {
    Apt,
    Dnf,
    Brew,
}

fn packager() -> Option<Packager> {
    [("apt-get", Packager::Apt), ("dnf", Packager::Dnf), ("brew", Packager::Brew)]
        .into_iter()
        .find_map(|(program, packager)| on_path(program).map(|_| packager))
}

impl Need {
    /// Whether it is on this machine.
    pub fn is_met(&self) -> bool {
        (self.present)()
    }

    /// Installs it where it is missing, after asking.
    pub fn meet(&self, project: &Project) -> Result<()> {
        if self.is_met() {
            return Ok(());
        }
        let missing = || format!("{} is needed to {}", self.name, self.purpose);
        let installer = packager().with_context(|| format!("{}; install it by hand", missing()))?;
        let packages = match installer {
            Packager::Apt => self.apt,
            Packager::Dnf => self.dnf,
            Packager::Brew => self.brew,
        };
        if packages.is_empty() {
            bail!("{}; there is no package for this system", missing());
        }
        project.agree(&format!("{} (to {}): packages {}", self.name, self.purpose, packages.join(", ")))?;
        match installer {
            Packager::Apt => apt(project, packages, self.present)?,
            Packager::Dnf => {
                println!("not tried on Fedora: please report what happens");
                as_root(project, "dnf").args(["install", "--assumeyes"]).args(packages).run()?;
            }
            Packager::Brew => {
                println!("not tried on macOS: please report what happens");
                project.sh.cmd("brew").arg("install").args(packages).run()?;
            }
        }
        if !self.is_met() {
            bail!("{}; its packages are installed, and it is still not found", missing());
        }
        Ok(())
    }
}

/// Installs the missing ones in turn, and stops when what is wanted is there: `nodejs` from some sources brings npm
/// with it and conflicts with Debian's own `npm`.
fn apt(project: &Project, packages: &[&str], present: fn() -> bool) -> Result<()> {
    thread_local!(static UPDATED: Cell<bool> = const { Cell::new(false) });
    if !UPDATED.replace(true) {
        as_root(project, "apt-get").args(["update", "--quiet", "--quiet"]).run()?;
    }
    for package in packages {
        if present() {
            break;
        }
        as_root(project, "apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--quiet", "--quiet", "--no-install-recommends", package])
            .run()?;
    }
    Ok(())
}

fn as_root<'a>(project: &'a Project, program: &str) -> xshell::Cmd<'a> {
    let root = cmd!(project.sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    if root {
        project.sh.cmd(program)
    } else {
        project.sh.cmd("sudo").arg("--preserve-env=DEBIAN_FRONTEND").arg(program)
    }
}

/// Installs a folder's npm packages by its lock file, without running their scripts; nothing when they are there.
pub fn npm(project: &Project, folder: &Path) -> Result<()> {
    NODE.meet(project)?;
    let lock = fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
    let wanted = digest(&lock);
    let stamp = folder.join("node_modules/.installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let shown = folder.strip_prefix(&project.root).unwrap_or(folder).display();
    project.agree(&format!("the npm packages of {shown} (into its node_modules)"))?;
    cmd!(project.sh, "npm ci --prefix {folder} --ignore-scripts --no-audit --no-fund --loglevel=error").run()?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
