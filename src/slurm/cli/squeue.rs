//! squeue's table of jobs.
//!
//! Asked for with `--Format`, whose fields may end in any text (squeue(1), `--Format=type[:[.][size][suffix]]`; without
//! a size nothing is cut off). What Slurm itself writes ends in the unit separator, 0x1f. What a person chose (account,
//! folder, files, name) may hold anything, line breaks and separators included, so it ends in a [`Mark`] that nobody
//! could know before the call: no job name can pass for another field or another job.

use std::path::PathBuf;

use slurmdash_api::jobs::{Job, JobMore, JobState, Source};

use crate::slurm::JobRecord;
use crate::slurm::notation::pattern::{self, Names};
use crate::slurm::notation::{Malformed, hostlist, tres};
use crate::slurm::submission;

use super::marked::{Mark, UNIT};
use super::time;

/// What Slurm writes, in this order.
const PLAIN: [&str; 20] = [
    "JobArrayID",
    "JobID",
    "ArrayJobID",
    "UserName",
    "Partition",
    "State",
    "Reason",
    "NumNodes",
    "NumTasks",
    "NumCPUs",
    "tres-alloc",
    "tres-per-node",
    "tres-per-job",
    "NodeList",
    "SubmitTime",
    "StartTime",
    "EndTime",
    "TimeLimit",
    "TimeUsed",
    "PriorityLong",
];

/// Where among them `tres-alloc` is: what it has, or asks for while it waits.
const TRES_ALLOC: usize = 10;

/// What people choose, in a list.
const CHOSEN: [&str; 3] = ["Account", "QOS", "Name"];

/// What one job is asked for besides.
const DETAIL: [&str; 4] = ["exit_code", "WorkDir", "STDOUT", "STDERR"];

/// What else there is to say of one job. squeue has no fields for excluded nodes and for memory by CPU.
const MORE: [&str; 11] = [
    "Comment",
    "Dependency",
    "Feature",
    "Reservation",
    "Licenses",
    "EligibleTime",
    "Nice",
    "RestartCnt",
    "ReqNodes",
    "SchedNodes",
    "Command",
];

/// The value of `--Format` for a list of jobs, or for one job in full.
pub fn format(mark: &Mark, full: bool) -> String {
    let plain = PLAIN.iter().map(|field| format!("{field}:{UNIT}"));
    let (detail, more): (&[&str], &[&str]) = if full { (&DETAIL, &MORE) } else { (&[], &[]) };
    let chosen = CHOSEN.iter().chain(detail).chain(more).map(|field| format!("{field}:{}", mark.as_str()));
    plain.chain(chosen).collect::<Vec<String>>().join(",")
}

/// Reads a list of jobs.
pub fn parse(text: &str, mark: &Mark) -> Result<Vec<Job>, Malformed> {
    rows(text, mark, CHOSEN.len()).map(|row| job(&row?)).collect()
}

/// Reads jobs in full.
pub fn parse_full(text: &str, mark: &Mark) -> Result<Vec<JobRecord>, Malformed> {
    rows(text, mark, CHOSEN.len() + DETAIL.len() + MORE.len()).map(|row| record(&row?)).collect()
}

/// The value of `--Format` for [`found`].
pub fn find_format(mark: &Mark) -> String {
    format!("JobArrayID:{UNIT},Comment:{}", mark.as_str())
}

/// The job whose comment holds a submission's mark, by the number that sbatch answered.
pub fn found(text: &str, mark: &Mark, of: &str) -> Result<Option<u32>, Malformed> {
    for row in mark.rows::<1>(text) {
        let [row] = row?;
        let (id, comment) = row.split_once(UNIT).ok_or_else(|| Malformed("a row without its comment".to_owned()))?;
        if submission::holds(comment, of) {
            return submission_number(id).map(Some);
        }
    }
    Ok(None)
}

/// Of `123`, `123_4` or `123_[5-9]` the number of the whole.
pub fn submission_number(id: &str) -> Result<u32, Malformed> {
    let number = id.split('_').next().unwrap_or(id);
    number.parse().map_err(|_| Malformed(format!("{id:?} is no job id")))
}

/// One job's fields.
struct Row<'a> {
    plain: [&'a str; PLAIN.len()],
    chosen: Vec<&'a str>,
}

fn rows<'a>(text: &'a str, mark: &'a Mark, chosen: usize) -> impl Iterator<Item = Result<Row<'a>, Malformed>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        (!rest.trim_end_matches('\n').is_empty()).then(|| {
            let mut fields = Vec::with_capacity(chosen);
            for nth in 0..chosen {
                let Some((field, after)) = rest.split_once(mark.as_str()) else {
                    let begin: String = std::mem::take(&mut rest).chars().take(80).collect();
                    return Err(Malformed(format!("a row with {nth} of {chosen} marked fields: {begin:?}")));
                };
                fields.push(field);
                rest = after;
            }
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            let mut plain = fields[0].splitn(PLAIN.len() + 1, UNIT).collect::<Vec<&str>>();
            let first = plain.pop().unwrap_or_default();
            let plain = plain.try_into().map_err(|got: Vec<&str>| {
                let begin: String = fields[0].chars().take(80).collect();
                Malformed(format!("a row with {} of {} fields: {begin:?}", got.len(), PLAIN.len()))
            });
            fields[0] = first;
            plain.map(|plain| Row { plain, chosen: fields })
        })
    })
}

fn job(row: &Row<'_>) -> Result<Job, Malformed> {
    let [
        id,
        job_id,
        array_job_id,
        user,
        partition,
        state,
        reason,
        nodes,
        tasks,
        cpus,
        tres_alloc,
        tres_per_node,
        tres_per_job,
        node_list,
        submit,
        start,
        end,
        limit,
        elapsed,
        priority,
    ] = row.plain;
    let number = |name: &str, text: &str| {
        text.parse::<u32>().map_err(|_| Malformed(format!("{name} {text:?} of job {id:?} is no number")))
    };
    let resources = tres::parse(tres_alloc);
    let nodes = time::count(nodes).unwrap_or(0);
    // Without `AccountingStorageTRES=gres/gpu` the allocation doesn't mention GPUs; the request does.
    let gpus = match (resources.gpus, tres::gpus(tres_per_node)) {
        (0, 0) => tres::gpus(tres_per_job),
        (0, each) => each.saturating_mul(nodes),
        (all, _) => all,
    };
    Ok(Job {
        id: id.to_owned(),
        job_id: number("JobID", job_id)?,
        array_job_id: if id.contains('_') { Some(number("ArrayJobID", array_job_id)?) } else { None },
        name: row.chosen[2].to_owned(),
        user: user.to_owned(),
        owner: None,
        account: time::present(row.chosen[0]),
        partition: partition.to_owned(),
        qos: time::present(row.chosen[1]),
        state: JobState::parse(state),
        reason: time::present(code_of(reason)),
        nodes,
        tasks: time::count(tasks),
        cpus: time::count(cpus).unwrap_or(0),
        memory: resources.memory,
        gpus,
        node_list: time::present(node_list),
        submit_time: time::instant(submit),
        start_time: time::instant(start),
        end_time: time::instant(end),
        time_limit: time::limit(limit),
        elapsed: time::elapsed(elapsed),
        priority: priority.parse().ok(),
        template: None,
    })
}

/// The reason's code: 24.11 writes `RaisedSignal:9(Killed)`.
fn code_of(reason: &str) -> &str {
    if reason.starts_with("RaisedSignal:") { "RaisedSignal" } else { reason }
}

fn record(row: &Row<'_>) -> Result<JobRecord, Malformed> {
    let job = job(row)?;
    let [_, _, _, exit_code, work_dir, stdout, stderr, more @ ..] = row.chosen.as_slice() else {
        return Err(Malformed("a row without its files".to_owned()));
    };
    let ended = time::exit_code(exit_code).filter(|_| job.state.is_final());
    let work_dir = time::present(work_dir).map(PathBuf::from);
    let stdout = file(&job, work_dir.as_ref(), stdout);
    let stderr = file(&job, work_dir.as_ref(), stderr).or_else(|| stdout.clone());
    let more = more_of(&job, row.plain[TRES_ALLOC], more)?;
    Ok(JobRecord {
        more,
        source: Source::Controller,
        exit_code: ended.map(|(code, _)| code),
        signal: ended.and_then(|(_, s)| s),
        work_dir,
        stdout,
        stderr,
        job,
    })
}

fn more_of(job: &Job, tres: &str, fields: &[&str]) -> Result<JobMore, Malformed> {
    let fields: [&str; MORE.len()] = fields.try_into().map_err(|_| Malformed("a row without its end".to_owned()))?;
    let [comment, dependency, feature, reservation, licenses, eligible, nice, restarts, requested, scheduled, command] =
        fields;
    let eligible_time = time::instant(eligible);
    let waits = job.state == JobState::Pending;
    let (allocated, asked) = if waits { ("", tres) } else { (tres, "") };
    Ok(JobMore {
        dependency: time::present(dependency),
        constraint: time::present(feature),
        reservation: time::present(reservation),
        licenses: time::present(licenses),
        comment: time::present(comment),
        begin: eligible_time.filter(|_| waits && job.reason.as_deref() == Some("BeginTime")),
        eligible_time,
        nice: nice.parse().ok(),
        restarts: restarts.parse().ok(),
        requested_nodes: time::present(requested),
        scheduled_nodes: time::present(scheduled),
        command: time::present(command),
        allocated_tres: time::present(allocated),
        requested_tres: time::present(asked),
        ..JobMore::default()
    })
}

/// An output file's path: squeue leaves `%j` and the like in it, and relative to the working directory.
fn file(job: &Job, work_dir: Option<&PathBuf>, pattern: &str) -> Option<PathBuf> {
    let pattern = time::present(pattern)?;
    let nodes = job.node_list.as_deref().and_then(|list| hostlist::expand(list).ok()).unwrap_or_default();
    let names = Names {
        job_id: job.job_id,
        array_job_id: job.array_job_id.unwrap_or(job.job_id),
        task: job.id.split_once('_').and_then(|(_, task)| task.parse().ok()),
        name: &job.name,
        user: &job.user,
        node: nodes.first().map_or("", String::as_str),
    };
    let path = pattern::expand(&pattern, &names);
    Some(work_dir.map_or_else(|| PathBuf::from(&path), |dir| dir.join(&path)))
}
