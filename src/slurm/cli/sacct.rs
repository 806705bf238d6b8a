//! sacct's table: jobs that the controller has forgotten.
//!
//! Every field ends in a [`Mark`], as in [`super::squeue`]: sacct(1), `--parsable` with `--delimiter`. The fields are
//! there in every release from 22.05 on; `StdOut` came later, so the output files are not known here.

use std::path::PathBuf;

use slurmdash_api::jobs::{Job, JobState};

use crate::slurm::JobRecord;
use crate::slurm::notation::{Malformed, tres};

use super::squeue::Mark;
use super::time;

/// The fields, in this order.
pub const FIELDS: [&str; 22] = [
    "JobID",
    "JobIDRaw",
    "User",
    "Account",
    "Partition",
    "QOS",
    "State",
    "Reason",
    "ExitCode",
    "NNodes",
    "NCPUS",
    "ReqTRES",
    "AllocTRES",
    "NodeList",
    "Submit",
    "Start",
    "End",
    "TimelimitRaw",
    "ElapsedRaw",
    "Priority",
    "WorkDir",
    "JobName",
];

/// Reads jobs in full.
pub fn parse(text: &str, mark: &Mark) -> Result<Vec<JobRecord>, Malformed> {
    let mut rest = text;
    let mut records = Vec::new();
    while !rest.trim_end_matches('\n').is_empty() {
        let mut fields = [""; FIELDS.len()];
        for (nth, slot) in fields.iter_mut().enumerate() {
            let Some((field, after)) = rest.split_once(mark.as_str()) else {
                return Err(Malformed(format!("a row with {nth} of {} fields", FIELDS.len())));
            };
            (*slot, rest) = (field, after);
        }
        rest = rest.strip_prefix('\n').unwrap_or(rest);
        records.push(record(&fields)?);
    }
    Ok(records)
}

fn record(fields: &[&str; FIELDS.len()]) -> Result<JobRecord, Malformed> {
    let [
        id,
        raw_id,
        user,
        account,
        partition,
        qos,
        state,
        reason,
        exit_code,
        nodes,
        cpus,
        requested,
        allocated,
        node_list,
        submit,
        start,
        end,
        limit,
        elapsed,
        priority,
        work_dir,
        name,
    ] = *fields;
    let job_id = raw_id.parse().map_err(|_| Malformed(format!("JobIDRaw {raw_id:?} is no number")))?;
    let array = id.split_once('_').map(|(array, _)| array.parse::<u32>());
    let array = array.transpose().map_err(|_| Malformed(format!("JobID {id:?} is no job id")))?;
    let (requested, allocated) = (tres::parse(requested), tres::parse(allocated));
    let state = JobState::parse(state);
    let ended = time::exit_code(exit_code).filter(|_| state.is_final());
    let job = Job {
        id: id.to_owned(),
        job_id,
        array_job_id: array,
        name: name.to_owned(),
        user: user.to_owned(),
        owner: None,
        account: time::present(account),
        partition: partition.to_owned(),
        qos: time::present(qos),
        state,
        reason: time::present(reason),
        // A job that never started has none yet; what it asked for counts.
        nodes: [time::count(nodes), requested.nodes].into_iter().flatten().find(|n| *n > 0).unwrap_or(0),
        tasks: None,
        cpus: [time::count(cpus), requested.cpus].into_iter().flatten().find(|n| *n > 0).unwrap_or(0),
        memory: allocated.memory.or(requested.memory),
        gpus: allocated.gpus.max(requested.gpus),
        node_list: time::present(node_list).filter(|list| list != "None assigned"),
        submit_time: time::instant(submit),
        start_time: time::instant(start),
        end_time: time::instant(end),
        // Minutes.
        time_limit: limit.parse::<u64>().ok().and_then(|minutes| minutes.checked_mul(60)),
        elapsed: elapsed.parse().unwrap_or(0),
        priority: priority.parse().ok(),
        template: None,
    };
    Ok(JobRecord {
        job,
        exit_code: ended.map(|(code, _)| code),
        signal: ended.and_then(|(_, signal)| signal),
        work_dir: time::present(work_dir).map(PathBuf::from),
        stdout: None,
        stderr: None,
    })
}
