//! `cargo xtask lint`: what a reviewer's machine can see: format, clippy, and the dependency rules of `deny.toml`.

use anyhow::Result;

use crate::fmt;
use crate::project::{Project, on_path};

/// Runs all of them; the first that finds something ends it.
pub fn run(project: &Project) -> Result<()> {
    fmt::check(project)?;
    fmt::component(project, "clippy")?;
    project
        .cargo()
        .args(["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"])
        .run()?;
    // Installing it means compiling for about ten minutes, which is more than everything else here together.
    if on_path("cargo-deny").is_some() {
        project.cargo().args(["deny", "--all-features", "check"]).run()?;
    } else {
        println!("deny.toml was not checked: cargo install --locked cargo-deny");
    }
    Ok(())
}
