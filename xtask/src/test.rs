//! `cargo xtask test`: unit tests, integration tests, browser tests, the installer on real hosts, and what they add up
//! to.
//!
//! A test that can't run here prints a line `SKIPPED <reason>` and returns; Rust's own harness has no word for that, so
//! it is read from the output and counted here. With `CI=true` a skipped test is a failure.

mod cluster;
mod counts;
pub mod e2e;
mod lab;
mod rust;
mod slurm_24;

use anyhow::{Result, bail};

use self::counts::Counts;
use crate::needs::SLURM;
use crate::project::{Project, on_path};
use crate::ui;

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which parts; unit, it, e2e and lab when none is named.
    parts: Vec<Part>,
}

/// The kinds of tests.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Beside the code, in every member, and in the documentation.
    Unit,
    /// The real router, the built program, and the Slurm contract on the simulated and on a real cluster.
    It,
    /// A browser against the built program, with the simulated and with a real cluster.
    E2e,
    /// The installer on several real hosts: systemd-nspawn, a bridge, power cuts. Named alone, all scenarios; else two.
    Lab,
    /// The tests on a real cluster again, with Slurm 24.11 in a folder of Debian 13.
    #[value(name = "slurm-24")]
    Slurm24,
}

impl Part {
    /// What is run when nothing is named: all that doesn't take another system's packages.
    const USUAL: [Self; 4] = [Self::Unit, Self::It, Self::E2e, Self::Lab];

    fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::It => "it",
            Self::E2e => "e2e",
            Self::Lab => "lab",
            Self::Slurm24 => "slurm-24",
        }
    }
}

/// Runs the parts in turn, all of them even when one fails, and adds them up.
pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let mut parts = arguments.parts.clone();
    let is_usual = parts.is_empty();
    if is_usual {
        parts = Part::USUAL.to_vec();
    }
    if parts.iter().any(|part| [Part::E2e, Part::Lab].contains(part)) {
        // First, because the program that the other parts test has the UI inside too and is then built only once.
        ui::build(project, false)?;
    }
    if parts.iter().any(|part| [Part::It, Part::E2e].contains(part))
        && let Err(error) = SLURM.meet(project)
    {
        println!("no real cluster here: {error:#}");
    }
    let mut results = Vec::new();
    for part in parts {
        let counts = match part {
            Part::Unit => rust::unit(project)?,
            Part::It => rust::it(project)?,
            Part::E2e => e2e::run(project)?,
            Part::Lab => lab::run(project, !is_usual)?,
            Part::Slurm24 => slurm_24::run(project)?,
        };
        results.push((part, counts));
    }
    println!();
    let mut sum = Counts::default();
    for (part, counts) in results {
        println!("{:<8} {counts}", part.name());
        for skipped in &counts.skipped {
            println!("         skipped: {skipped}");
        }
        sum += counts;
    }
    println!("\n{sum}");
    if sum.failed > 0 {
        bail!("{} tests failed", sum.failed);
    }
    if Project::is_ci() && !sum.skipped.is_empty() {
        bail!("{} tests were skipped, and CI=true wants them all", sum.skipped.len());
    }
    Ok(())
}

/// How Rust's tests are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// cargo-nextest: a process a test, time limits, groups.
    Nextest,
    /// What comes with cargo.
    Cargo,
}

/// nextest where it is or can be installed, else cargo's own runner.
pub fn runner(project: &Project) -> Runner {
    if on_path("cargo-nextest").is_some() {
        return Runner::Nextest;
    }
    let installed = project.agree("cargo-nextest (cargo install; compiles for some minutes)").and_then(|()| {
        project.cargo().args(["install", "--locked", "--quiet", "cargo-nextest"]).run()?;
        Ok(())
    });
    match installed {
        Ok(()) => Runner::Nextest,
        Err(error) => {
            println!("without cargo-nextest, so with cargo test: {error:#}");
            Runner::Cargo
        }
    }
}
