//! The command line: the only place that prints for people and chooses exit codes.
//!
//! Exit codes: 0 done, 1 it failed, 2 the command line or the configuration is wrong.

mod agent;
mod audit;
mod backup;
mod config;
mod doctor;
mod import;
mod install;
mod listening;
mod migrate;
mod serve;
mod ssh_ca;
mod store;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Flags};
use crate::control::{Answer, Request};

/// Exit code for a wrong command line or configuration, as clap uses it.
const USAGE: u8 = 2;

/// A dashboard for Slurm clusters, in one binary.
#[derive(Parser)]
#[command(name = "slurmdash", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the dashboard, the API and the WebSocket
    Serve(serve::Arguments),
    /// Look at the configuration
    Config(config::Arguments),
    /// Make backups of the store, look at them, put one in its place
    Backup(backup::Arguments),
    /// Look after the store
    Store(store::Arguments),
    /// The key that sshd trusts to let slurmdash in as the person
    SshCa(ssh_ca::Arguments),
    /// Accounts: make, list, change and remove them
    User(user::Arguments),
    /// Prove that nobody has changed the audit log, and hand it out
    Audit(audit::Arguments),
    /// Bring the store to another schema, and back
    Migrate(migrate::Arguments),
    /// Bring up a Slurm cluster with its dashboard: plan, show, do, and undo
    Install(Box<install::Arguments>),
    /// Look at the whole cluster live, each finding with its fix
    Doctor(doctor::Arguments),
    /// The installer on another host, at the far end of its SSH connection
    #[command(hide = true)]
    InstallHost,
    /// Asks the dashboard of this host as a person would
    #[command(hide = true)]
    InstallProbe,
    /// The agent that the server starts on the login host
    #[command(hide = true)]
    Agent,
    /// Print the version and what was built in
    Version {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// The configuration file, for every command that reads it.
#[derive(clap::Args)]
struct ConfigFile {
    /// Configuration file [default: /etc/slurmdash/slurmdash.yaml, when it is there]
    #[arg(long, value_name = "FILE", env = "SLURMDASH_CONFIG")]
    config: Option<PathBuf>,
}

/// The store, for every command that works on its file.
#[derive(clap::Args)]
struct StoreFile {
    #[command(flatten)]
    file: ConfigFile,
    /// Folder of the store [default: /var/lib/slurmdash]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl StoreFile {
    /// The configuration that names it.
    fn config(&self) -> Result<Config, String> {
        let data_dir = self.data_dir.as_deref().map(std::path::absolute).transpose();
        let flags = Flags { data_dir: data_dir.map_err(|error| error.to_string())?, ..Flags::default() };
        let loaded = crate::config::load(self.file.config.as_deref(), &flags).map_err(|error| error.to_string())?;
        Ok(loaded.config)
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Store(arguments) => store::run(&arguments),
        Command::SshCa(arguments) => ssh_ca::run(&arguments),
        Command::User(arguments) => user::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::InstallHost => install::host::run(),
        Command::InstallProbe => install::probe::run(),
        Command::Agent => agent::run(),
        Command::Version { json } => {
            version(json);
            ExitCode::SUCCESS
        }
    }
}

fn version(json: bool) {
    let ui = if crate::http::ui::is_embedded() { "embedded" } else { "absent" };
    let version = env!("CARGO_PKG_VERSION");
    if json {
        print_line(&serde_json::json!({"version": version, "ui": ui}).to_string());
    } else {
        print_line(&format!("slurmdash {version} (UI {ui})"));
    }
}

/// A line on standard output. Somebody who stopped reading is no error.
fn print_line(line: &str) {
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Asks on the terminal.
fn agrees(question: &str) -> bool {
    print_line(question);
    let mut answer = String::new();
    // What can't be read is no consent.
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

/// Asks the server that has the store open.
fn ask(config: &Config, request: &Request) -> Result<Answer, String> {
    match crate::control::ask(&config.control_path(), request) {
        Ok(Answer::Error(reason)) => Err(format!("the server did not do it: {reason}")),
        Ok(answer) => Ok(answer),
        Err(error) => Err(format!("the store {} is in use, but {error}", config.store_path().display())),
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let mut value = bytes;
    for unit in ["B", "KiB", "MiB"] {
        if value < 10_000 {
            return format!("{value} {unit}");
        }
        value /= 1024;
    }
    format!("{value} GiB")
}

/// What went wrong, on standard error.
#[expect(clippy::print_stderr, reason = "this is the command line's voice")]
fn print_error(message: &str) {
    eprintln!("slurmdash: {message}");
}
