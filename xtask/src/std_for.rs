//! The standard library for the two targets that are not this machine's: rustup's where it can be downloaded, else
//! built from the sources that Debian packages.
//!
//! `SLURMDASH_STD=debian` in the environment takes the second way straight away.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::{Cmd, cmd};

use crate::needs::DEBIAN_RUST;
use crate::project::{Project, clean, on_path};

/// Where std for a target comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Std {
    /// Part of the toolchain that runs us.
    Toolchain,
    /// Built with the program, from Debian's sources and by Debian's compiler.
    Debian,
}

impl Std {
    /// Makes std for `target` available, by asking rustup first.
    pub fn find(project: &Project, target: &str) -> Result<Self> {
        if env::var_os("SLURMDASH_STD").is_some_and(|way| way == "debian") {
            DEBIAN_RUST.meet(project)?;
            return Ok(Self::Debian);
        }
        if toolchain_has(project, target)? {
            return Ok(Self::Toolchain);
        }
        if on_path("rustup").is_some() {
            project.agree(&format!("Rust's standard library for {target} (rustup target add)"))?;
            let added = cmd!(project.sh, "rustup target add {target}").env("RUSTUP_MAX_RETRIES", "1").run();
            if added.is_ok() && toolchain_has(project, target)? {
                return Ok(Self::Toolchain);
            }
            println!("rustup can't download it here; building it from Debian's sources instead");
        }
        DEBIAN_RUST
            .meet(project)
            .with_context(|| format!("no standard library for {target}: rustup doesn't have it here"))?;
        Ok(Self::Debian)
    }

    /// Cargo for this std.
    pub fn cargo(self, project: &Project) -> Cmd<'_> {
        match self {
            Self::Toolchain => project.cargo(),
            Self::Debian => debian(project.sh.cmd("/usr/bin/cargo"), &[]),
        }
    }

    /// The arguments that go with [`Self::cargo`], after the subcommand.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Toolchain => &[],
            Self::Debian => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

/// Gives a command the environment in which Debian's compiler may build std, without rustup's traces.
pub fn debian<'a>(command: Cmd<'a>, first_on_path: &[PathBuf]) -> Cmd<'a> {
    let folders = first_on_path.iter().map(|folder| folder.as_os_str().to_owned());
    let path: Vec<OsString> =
        folders.chain(["/usr/share/cargo/bin", "/usr/bin", "/bin"].into_iter().map(OsString::from)).collect();
    clean(command)
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("LD_LIBRARY_PATH")
        .env("PATH", path.join(&OsString::from(":")))
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld")
}

fn toolchain_has(project: &Project, target: &str) -> Result<bool> {
    let folder = cmd!(project.sh, "rustc --print target-libdir --target {target}").quiet().read()?;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(false);
    };
    for entry in entries {
        if entry?.file_name().to_string_lossy().starts_with("libstd-") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses a UI compiler that is not the one that the lock file pins: the two halves of wasm-bindgen must be equal.
pub fn check_wasm_bindgen(project: &Project) -> Result<()> {
    let lock = project.sh.read_file(project.root.join("Cargo.lock"))?;
    let library = locked(&lock, "wasm-bindgen").context("Cargo.lock has no wasm-bindgen")?;
    let tool = locked(&lock, "wasm-bindgen-cli-support").context("Cargo.lock has no wasm-bindgen-cli-support")?;
    if library != tool {
        bail!(
            "wasm-bindgen is {library} in Cargo.lock and xtask's wasm-bindgen-cli-support is {tool}; \
             put `=` {library} into xtask/Cargo.toml"
        );
    }
    Ok(())
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn the_lock_file_says_the_version_of_exactly_that_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(lock, "walrus"), None);
    }
}
