//! `slurmdash migrate`: which schema the store has, and the ways up and back.
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{StoreFile, USAGE, import, print_error, print_line};
use crate::app::private_folder;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::migrate::{self, Closed, Direction, Done, Status, Step};
use crate::store::{SCHEMA_VERSION, StoreError};

/// Exit code of `status --check` for a store that is not at the latest schema.
const BEHIND: u8 = 3;

/// Bring the store to another schema, and back.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say which schema the store has, how many records, and what is set aside
    Status {
        #[command(flatten)]
        store: StoreFile,
        /// Exit code 3 when the store needs `migrate up`
        #[arg(long)]
        check: bool,
    },
    /// Bring the store to a newer schema; its file is copied first
    Up(Going),
    /// Bring the store back to an older schema; its file is copied first, and no record is deleted
    Rollback(Going),
    /// Import the records of the old system (v4.3, v4.4) from its SQLite file
    ImportV4(import::Arguments),
}

#[derive(clap::Args)]
struct Going {
    #[command(flatten)]
    store: StoreFile,
    /// The schema to go to [default: up to the latest, or one back]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(SCHEMA_VERSION)))]
    to: Option<u32>,
    /// Don't ask before going back
    #[arg(long)]
    yes: bool,
    /// Say what would be done, and how many records it touches, without keeping any of it
    #[arg(long)]
    dry_run: bool,
}

/// Why it was not done.
enum Refusal {
    /// The command line or the configuration is wrong.
    Usage(String),
    /// It failed.
    Failed(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let outcome = match &arguments.command {
        Command::Status { store, check } => status(store, *check),
        Command::Up(going) => up(going),
        Command::Rollback(going) => rollback(going),
        Command::ImportV4(arguments) => return import::run(arguments),
    };
    let (message, code) = match outcome {
        Ok(code) => return code,
        Err(Refusal::Usage(message)) => (message, ExitCode::from(USAGE)),
        Err(Refusal::Failed(message)) => (message, ExitCode::FAILURE),
    };
    print_error(&message);
    code
}

/// For `serve --migrate`: brings the configured store up.
pub fn bring_up(config: &Config) -> Result<Option<Done>, StoreError> {
    migrate::bring_up(&config.store_path(), &config.backups_dir(), config.backup_keep(), Clock::system().now())
}

fn status(store: &StoreFile, check: bool) -> Result<ExitCode, Refusal> {
    let path = store.config().map_err(Refusal::Usage)?.store_path();
    let status = Closed::open(&path)?.map(|closed| closed.status()).transpose()?;
    if store.json {
        print_line(&status_json(&path, status.as_ref()).to_string());
    } else {
        print_status(&path, status.as_ref());
    }
    let is_behind = status.is_some_and(|status| status.version < SCHEMA_VERSION);
    Ok(if check && is_behind { ExitCode::from(BEHIND) } else { ExitCode::SUCCESS })
}

fn status_json(path: &Path, status: Option<&Status>) -> serde_json::Value {
    let version = status.map(|status| status.version);
    let migration = |migration: &migrate::Migration| {
        let applied = version.is_some_and(|version| version >= migration.version);
        json!({"version": migration.version, "name": migration.name, "applied": applied})
    };
    json!({
        "store": path,
        "version": version,
        "latest": SCHEMA_VERSION,
        "migrations": migrate::ALL.iter().map(migration).collect::<Vec<_>>(),
        "records": status.map(|status| &status.records),
        "set_aside": status.map(|status| &status.set_aside),
    })
}

fn print_status(path: &Path, status: Option<&Status>) {
    let Some(status) = status else { return print_line(&none_yet(path)) };
    let version = status.version;
    print_line(&format!("store    {}", path.display()));
    print_line(&format!("schema   {version} (this program's is {SCHEMA_VERSION})"));
    print_line("migrations");
    for migration in migrate::ALL {
        let state = if version >= migration.version { "applied" } else { "pending" };
        print_line(&format!("  {}  {:24}{state}", migration.version, migration.name));
    }
    for (title, tables) in
        [("records", &status.records), ("set aside, and taken back on the way up", &status.set_aside)]
    {
        if !tables.is_empty() {
            print_line(title);
        }
        for (table, rows) in tables {
            print_line(&format!("  {table:24}{rows:>9}"));
        }
    }
    if version < SCHEMA_VERSION {
        print_line("to bring it to this program's schema: slurmdash migrate up");
    }
}

fn none_yet(path: &Path) -> String {
    format!("there is no store yet at {}; `slurmdash serve` or `slurmdash migrate up` makes one", path.display())
}

fn up(going: &Going) -> Result<ExitCode, Refusal> {
    let config = going.store.config().map_err(Refusal::Usage)?;
    let to = going.to.unwrap_or(SCHEMA_VERSION);
    let Some(closed) = Closed::open(&config.store_path())? else { return make(going, &config, to) };
    let from = closed.schema();
    if to < from {
        let way = format!("the store has schema {from}; the way back is `slurmdash migrate rollback --to {to}`");
        return Err(Refusal::Usage(way));
    }
    go(going, &config, closed, to, false)
}

/// `up` without a store.
fn make(going: &Going, config: &Config, to: u32) -> Result<ExitCode, Refusal> {
    let path = config.store_path();
    let mut told = Told { going, config, from: None, to, copy: None, steps: Vec::new() };
    if going.dry_run {
        told.print(&format!("there is no store at {}; one with schema {to} would be made", path.display()));
    } else {
        private_folder(&config.data_dir).map_err(|error| Refusal::Failed(error.to_string()))?;
        told.steps = migrate::create(&path, to)?;
        told.print(&format!("a new store with schema {to} is at {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn rollback(going: &Going) -> Result<ExitCode, Refusal> {
    let config = going.store.config().map_err(Refusal::Usage)?;
    let Some(closed) = Closed::open(&config.store_path())? else {
        let told = Told { going, config: &config, from: None, to: 0, copy: None, steps: Vec::new() };
        told.print(&format!("there is no store at {}, and nothing to take back", config.store_path().display()));
        return Ok(ExitCode::SUCCESS);
    };
    let from = closed.schema();
    let to = going.to.unwrap_or(from.saturating_sub(1));
    if to > from {
        return Err(Refusal::Usage(format!(
            "the store has schema {from}; the way up is `slurmdash migrate up --to {to}`"
        )));
    }
    let asks = to < from && !going.dry_run && !going.yes;
    if asks {
        if going.store.json || !std::io::stdin().is_terminal() {
            return Err(Refusal::Usage(
                "there is nobody to ask: look with `slurmdash migrate rollback --dry-run`, then add --yes".into(),
            ));
        }
        print_steps(&closed.plan(to)?);
        if !super::agrees(&format!("go back from schema {from} to {to}? [y/N]")) {
            return Err(Refusal::Failed("nothing was changed".into()));
        }
    }
    go(going, &config, closed, to, asks)
}

/// Does it, or says what it would do. `is_shown` when the person has seen the steps.
fn go(going: &Going, config: &Config, mut closed: Closed, to: u32, is_shown: bool) -> Result<ExitCode, Refusal> {
    let from = closed.schema();
    let mut told = Told { going, config, from: Some(from), to, copy: None, steps: Vec::new() };
    if from == to {
        told.print(&format!("the store has schema {to} already; nothing was changed"));
    } else if going.dry_run {
        told.steps = closed.plan(to)?;
        told.print(&format!("the store would go from schema {from} to {to}; nothing was changed"));
    } else {
        let done = closed.migrate(to, &config.backups_dir(), config.backup_keep(), Clock::system().now())?;
        told.copy = Some(done.copy);
        if !is_shown {
            told.steps = done.steps;
        }
        told.print(&format!("the store has schema {to} now; it had {from}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said at the end.
struct Told<'a> {
    going: &'a Going,
    config: &'a Config,
    from: Option<u32>,
    to: u32,
    copy: Option<PathBuf>,
    steps: Vec<Step>,
}

impl Told<'_> {
    fn print(&self, words: &str) {
        if self.going.store.json {
            let told = json!({
                "store": self.config.store_path(),
                "from": self.from,
                "to": self.to,
                "dry_run": self.going.dry_run,
                "copy": self.copy,
                "steps": self.steps,
            });
            return print_line(&told.to_string());
        }
        print_steps(&self.steps);
        print_line(words);
        if let Some(copy) = &self.copy {
            let path = copy.display().to_string();
            let quoted = shlex::try_quote(&path).unwrap_or(std::borrow::Cow::Borrowed(&path));
            print_line(&format!("as it was, it is in {path}"));
            print_line(&format!("to put that back: slurmdash backup restore {quoted}"));
        }
    }
}

fn print_steps(steps: &[Step]) {
    for step in steps {
        let way = if step.direction == Direction::Up { "up to" } else { "back from" };
        print_line(&format!("{way} schema {} ({})", step.version, step.name));
        for (table, counts) in step.tables.tables() {
            let parts = [
                (counts.moved, "moved"),
                (counts.changed, "changed"),
                (counts.added, "added"),
                (counts.set_aside, "set aside"),
                (counts.taken_back, "taken back"),
            ];
            let parts = parts.iter().filter(|(rows, _)| *rows > 0).map(|(rows, what)| format!("{rows} {what}"));
            print_line(&format!("  {table:24}{}", parts.collect::<Vec<_>>().join(", ")));
        }
    }
}
