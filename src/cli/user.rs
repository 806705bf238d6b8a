//! `slurmdash user`: accounts of the dashboard and the Unix users they stand for.
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use slurmdash_api::auth::Permission;

use super::{StoreFile, USAGE, ask, print_error, print_line};
use crate::app::private_folder;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Answer, Request};
use crate::random;
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::users::{self, Change};

/// Accounts, and the Unix users they stand for
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account, whether a server runs or not; without a password file a random password is printed once
    Add {
        /// Account name
        name: String,
        /// Unix user whose jobs and files are theirs
        #[arg(long, value_name = "LOGIN")]
        unix_user: Option<String>,
        /// May see the output of and cancel everybody's jobs, as far as Slurm and the system let their Unix user
        #[arg(long)]
        admin: bool,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        store: StoreFile,
    },
    /// List the accounts; a running server has the store, so stop it first
    List(StoreFile),
    /// Name the Unix user that an account stands for, whether a server runs or not
    SetUnix {
        /// Account name
        name: String,
        /// Login; nobody when absent
        login: Option<String>,
        #[command(flatten)]
        store: StoreFile,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let (Command::Add { store, .. } | Command::List(store) | Command::SetUnix { store, .. }) = &arguments.command;
    let config = match store.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    let done = match &arguments.command {
        Command::Add { name, unix_user, admin, password_file, .. } => {
            let password = password(password_file.as_ref());
            password.and_then(|password| add(&config, name, unix_user.clone(), *admin, password, store.json))
        }
        Command::List(_) => list(&config, store.json),
        Command::SetUnix { name, login, .. } => set_unix(&config, name, login.as_deref(), store.json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            print_error(&message);
            ExitCode::FAILURE
        }
    }
}

/// A password from a file, or `None` for a random one.
fn password(file: Option<&PathBuf>) -> Result<Option<Secret>, String> {
    let Some(file) = file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Some(Secret::new(line.to_owned()))),
        None => Err(format!("the first line of {} is empty; it must be the password", file.display())),
    }
}

fn add(
    config: &Config,
    name: &str,
    unix_user: Option<String>,
    admin: bool,
    given: Option<Secret>,
    json: bool,
) -> Result<(), String> {
    let random = match given {
        Some(_) => None,
        None => Some(Secret::new(random::password().map_err(|error| error.to_string())?)),
    };
    let password = given.or_else(|| random.clone()).unwrap_or_else(|| Secret::new(String::new()));
    let permissions =
        Permission::ALL.iter().copied().filter(|permission| admin || *permission != Permission::JobManage);
    let now = Clock::system().now();
    let account = users::new_account(name, &password, permissions.collect(), unix_user, now);
    change(config, Change::Add(account.map_err(|error| error.to_string())?))?;
    let shown = random.as_ref().map(Secret::expose);
    if json {
        print_line(&json!({"username": name, "password": shown}).to_string());
    } else {
        print_line(&format!("account made: {name}"));
        if let Some(password) = shown {
            print_line(&format!("password: {password}\nThis password is shown only now."));
        }
    }
    Ok(())
}

fn set_unix(config: &Config, name: &str, login: Option<&str>, json: bool) -> Result<(), String> {
    change(config, Change::UnixUser { username: name.to_owned(), unix_user: login.map(str::to_owned) })?;
    if json {
        print_line(&json!({"username": name, "unix_user": login}).to_string());
    } else {
        print_line(&format!("{name} stands for {}", login.unwrap_or("no Unix user")));
    }
    Ok(())
}

fn list(config: &Config, json: bool) -> Result<(), String> {
    let store = Store::open(&config.store_path()).map_err(|error| error.to_string())?;
    let users = users::list(&store).map_err(|error| error.to_string())?;
    if json {
        let rows: Vec<_> = users
            .iter()
            .map(|user| {
                json!({"username": user.username, "unix_user": user.unix_user, "is_active": user.is_active,
                       "permissions": user.permissions, "created_at": user.created_at})
            })
            .collect();
        print_line(&serde_json::to_string_pretty(&rows).unwrap_or_default());
        return Ok(());
    }
    let width = users.iter().map(|user| user.username.chars().count()).max().unwrap_or(0).max(7);
    print_line(&format!("{:width$}  UNIX USER", "ACCOUNT"));
    for user in users {
        let unix_user = user.unix_user.as_deref().unwrap_or("-");
        let note = if user.is_active { "" } else { "  (disabled)" };
        print_line(&format!("{:width$}  {unix_user}{note}", user.username));
    }
    Ok(())
}

/// Makes a change: in the store itself, or through the server that has it open.
fn change(config: &Config, change: Change) -> Result<(), String> {
    // An account may be made before the server's first start.
    private_folder(&config.data_dir).map_err(|error| error.to_string())?;
    match Store::open(&config.store_path()) {
        Ok(store) => users::apply(&store, change, Clock::system().now()).map_err(|error| error.to_string()),
        Err(StoreError::InUse { .. }) => match ask(config, &Request::Account(change))? {
            Answer::Done => Ok(()),
            other => Err(format!("the server answered something else: {other:?}")),
        },
        Err(error) => Err(error.to_string()),
    }
}
