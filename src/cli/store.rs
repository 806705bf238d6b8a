//! `slurmdash store`: looking after the store's file.
use std::process::ExitCode;

use clap::Subcommand;

use super::{StoreFile, USAGE, ask, print_error, print_line, size};
use crate::control::{Answer, Request};
use crate::store::StoreError;
use crate::store::check::{self, Report};

/// Look after the store
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look whether everything in the store is as it should be; stop the server first
    Check(StoreFile),
    /// Give the room of removed records back to the disk, whether a server runs or not
    Compact(StoreFile),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.command {
        Command::Check(file) => check(file),
        Command::Compact(file) => compact(file),
    }
}

fn check(file: &StoreFile) -> ExitCode {
    let config = match file.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    let path = config.store_path();
    let report = match check::check_file(&path) {
        Ok(report) => report,
        Err(error) => {
            print_error(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    if file.json {
        print_line(&serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        show(&report);
    }
    if report.is_fine() {
        return ExitCode::SUCCESS;
    }
    print_error(&format!(
        "the store {} has {} faults. Put a backup in its place: see `slurmdash backup list`, then `slurmdash backup \
         restore FILE`",
        path.display(),
        report.fault_count
    ));
    ExitCode::FAILURE
}

fn compact(file: &StoreFile) -> ExitCode {
    let config = match file.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    let done = match crate::store::compact_closed(&config.store_path()) {
        Ok(sizes) => Ok((sizes.before, sizes.after)),
        Err(StoreError::InUse { .. }) => ask(&config, &Request::Compact).and_then(|answer| match answer {
            Answer::Compacted { before, after } => Ok((before, after)),
            other => Err(format!("the server answered something else: {other:?}")),
        }),
        Err(error) => Err(error.to_string()),
    };
    match done {
        Ok((before, after)) if file.json => {
            print_line(&serde_json::json!({"before": before, "after": after}).to_string());
        }
        Ok((before, after)) => {
            print_line(&format!("the store's file had {} and has {}", size(before), size(after)));
        }
        Err(error) => {
            print_error(&error);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn show(report: &Report) {
    let width = report.tables.iter().map(|size| size.table.len()).max().unwrap_or(0);
    for size in &report.tables {
        print_line(&format!("{:width$}  {:>10}", size.table, size.rows));
    }
    for fault in &report.faults {
        let row = fault.key.as_ref().map(|key| format!(", row {key}")).unwrap_or_default();
        print_line(&format!("fault in {}{row}: {}", fault.table, fault.fault));
    }
    let named = u64::try_from(report.faults.len()).unwrap_or(u64::MAX);
    if report.fault_count > named {
        print_line(&format!("and {} more", report.fault_count - named));
    }
    if report.is_fine() {
        print_line("fine");
    }
}
