//! `slurmdash migrate`.
use std::process::ExitCode;

use clap::Subcommand;

use super::import;

/// Bring records of older versions along.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Import the records of the old system (v4.3, v4.4) from its SQLite file
    ImportV4(import::Arguments),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.command {
        Command::ImportV4(arguments) => import::run(arguments),
    }
}
