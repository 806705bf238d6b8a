//! A real cluster through Slurm's own commands.
//!
//! Text rather than JSON: it costs Slurm a tenth (50,000 jobs take squeue 1 s as text and 10 s as JSON), and it has
//! changed less between releases. [`Hands`] run the commands; `squeue`, `scontrol` and `sacct` read what they
//! print and `words` what they say when they fail, all pure. Jobs get a clean environment: what sbatch finds in its
//! own goes with the job, so it finds the person's `PATH`, `HOME` and language there and nothing of this program's.
//!
//! What lists need is asked by this program's own hands; what is done for one person, by theirs (`acting`, `asking`).

mod acting;
mod asking;
mod detect;
mod marked;
mod ping;
mod sacct;
mod sbatch;
mod scontrol;
mod squeue;
mod steps;
mod time;
mod words;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Controller, Node, Partition};
use slurmdash_api::jobs::{Job, JobForecast, JobRecordText};

use super::notation::Malformed;
use super::{Action, JobId, JobRecord, Measured, Slurm, SlurmError, Submission};
use crate::hands::{Command, Hands, HandsError};
pub use detect::{NotHere, detect};
use marked::Mark;

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
pub struct Cli {
    config: CliConfig,
    hands: Arc<dyn Hands>,
}

/// For commands that ask: times as Unix seconds, messages and numbers untranslated. Not for sbatch, whose environment
/// the job gets.
const ASKING: &[(&str, &str)] = &[("LC_ALL", "C"), ("SLURM_TIME_FORMAT", "%s")];

/// Most that a command may print: several times what 100,000 jobs take.
const MOST_OUTPUT: u64 = 128 << 20;

/// Most that is read of a ping, bytes.
const MOST_PING: u64 = 64 << 10;

/// One call.
struct Call<'a> {
    /// The command's name.
    command: &'a str,
    /// Its arguments.
    args: Vec<OsString>,
    /// More environment for this call.
    environment: Vec<(String, String)>,
    /// Standard input.
    input: &'a str,
    /// Most that it may print, bytes.
    most_output: u64,
}

impl<'a> Call<'a> {
    /// A call without further environment or input.
    fn new(command: &'a str, args: &[impl AsRef<std::ffi::OsStr>]) -> Self {
        let args = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        Call { command, args, environment: Vec::new(), input: "", most_output: MOST_OUTPUT }
    }
}

fn owned(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What a command said.
struct Said {
    /// Whether its exit code was 0.
    ok: bool,
    /// Its standard output.
    stdout: String,
    /// The beginning of its standard error.
    stderr: String,
}

impl Cli {
    /// A cluster reached with this configuration, by commands of these hands. Nothing is run yet.
    pub fn new(config: CliConfig, hands: Arc<dyn Hands>) -> Cli {
        let slurm_conf = config.slurm_conf.or_else(|| std::env::var_os("SLURM_CONF").map(PathBuf::from));
        // The commands don't run in our working directory.
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let config = CliConfig { bin_dir: config.bin_dir.map(whole), slurm_conf: slurm_conf.map(whole), ..config };
        Cli { config, hands }
    }

    async fn ask(&self, command: &str, args: &[&str]) -> Result<Said, SlurmError> {
        self.run(&*self.hands, Call { environment: owned(ASKING), ..Call::new(command, args) }).await
    }

    /// Runs a command to its end.
    async fn run(&self, hands: &dyn Hands, call: Call<'_>) -> Result<Said, SlurmError> {
        let name = call.command;
        let conf = self.config.slurm_conf.as_ref().map(|conf| ("SLURM_CONF".to_owned(), conf.display().to_string()));
        let program = self.config.bin_dir.as_ref().map_or_else(|| name.into(), |dir| dir.join(name).into_os_string());
        let command = Command {
            environment: call.environment.into_iter().chain(conf).collect(),
            folder: Some(PathBuf::from("/")),
            input: call.input.as_bytes().to_vec(),
            most_output: call.most_output,
            within: self.config.timeout,
            ..Command::new(program).args(call.args)
        };
        let said = hands.run(&command).await.map_err(|error| not_run(name, error))?;
        Ok(Said { ok: said.is_ok(), stdout: text(said.stdout), stderr: text(said.stderr) })
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
        let mark = mark()?;
        let delimiter = format!("--delimiter={}", mark.as_str());
        let format = format!("--format={}", sacct::FIELDS.join(","));
        let jobs = format!("--jobs={id}");
        let args = ["--noheader", "--allocations", "--allusers", "--parsable", &delimiter, &format, &jobs];
        let Some(text) = asking::accounts(self.ask("sacct", &args).await)? else { return Ok(None) };
        let records = sacct::parse(&text, &mark).map_err(|error| unexpected("sacct", &error))?;
        Ok(best(records, id))
    }
}

/// Why a command did not run to its end.
fn not_run(command: &str, error: HandsError) -> SlurmError {
    let command = command.to_owned();
    match error {
        // Only what a person asked for makes arguments that long.
        HandsError::NotStarted {
            kind: io::ErrorKind::ArgumentListTooLong | io::ErrorKind::InvalidInput,
            words,
            ..
        } => SlurmError::Refused { message: words },
        HandsError::NotStarted { words, .. } => SlurmError::CommandMissing { command, reason: words },
        HandsError::TimedOut { seconds, .. } => SlurmError::TimedOut { command, seconds },
        HandsError::TooMuch { most, .. } => {
            SlurmError::Unexpected { command, message: format!("more than {} MiB", most >> 20) }
        }
        error => SlurmError::Hands(error),
    }
}

/// Bytes as text without a copy where they are UTF-8, as they nearly always are.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
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

    async fn controllers(&self) -> Result<Vec<Controller>, SlurmError> {
        let call = Call { environment: owned(ASKING), most_output: MOST_PING, ..Call::new("scontrol", &["ping"]) };
        let said = self.run(&*self.hands, call).await?;
        // It fails when none answers, and says so all the same.
        match ping::controllers(&said.stdout) {
            Err(_) if !said.ok => Err(words::unavailable("scontrol", &said.stderr)),
            controllers => controllers.map_err(|error| unexpected("scontrol", &error)),
        }
    }

    async fn submit(&self, person: &dyn Hands, submission: &Submission) -> Result<u32, SlurmError> {
        self.submit_as(person, submission).await
    }

    async fn test(&self, person: &dyn Hands, submission: &Submission) -> Result<JobForecast, SlurmError> {
        self.test_as(person, submission).await
    }

    async fn act(&self, person: &dyn Hands, id: &JobId, action: &Action) -> Result<(), SlurmError> {
        self.act_as(person, id, action).await
    }

    async fn find(&self, mark: &str, since: UnixSeconds) -> Result<Option<u32>, SlurmError> {
        match self.find_known(mark).await? {
            Some(job) => Ok(Some(job)),
            None => self.find_accounted(mark, since).await,
        }
    }

    async fn record_text(&self, person: &dyn Hands, id: &JobId) -> Result<JobRecordText, SlurmError> {
        let (controller, accounting) =
            tokio::join!(self.controllers_record(person, id), self.accountings_record(person, id));
        let controller = controller?;
        // One of the two is better than nothing, and says why the other is missing.
        let accounting = match accounting {
            Err(error) if controller.is_some() => Some(format!("{error}\n")),
            accounting => accounting?,
        };
        Ok(JobRecordText { controller, accounting })
    }

    async fn measured(&self, person: &dyn Hands, id: &JobId, running: bool) -> Result<Measured, SlurmError> {
        self.measured_as(person, id, running).await
    }
}

#[cfg(test)]
mod tests;
