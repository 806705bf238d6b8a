//! `slurmdash user`: accounts of the dashboard. All of it works whether a server runs or not.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{StoreFile, USAGE, ask, print_error, print_line};
use crate::app::private_folder;
use crate::auth::roles::{self, Roles};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Answer, Request};
use crate::secret::Secret;
use crate::store::users::{Change, UserRecord, Which};
use crate::store::{Store, StoreError};
use crate::users::{self, Wish};

/// Accounts: make, list, change and remove them, whether a server runs or not
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account; without a password file it is asked for, or made and printed when this is no terminal
    Add {
        #[command(flatten)]
        account: Account,
        /// Unix user whose jobs and files are theirs
        #[arg(long, value_name = "LOGIN")]
        unix_user: Option<String>,
        /// Mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Roles, with commas between [default: user]
        #[arg(long, value_name = "ROLES", value_delimiter = ',')]
        roles: Vec<String>,
        /// The same as --roles admin
        #[arg(long, conflicts_with = "roles")]
        admin: bool,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// List the accounts
    List(StoreFile),
    /// Give an account another password and end its sessions
    Passwd {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Keep somebody out: no sign-in, and every session and API key is no good any more
    Disable(Account),
    /// Let somebody in again
    Enable(Account),
    /// Give an account these roles in place of those it has
    Roles {
        #[command(flatten)]
        account: Account,
        /// Names of roles; none takes all away
        roles: Vec<String>,
    },
    /// Remove an account with its sessions and API keys; its jobs, files and audit rows stay
    Delete {
        #[command(flatten)]
        account: Account,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// Name the Unix user that an account stands for
    SetUnix {
        #[command(flatten)]
        account: Account,
        /// Login; nobody when absent
        login: Option<String>,
    },
    /// Forget failed sign-ins to an account, so that its person need not wait; a server must run
    Unlock(Account),
}

/// An account, and the store it is in.
#[derive(clap::Args)]
struct Account {
    /// Account name
    name: String,
    #[command(flatten)]
    store: StoreFile,
}

/// Where a password comes from: never an argument, which others on this machine can see.
#[derive(clap::Args)]
struct PasswordSource {
    /// File whose first line is the password; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "random_password")]
    password_file: Option<PathBuf>,
    /// Make a random password and print it once
    #[arg(long)]
    random_password: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let store = match &arguments.command {
        Command::List(store) => store,
        Command::Add { account, .. }
        | Command::Passwd { account, .. }
        | Command::Disable(account)
        | Command::Enable(account)
        | Command::Roles { account, .. }
        | Command::Delete { account, .. }
        | Command::SetUnix { account, .. }
        | Command::Unlock(account) => &account.store,
    };
    let config = match store.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    let place = Place { config, json: store.json };
    match fulfil(&place, &arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            print_error(&message);
            ExitCode::FAILURE
        }
    }
}

fn fulfil(place: &Place, command: &Command) -> Result<(), String> {
    match command {
        Command::Add { account, unix_user, email, roles, admin, password } => {
            let roles = match roles.as_slice() {
                _ if *admin => vec![roles::ADMIN.to_owned()],
                [] => vec![roles::USER.to_owned()],
                roles => roles.to_vec(),
            };
            add(place, &account.name, unix_user.clone(), email.clone(), roles, password)
        }
        Command::List(_) => list(place),
        Command::Passwd { account, password } => passwd(place, &account.name, password),
        Command::Disable(account) => place.change(&account.name, Change::Active(false), "disabled; its sessions ended"),
        Command::Enable(account) => place.change(&account.name, Change::Active(true), "enabled"),
        Command::Roles { account, roles } => {
            let said = if roles.is_empty() { "has no roles".into() } else { format!("has roles {}", roles.join(", ")) };
            place.change(&account.name, Change::Roles(roles.clone()), &said)
        }
        Command::Delete { account, yes } => {
            let question = format!(
                "Remove the account {} with its sessions and API keys? This can't be undone. [y/N]",
                account.name
            );
            if *yes || super::agrees(&question) {
                place.change(&account.name, Change::Delete, "removed")
            } else {
                Err("nothing was removed; --yes removes without asking".into())
            }
        }
        Command::SetUnix { account, login } => {
            let said = format!("stands for {}", login.as_deref().unwrap_or("no Unix user"));
            place.change(&account.name, Change::UnixUser(login.clone()), &said)
        }
        Command::Unlock(account) => {
            match ask(&place.config, &Request::Unlock(account.name.clone())) {
                Ok(Answer::Done) => {}
                Ok(other) => return Err(format!("the server answered something else: {other:?}")),
                // Failures are forgotten when a server stops.
                Err(error) => return Err(format!("{error}; without a server nobody has to wait")),
            }
            place.say(&account.name, "need not wait any more", &json!({"username": account.name}));
            Ok(())
        }
    }
}

impl PasswordSource {
    /// The password, and whether it was made here and must be told.
    fn get(&self) -> Result<(Secret, bool), String> {
        use std::io::IsTerminal as _;
        let given = match &self.password_file {
            Some(file) => Some(first_line(file)?),
            None if !self.random_password && std::io::stdin().is_terminal() => Some(typed()?),
            None => None,
        };
        users::password_or_random(given).map_err(|error| error.to_string())
    }
}

fn first_line(file: &Path) -> Result<Secret, String> {
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| format!("can't read {}: {error}", file.display()))?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line.to_owned())),
        None => Err(format!("the first line of {} is empty; it must be the password", file.display())),
    }
}

/// Asks twice, without showing what is typed.
fn typed() -> Result<Secret, String> {
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(|error| format!("can't read a password: {error}"));
    let password = ask("New password: ")?;
    if ask("The same again: ")? == password { Ok(Secret::new(password)) } else { Err("the two differ".into()) }
}

fn add(
    place: &Place,
    name: &str,
    unix_user: Option<String>,
    email: Option<String>,
    roles: Vec<String>,
    password: &PasswordSource,
) -> Result<(), String> {
    let words = |error: users::UserError| error.to_string();
    // What is wrong with the rest is told before a password is asked for.
    let user = users::new_account(name, String::new(), roles, Clock::system().now()).map_err(words)?;
    let user = UserRecord { email, unix_user, ..user };
    users::judge_new(&user, &Roles::new(place.config.auth.roles.clone())).map_err(words)?;
    let (password, is_random) = password.get()?;
    let password_hash = users::hash(&password).map_err(words)?;
    place.wish(Wish::Add(UserRecord { password_hash, ..user }))?;
    tell_password(place, name, "account made", is_random.then_some(&password));
    Ok(())
}

fn passwd(place: &Place, name: &str, password: &PasswordSource) -> Result<(), String> {
    let (password, is_random) = password.get()?;
    let hash = users::hash(&password).map_err(|error| error.to_string())?;
    place.wish(Wish::Edit(Which::Name(name.to_owned()), vec![Change::Password(hash)]))?;
    tell_password(place, name, "password changed, sessions ended", is_random.then_some(&password));
    Ok(())
}

fn tell_password(place: &Place, name: &str, done: &str, password: Option<&Secret>) {
    let shown = password.map(Secret::expose);
    place.say(name, done, &json!({"username": name, "password": shown}));
    if let Some(password) = shown.filter(|_| !place.json) {
        print_line(&format!("password: {password}\nThis password is shown only now."));
    }
}

fn list(place: &Place) -> Result<(), String> {
    let users = match Store::open(&place.config.store_path()) {
        Ok(store) => users::list(&store).map_err(|error| error.to_string())?,
        Err(StoreError::InUse { .. }) => match ask(&place.config, &Request::Accounts)? {
            Answer::Accounts(users) => users,
            other => return Err(format!("the server answered something else: {other:?}")),
        },
        Err(error) => return Err(error.to_string()),
    };
    if place.json {
        let rows: Vec<_> = users.iter().map(row).collect();
        print_line(&serde_json::to_string_pretty(&rows).unwrap_or_default());
        return Ok(());
    }
    let width = |of: fn(&UserRecord) -> String, least: usize| {
        users.iter().map(|user| of(user).chars().count()).max().unwrap_or(0).max(least)
    };
    let roles = |user: &UserRecord| user.roles.join(",");
    let (names, of_roles) = (width(|user| user.username.clone(), 7), width(roles, 5));
    print_line(&format!("{:names$}  {:of_roles$}  UNIX USER", "ACCOUNT", "ROLES"));
    for user in &users {
        let unix_user = user.unix_user.as_deref().unwrap_or("-");
        let note = if user.is_active { "" } else { "  (disabled)" };
        print_line(&format!("{:names$}  {:of_roles$}  {unix_user}{note}", user.username, roles(user)));
    }
    Ok(())
}

/// An account without what is secret about it.
fn row(user: &UserRecord) -> serde_json::Value {
    json!({
        "id": user.id, "username": user.username, "roles": user.roles, "permissions": user.permissions,
        "source": user.source, "unix_user": user.unix_user, "email": user.email, "is_active": user.is_active,
        "created_at": user.created_at, "last_login_at": user.last_login_at,
    })
}

/// The store, and how to talk about it.
struct Place {
    config: Config,
    json: bool,
}

impl Place {
    /// Changes an account and says so.
    fn change(&self, name: &str, change: Change, said: &str) -> Result<(), String> {
        let user = self.wish(Wish::Edit(Which::Name(name.to_owned()), vec![change]))?;
        self.say(name, said, &row(&user));
        Ok(())
    }

    fn say(&self, name: &str, words: &str, json: &serde_json::Value) {
        print_line(&if self.json { json.to_string() } else { format!("{name}: {words}") });
    }

    /// Fulfils a wish: in the store itself, or through the server that has it open.
    fn wish(&self, wish: Wish) -> Result<UserRecord, String> {
        // An account may be made before the server's first start.
        private_folder(&self.config.data_dir).map_err(|error| error.to_string())?;
        let roles = Roles::new(self.config.auth.roles.clone());
        match Store::open(&self.config.store_path()) {
            Ok(store) => users::fulfil(&store, &roles, wish, Clock::system().now()).map_err(|error| error.to_string()),
            Err(StoreError::InUse { .. }) => match ask(&self.config, &Request::Account(wish))? {
                Answer::Account(user) => Ok(*user),
                other => Err(format!("the server answered something else: {other:?}")),
            },
            Err(error) => Err(error.to_string()),
        }
    }
}
