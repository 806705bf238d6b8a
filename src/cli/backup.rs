//! `slurmdash backup`: making backups of the store, looking at them, and putting one in its place.
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{StoreFile, USAGE, agrees, ask, print_error, print_line, size};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Answer, Request};
use crate::store::backup::{self, Header, Listed, MANUAL, Purpose, Replaced, Restore, Restored};
use crate::store::{SCHEMA_VERSION, StoreError};

/// Make backups of the store, look at them, put one in its place
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a backup now, whether a server runs or not
    Create(StoreFile),
    /// List the backups, newest first
    List(StoreFile),
    /// Put a backup in the store's place; the store that was there becomes a backup itself
    Restore {
        /// The backup: a name of `list`, or any file
        file: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        store: StoreFile,
    },
    /// Prove that a backup is whole
    Verify {
        /// The backup: a name of `list`, or any file
        file: PathBuf,
        #[command(flatten)]
        store: StoreFile,
    },
}

/// Why a command did not do it, and the exit code for that.
struct Refused(ExitCode, String);

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(ExitCode::FAILURE, error.to_string())
    }
}

fn failed(message: String) -> Refused {
    Refused(ExitCode::FAILURE, message)
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let (Command::Create(store)
    | Command::List(store)
    | Command::Restore { store, .. }
    | Command::Verify { store, .. }) = &arguments.command;
    let done = store.config().map_err(|message| Refused(ExitCode::from(USAGE), message)).and_then(|config| {
        match &arguments.command {
            Command::Create(_) => create(&config, store.json),
            Command::List(_) => list(&config, store.json),
            Command::Restore { file, yes, .. } => restore(&config, file, *yes, store.json),
            Command::Verify { file, .. } => verify(&config, file, store.json),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refused(code, message)) => {
            print_error(&message);
            code
        }
    }
}

fn create(config: &Config, json: bool) -> Result<(), Refused> {
    let (store, folder) = (config.store_path(), config.backups_dir());
    let purpose = Purpose { reason: MANUAL, now: Clock::system().now(), keep: config.backup_keep() };
    let path = match backup::create_closed(&store, &folder, &purpose) {
        Ok(made) => made.path,
        Err(StoreError::InUse { .. }) => match ask(config, &Request::Backup) {
            Ok(Answer::Backup(path)) => path,
            Ok(other) => return Err(failed(format!("the server answered something else: {other:?}"))),
            Err(message) => return Err(failed(message)),
        },
        Err(error) => return Err(error.into()),
    };
    if json {
        let made = backup::list(&folder)?.into_iter().find(|one| one.path == path);
        print_line(&made.as_ref().map_or_else(|| json!({"path": path}), as_json).to_string());
    } else {
        print_line(&format!("backup made: {}", path.display()));
    }
    Ok(())
}

fn list(config: &Config, json: bool) -> Result<(), Refused> {
    let folder = config.backups_dir();
    let found = backup::list(&folder)?;
    if json {
        print_line(&serde_json::to_string_pretty(&found.iter().map(as_json).collect::<Vec<_>>()).unwrap_or_default());
        return Ok(());
    }
    if found.is_empty() {
        print_line(&format!("no backups in {}; `slurmdash backup create` makes one", folder.display()));
        return Ok(());
    }
    let mut rows = vec![["NAME", "TIME (UTC)", "SCHEMA", "SIZE", "REASON", "PROGRAM"].map(str::to_owned)];
    for one in &found {
        rows.push(match &one.header {
            Ok(header) => [
                name(&one.path),
                time(header.created_at),
                header.schema.to_string(),
                size(one.bytes),
                header.reason.clone(),
                header.program.clone(),
            ],
            Err(reason) => {
                let [schema, bytes, why, program] = Default::default();
                [name(&one.path), format!("broken: {reason}"), schema, bytes, why, program]
            }
        });
    }
    let width = |column: usize| {
        let whole = rows.iter().filter(|row| column == 0 || !row[2].is_empty());
        whole.map(|row| row[column].len()).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        print_line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    Ok(())
}

fn verify(config: &Config, file: &Path, json: bool) -> Result<(), Refused> {
    let path = backup::find(&config.backups_dir(), file);
    let header = backup::verify(&path)?;
    if json {
        let bytes = std::fs::metadata(&path).map_or(0, |facts| facts.len());
        print_line(&as_json(&Listed { path, bytes, header: Ok(header) }).to_string());
    } else {
        print_line(&format!("{} is whole: {}", path.display(), describe(&header)));
    }
    Ok(())
}

fn restore(config: &Config, file: &Path, yes: bool, json: bool) -> Result<(), Refused> {
    if !yes && !std::io::stdin().is_terminal() {
        let message = "this replaces the store; without a terminal to ask on, say so with --yes";
        return Err(Refused(ExitCode::from(USAGE), message.into()));
    }
    let (store, folder) = (config.store_path(), config.backups_dir());
    let source = backup::find(&folder, file);
    let restore = Restore::prepare(&source, &store)?;
    if !json {
        print_line(&format!("{} is whole: {}", source.display(), describe(restore.header())));
        print_line(&match restore.present() {
            Some(bytes) => format!("it replaces {} ({}), which becomes a backup itself", store.display(), size(bytes)),
            None => format!("there is no store at {}; this makes it", store.display()),
        });
    }
    if !yes && !agrees("go on? [y/N]") {
        return Err(Refused(ExitCode::FAILURE, "nothing was changed".into()));
    }
    let done = restore.run(&folder, Clock::system().now(), config.backup_keep())?;
    if json {
        print_line(&told(&done, &store, &source).to_string());
    } else {
        tell(&done, &store);
    }
    Ok(())
}

fn is_older(done: &Restored) -> bool {
    done.header.schema < SCHEMA_VERSION
}

fn told(done: &Restored, store: &Path, source: &Path) -> Value {
    let (replaced, problem) = match &done.replaced {
        Replaced::Backup(path) => (Some(path), None),
        Replaced::Damaged { path, reason } => (Some(path), Some(reason)),
        Replaced::Nothing => (None, None),
    };
    json!({
        "store": store,
        "restored": source,
        "schema": done.header.schema,
        "replaced": replaced,
        "replaced_problem": problem,
        "needs_migration": is_older(done),
    })
}

fn tell(done: &Restored, store: &Path) {
    print_line(&format!("restored: {}", store.display()));
    match &done.replaced {
        Replaced::Backup(path) => {
            print_line(&format!("the store before is {}; `slurmdash backup restore` brings it back", path.display()));
        }
        Replaced::Damaged { path, reason } => {
            print_line(&format!("the store before is kept as it was in {} ({reason})", path.display()));
        }
        Replaced::Nothing => {}
    }
    if is_older(done) {
        print_line(&format!("it has schema {}; run `slurmdash migrate up` before `serve`", done.header.schema));
    }
}

fn as_json(one: &Listed) -> Value {
    let (header, problem) = match &one.header {
        Ok(header) => (Some(header), None),
        Err(reason) => (None, Some(reason)),
    };
    json!({
        "name": name(&one.path),
        "path": one.path,
        "bytes": one.bytes,
        "created_at": header.map(|header| header.created_at),
        "schema": header.map(|header| header.schema),
        "reason": header.map(|header| &header.reason),
        "program": header.map(|header| &header.program),
        "sha256": header.map(|header| &header.sha256),
        "records": header.map(|header| &header.records),
        "problem": problem,
    })
}

fn describe(header: &Header) -> String {
    let (time, schema, program) = (time(header.created_at), header.schema, &header.program);
    format!("schema {schema}, {}, made {time} UTC by slurmdash {program} ({})", size(header.size), header.reason)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn time(at: slurmdash_api::UnixSeconds) -> String {
    let time = jiff::Timestamp::from_second(at).map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string());
    time.unwrap_or_else(|_| at.to_string())
}
