//! `cargo xtask demo`: from a clone to a dashboard with a simulated cluster.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::ui;

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compile the program optimised; takes minutes longer and makes no difference on a demo's scale.
    #[arg(long)]
    release: bool,
    /// Passed on to `slurmdash serve --demo`, for example `--listen 127.0.0.1:8080`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    serve: Vec<OsString>,
}

/// Builds both halves and becomes the server, so that Ctrl-C and signals are its own.
pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    ui::build(project, false)?;
    let profile = if arguments.release { "release" } else { "dev" };
    let program = project.program(profile)?;
    let error = Command::new(&program).args(["serve", "--demo"]).args(&arguments.serve).exec();
    Err(error).with_context(|| format!("{}", program.display()))
}
