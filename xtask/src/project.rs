//! Where the project is, how its commands are started, and whether the person agrees to an installation.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, Shell};

/// The checkout that a command works on.
pub struct Project {
    /// Runs commands from the root.
    pub sh: Shell,
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the root.
    pub target: PathBuf,
    yes: bool,
}

impl Project {
    /// Finds the root from where cargo says xtask's manifest is.
    pub fn open(yes: bool) -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().context("xtask's folder has no parent")?.to_path_buf();
        let sh = Shell::new()?;
        sh.change_dir(&root);
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(Self { sh, root, target, yes })
    }

    /// Whether this is a CI run, where nothing may be skipped and nobody can be asked.
    pub fn is_ci() -> bool {
        env::var("CI").is_ok_and(|value| value == "true" || value == "1")
    }

    /// The cargo that started us.
    pub fn cargo(&self) -> Cmd<'_> {
        clean(self.sh.cmd(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
    }

    /// Compiles the program with the UI that is in `ui/dist`; answers where it is.
    pub fn program(&self, profile: &str) -> Result<PathBuf> {
        self.cargo().args(["build", "--locked", "--package", "slurmdash", "--profile", profile]).run()?;
        let folder = if profile == "dev" { "debug" } else { profile };
        let program = self.target.join(folder).join("slurmdash");
        self.check_ui(&program)?;
        Ok(program)
    }

    /// Refuses a program without the UI inside: it would serve a page that says how to build one.
    pub fn check_ui(&self, program: &Path) -> Result<()> {
        let version = self.sh.cmd(program).args(["version", "--json"]).quiet().read()?;
        let version: serde_json::Value = serde_json::from_str(&version).context("slurmdash version --json")?;
        ensure!(version["ui"] == "embedded", "{} has no UI inside: {version}", program.display());
        Ok(())
    }

    /// Asks before something is installed; an error where nobody can be asked and nobody agreed beforehand.
    pub fn agree(&self, what: &str) -> Result<()> {
        if self.yes || Self::is_ci() {
            println!("installing: {what}");
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!("this needs {what}; nobody is at the terminal to ask, so run it again with --yes");
        }
        print!("this needs {what}. Install it? [Y/n] ");
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => Ok(()),
            _ => bail!("not installed: {what}"),
        }
    }
}

/// Takes away what cargo tells the program it runs, so that a cargo started from here sees the person's environment:
/// otherwise build scripts that watch these variables run again each time.
pub fn clean(command: Cmd<'_>) -> Cmd<'_> {
    const OURS: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_str().is_some_and(|name| OURS.iter().any(|ours| name.starts_with(ours))))
        .fold(command, Cmd::env_remove)
}

/// The first place on the path where a program of that name is.
pub fn on_path(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = program.as_ref();
    // Daemons live in sbin, which is not on everybody's path.
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .chain(["/usr/local/sbin".into(), "/usr/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
