//! `cargo xtask fmt`: rustfmt over every member.

use anyhow::Result;

use crate::project::Project;

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only say whether something would change.
    #[arg(long)]
    check: bool,
}

/// Formats, or checks.
pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    component(project, "rustfmt")?;
    let check: &[&str] = if arguments.check { &["--check"] } else { &[] };
    project.cargo().args(["fmt", "--all"]).args(check).run()?;
    Ok(())
}

/// Formats nothing, fails where something isn't formatted.
pub fn check(project: &Project) -> Result<()> {
    run(project, &Arguments { check: true })
}

/// Adds a part of the toolchain that a minimal installation leaves out.
pub fn component(project: &Project, name: &str) -> Result<()> {
    let program = if name == "rustfmt" { "fmt" } else { name };
    if project.cargo().args([program, "--version"]).quiet().ignore_stdout().ignore_stderr().run().is_ok() {
        return Ok(());
    }
    project.agree(&format!("{name} (rustup component add)"))?;
    project.sh.cmd("rustup").args(["component", "add", name]).run()?;
    Ok(())
}
