//! Commands that a host in memory knows.
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::slurm;
use super::world::World;
use crate::bytes::Bytes;
use crate::host::{Command, Output};

/// What a command does and says.
pub type Answer = Arc<dyn Fn(&mut World, &Command) -> Output + Send + Sync>;

/// A command that ends well.
pub fn said(text: &str) -> Output {
    Output { code: Some(0), stdout: Bytes(text.into()), stderr: Bytes::default() }
}

/// A command that ends badly.
pub fn failed(code: i32, text: &str) -> Output {
    Output { code: Some(code), stdout: Bytes::default(), stderr: Bytes(text.into()) }
}

/// Lines one after the other.
pub(super) fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().concat()
}

type Known = fn(&mut World, &Command) -> Output;

/// The commands that are known, with the file that must be there for it.
pub(super) const KNOWN: &[(&str, &str, Known)] = &[
    ("cp", "/", cp),
    ("date", "/", |world, _| said(&format!("{}000\n", world.now))),
    ("dpkg-query", "/", dpkg_query),
    ("firewall-cmd", "/", firewall_cmd),
    ("getent", "/", getent),
    ("mariadb", "/usr/bin/mariadb", mariadb),
    ("mariadb-dump", "/usr/bin/mariadb-dump", mariadb_dump),
    ("munge", "/usr/bin/munge", munge),
    ("sacct", "/usr/bin/sacct", slurm::sacct),
    ("sacctmgr", "/usr/bin/sacctmgr", slurm::sacctmgr),
    ("sbatch", "/usr/bin/sbatch", slurm::sbatch),
    ("scancel", "/usr/bin/scancel", slurm::scancel),
    ("scontrol", "/usr/bin/scontrol", slurm::scontrol),
    ("squeue", "/usr/bin/squeue", slurm::squeue),
    ("/usr/local/bin/slurmdash", "/usr/local/bin/slurmdash", slurmdash),
    ("tail", "/", tail),
    ("true", "/", |_, _| said("")),
    ("false", "/", |_, _| failed(1, "no")),
    ("ufw", "/", ufw),
    ("uname", "/", |_, _| said("x86_64\n")),
    ("unmunge", "/usr/bin/unmunge", unmunge),
    // Nothing is mounted, and no port listened on, unless a test says so.
    ("findmnt", "/", |_, _| failed(1, "")),
    ("ss", "/", |_, _| said("")),
];

/// `cp --archive … FROM TO`.
fn cp(world: &mut World, command: &Command) -> Output {
    let [.., from, to] = command.arguments.as_slice() else { return failed(1, "cp: missing operand") };
    let (from, to) = (Path::new(from), Path::new(to));
    let copies = world.tree.nodes().filter_map(|(path, node)| {
        let inside = path.strip_prefix(from).ok()?;
        Some((if inside == Path::new("") { to.to_owned() } else { to.join(inside) }, node.clone()))
    });
    let copies: Vec<_> = copies.collect();
    match copies.into_iter().try_for_each(|(path, node)| world.tree.put(&path, node)) {
        Ok(()) => said(""),
        Err(error) => failed(1, &error.to_string()),
    }
}

fn words(command: &Command) -> Vec<&str> {
    command.arguments.iter().map(String::as_str).collect()
}

fn input(command: &Command) -> String {
    String::from_utf8_lossy(&command.input.0).into_owned()
}

fn dpkg_query(world: &mut World, command: &Command) -> Output {
    let words = words(command);
    if words.first() == Some(&"--show") {
        let states = world.packages.iter().map(|(name, package)| {
            let state = if package.configured { "ii " } else { "iU " };
            format!("{state}\t{name}\t{}\n", package.version)
        });
        let is_short = words.get(1).is_some_and(|format| !format.contains("Version"));
        let cut = |line: String| match line.rsplit_once('\t') {
            Some((start, _)) if is_short => format!("{start}\n"),
            _ => line,
        };
        return said(&joined(states.map(cut)));
    }
    let (Some(verb), Some(name)) = (words.first(), words.get(1)) else { return failed(2, "dpkg-query: error: usage") };
    let offer = world.packages.get(*name).and_then(|_| world.catalogue.get(*name));
    let Some(offer) = offer else { return failed(1, &format!("dpkg-query: package '{name}' is not installed")) };
    match (*verb, words.get(2)) {
        ("--listfiles", _) => {
            let paths = offer.files.iter().map(|(path, _)| path).chain(&offer.folders);
            let all: BTreeSet<&Path> = paths.flat_map(|path| Path::new(path).ancestors()).collect();
            let name = |path: &Path| if path.parent().is_none() { "/.".into() } else { path.display().to_string() };
            said(&joined(all.into_iter().map(|path| name(path) + "\n")))
        }
        ("--control-show", Some(&"postinst")) if !offer.does.is_empty() => {
            said(&joined(offer.does.iter().map(super::catalogue::Does::line)))
        }
        _ => failed(1, "dpkg-query: control file does not exist"),
    }
}

fn getent(world: &mut World, command: &Command) -> Output {
    let words = words(command);
    match words.as_slice() {
        ["passwd", name] => match world.users.iter().find(|user| user.name == *name) {
            Some(user) => said(&format!(
                "{}:x:{}:{}:{}:{}:{}\n",
                user.name,
                user.uid,
                user.gid,
                user.comment,
                user.home.display(),
                user.shell.display()
            )),
            None => failed(2, ""),
        },
        ["hosts" | "ahosts" | "ahostsv4", name] => {
            let hosts = world.tree.text("/etc/hosts").unwrap_or_default();
            let found = hosts.lines().filter(|line| line.split_whitespace().skip(1).any(|host| host == *name));
            let found = joined(found.map(|line| format!("{line}\n")));
            if found.is_empty() { failed(2, "") } else { said(&found) }
        }
        _ => failed(2, ""),
    }
}

fn tail(world: &mut World, command: &Command) -> Output {
    let path = command.arguments.last().cloned().unwrap_or_default();
    match world.tree.text(&path) {
        Some(text) => said(&text),
        None => failed(1, &format!("tail: cannot open '{path}' for reading: No such file or directory")),
    }
}

fn munge(world: &mut World, _: &Command) -> Output {
    if !world.unit("munge.service").is_active() {
        return failed(6, "munge: Error: Failed to access \"/run/munge/munge.socket.2\": No such file or directory");
    }
    said("MUNGE:AwQFAAC0000000000000000000000000000000000000000000000000000000000:\n")
}

fn unmunge(world: &mut World, command: &Command) -> Output {
    if !world.unit("munge.service").is_active() {
        return failed(6, "unmunge: Error: Failed to access \"/run/munge/munge.socket.2\": No such file or directory");
    }
    if input(command).starts_with("MUNGE:") {
        said("STATUS:           Success (0)\nENCODE_HOST:      head1 (10.77.0.11)\n")
    } else {
        failed(8, "unmunge: Error: No credential specified")
    }
}

fn firewall_cmd(world: &mut World, command: &Command) -> Output {
    if world.firewall.as_deref() != Some("firewalld") {
        return failed(252, "FirewallD is not running");
    }
    let words = words(command);
    let key = |port: &str| if words.contains(&"--permanent") { format!("permanent {port}") } else { port.to_owned() };
    for word in &words {
        if let Some(port) = word.strip_prefix("--query-port=") {
            return if world.open_ports.contains(&key(port)) { said("yes\n") } else { failed(1, "no") };
        }
        if let Some(port) = word.strip_prefix("--add-port=") {
            world.open_ports.insert(key(port));
        }
        if let Some(port) = word.strip_prefix("--remove-port=") {
            world.open_ports.remove(&key(port));
        }
    }
    said("success\n")
}

fn ufw(world: &mut World, command: &Command) -> Output {
    if world.firewall.as_deref() != Some("ufw") {
        return said("Status: inactive\n");
    }
    match words(command).as_slice() {
        ["status"] => {
            let head = String::from("Status: active\n\nTo                         Action      From\n");
            let ports = world.open_ports.iter();
            let ports = ports.map(|port| format!("{port:26} ALLOW  Anywhere\n{port} (v6)  ALLOW  Anywhere (v6)\n"));
            said(&joined(std::iter::once(head).chain(ports)))
        }
        ["allow", port, ..] => {
            world.open_ports.insert((*port).to_owned());
            said("Rule added\nRule added (v6)\n")
        }
        ["--force", "delete", "allow", port] => {
            world.open_ports.remove(*port);
            said("Rule deleted\nRule deleted (v6)\n")
        }
        _ => failed(1, "ERROR: Invalid syntax"),
    }
}

/// The few statements that the installer sends.
fn mariadb(world: &mut World, command: &Command) -> Output {
    if !world.unit("mariadb.service").is_active() {
        let said = "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)";
        return failed(1, said);
    }
    let text = input(command);
    if command.arguments.iter().any(|word| word.starts_with("--defaults-file=")) {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix("=\""));
            line.and_then(|line| line.strip_suffix('"')).unwrap_or_default().to_owned()
        };
        let (user, password) = (value("user"), value("password").replace("\\\"", "\"").replace("\\\\", "\\"));
        let is_right = world.database_users.get(&user) == Some(&password);
        let no = format!("ERROR 1045 (28000): Access denied for user '{user}'@'localhost' (using password: YES)");
        return if is_right { said("1\n") } else { failed(1, &no) };
    }
    let mut answer = String::new();
    for statement in text.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        match sql(world, statement) {
            Ok(line) => answer.push_str(&line),
            Err(error) => return failed(1, &error),
        }
    }
    said(&answer)
}

fn sql(world: &mut World, statement: &str) -> Result<String, String> {
    if world.part().is_err() {
        return Err("ERROR 2013 (HY000): Lost connection to server during query".into());
    }
    let quoted = |quote: char, nth: usize| statement.split(quote).nth(2 * nth + 1).unwrap_or_default().to_owned();
    if statement.starts_with("SELECT 'database'") {
        let name = statement.rsplit('\'').nth(1).unwrap_or_default();
        return Ok(if world.databases.contains(name) { "database\n".into() } else { String::new() });
    }
    if statement.starts_with("SELECT 'user'") {
        let name = quoted('\'', 1);
        return Ok(if world.database_users.contains_key(&name) { "user\n".into() } else { String::new() });
    }
    if statement.starts_with("SELECT 'grant'") {
        let (name, user) = (statement.rsplit('\'').nth(1).unwrap_or_default().to_owned(), quoted('\'', 1));
        let is_there = world.grants.contains(&(name, user));
        return Ok(if is_there { "grant\n".into() } else { String::new() });
    }
    if statement.starts_with("CREATE DATABASE IF NOT EXISTS") {
        world.databases.insert(quoted('`', 0));
    } else if statement.starts_with("CREATE USER IF NOT EXISTS") {
        let password = statement.split("IDENTIFIED BY '").nth(1).and_then(|rest| rest.strip_suffix('\''));
        let password = password.ok_or("ERROR 1064 (42000): You have an error in your SQL syntax")?;
        let password = password.replace("''", "'").replace("\\\\", "\\");
        world.database_users.entry(quoted('\'', 0)).or_insert(password);
    } else if statement.starts_with("GRANT ALL PRIVILEGES ON") {
        world.grants.insert((quoted('`', 0).replace('\\', ""), quoted('\'', 0)));
    } else if statement.starts_with("REVOKE ALL PRIVILEGES ON") {
        world.grants.remove(&(quoted('`', 0).replace('\\', ""), quoted('\'', 0)));
    } else if statement.starts_with("DROP DATABASE IF EXISTS") {
        world.databases.remove(&quoted('`', 0));
        // Grants on a database outlive it.
    } else if statement.starts_with("DROP USER IF EXISTS") {
        let user = quoted('\'', 0);
        world.grants.retain(|(_, of)| *of != user);
        world.database_users.remove(&user);
    } else if statement.starts_with("SELECT 'table'") {
        return Ok("table\n".into());
    } else if statement != "SET SESSION sql_mode = ''" {
        return Err(format!("ERROR 1064 (42000): You have an error in your SQL syntax near '{statement}'"));
    }
    Ok(String::new())
}

fn mariadb_dump(world: &mut World, command: &Command) -> Output {
    let name = command.arguments.last().cloned().unwrap_or_default();
    if !world.databases.contains(&name) {
        return failed(2, &format!("mariadb-dump: Got error: 1049: \"Unknown database '{name}'\""));
    }
    let dump = format!("-- MariaDB dump of {name}\nCREATE TABLE `t` (`a` int);\n");
    match command.arguments.iter().find_map(|word| word.strip_prefix("--result-file=")) {
        None => said(&dump),
        Some(file) => {
            let attributes = crate::host::Attributes { mode: 0o600, uid: 0, gid: 0 };
            match world.write(Path::new(file), dump.as_bytes(), attributes, None) {
                Ok(()) => said(""),
                Err(error) => failed(1, &error.to_string()),
            }
        }
    }
}

fn slurmdash(world: &mut World, command: &Command) -> Output {
    match words(command).as_slice() {
        ["user", "list", ..] => {
            let rows: Vec<String> = world.dashboard.keys().map(|name| format!(r#"{{"username":"{name}"}}"#)).collect();
            said(&format!("[{}]\n", rows.join(",")))
        }
        ["user", "add", name, ..] if world.dashboard.contains_key(*name) => {
            failed(1, &format!("slurmdash: there is an account {name} already"))
        }
        ["user", "add", name, ..] => {
            let password = input(command).lines().next().unwrap_or_default().to_owned();
            world.dashboard.insert((*name).to_owned(), password);
            said(&format!("{name}: account made\n"))
        }
        ["user", "delete", name, "--yes", ..] => match world.dashboard.remove(*name) {
            Some(_) => said(&format!("{name}: removed\n")),
            None => failed(1, "slurmdash: there is no such account"),
        },
        ["config", "check", _] => said(""),
        ["install-probe"] => probe(world, &input(command)),
        _ => failed(2, "slurmdash: error: unrecognized subcommand"),
    }
}

fn probe(world: &World, question: &str) -> Output {
    let no = |why: &str| {
        let answer = serde_json::json!({"error": why}).to_string();
        Output { code: Some(1), stdout: Bytes(answer.into()), stderr: Bytes::default() }
    };
    let question: serde_json::Value = serde_json::from_str(question).unwrap_or_default();
    if !world.unit("slurmdash.service").is_active() {
        return no("GET /ready: tcp connect error: Connection refused (os error 111)");
    }
    let Some(user) = question["user"].as_str() else { return said(r#"{"ready":{"status":"ready"}}"#) };
    if world.dashboard.get(user).map(String::as_str) != question["password"].as_str() {
        return no("POST /api/auth/login answered 401 Unauthorized: wrong name or password");
    }
    match &world.slurm.jobs_come_to {
        None => said(r#"{"job_id":"7","state":"COMPLETED","node":"node1"}"#),
        Some((state, reason)) => no(&format!("job 7 ended as {state} ({reason})")),
    }
}
