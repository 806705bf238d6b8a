//! The installer on real hosts: `tests/lab`, with the program that this builds.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use super::counts::Counts;
use super::rust;
use crate::needs::LAB;
use crate::project::Project;

/// Names of scenarios that belong to every run of all tests have this in them: a single host and three, there and back. The
/// others take half an hour.
const ALWAYS: &str = "_and_back";

/// Builds the program and runs the scenarios, all or the few that always are; the UI is built already.
pub fn run(project: &Project, all: bool) -> Result<Counts> {
    LAB.meet(project)?;
    let program = program(project)?;
    let settings = [
        ("SLURMDASH_LAB_PROGRAM".to_owned(), program.display().to_string()),
        // Members of a workspace are tested from their own folders.
        ("SLURMDASH_LAB".to_owned(), project.target.join("lab").display().to_string()),
    ];
    let mut selection = vec!["--package", "slurmdash-lab", "--test", "lab"];
    if !all {
        println!("the installer on a single host and on three; `cargo xtask test lab` has all scenarios");
        selection.push(ALWAYS);
    }
    rust::run(project, &selection, &settings)
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
