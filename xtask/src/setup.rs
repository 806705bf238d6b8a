//! `cargo xtask setup`: installs at once what the other commands would install when they need it.

use anyhow::Result;

use crate::needs::{self, CHROMIUM, LAB, NODE, SLURM};
use crate::project::Project;
use crate::std_for::Std;
use crate::{bench, dist, fmt, test, ui};

/// Installs everything; what is there already costs nothing.
pub fn run(project: &Project) -> Result<()> {
    for need in [&NODE, &CHROMIUM, &SLURM, &LAB] {
        need.meet(project)?;
    }
    fmt::component(project, "rustfmt")?;
    fmt::component(project, "clippy")?;
    Std::find(project, ui::TARGET)?;
    dist::C::find(project, Std::find(project, &dist::target())?)?;
    for folder in [ui::tools(project), project.root.join("ui"), test::e2e::folder(project), bench::tools(project)] {
        if folder.join("package-lock.json").is_file() {
            needs::npm(project, &folder)?;
        }
    }
    test::runner(project);
    println!("everything is here");
    Ok(())
}
