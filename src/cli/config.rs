//! `slurmdash config show` and `slurmdash config check`.
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{ConfigFile, USAGE, print_error, print_line};
use crate::config::{self, Entry, Flags};

/// Look at the configuration.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print each value with its origin: flag, environment, file or default
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Judge a configuration file; exit code 2 and every problem when it is wrong
    Check {
        /// The file; the one `serve` would read when absent
        file: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let file = match &arguments.command {
        Command::Show { file, .. } => file.config.as_deref(),
        Command::Check { file } => file.as_deref(),
    };
    let loaded = match config::load(file, &Flags::default()) {
        Ok(loaded) => loaded,
        Err(error) => {
            print_error(&error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    match &arguments.command {
        Command::Show { json, .. } => show(&config::entries(&loaded), *json),
        Command::Check { .. } => print_line(&match &loaded.file {
            Some(file) => format!("{}: fine", file.display()),
            None => "no configuration file; the defaults and the environment are fine".into(),
        }),
    }
    ExitCode::SUCCESS
}

fn show(entries: &[Entry], json: bool) {
    if json {
        print_line(&serde_json::to_string_pretty(entries).unwrap_or_default());
        return;
    }
    let text = |entry: &Entry| match &entry.value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let width = |of: &dyn Fn(&Entry) -> usize| entries.iter().map(of).max().unwrap_or(0);
    let (keys, values) = (width(&|entry| entry.key.len()), width(&|entry| text(entry).len()));
    for entry in entries {
        print_line(&format!("{:keys$}  {:values$}  {}", entry.key, text(entry), entry.origin));
    }
}
