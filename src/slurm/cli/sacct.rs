//! sacct's table: jobs that the controller has forgotten.
//!
//! Every field ends in a [`Mark`], as in [`super::squeue`]: sacct(1), `--parsable` with `--delimiter`. The fields are
//! there in every release from 22.05 on; `StdOut` came later, so the output files are not known here.

use std::fmt::Write as _;
use std::path::PathBuf;

use slurmdash_api::jobs::{Job, JobMore, JobState, Source};

use crate::slurm::notation::{Malformed, tres};
use crate::slurm::{JobRecord, submission};

use super::marked::Mark;
use super::{squeue, time, words};

/// The fields, in this order.
pub const FIELDS: [&str; 26] = [
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
    "Comment",
    "Constraints",
    "Reservation",
    "Eligible",
];

/// Reads jobs in full.
pub fn parse(text: &str, mark: &Mark) -> Result<Vec<JobRecord>, Malformed> {
    mark.rows(text).map(|row| record(&row?)).collect()
}

/// The fields of [`found`].
pub const FIND_FIELDS: &str = "JobID,Comment";

/// The job whose comment holds a submission's mark, by the number that sbatch answered.
pub fn found(text: &str, mark: &Mark, of: &str) -> Result<Option<u32>, Malformed> {
    for row in mark.rows(text) {
        let [id, comment] = row?;
        if submission::holds(comment, of) {
            return squeue::submission_number(id).map(Some);
        }
    }
    Ok(None)
}

/// Makes of all fields, header first, blocks of `Field=value` lines, a block a job or step; empty fields are left out.
/// A value's line breaks are written `\\n`, so that none passes for another field.
pub fn all_fields(text: &str, mark: &Mark) -> Result<String, Malformed> {
    let (header, rest) = text.split_once(&format!("{}\n", mark.as_str())).unwrap_or((text, ""));
    let names: Vec<&str> = header.split(mark.as_str()).collect();
    let mut fields = rest.split(mark.as_str());
    let mut blocks: Vec<String> = Vec::new();
    loop {
        let row: Vec<&str> = fields.by_ref().take(names.len()).collect();
        if row.len() < names.len() {
            // After the last mark there is only the last line's end.
            return if row.concat().trim().is_empty() { Ok(blocks.join("\n")) } else { Err(cut_off(row.len())) };
        }
        let mut block = String::new();
        for (nth, (name, value)) in names.iter().zip(row).enumerate() {
            // A row begins after the line feed of the one before.
            let value = if nth == 0 { value.strip_prefix('\n').unwrap_or(value) } else { value };
            if !value.is_empty() {
                // Writing to a String can't fail.
                let _ = writeln!(block, "{name}={}", words::one_line(value));
            }
        }
        blocks.push(block);
    }
}

fn cut_off(fields: usize) -> Malformed {
    Malformed(format!("a row that ends after {fields} fields"))
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
        comment,
        constraint,
        reservation,
        eligible,
    ] = *fields;
    let job_id = raw_id.parse().map_err(|_| Malformed(format!("JobIDRaw {raw_id:?} is no number")))?;
    let array = id.split_once('_').map(|(array, _)| array.parse::<u32>());
    let array = array.transpose().map_err(|_| Malformed(format!("JobID {id:?} is no job id")))?;
    let (requested_text, allocated_text) = (requested, allocated);
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
        more: JobMore {
            comment: time::present(comment),
            constraint: time::present(constraint),
            reservation: time::present(reservation),
            eligible_time: time::instant(eligible),
            requested_tres: time::present(requested_text),
            allocated_tres: time::present(allocated_text),
            ..JobMore::default()
        },
        source: Source::Accounting,
    })
}
