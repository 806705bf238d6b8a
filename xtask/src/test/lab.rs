//! The installer on real hosts: `tests/lab`, with the program that this builds.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use super::counts::Counts;
use super::rust;
use crate::needs::LAB;
use crate::project::Project;

/// Builds the program and runs every scenario; the UI is built already.
pub fn run(project: &Project) -> Result<Counts> {
    LAB.meet(project)?;
    let program = program(project)?;
    let settings = [
        ("SLURMDASH_LAB_PROGRAM".to_owned(), program.display().to_string()),
        // Members of a workspace are tested from their own folders.
        ("SLURMDASH_LAB".to_owned(), project.target.join("lab").display().to_string()),
    ];
    rust::run(project, &["--package", "slurmdash-lab", "--test", "lab"], &settings)
}

/// The program without what a debugger wants: it is copied into every host. It is linked to this machine's C library,
/// which is that of the hosts or an older one.
fn program(project: &Project) -> Result<PathBuf> {
    let built = project.program("dev")?;
    let small = project.target.join("lab/slurmdash");
    fs::create_dir_all(project.target.join("lab"))?;
    cmd!(project.sh, "strip --strip-debug -o {small} {built}").run()?;
    Ok(small)
}
