//! What is done as the person: submit, test, act. The person's own hands run the commands.

use slurmdash_api::jobs::JobForecast;

use crate::hands::Hands;
use crate::slurm::notation::{Malformed, duration};
use crate::slurm::{Action, JobId, SlurmError, Submission};

use super::{ASKING, Call, Cli, owned, sbatch, unexpected, words};

impl Cli {
    pub(super) async fn submit_as(&self, person: &dyn Hands, submission: &Submission) -> Result<u32, SlurmError> {
        let call = Call {
            input: &submission.script,
            environment: sbatch::environment(submission),
            ..Call::new("sbatch", &sbatch::arguments(submission))
        };
        let said = self.run(person, call).await?;
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

    pub(super) async fn test_as(&self, person: &dyn Hands, submission: &Submission) -> Result<JobForecast, SlurmError> {
        let mut args = sbatch::arguments(submission);
        args.push("--test-only".into());
        // There is no job that would get this environment.
        let environment = sbatch::environment(submission).into_iter().chain(owned(ASKING)).collect();
        let call = Call { input: &submission.script, environment, ..Call::new("sbatch", &args) };
        let said = self.run(person, call).await?;
        if said.ok {
            return sbatch::forecast(&said.stderr).map_err(|error| unexpected("sbatch", &error));
        }
        match words::refusal("sbatch", &said.stderr) {
            SlurmError::Refused { message } => Ok(JobForecast {
                accepted: false,
                refusal: Some(message),
                start_time: None,
                cpus: None,
                node_list: None,
                partition: None,
            }),
            error => Err(error),
        }
    }

    pub(super) async fn act_as(&self, person: &dyn Hands, id: &JobId, action: &Action) -> Result<(), SlurmError> {
        let id_text = id.to_string();
        let job = format!("JobId={id_text}");
        let value = match action {
            Action::TimeLimit(seconds) => format!("TimeLimit={}", duration::format(*seconds)),
            Action::Nice(nice) => format!("Nice={nice}"),
            _ => String::new(),
        };
        let (command, args): (&str, &[&str]) = match action {
            // Only in verbose mode it says that a job is unknown or already finished.
            Action::Cancel => ("scancel", &["--verbose", &id_text]),
            Action::Hold => ("scontrol", &["hold", &id_text]),
            Action::Release => ("scontrol", &["release", &id_text]),
            Action::Requeue => ("scontrol", &["requeue", &id_text]),
            Action::Suspend => ("scontrol", &["suspend", &id_text]),
            Action::Resume => ("scontrol", &["resume", &id_text]),
            Action::TimeLimit(_) | Action::Nice(_) => ("scontrol", &["update", &job, &value]),
        };
        let said = self.run(person, Call { environment: owned(ASKING), ..Call::new(command, args) }).await?;
        words::of_action(command, id, said.ok, &said.stderr)
    }
}
