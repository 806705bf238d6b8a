//! MariaDB, and what Slurm keeps in it.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo, place};
use crate::host::{Command, Host, HostError, Output};

mod associations;

/// A database and a user who may do everything in it, who comes from this host alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDatabase {
    /// Name of the database.
    pub name: String,
    /// Name of the user.
    pub user: String,
    /// Name of the user's password among the materials.
    pub password: String,
}

/// An account in Slurm's accounting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The account above it; `root` is above all.
    pub parent: String,
    /// What it is.
    pub description: String,
    /// Whose it is.
    pub organization: String,
}

/// A QOS in Slurm's accounting, with options as sacctmgr(1) takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qos {
    /// Its name.
    pub name: String,
    /// `MaxWall=1-0`, `Priority=100`, …
    pub options: BTreeMap<String, String>,
}

/// A user's place in Slurm's accounting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Login.
    pub user: String,
    /// Account.
    pub account: String,
    /// QOS beside the account's own.
    pub qos: Vec<String>,
}

/// Cluster, accounts, QOS and users are in Slurm's accounting. What is there besides stays, and so do descriptions,
/// parents and options of what is there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Associations {
    /// Name of the cluster.
    pub cluster: String,
    /// Accounts, those above first.
    pub accounts: Vec<Account>,
    /// QOS.
    pub qos: Vec<Qos>,
    /// Users.
    pub members: Vec<Member>,
}

/// How it was: what was missing of what the action adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseUndo {
    /// Names, as `database slurm_acct`, `account physics`, `user ada@physics`. What could not be asked for is not among
    /// them, and stays.
    pub missing: Vec<String>,
}

/// Names that go between quotes unchanged.
fn is_plain(name: &str) -> bool {
    let is_short = (1..=64).contains(&name.len());
    is_short && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A command of MariaDB, with the name it has, or the one it had before release 10.4.6.
fn run_either(host: &dyn Host, new: &str, old: &str, command: impl Fn(&str) -> Command) -> Result<Output, HostError> {
    match host.run(&command(new)) {
        Err(HostError::NotStarted { .. }) => host.run(&command(old)),
        other => other,
    }
}

/// Runs statements as MariaDB's root, who is let in because this is the system's root. They go by standard input.
fn sql(host: &dyn Host, statements: &[String]) -> Result<Output, HostError> {
    // Backslashes in what follows are escapes whatever the server's default is.
    let text = format!("SET SESSION sql_mode = '';\n{};\n", statements.join(";\n"));
    run_either(host, "mariadb", "mysql", |program| {
        Command::new(program).args(["--batch", "--skip-column-names"]).input(text.clone())
    })
}

fn sql_well(host: &dyn Host, statements: &[String]) -> Result<String, HostError> {
    let output = sql(host, statements)?;
    if output.is_ok() {
        return Ok(output.text());
    }
    Err(HostError::Failed { what: "mariadb".to_owned(), said: output.complaint() })
}

/// A text as a literal of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

impl MakeDatabase {
    fn names(&self) -> Result<(&str, &str), StepError> {
        match [&self.name, &self.user].into_iter().find(|name| !is_plain(name)) {
            None => Ok((&self.name, &self.user)),
            Some(name) => Err(StepError::Refused(format!(
                "{name:?} can't be the name of a database or its user: only letters, digits and _ are taken, 64 at most"
            ))),
        }
    }

    /// The name as a pattern of GRANT, in which `_` stands for any letter.
    fn pattern(&self) -> String {
        self.name.replace('_', "\\_")
    }

    /// What is missing, as in the undo.
    fn missing(&self, host: &dyn Host) -> Result<Vec<String>, StepError> {
        let (name, user) = self.names()?;
        let questions = [
            format!("SELECT 'database' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}'"),
            format!("SELECT 'user' FROM mysql.user WHERE User = '{user}' AND Host = 'localhost'"),
            format!(
                "SELECT 'grant' FROM mysql.db WHERE User = '{user}' AND Host = 'localhost' \
                 AND REPLACE(Db, '\\\\', '') = '{name}'"
            ),
        ];
        let answer = sql_well(host, &questions)?;
        let is_there = |what: &str| answer.lines().any(|line| line == what);
        let all = [("database", name), ("user", user), ("grant", user)];
        Ok(all.iter().filter(|(what, _)| !is_there(what)).map(|(what, name)| format!("{what} {name}")).collect())
    }

    /// Whether the user is let in with the password: one that was there may have another.
    fn try_password(&self, host: &dyn Host, password: &str) -> Result<(), StepError> {
        let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
        let file = format!("[client]\nuser=\"{}\"\npassword=\"{quoted}\"\n", self.user);
        // What it reads is a file of options, so that the password is in no argument and no variable.
        let output = run_either(host, "mariadb", "mysql", |program| {
            let words = ["--defaults-file=/dev/stdin", "--batch", "--skip-column-names", "--execute=SELECT 1"];
            Command::new(program).args(words).input(file.clone())
        })?;
        if output.is_ok() {
            return Ok(());
        }
        Err(StepError::Refused(format!(
            "MariaDB does not let its user {} in with the password that Slurm is to use: {}. The user was there before; \
             drop it, or give another name in the configuration",
            self.user,
            output.complaint()
        )))
    }
}

/// Writes all that is in a database to a file among the copies; `None` when nothing is.
pub(super) fn dump(host: &dyn Host, setting: &Setting, name: &str) -> Result<Option<PathBuf>, StepError> {
    let question = format!("SELECT 'table' FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}' LIMIT 1");
    if !is_plain(name) || sql_well(host, &[question])?.trim().is_empty() {
        return Ok(None);
    }
    place::make_keep(host, setting)?;
    let file = place::free_copy(host, setting, Path::new(&format!("/{name}.sql")))?;
    let output = run_either(host, "mariadb-dump", "mysqldump", |program| {
        let words = ["--single-transaction", "--routines", "--events", "--databases"];
        let result = format!("--result-file={}", file.display());
        Command::new(program).args(words).args([result, name.to_owned()]).within(3600)
    })?;
    if !output.is_ok() {
        return Err(HostError::Failed { what: "mariadb-dump".to_owned(), said: output.complaint() }.into());
    }
    Ok(Some(file))
}

impl Act for MakeDatabase {
    fn subject(&self) -> String {
        format!("database {}", self.name)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let (missing, is_known) = match self.missing(host) {
            Ok(missing) if missing.is_empty() => return Ok(Look::Same),
            Ok(missing) => (missing, true),
            // MariaDB comes with an earlier step. What can't be asked for now must not be removed later.
            Err(StepError::Host(HostError::NotStarted { .. })) => (Vec::new(), false),
            Err(StepError::Host(HostError::Failed { said, .. })) if said.contains("Can't connect") => {
                (Vec::new(), false)
            }
            Err(error) => return Err(error),
        };
        let summary = match missing.as_slice() {
            missing if is_known && missing.len() < 3 => format!("new: {}", missing.join(", ")),
            _ => format!("new, with its user {}", self.user),
        };
        Ok(Look::Change(Change::new(summary, Undo::Database(DatabaseUndo { missing }))))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, materials: &Materials) -> Result<(), StepError> {
        let (name, user) = self.names()?;
        let password = std::str::from_utf8(materials.get(&self.password)?).ok();
        let password = password.filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
        let password = password.ok_or_else(|| {
            StepError::Refused("the database's password is empty or has control characters".to_owned())
        })?;
        // Each statement may have been done before.
        sql_well(
            host,
            &[
                format!("CREATE DATABASE IF NOT EXISTS `{name}`"),
                format!("CREATE USER IF NOT EXISTS '{user}'@'localhost' IDENTIFIED BY {}", literal(password)),
                format!("GRANT ALL PRIVILEGES ON `{}`.* TO '{user}'@'localhost'", self.pattern()),
            ],
        )?;
        self.try_password(host, password)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Database(DatabaseUndo { missing }) = undo else { return Ok(Reverted::wholly()) };
        let (name, user) = self.names()?;
        let now = if missing.is_empty() {
            return Ok(Reverted::wholly());
        } else {
            match self.missing(host) {
                // There is no MariaDB, so nothing is in it.
                Err(StepError::Host(HostError::NotStarted { .. })) => return Ok(Reverted::wholly()),
                now => now?,
            }
        };
        let came = |what: &str| missing.iter().any(|name| name == what) && !now.iter().any(|name| name == what);
        let mut reverted = Reverted::wholly();
        if came(&format!("grant {user}")) && !came(&format!("user {user}")) {
            sql_well(host, &[format!("REVOKE ALL PRIVILEGES ON `{}`.* FROM '{user}'@'localhost'", self.pattern())])?;
        }
        if came(&format!("user {user}")) {
            sql_well(host, &[format!("DROP USER IF EXISTS '{user}'@'localhost'")])?;
        }
        if came(&format!("database {name}")) {
            if setting.keep_data {
                reverted.kept.extend(dump(host, setting, name)?);
            }
            sql_well(host, &[format!("DROP DATABASE IF EXISTS `{name}`")])?;
        }
        Ok(reverted)
    }
}
