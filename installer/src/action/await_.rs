//! Going on when something is as expected; nothing is changed.
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo, cause};
use crate::host::{Command, Host, HostError};

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// munge makes a credential here and reads it.
    MungeAnswers,
    /// slurmdbd answers sacctmgr.
    AccountingAnswers,
    /// `scontrol ping` says UP for all of these.
    ControllersAnswer {
        /// Names, as in slurm.conf.
        hosts: Vec<String>,
    },
    /// Nodes are idle, allocated or mixed, not down, drained or unknown.
    NodesReady {
        /// Names.
        nodes: Vec<String>,
        /// So many must be, at least.
        at_least: u32,
    },
    /// A job of a Unix user ends well in a partition.
    JobRuns {
        /// Partition.
        partition: String,
        /// Login.
        user: String,
    },
    /// A job submitted through slurmdash's API by its first admin ends well.
    DashboardJobRuns {
        /// Base address: `https://127.0.0.1:8443`.
        url: String,
        /// Partition.
        partition: String,
        /// Name of the account.
        user: String,
        /// Name of its password among the materials.
        password: String,
    },
    /// slurmdash answers on its address.
    DashboardAnswers {
        /// Base address.
        url: String,
    },
}

/// Looks until it is as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Await {
    /// What.
    pub expected: Expected,
    /// Longest wait, seconds.
    pub within_seconds: u64,
    /// A log whose last lines are shown when it is in vain.
    pub log: Option<PathBuf>,
    /// The unit on this host that is to answer: when it ends, it is not waited for any longer.
    #[serde(default)]
    pub unit: Option<String>,
}

/// Pause between the first two looks, as most things come soon; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Longest time of one command of Slurm, seconds: its clients wait for ever where nobody answers.
const COMMAND: u64 = 10;
/// What runs on a node.
const JOB: &str = "#!/bin/sh\nexec hostname\n";

/// What one look found.
enum Seen {
    /// As expected.
    Reached,
    /// Not yet, and why.
    NotYet(String),
    /// It won't come any more, and why.
    Never(String),
}

/// Looks once. A command that can't be started or takes too long is not there yet.
fn ask(host: &dyn Host, command: &Command) -> Result<Result<String, String>, HostError> {
    match host.run(command) {
        Ok(output) if output.is_ok() => Ok(Ok(output.text())),
        Ok(output) => Ok(Err(output.complaint())),
        Err(HostError::Away(why)) => Err(HostError::Away(why)),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn munge(host: &dyn Host) -> Result<Seen, HostError> {
    let credential = match ask(host, &Command::new("munge").args(["-n"]).within(COMMAND))? {
        Ok(credential) => credential,
        Err(why) => return Ok(Seen::NotYet(why)),
    };
    let read = ask(host, &Command::new("unmunge").input(credential).within(COMMAND))?;
    Ok(read.map_or_else(Seen::NotYet, |_| Seen::Reached))
}

fn accounting(host: &dyn Host) -> Result<Seen, HostError> {
    let command = Command::new("sacctmgr").args(["-n", "-P", "list", "cluster", "format=cluster"]).within(COMMAND);
    Ok(ask(host, &command)?.map_or_else(Seen::NotYet, |_| Seen::Reached))
}

/// `Slurmctld(primary) at head1 is UP`, a line for each.
fn controllers(host: &dyn Host, wanted: &[String]) -> Result<Seen, HostError> {
    let output = match host.run(&Command::new("scontrol").args(["ping"]).within(COMMAND)) {
        Ok(output) => output,
        Err(HostError::Away(why)) => return Err(HostError::Away(why)),
        Err(error) => return Ok(Seen::NotYet(error.to_string())),
    };
    // Its exit code is not 0 when one is down.
    let text = output.text();
    let answer = |name: &String| {
        let line =
            text.lines().find(|line| line.split_whitespace().skip_while(|word| *word != "at").nth(1) == Some(name));
        line.is_some_and(|line| line.split_whitespace().next_back() == Some("UP"))
    };
    let silent: Vec<&str> = wanted.iter().filter(|name| !answer(name)).map(String::as_str).collect();
    if silent.is_empty() {
        return Ok(Seen::Reached);
    }
    let complaint = output.complaint();
    Ok(Seen::NotYet(format!("slurmctld on {} does not answer: {complaint}", silent.join(", "))))
}

/// The value of a field in a line of `scontrol -o`.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn nodes(host: &dyn Host, wanted: &[String], at_least: u32) -> Result<Seen, HostError> {
    let text = match ask(host, &Command::new("scontrol").args(["-o", "show", "node"]).within(30))? {
        Ok(text) => text,
        Err(why) => return Ok(Seen::NotYet(why)),
    };
    let lines: HashMap<&str, &str> = text.lines().filter_map(|line| Some((field(line, "NodeName")?, line))).collect();
    let is_ready = |state: &str| {
        // `IDLE*` does not answer, `IDLE+DRAIN` takes no jobs.
        let (base, flags) = state.split_once('+').unwrap_or((state, ""));
        let is_up = matches!(base, "IDLE" | "ALLOCATED" | "MIXED" | "COMPLETING");
        is_up && !flags.split('+').any(|flag| matches!(flag, "DRAIN" | "FAIL" | "NOT_RESPONDING" | "INVALID_REG"))
    };
    let mut ready = 0_u32;
    let mut missing = Vec::new();
    for name in wanted {
        let line = lines.get(name.as_str());
        let state = line.and_then(|line| field(line, "State")).unwrap_or("not in slurm.conf");
        if is_ready(state) {
            ready += 1;
        } else {
            let reason = line.and_then(|line| line.split_once("Reason=")).map(|(_, reason)| reason);
            let reason = reason.map(|reason| reason.split(" [").next().unwrap_or(reason).trim());
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            missing.push(format!("{name} ({state}{reason})"));
        }
    }
    if ready >= at_least {
        return Ok(Seen::Reached);
    }
    let shown = missing.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = missing.len().saturating_sub(8);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Ok(Seen::NotYet(format!("{ready} of {} nodes are ready; not: {shown}{more}", wanted.len())))
}

fn dashboard(host: &dyn Host, url: &str) -> Result<Seen, HostError> {
    let question = json!({"url": url, "configuration": CONFIGURATION});
    Ok(probe(host, &question, 30)?.map_or_else(Seen::NotYet, |()| Seen::Reached))
}

/// slurmdash's program.
const PROGRAM: &str = "/usr/local/bin/slurmdash";
/// Its configuration, which says what certificate it serves.
const CONFIGURATION: &str = "/etc/slurmdash/slurmdash.yaml";

/// Asks the dashboard, by slurmdash itself: it knows the certificate that it serves.
fn probe(host: &dyn Host, question: &serde_json::Value, within: u64) -> Result<Result<(), String>, HostError> {
    let command = Command::new(PROGRAM).args(["install-probe"]).input(question.to_string()).within(within);
    let output = match host.run(&command) {
        Ok(output) => output,
        Err(HostError::Away(why)) => return Err(HostError::Away(why)),
        Err(error) => return Ok(Err(error.to_string())),
    };
    if output.is_ok() {
        return Ok(Ok(()));
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout.0).unwrap_or_default();
    Ok(Err(answer["error"].as_str().map_or_else(|| output.complaint(), str::to_owned)))
}

/// A job's state as far as it matters, by its name in Slurm.
fn judged(id: &str, state: &str, reason: &str) -> Seen {
    let state = state.split_whitespace().next().unwrap_or_default().trim_end_matches('+');
    match state {
        "COMPLETED" => Seen::Reached,
        "PENDING" | "RUNNING" | "COMPLETING" | "CONFIGURING" | "SUSPENDED" | "REQUEUED" | "STAGE_OUT" | "" => {
            let why = if reason.is_empty() || reason == "None" { String::new() } else { format!(" ({reason})") };
            Seen::NotYet(format!("job {id} is {state}{why}"))
        }
        ended => Seen::Never(format!("job {id} ended as {ended} ({reason})")),
    }
}

fn job(host: &dyn Host, id: &str) -> Result<Seen, HostError> {
    match ask(host, &Command::new("scontrol").args(["-o", "show", "job", id]).within(COMMAND))? {
        Ok(line) => {
            let of = |name| field(&line, name).unwrap_or_default();
            Ok(judged(id, of("JobState"), of("Reason")))
        }
        // slurmctld forgets jobs some time after their end; the accounting does not.
        Err(why) if why.contains("Invalid job id") => {
            let words = ["-X", "-n", "-P", "-j", id, "-o", "State"];
            let state = ask(host, &Command::new("sacct").args(words).within(COMMAND))?;
            Ok(state.map_or_else(Seen::NotYet, |state| judged(id, &state, "")))
        }
        Err(why) => Ok(Seen::NotYet(why)),
    }
}

impl Await {
    /// Whether a job is run for it.
    pub(super) fn is_job(&self) -> bool {
        matches!(self.expected, Expected::JobRuns { .. } | Expected::DashboardJobRuns { .. })
    }

    /// One look that changes nothing; `None` where the expectation is a job.
    fn see(&self, host: &dyn Host) -> Result<Option<Seen>, HostError> {
        match &self.expected {
            Expected::MungeAnswers => munge(host).map(Some),
            Expected::AccountingAnswers => accounting(host).map(Some),
            Expected::ControllersAnswer { hosts } => controllers(host, hosts).map(Some),
            Expected::NodesReady { nodes: wanted, at_least } => nodes(host, wanted, *at_least).map(Some),
            Expected::DashboardAnswers { url } => dashboard(host, url).map(Some),
            Expected::JobRuns { .. } | Expected::DashboardJobRuns { .. } => Ok(None),
        }
    }

    /// Looks until it is as expected, or why it is not.
    fn wait(
        &self,
        host: &dyn Host,
        look: impl Fn() -> Result<Seen, HostError>,
    ) -> Result<Result<(), String>, HostError> {
        let longest = Duration::from_secs(self.within_seconds);
        let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
        loop {
            match look()? {
                Seen::Reached => return Ok(Ok(())),
                Seen::Never(why) => return Ok(Err(why)),
                Seen::NotYet(why) if waited >= longest => {
                    return Ok(Err(format!("not within {} s: {why}", self.within_seconds)));
                }
                Seen::NotYet(why) => {
                    if let Some(ended) = self.ended(host)? {
                        return Ok(Err(format!("{ended}; {why}")));
                    }
                }
            }
            host.pause(pause);
            waited += pause;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// What has become of the unit that is to answer, when it does not run any more.
    fn ended(&self, host: &dyn Host) -> Result<Option<String>, HostError> {
        let Some(name) = &self.unit else { return Ok(None) };
        let unit = host.unit(name)?;
        let is_up = matches!(unit.active.as_str(), "active" | "activating" | "reloading") && !unit.starts_again;
        Ok((!is_up).then(|| format!("{name} was started, and ended")))
    }

    fn run_job(&self, host: &dyn Host, partition: &str, user: &str) -> Result<Result<(), String>, HostError> {
        let words = ["--parsable", "--partition", partition, "--job-name", "slurmdash-self-test", "--time", "2"];
        let quiet = ["--ntasks", "1", "--mem", "16", "--output", "/dev/null", "--chdir", "/"];
        let command = Command::new("sbatch").args(words).args(quiet).as_user(user).input(JOB).within(30);
        let id = match ask(host, &command)? {
            // With the cluster's name after it, on some.
            Ok(text) => text.trim().split(';').next().unwrap_or_default().to_owned(),
            Err(why) => return Ok(Err(format!("the job is not taken: {why}"))),
        };
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Err(format!("sbatch answered {id:?} in place of a job's number")));
        }
        let outcome = self.wait(host, || job(host, &id))?;
        if outcome.is_err() {
            // It would run one day, for nobody. One that has ended can't be cancelled, and need not be.
            ask(host, &Command::new("scancel").args([id.as_str()]).within(COMMAND))?.ok();
        }
        Ok(outcome)
    }
}

impl Act for Await {
    fn subject(&self) -> String {
        match &self.expected {
            Expected::MungeAnswers => "munge makes and reads a credential".to_owned(),
            Expected::AccountingAnswers => "slurmdbd answers".to_owned(),
            Expected::ControllersAnswer { hosts } => format!("slurmctld answers on {}", hosts.join(", ")),
            Expected::NodesReady { nodes, .. } => match nodes.as_slice() {
                [] => "nodes are ready".to_owned(),
                [name] => format!("node {name} is ready"),
                [first, .., last] => format!("{} nodes are ready, {first} to {last}", nodes.len()),
            },
            Expected::JobRuns { partition, .. } => format!("a job in partition {partition}"),
            Expected::DashboardJobRuns { partition, .. } => {
                format!("a job by the dashboard in partition {partition}")
            }
            Expected::DashboardAnswers { url } => format!("the dashboard answers at {url}"),
        }
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        if let Some(Seen::Reached) = self.see(host)? {
            return Ok(Look::Same);
        }
        let summary = match &self.expected {
            Expected::JobRuns { user, .. } => format!("runs, for {user}"),
            Expected::DashboardJobRuns { user, .. } => format!("runs, for the account {user}"),
            _ => format!("waits, at most {} s", self.within_seconds),
        };
        Ok(Look::Change(Change::new(summary, Undo::Nothing)))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, materials: &Materials) -> Result<(), StepError> {
        let outcome = match &self.expected {
            Expected::JobRuns { partition, user } => self.run_job(host, partition, user)?,
            Expected::DashboardJobRuns { url, partition, user, password } => {
                let password = String::from_utf8_lossy(materials.get(password)?);
                let question = json!({
                    "url": url, "configuration": CONFIGURATION, "user": user, "password": password,
                    "partition": partition, "within_seconds": self.within_seconds,
                });
                probe(host, &question, self.within_seconds + 60)?
            }
            _ => self.wait(host, || Ok(self.see(host)?.unwrap_or(Seen::Reached)))?,
        };
        outcome.map_err(|why| {
            let log = cause::log(host, self.unit.as_deref(), self.log.as_deref());
            cause::not_reached(&format!("{}: {why}", self.subject()), log)
        })
    }

    fn revert(&self, _host: &dyn Host, _setting: &Setting, _undo: &Undo) -> Result<Reverted, StepError> {
        Ok(Reverted::wholly())
    }
}
