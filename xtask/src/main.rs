//! slurmdash's own tasks: `cargo xtask <command>`, one file a command.
//!
//! Every command looks for what it needs, says what it is about to install and asks first; `--yes` or `CI=true` answer
//! for a machine. What is shared lives in [`project`] (where things are), [`needs`] (what must be installed) and
//! [`std_for`] (the standard library of the two cross targets). Nothing here is part of the shipped program.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these commands talk to the person in the terminal")]

mod bench;
mod demo;
mod dist;
mod fmt;
mod lab;
mod lint;
mod needs;
mod project;
mod setup;
mod std_for;
mod test;
mod ui;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "slurmdash's own tasks", arg_required_else_help = true)]
struct Arguments {
    /// Install what is missing without asking.
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs everything that the other commands need.
    Setup,
    /// Builds the browser's half into `ui/dist`.
    Ui(ui::Arguments),
    /// Builds everything and serves a simulated cluster.
    Demo(demo::Arguments),
    /// Runs the tests: unit, it, e2e, lab, or all when none is named.
    Test(test::Arguments),
    /// Real hosts to try things on: up, exec, ssh, put, kill, cut, reset, …
    Lab(lab::Arguments),
    /// Measures sizes, start, memory, Lighthouse's scores and the store against their limits.
    Bench(bench::Arguments),
    /// Builds the static program that is shipped.
    Dist,
    /// Formats the Rust code.
    Fmt(fmt::Arguments),
    /// Format, clippy and dependency rules.
    Lint,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let project = Project::open(arguments.yes)?;
    match arguments.command {
        Command::Setup => setup::run(&project),
        Command::Ui(arguments) => ui::run(&project, &arguments),
        Command::Demo(arguments) => demo::run(&project, &arguments),
        Command::Test(arguments) => test::run(&project, &arguments),
        Command::Lab(arguments) => lab::run(&project, &arguments),
        Command::Bench(arguments) => bench::run(&project, &arguments),
        Command::Dist => dist::run(&project),
        Command::Fmt(arguments) => fmt::run(&project, &arguments),
        Command::Lint => lint::run(&project),
    }
}
