//! sbatch's arguments and environment, and what it says with `--test-only`.

use std::ffi::OsString;

use slurmdash_api::jobs::JobForecast;

use crate::slurm::Submission;
use crate::slurm::notation::Malformed;

use super::time;

/// sbatch's arguments. Each value is joined to its option, so none can pass for an option itself.
pub fn arguments(submission: &Submission) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--parsable".into()];
    let mut add = |option: &str, value: OsString| {
        let mut argument = OsString::from(option);
        argument.push("=");
        argument.push(value);
        args.push(argument);
    };
    let settings = &submission.settings;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let size = |size: Option<u64>| size.map(|size| format!("{size}M"));
    for (option, value) in [
        ("--job-name", Some(settings.name.clone())),
        ("--partition", settings.partition.clone()),
        ("--account", settings.account.clone()),
        ("--qos", settings.qos.clone()),
        ("--nodes", number(settings.nodes)),
        ("--ntasks", number(settings.tasks)),
        ("--ntasks-per-node", number(settings.tasks_per_node)),
        ("--cpus-per-task", number(settings.cpus_per_task)),
        ("--mem", size(settings.memory)),
        ("--mem-per-cpu", size(settings.memory_per_cpu)),
        ("--gres", settings.gpus.map(|gpus| if gpus == 0 { "none".to_owned() } else { format!("gpu:{gpus}") })),
        ("--time", settings.time.clone()),
        ("--array", settings.array.clone()),
        ("--constraint", settings.constraint.clone()),
        ("--dependency", settings.dependency.clone()),
        ("--begin", settings.begin.clone()),
        ("--reservation", settings.reservation.clone()),
        ("--mail-type", settings.mail_type.clone()),
        ("--mail-user", settings.mail_user.clone()),
        ("--comment", Some(submission.comment())),
        // Else a script's own --export=NONE would keep the variables back.
        ("--export", (!settings.environment.is_empty()).then(|| "ALL".to_owned())),
    ] {
        if let Some(value) = value {
            add(option, value.into());
        }
    }
    add("--chdir", submission.work_dir.clone().into());
    add("--output", submission.stdout.clone().into());
    if let Some(stderr) = &submission.stderr {
        add("--error", stderr.clone().into());
    }
    args
}

/// What sbatch finds in its environment, and the job in its own, besides the person's `PATH`, `HOME` and the like.
pub fn environment(submission: &Submission) -> Vec<(String, String)> {
    submission.settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Reads what `--test-only` says, such as
/// `sbatch: Job 12 to start at 1795590605 using 4 processors on nodes n[1-2] in partition p`, with Unix seconds for
/// `SLURM_TIME_FORMAT=%s`. Both 22.05 and 24.11 write it so; older ones leave `nodes` out.
pub fn forecast(stderr: &str) -> Result<JobForecast, Malformed> {
    let said = stderr.lines().find_map(|line| line.split_once(" to start at ")).map(|(_, said)| said);
    let said = said.ok_or_else(|| Malformed(format!("no time to start in {:?}", beginning(stderr))))?;
    let after = |word: &str| said.split_once(word).map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
    let nodes = after(" on nodes ").or_else(|| after(" on "));
    Ok(JobForecast {
        accepted: true,
        refusal: None,
        start_time: said.split(' ').next().and_then(time::instant),
        cpus: after(" using ").and_then(time::count),
        node_list: nodes.and_then(time::present),
        partition: after(" in partition ").and_then(time::present),
    })
}

fn beginning(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_forecast_says_when_and_where() {
        let said = "sbatch: Job 12 to start at 1795590605 using 4 processors on nodes n[1-2,4] in partition p q\n";
        let forecast = forecast(said).unwrap();
        assert_eq!((forecast.accepted, forecast.start_time, forecast.cpus), (true, Some(1_795_590_605), Some(4)));
        assert_eq!((forecast.node_list.as_deref(), forecast.partition.as_deref()), (Some("n[1-2,4]"), Some("p")));
        let old = super::forecast("sbatch: Job 12 to start at 2026-11-25T06:43:39 using 1 processors on n1\n").unwrap();
        assert_eq!((old.start_time, old.node_list.as_deref(), old.partition), (None, Some("n1"), None));
        assert!(super::forecast("sbatch: error: no").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "( to start at | using | on nodes | on | in partition |\\PC){0,8}") {
            let _ = forecast(&text);
        }
    }
}
