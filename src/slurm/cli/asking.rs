//! What is asked about one job for one person: everything Slurm says of it, and what it has used; and which job a
//! submission became.

use slurmdash_api::UnixSeconds;

use crate::hands::Hands;
use crate::slurm::{JobId, Measured, SlurmError};

use super::{ASKING, Call, Cli, Said, mark, owned, sacct, squeue, steps, unexpected, words};

/// Most that is shown of one job's record, bytes.
const MOST_RECORD: u64 = 1 << 20;

/// Most that is read of one job's steps, bytes: some 10,000 steps.
const MOST_STEPS: u64 = 8 << 20;

/// Slurm reads fewer digits after `uts` as no time at all.
const EARLIEST: UnixSeconds = 1_000_000_000;

/// For what people read: untranslated, times as Slurm writes them.
const READING: &[(&str, &str)] = &[("LC_ALL", "C")];

/// What is said instead of a record that is too long: an array's with very many tasks.
const TOO_LONG: &str = "This is too long to be shown; look at one task of the array.\n";

impl Cli {
    pub(super) async fn controllers_record(
        &self,
        person: &dyn Hands,
        id: &JobId,
    ) -> Result<Option<String>, SlurmError> {
        let args = ["show", "job", "--details", "--details", &id.to_string()];
        let call = Call { environment: owned(READING), most_output: MOST_RECORD, ..Call::new("scontrol", &args) };
        let said = match self.run(person, call).await {
            Err(SlurmError::Unexpected { .. }) => return Ok(Some(TOO_LONG.to_owned())),
            said => said?,
        };
        if said.ok {
            return Ok(Some(words::readable(&said.stdout)).filter(|text| !text.trim().is_empty()));
        }
        let unknown = words::no_such_job(&said.stderr) || words::no_such_job(&said.stdout);
        if unknown { Ok(None) } else { Err(words::unavailable("scontrol", &said.stderr)) }
    }

    pub(super) async fn accountings_record(
        &self,
        person: &dyn Hands,
        id: &JobId,
    ) -> Result<Option<String>, SlurmError> {
        let mark = mark()?;
        let delimiter = format!("--delimiter={}", mark.as_str());
        let args = ["--allusers", "--parsable", &delimiter, "--format=ALL", &format!("--jobs={id}")];
        let call = Call { environment: owned(READING), most_output: MOST_RECORD, ..Call::new("sacct", &args) };
        let said = match self.run(person, call).await {
            Err(SlurmError::Unexpected { .. }) => return Ok(Some(TOO_LONG.to_owned())),
            said => said,
        };
        let Some(text) = accounts(said)? else { return Ok(None) };
        let text = sacct::all_fields(&text, &mark).map_err(|error| unexpected("sacct", &error))?;
        Ok(Some(words::readable(&text)).filter(|text| !text.trim().is_empty()))
    }

    pub(super) async fn measured_as(
        &self,
        person: &dyn Hands,
        id: &JobId,
        running: bool,
    ) -> Result<Measured, SlurmError> {
        let (known, accounted) = tokio::join!(self.known(id), self.accounted_steps(person, id));
        let known = known?;
        let mut measured = match accounted {
            // What is told of a finished job may be kept; what runs is asked about again.
            Err(SlurmError::Unavailable { .. } | SlurmError::TimedOut { .. }) if running => Measured::default(),
            accounted => accounted?,
        };
        if let Some(record) = known {
            if running {
                let live = self.live_steps(person, record.job.job_id).await?;
                steps::overlay(&mut measured, live);
            }
            steps::complete(&mut measured, &record.job);
        }
        Ok(measured)
    }

    async fn accounted_steps(&self, person: &dyn Hands, id: &JobId) -> Result<Measured, SlurmError> {
        let mark = mark()?;
        let delimiter = format!("--delimiter={}", mark.as_str());
        let format = format!("--format={}", steps::FIELDS.join(","));
        let args = ["--noheader", "--allusers", "--parsable", &delimiter, &format, &format!("--jobs={id}")];
        let call = Call { environment: owned(ASKING), most_output: MOST_STEPS, ..Call::new("sacct", &args) };
        let Some(text) = accounts(self.run(person, call).await)? else { return Ok(Measured::default()) };
        steps::parse(&text, &mark, id).map_err(|error| unexpected("sacct", &error))
    }

    /// The steps that run now. Slurm tells the owner only, and only where it gathers figures: nothing is no failure.
    async fn live_steps(&self, person: &dyn Hands, job: u32) -> Result<Measured, SlurmError> {
        let format = format!("--format={}", steps::LIVE_FIELDS.join(","));
        let args = ["--noheader", "--allsteps", "--parsable", &format, &format!("--jobs={job}")];
        let call = Call { environment: owned(ASKING), most_output: MOST_STEPS, ..Call::new("sstat", &args) };
        match self.run(person, call).await {
            Err(SlurmError::CommandMissing { .. }) => Ok(Measured::default()),
            Ok(said) if !said.ok => Ok(Measured::default()),
            said => steps::parse_live(&said?.stdout, job).map_err(|error| unexpected("sstat", &error)),
        }
    }

    pub(super) async fn find_known(&self, of: &str) -> Result<Option<u32>, SlurmError> {
        let mark = mark()?;
        let format = format!("--Format={}", squeue::find_format(&mark));
        let said = self.ask("squeue", &["--noheader", "--all", "--states=all", &format]).await?;
        if !said.ok {
            return Err(words::unavailable("squeue", &said.stderr));
        }
        squeue::found(&said.stdout, &mark, of).map_err(|error| unexpected("squeue", &error))
    }

    pub(super) async fn find_accounted(&self, of: &str, since: UnixSeconds) -> Result<Option<u32>, SlurmError> {
        let mark = mark()?;
        let delimiter = format!("--delimiter={}", mark.as_str());
        let format = format!("--format={}", sacct::FIND_FIELDS);
        let since = format!("--starttime=uts{}", since.max(EARLIEST));
        let args = ["--noheader", "--allocations", "--allusers", "--parsable", &delimiter, &format, &since];
        let Some(text) = accounts(self.ask("sacct", &args).await)? else { return Ok(None) };
        sacct::found(&text, &mark, of).map_err(|error| unexpected("sacct", &error))
    }
}

/// What sacct printed; `None` where there is no accounting.
pub(super) fn accounts(said: Result<Said, SlurmError>) -> Result<Option<String>, SlurmError> {
    let said = match said {
        Err(SlurmError::CommandMissing { .. }) => return Ok(None),
        said => said?,
    };
    if said.ok {
        return Ok(Some(said.stdout));
    }
    let none = said.stderr.contains("accounting storage is disabled");
    if none { Ok(None) } else { Err(words::unavailable("sacct", &said.stderr)) }
}
