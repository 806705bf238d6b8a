//! Slurm of a host in memory, as its commands tell it.
use std::collections::{BTreeMap, BTreeSet};

use super::commands::{failed, joined, said};
use super::world::World;
use crate::host::{Command, Output};

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Login of its owner.
    pub user: String,
    /// Partition.
    pub partition: String,
    /// `COMPLETED`, `PENDING`, …
    pub state: String,
    /// Why it waits.
    pub reason: String,
}

/// What Slurm knows. Answers need daemons that run on this host, unless `is_far`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slurm {
    /// Its daemons run elsewhere, and are up.
    pub is_far: bool,
    /// Controllers with whether they answer; those of slurm.conf, up where this host's slurmctld runs, when empty.
    pub controllers: Vec<(String, bool)>,
    /// Nodes with state and reason; those of slurm.conf, idle, when empty.
    pub nodes: BTreeMap<String, (String, String)>,
    /// Jobs by number.
    pub jobs: BTreeMap<u32, Job>,
    /// State and reason that jobs come to; they end well when absent.
    pub jobs_come_to: Option<(String, String)>,
    /// Clusters in the accounting.
    pub clusters: BTreeSet<String>,
    /// Accounts with those above them.
    pub accounts: BTreeMap<String, String>,
    /// QOS with their options.
    pub qos: BTreeMap<String, BTreeMap<String, String>>,
    /// Users.
    pub users: BTreeSet<String>,
    /// Users' places, `(user, account)`, with their QOS.
    pub members: BTreeMap<(String, String), BTreeSet<String>>,
}

impl World {
    fn controllers(&self) -> Vec<(String, bool)> {
        if !self.slurm.controllers.is_empty() {
            return self.slurm.controllers.clone();
        }
        let conf = self.tree.text("/etc/slurm/slurm.conf").unwrap_or_default();
        let is_up = self.unit("slurmctld.service").is_active();
        let hosts = conf.lines().filter_map(|line| line.trim().strip_prefix("SlurmctldHost="));
        hosts
            .map(|host| host.split('(').next().unwrap_or(host).trim().to_owned())
            .map(|host| (host.clone(), is_up || self.slurm.is_far || host != self.hostname))
            .collect()
    }

    fn controller_answers(&self) -> bool {
        self.slurm.is_far || self.controllers().iter().any(|(_, is_up)| *is_up)
    }

    fn accounting_answers(&self) -> bool {
        self.slurm.is_far || self.unit("slurmdbd.service").is_active()
    }

    fn nodes(&self) -> BTreeMap<String, (String, String)> {
        if !self.slurm.nodes.is_empty() {
            return self.slurm.nodes.clone();
        }
        let conf = self.tree.text("/etc/slurm/slurm.conf").unwrap_or_default();
        let lines = conf.lines().filter_map(|line| line.trim().strip_prefix("NodeName="));
        let names = lines.flat_map(|line| expand(line.split_whitespace().next().unwrap_or_default()));
        names.map(|name| (name, ("IDLE".to_owned(), String::new()))).collect()
    }
}

/// `node[1-3,7]` as names.
fn expand(list: &str) -> Vec<String> {
    let Some((head, rest)) = list.split_once('[') else {
        return list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    };
    let Some((ranges, tail)) = rest.split_once(']') else { return vec![list.to_owned()] };
    let numbers = ranges.split(',').flat_map(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (width, from, to) = (from.len(), from.parse().unwrap_or(0_u32), to.parse().unwrap_or(0_u32));
        (from..=to).map(move |number| format!("{number:0width$}"))
    });
    numbers.map(|number| format!("{head}{number}{tail}")).collect()
}

const NO_CONTROLLER: &str = "slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)";

pub(super) fn scontrol(world: &mut World, command: &Command) -> Output {
    let words: Vec<&str> = command.arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    match words.as_slice() {
        ["ping"] => {
            let names = world.controllers().into_iter().enumerate().map(|(index, (host, is_up))| {
                let role = if index == 0 { "primary".to_owned() } else { format!("backup{index}") };
                format!("Slurmctld({role}) at {host} is {}\n", if is_up { "UP" } else { "DOWN" })
            });
            said(&joined(names))
        }
        _ if !world.controller_answers() => failed(1, NO_CONTROLLER),
        ["show", "node" | "nodes"] => {
            let lines = world.nodes().into_iter().map(|(name, (state, reason))| {
                let reason = if reason.is_empty() { reason } else { format!(" Reason={reason} [root@2026-01-01]") };
                format!("NodeName={name} Arch=x86_64 State={state} Partitions=main{reason} Comment=\n")
            });
            said(&joined(lines))
        }
        ["show", "job", id] => match id.parse().ok().and_then(|id: u32| world.slurm.jobs.get(&id)) {
            None => failed(1, "slurm_load_jobs error: Invalid job id specified"),
            Some(job) => said(&format!(
                "JobId={id} JobName=slurmdash-self-test UserId={}(1000) JobState={} Reason={} Partition={} ExitCode=0:0\n",
                job.user, job.state, job.reason, job.partition
            )),
        },
        ["reconfigure"] => said(""),
        ["update", rest @ ..] => update(world, rest),
        _ => failed(1, "invalid keyword"),
    }
}

/// `scontrol update NodeName=a,b State=DRAIN Reason=…`: a node's state with the flag, and without it.
fn update(world: &mut World, words: &[&str]) -> Output {
    let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
    let Some(names) = value("NodeName=") else { return failed(1, "invalid keyword") };
    let mut nodes = world.nodes();
    for name in names.split(',') {
        let Some((state, reason)) = nodes.get_mut(name) else { return failed(1, "Invalid node name specified") };
        match value("State=") {
            Some("DRAIN") => {
                *state = format!("{}+DRAIN", state.trim_end_matches("+DRAIN"));
                value("Reason=").unwrap_or_default().clone_into(reason);
            }
            Some("RESUME") => {
                *state = state.trim_end_matches("+DRAIN").to_owned();
                reason.clear();
            }
            _ => return failed(1, "Invalid node state specified"),
        }
    }
    // Those that slurm.conf says and nothing more are not kept here.
    world.slurm.nodes = if nodes.values().all(|(state, _)| state == "IDLE") { BTreeMap::new() } else { nodes };
    said("")
}

pub(super) fn sbatch(world: &mut World, command: &Command) -> Output {
    if !world.controller_answers() {
        return failed(
            1,
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
        );
    }
    let id = world.slurm.jobs.keys().next_back().map_or(1, |last| last + 1);
    let after = |name: &str| {
        let mut words = command.arguments.iter();
        words.find(|word| *word == name).and_then(|_| words.next().cloned())
    };
    let (state, reason) = world.slurm.jobs_come_to.clone().unwrap_or(("COMPLETED".into(), "None".into()));
    let user = command.user.clone().unwrap_or("root".into());
    world.slurm.jobs.insert(id, Job { user, partition: after("--partition").unwrap_or_default(), state, reason });
    said(&format!("{id}\n"))
}

pub(super) fn scancel(world: &mut World, command: &Command) -> Output {
    for id in command.arguments.iter().filter_map(|word| word.parse::<u32>().ok()) {
        if let Some(job) = world.slurm.jobs.get_mut(&id) {
            job.state = "CANCELLED".into();
        }
    }
    said("")
}

pub(super) fn squeue(world: &mut World, _: &Command) -> Output {
    if !world.controller_answers() {
        return failed(1, NO_CONTROLLER);
    }
    let is_there = |job: &Job| job.state == "PENDING" || job.state == "RUNNING";
    let jobs = world.slurm.jobs.iter().filter(|(_, job)| is_there(job));
    said(&joined(jobs.map(|(id, job)| format!("{id} {}\n", job.state))))
}

pub(super) fn sacct(world: &mut World, command: &Command) -> Output {
    if !world.accounting_answers() {
        return failed(1, "sacct: error: Problem talking to the database: Connection refused");
    }
    let id = command.arguments.iter().find_map(|word| word.parse::<u32>().ok());
    let job = id.and_then(|id| world.slurm.jobs.get(&id));
    said(&job.map(|job| format!("{}\n", job.state)).unwrap_or_default())
}

pub(super) fn sacctmgr(world: &mut World, command: &Command) -> Output {
    if !world.accounting_answers() {
        return failed(1, "sacctmgr: error: Sending PersistInit msg: Connection refused");
    }
    let words: Vec<&str> = command.arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let value = |key: &str| {
        let mut values = words.iter().filter_map(|word| word.split_once('='));
        values.find(|(name, _)| name.trim_end_matches(['+', '-']).eq_ignore_ascii_case(key)).map(|(_, value)| value)
    };
    let name = || value("name").or_else(|| words.get(2).copied()).unwrap_or_default().to_owned();
    match words.as_slice() {
        ["list" | "show", what, ..] => said(&list(&world.slurm, what)),
        ["add", "cluster", ..] => added(world.slurm.clusters.insert(name())),
        ["add", "account", ..] => {
            let parent = value("parent").unwrap_or("root");
            if parent != "root" && !world.slurm.accounts.contains_key(parent) {
                return failed(1, &format!(" Parent account '{parent}' doesn't exist."));
            }
            added(world.slurm.accounts.insert(name(), parent.to_owned()).is_none())
        }
        ["add", "qos", _, options @ ..] => {
            let options = options.iter().filter_map(|option| option.split_once('='));
            let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            added(world.slurm.qos.insert(name(), options).is_none())
        }
        ["add", "user", ..] => {
            let account = value("account").unwrap_or_default().to_owned();
            if !world.slurm.accounts.contains_key(&account) {
                return failed(1, &format!(" Account '{account}' doesn't exist."));
            }
            world.slurm.users.insert(name());
            world.slurm.members.entry((name(), account)).or_default();
            said(" Adding User(s)\n")
        }
        ["modify", "user", ..] => {
            let place = (name(), value("account").unwrap_or_default().to_owned());
            let Some(of) = world.slurm.members.get_mut(&place) else { return failed(1, " Nothing modified") };
            for word in &words {
                if let Some(qos) = word.strip_prefix("qos+=") {
                    of.insert(qos.to_owned());
                } else if let Some(qos) = word.strip_prefix("qos-=") {
                    of.remove(qos);
                }
            }
            said(" Modified user associations...\n")
        }
        ["delete", what, ..] => delete(&mut world.slurm, what, &name(), value("account")),
        _ => failed(1, "sacctmgr: error: invalid option"),
    }
}

fn added(is_new: bool) -> Output {
    if is_new { said(" Adding\n") } else { failed(1, " Already existing. Nothing new added.") }
}

fn list(slurm: &Slurm, what: &str) -> String {
    let lines = |names: &mut dyn Iterator<Item = &String>| joined(names.map(|name| format!("{name}\n")));
    match what {
        "cluster" => lines(&mut slurm.clusters.iter()),
        "account" => format!("root\n{}", lines(&mut slurm.accounts.keys())),
        "qos" => format!("normal\n{}", lines(&mut slurm.qos.keys())),
        "user" => format!("root\n{}", lines(&mut slurm.users.iter())),
        "associations" => {
            let accounts = slurm.accounts.iter().map(|(account, parent)| format!("{account}||{parent}|normal\n"));
            let members = slurm.members.iter().map(|((user, account), qos)| {
                let qos: Vec<&str> = qos.iter().map(String::as_str).chain(["normal"]).collect();
                format!("{account}|{user}||{}\n", qos.join(","))
            });
            let root = String::from("root|||normal\nroot|root||normal\n");
            joined(std::iter::once(root).chain(accounts).chain(members))
        }
        _ => String::new(),
    }
}

fn delete(slurm: &mut Slurm, what: &str, name: &str, account: Option<&str>) -> Output {
    let is_gone = match (what, account) {
        ("cluster", _) => slurm.clusters.remove(name),
        ("account", _) => {
            slurm.members.retain(|(_, account), _| account != name);
            slurm.accounts.remove(name).is_some()
        }
        ("qos", _) => slurm.qos.remove(name).is_some(),
        ("user", Some(account)) => {
            let is_gone = slurm.members.remove(&(name.to_owned(), account.to_owned())).is_some();
            // With their last place a user goes.
            if !slurm.members.keys().any(|(user, _)| user == name) {
                slurm.users.remove(name);
            }
            is_gone
        }
        ("user", None) => {
            slurm.members.retain(|(user, _), _| user != name);
            slurm.users.remove(name)
        }
        _ => false,
    };
    if is_gone { said(" Deleting\n") } else { failed(1, " Nothing deleted") }
}
