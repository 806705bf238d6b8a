//! `cargo xtask dist`: the file that is shipped, `target/dist/slurmdash`: static, stripped, with the UI inside.
//!
//! Rust's std for musl comes from rustup or from Debian's sources ([`crate::std_for`]). The C parts (aws-lc) are compiled
//! by `musl-gcc` in the first case and by Zig in the second, which also links: Debian's std has no musl of its own.

mod elf;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, cmd};

use crate::needs::{MUSL_C, PYTHON_VENV};
use crate::project::Project;
use crate::std_for::{Std, debian};
use crate::ui;

/// The Python packages that carry Zig and cargo's use of it.
const ZIG: [&str; 2] = ["ziglang==0.17.1", "cargo-zigbuild==0.24.0"];

/// This machine's architecture with musl.
pub fn target() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// Builds, checks and says how large it is.
pub fn run(project: &Project) -> Result<()> {
    let file = build(project)?;
    println!("{}: {} bytes, static, with the UI inside", file.display(), fs::metadata(&file)?.len());
    Ok(())
}

/// Builds and checks; answers where the program is.
pub fn build(project: &Project) -> Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), "the shipped program is built on Linux");
    ui::build(project, false)?;
    let built = compile(project)?;
    check(project, &built)?;
    let file = project.sh.create_dir(project.root.join("target/dist"))?.join("slurmdash");
    let part = file.with_extension("part");
    fs::copy(&built, &part)?;
    fs::rename(part, &file)?;
    Ok(file)
}

fn compile(project: &Project) -> Result<PathBuf> {
    let target = target();
    let std = Std::find(project, &target)?;
    let folder = project.target.join("musl");
    C::find(project, std)?
        .cargo(project)
        .args(["--locked", "--package", "slurmdash", "--bin", "slurmdash", "--profile", "dist", "--target", &target])
        .args(std.arguments())
        .args(C::find(project, std)?.last_arguments())
        .env("CARGO_TARGET_DIR", &folder)
        .run()?;
    Ok(folder.join(target).join("dist/slurmdash"))
}

/// Refuses what wouldn't run on a machine without our libraries, or would show no pages.
fn check(project: &Project, file: &Path) -> Result<()> {
    let content = fs::read(file).with_context(|| format!("{}", file.display()))?;
    if let Some(loader) = elf::interpreter(&content)? {
        bail!("{} is not static: it wants {loader}", file.display());
    }
    project.check_ui(file)
}

/// Who compiles C for musl.
pub enum C {
    /// musl's wrapper around the machine's compiler.
    MuslGcc,
    /// Zig, in a Python environment of ours.
    Zig(PathBuf),
}

impl C {
    /// Makes the compiler that goes with `std` available.
    pub fn find(project: &Project, std: Std) -> Result<Self> {
        if std == Std::Toolchain {
            MUSL_C.meet(project)?;
            return Ok(Self::MuslGcc);
        }
        let environment = project.root.join("target/tools/zig");
        let programs = environment.join("bin");
        if !programs.join("cargo-zigbuild").is_file() {
            PYTHON_VENV.meet(project)?;
            project.agree(&format!("{} from PyPI (into target/tools/zig)", ZIG.join(" and ")))?;
            cmd!(project.sh, "python3 -m venv {environment}").run()?;
            let pip = programs.join("pip");
            cmd!(project.sh, "{pip} install --quiet --disable-pip-version-check {ZIG...}").run()?;
        }
        Ok(Self::Zig(programs))
    }

    fn cargo<'a>(&self, project: &'a Project) -> Cmd<'a> {
        match self {
            Self::MuslGcc => {
                let variable = format!("CC_{}", target().replace('-', "_"));
                project.cargo().arg("rustc").env(variable, "musl-gcc")
            }
            Self::Zig(programs) => {
                let command = project.sh.cmd(programs.join("cargo-zigbuild")).arg("rustc");
                debian(command, std::slice::from_ref(programs))
            }
        }
    }

    /// What rustc is told: Zig brings musl's start files itself.
    fn last_arguments(&self) -> &'static [&'static str] {
        match self {
            Self::MuslGcc => &[],
            Self::Zig(_) => &["--", "-C", "link-self-contained=no"],
        }
    }
}
