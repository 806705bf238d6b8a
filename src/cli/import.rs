//! `slurmdash migrate import-v4`: shows first, asks, then imports.
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{StoreFile, USAGE, agrees, print_error, print_line};
use crate::app::private_folder;
use crate::clock::Clock;
use crate::store::import_v4::{Import, ImportError, Reason, Report, TableReport};

/// Import the records of the old system (v4.3, v4.4) from its SQLite file.
///
/// Shows what would be imported and asks; writes nothing before. The file itself is never changed. Running it again
/// takes only what is not there yet. Stop the server, and the old system, first.
#[derive(clap::Args)]
pub struct Arguments {
    /// The old system's SQLite file
    file: PathBuf,
    #[command(flatten)]
    store: StoreFile,
    /// Import without asking
    #[arg(long)]
    yes: bool,
    /// Only show what would be imported
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let config = match arguments.store.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    match import(arguments, &config.data_dir, &config.store_path()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            print_error(&message);
            ExitCode::FAILURE
        }
    }
}

fn import(arguments: &Arguments, folder: &Path, store: &Path) -> Result<(), String> {
    let words = |error: ImportError| error.to_string();
    let import = Import::open(&arguments.file, store).map_err(words)?;
    if !arguments.yes {
        let planned = import.survey().map_err(words)?;
        print(&planned, arguments.store.json);
        if !is_wanted(arguments, &planned) {
            return Ok(());
        }
    }
    private_folder(folder).map_err(|error| error.to_string())?;
    print(&import.run(Clock::system().now()).map_err(words)?, arguments.store.json);
    Ok(())
}

/// Whether to go on after what was shown.
fn is_wanted(arguments: &Arguments, planned: &Report) -> bool {
    if arguments.store.json {
        return false;
    }
    if planned.new_rows() == 0 {
        print_line("Nothing has been written; there is nothing new to import.");
        return false;
    }
    if arguments.dry_run || !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        print_line("Nothing has been written. To import, run this again with --yes.");
        return false;
    }
    let is_wanted = agrees(&format!("import {} rows? [y/N]", planned.new_rows()));
    if !is_wanted {
        print_line("Nothing has been written.");
    }
    is_wanted
}

fn print(report: &Report, json: bool) {
    if json {
        print_line(&serde_json::to_string_pretty(report).unwrap_or_default());
        return;
    }
    let (from, to) = (report.file.display(), report.store.display());
    let what = if report.applied { "Imported" } else { "To import" };
    print_line(&format!("{what} from {from} into {to}\n"));
    let new = if report.applied { "imported" } else { "new" };
    let width = report.tables.iter().map(|table| table.table.len()).max().unwrap_or(0);
    print_line(&format!("{:width$}  {:>9}  {new:>9}  {:>9}  {:>9}", "table", "found", "there", "skipped"));
    for table in &report.tables {
        let absent = if table.is_present { "" } else { "  (not in the file)" };
        let TableReport { table, found, new, already_there, skipped, .. } = table;
        print_line(&format!("{table:width$}  {found:>9}  {new:>9}  {already_there:>9}  {skipped:>9}{absent}"));
    }
    print_line("");
    report.tables.iter().for_each(details);
    if !report.unknown_tables.is_empty() {
        print_line(&format!("tables that are not imported: {}", report.unknown_tables.join(", ")));
    }
}

fn details(table: &TableReport) {
    let mut lines = Vec::new();
    reasons(&mut lines, "skipped: ", &table.skipped_because);
    reasons(&mut lines, "", &table.adjusted);
    if !table.unknown_columns.is_empty() {
        lines.push(format!("columns that are not imported: {}", table.unknown_columns.join(", ")));
    }
    if !table.defaulted_columns.is_empty() && table.is_present {
        lines.push(format!("columns that are not there, defaults are taken: {}", table.defaulted_columns.join(", ")));
    }
    if !lines.is_empty() {
        print_line(table.table);
        for line in lines {
            print_line(&format!("  {line}"));
        }
        print_line("");
    }
}

fn reasons(lines: &mut Vec<String>, what: &str, reasons: &BTreeMap<String, Reason>) {
    for (reason, Reason { count, example }) in reasons {
        lines.push(format!("{count} \u{d7} {what}{reason} (such as row {example})"));
    }
}
