//! A real cluster through Slurm's own commands.
//!
//! Text rather than JSON: it costs Slurm a tenth (50,000 jobs take squeue 1 s as text and 10 s as JSON), and it has
//! changed less between releases. `command` runs the commands; `squeue`, `scontrol` and `sacct` read what they
//! print and `words` what they say when they fail, all pure. Jobs get a clean environment: what sbatch finds in its
//! own goes with the job, so it finds the person's `PATH`, `HOME` and language there and nothing of this program's.

mod command;
mod detect;
mod sacct;
mod scontrol;
mod squeue;
mod time;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use slurmdash_api::cluster::{Node, Partition};
use slurmdash_api::jobs::Job;

use super::notation::Malformed;
use super::{JobId, JobRecord, Slurm, SlurmError, Submission};
use command::{Call, Commands, Said};
pub use detect::{NotHere, detect};
use squeue::Mark;

/// How to reach the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliConfig {
    /// Folder of Slurm's commands; `PATH` when `None`.
    pub bin_dir: Option<PathBuf>,
    /// slurm.conf; what `SLURM_CONF` says, else Slurm's own choice when `None`.
    pub slurm_conf: Option<PathBuf>,
    /// Time limit of each command.
    pub timeout: Duration,
}

impl Default for CliConfig {
    /// Everything from the environment; 20 s, well over what a busy controller takes.
    fn default() -> Self {
        CliConfig { bin_dir: None, slurm_conf: None, timeout: Duration::from_secs(20) }
    }
}

/// A real cluster.
#[derive(Debug)]
pub struct Cli {
    commands: Commands,
}

/// For commands that ask: times as Unix seconds, messages and numbers untranslated. Not for sbatch, whose environment
/// the job gets.
const ASKING: &[(&str, &str)] = &[("LC_ALL", "C"), ("SLURM_TIME_FORMAT", "%s")];

impl Cli {
    /// A cluster reached with this configuration. Nothing is run yet.
    pub fn new(config: CliConfig) -> Cli {
        let environment = environment(config.slurm_conf);
        Cli { commands: Commands { bin_dir: config.bin_dir, environment, timeout: config.timeout } }
    }

    async fn ask(&self, command: &str, args: &[&str]) -> Result<Said, SlurmError> {
        let args = args.iter().map(OsString::from).collect();
        self.commands.run(Call { command, args, environment: ASKING, stdin: "" }).await
    }

    /// What scontrol shows. That it knows nothing to show is not a failure.
    async fn show(&self, args: &[&str]) -> Result<String, SlurmError> {
        let said = self.ask("scontrol", args).await?;
        if said.ok { Ok(said.stdout) } else { Err(words::unavailable("scontrol", &said.stderr)) }
    }

    /// The job as the controller knows it.
    async fn known(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        let (mark, text) = (mark()?, id.to_string());
        let format = squeue::format(&mark, true);
        let said = self
            .ask(
                "squeue",
                &["--noheader", "--all", "--states=all", &format!("--jobs={text}"), &format!("--Format={format}")],
            )
            .await?;
        if !said.ok {
            let unknown = words::no_such_job(&said.stderr);
            return if unknown { Ok(None) } else { Err(words::unavailable("squeue", &said.stderr)) };
        }
        let records = squeue::parse_full(&said.stdout, &mark).map_err(|error| unexpected("squeue", &error))?;
        Ok(best(records, id))
    }

    /// The job as accounting knows it, where there is accounting.
    async fn accounted(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        let (mark, text) = (mark()?, id.to_string());
        let delimiter = format!("--delimiter={}", mark.as_str());
        let format = format!("--format={}", sacct::FIELDS.join(","));
        let jobs = format!("--jobs={text}");
        let args = ["--noheader", "--allocations", "--allusers", "--parsable", &delimiter, &format, &jobs];
        let said = match self.ask("sacct", &args).await {
            Err(SlurmError::CommandMissing { .. }) => return Ok(None),
            said => said?,
        };
        if !said.ok {
            let none = said.stderr.contains("accounting storage is disabled");
            return if none { Ok(None) } else { Err(words::unavailable("sacct", &said.stderr)) };
        }
        let records = sacct::parse(&said.stdout, &mark).map_err(|error| unexpected("sacct", &error))?;
        Ok(best(records, id))
    }
}

/// What the commands find in their environment besides [`ASKING`]: nothing of this program's own.
fn environment(slurm_conf: Option<PathBuf>) -> Vec<(OsString, OsString)> {
    let mut environment: Vec<(OsString, OsString)> = ["HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ"]
        .into_iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
        .collect();
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    environment.push(("PATH".into(), path));
    let conf = slurm_conf.map(OsString::from).or_else(|| std::env::var_os("SLURM_CONF"));
    environment.extend(conf.map(|conf| ("SLURM_CONF".into(), conf)));
    environment
}

/// A new mark for one call.
fn mark() -> Result<Mark, SlurmError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| SlurmError::Unavailable {
        command: "squeue".to_owned(),
        message: format!("the system gives no random numbers: {error}"),
    })?;
    Ok(Mark::new(random))
}

fn unexpected(command: &str, error: &Malformed) -> SlurmError {
    SlurmError::Unexpected { command: command.to_owned(), message: error.to_string() }
}

/// Of an array's records the one that is meant: that task, or the one with the array's own number.
fn best(mut records: Vec<JobRecord>, id: &JobId) -> Option<JobRecord> {
    let text = id.to_string();
    let meant = records.iter().position(|record| match id.task {
        Some(_) => record.job.id == text,
        None => record.job.job_id == id.job,
    });
    (!records.is_empty()).then(|| records.swap_remove(meant.unwrap_or(0)))
}

#[async_trait]
impl Slurm for Cli {
    async fn cluster_name(&self) -> Result<String, SlurmError> {
        let text = self.show(&["show", "config"]).await?;
        scontrol::cluster_name(&text).map_err(|error| unexpected("scontrol", &error))
    }

    async fn jobs(&self) -> Result<Vec<Job>, SlurmError> {
        let mark = mark()?;
        let format = format!("--Format={}", squeue::format(&mark, false));
        let said = self.ask("squeue", &["--noheader", "--all", "--states=all", &format]).await?;
        if !said.ok {
            return Err(words::unavailable("squeue", &said.stderr));
        }
        squeue::parse(&said.stdout, &mark).map_err(|error| unexpected("squeue", &error))
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        match self.known(id).await? {
            Some(record) => Ok(Some(record)),
            None => self.accounted(id).await,
        }
    }

    async fn nodes(&self) -> Result<Vec<Node>, SlurmError> {
        let text = self.show(&["--all", "--details", "--oneliner", "show", "node"]).await?;
        scontrol::nodes(&text).map_err(|error| unexpected("scontrol", &error))
    }

    async fn partitions(&self) -> Result<Vec<Partition>, SlurmError> {
        let args = ["--all", "--oneliner", "show", "partition"];
        let (nodes, text) = tokio::try_join!(self.nodes(), self.show(&args))?;
        scontrol::partitions(&text, &nodes).map_err(|error| unexpected("scontrol", &error))
    }

    async fn submit(&self, submission: &Submission) -> Result<u32, SlurmError> {
        let call = Call { command: "sbatch", args: arguments(submission), environment: &[], stdin: &submission.script };
        let said = self.commands.run(call).await?;
        if !said.ok {
            return Err(words::refusal("sbatch", &said.stderr));
        }
        // `123`, or `123;cluster` where there are several.
        let id = said.stdout.trim().split(';').next().and_then(|id| id.parse().ok()).filter(|id| *id > 0);
        id.ok_or_else(|| {
            let begin: String = said.stdout.chars().take(80).collect();
            unexpected("sbatch", &Malformed(format!("{begin:?} is no job id")))
        })
    }

    async fn cancel(&self, id: &JobId) -> Result<(), SlurmError> {
        // Only in verbose mode it says that a job is unknown or already finished.
        let said = self.ask("scancel", &["--verbose", &id.to_string()]).await?;
        words::of_scancel(id, said.ok, &said.stderr)
    }
}

/// sbatch's arguments. Each value is joined to its option, so none can pass for an option itself.
fn arguments(submission: &Submission) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--parsable".into()];
    let mut add = |option: &str, value: OsString| {
        let mut argument = OsString::from(option);
        argument.push("=");
        argument.push(value);
        args.push(argument);
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    for (option, value) in [
        ("--job-name", Some(submission.name.clone())),
        ("--partition", submission.partition.clone()),
        ("--account", submission.account.clone()),
        ("--qos", submission.qos.clone()),
        ("--nodes", number(submission.nodes)),
        ("--ntasks", number(submission.tasks)),
        ("--cpus-per-task", number(submission.cpus_per_task)),
        ("--mem", submission.memory.map(|memory| format!("{memory}M"))),
        ("--gres", submission.gpus.map(|gpus| if gpus == 0 { "none".to_owned() } else { format!("gpu:{gpus}") })),
        ("--time", submission.time.clone()),
        ("--array", submission.array.clone()),
    ] {
        if let Some(value) = value {
            add(option, value.into());
        }
    }
    add("--chdir", submission.work_dir.clone().into());
    add("--output", submission.stdout.clone().into());
    args
}

#[cfg(test)]
mod tests;
