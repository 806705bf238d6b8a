//! A real Slurm for the integration tests, up for as long as the value lives.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::project::Project;

/// The exit code with which `tests/cluster/slurm.sh` says that it can't run here.
pub const CANNOT: i32 = 77;

/// What one is brought up with.
pub const SHAPE: [&str; 4] = ["4", "--people", "--accounting", "--other-host"];

/// A cluster of four nodes, with people, accounting and a second login host.
pub struct Cluster {
    script: PathBuf,
    folder: PathBuf,
}

impl Cluster {
    /// Brings one up; `None`, and the reason is printed, where that can't be.
    pub fn up(project: &Project) -> Result<Option<Self>> {
        let script = project.root.join("tests/cluster/slurm.sh");
        let folder = env::temp_dir().join(format!("slurmdash-it-{}", std::process::id()));
        let cluster = Self { script, folder };
        let status = cluster.command("up").args(SHAPE).status().context("tests/cluster/slurm.sh")?;
        match status.code() {
            Some(0) => Ok(Some(cluster)),
            Some(CANNOT) => Ok(None),
            _ => bail!("tests/cluster/slurm.sh up: {status}"),
        }
    }

    /// The settings that reach it, from the script's `export NAME='value' …`.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        let output = self.command("env").output()?;
        let text = String::from_utf8(output.stdout)?;
        let settings = text.trim().trim_start_matches("export ").split("' ").filter_map(|one| {
            let (name, value) = one.split_once("='")?;
            Some((name.to_owned(), value.trim_end_matches('\'').to_owned()))
        });
        Ok(settings.collect())
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .arg(&self.script)
            .arg(verb)
            .env("SLURMDASH_CLUSTER_DIR", &self.folder)
            .env("SLURMDASH_CLUSTER_PORT", port("17500"))
            .stdin(Stdio::null());
        command
    }
}

/// The first port: the environment's, or one that is not the script's own default, so that a cluster somebody has up by
/// hand is left alone.
pub fn port(otherwise: &str) -> OsString {
    env::var_os("SLURMDASH_CLUSTER_PORT").unwrap_or_else(|| otherwise.into())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.command("down").status() {
            eprintln!("the test cluster is still up: {error}");
        }
    }
}
