//! A job's whole record in scontrol's manner, and what it has used.

use std::fmt::Write as _;

use slurmdash_api::jobs::{JobState, Step, Usage};

use crate::slurm::notation::duration;
use crate::slurm::{JobRecord, Measured};

use super::hardware::NODES;
use super::queue::{Phase, Record};

/// As `scontrol show job` writes it. Values stay on their line.
pub fn text(record: &Record, shown: &JobRecord) -> String {
    let job = &shown.job;
    let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let or_null = |text: &Option<String>| text.as_deref().map_or_else(|| "(null)".to_owned(), plain);
    let time = |at: Option<i64>| at.map_or_else(|| "Unknown".to_owned(), stamp);
    let path =
        |path: &Option<std::path::PathBuf>| plain(&path.as_ref().map_or_else(String::new, |p| p.display().to_string()));
    let limit = duration::format(job.time_limit.unwrap_or(0));
    let array = match (job.array_job_id, job.id.split_once('_')) {
        (Some(array), Some((_, task))) => format!(" ArrayJobId={array} ArrayTaskId={task}"),
        _ => String::new(),
    };
    let mut lines = String::new();
    for line in [
        format!("JobId={}{array} JobName={}", job.job_id, plain(&job.name)),
        format!("   UserId={} Account={} QOS={}", plain(&job.user), or_null(&job.account), or_null(&job.qos)),
        format!("   Priority={} Nice={}", job.priority.unwrap_or(0), record.orders.nice),
        format!(
            "   JobState={} Reason={} Dependency={}",
            job.state.as_str(),
            job.reason.as_deref().unwrap_or("None"),
            or_null(&shown.more.dependency)
        ),
        format!("   Requeue=1 Restarts={}", record.orders.restarts),
        format!("   ExitCode={}:{}", shown.exit_code.unwrap_or(0), shown.signal.unwrap_or(0)),
        format!("   RunTime={} TimeLimit={limit}", duration::format(job.elapsed)),
        format!("   SubmitTime={} EligibleTime={}", time(job.submit_time), time(shown.more.eligible_time)),
        format!("   StartTime={} EndTime={}", time(job.start_time), time(job.end_time)),
        format!("   Partition={}", job.partition),
        format!("   NodeList={}", job.node_list.as_deref().unwrap_or_default()),
        format!("   NumNodes={} NumCPUs={} NumTasks={}", job.nodes, job.cpus, job.tasks.unwrap_or(0)),
        format!("   TRES=cpu={},mem={}M,node={}", job.cpus, job.memory.unwrap_or(0), job.nodes),
        format!("   Features={}", or_null(&shown.more.constraint)),
        format!("   WorkDir={}", path(&shown.work_dir)),
        format!("   Comment={}", or_null(&shown.more.comment)),
        format!("   StdErr={}", path(&shown.stderr)),
        format!("   StdOut={}", path(&shown.stdout)),
    ] {
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{line}");
    }
    lines
}

fn stamp(at: i64) -> String {
    let at = jiff::Timestamp::from_second(at).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// What a job has used. It is one step: tasks that srun starts are processes of the script here.
pub fn measured(record: &Record, shown: &JobRecord) -> Measured {
    let job = &shown.job;
    let (cpu, peak, shares) = match &record.phase {
        Phase::Waiting { .. } => return Measured::default(),
        Phase::Running(running) => (running.cpu, running.peak, running.shares.as_slice()),
        Phase::Over(over) if over.started.is_none() => return Measured::default(),
        Phase::Over(over) => (over.cpu, over.peak, over.shares.as_slice()),
    };
    let node = shares.first().map(|share| NODES[share.node].name);
    // Too short to be looked at even once.
    let memory_peak = (peak > 0).then(|| peak.div_ceil(1024));
    let step = Step {
        id: "batch".to_owned(),
        name: "batch".to_owned(),
        state: Some(if job.state == JobState::Completing { JobState::Running } else { job.state }),
        exit_code: shown.exit_code,
        signal: shown.signal,
        tasks: Some(1),
        node_list: node.map(str::to_owned),
        start_time: job.start_time,
        end_time: job.end_time.filter(|_| job.state.is_final()),
        elapsed: job.elapsed,
        cpu_seconds: Some(cpu),
        memory_peak,
        memory_peak_node: node.filter(|_| memory_peak.is_some()).map(str::to_owned),
    };
    let seconds = u32::try_from(job.elapsed).unwrap_or(u32::MAX);
    let usage = Usage {
        cpu_seconds: Some(cpu),
        cpu_seconds_available: Some(f64::from(job.cpus) * f64::from(seconds)),
        memory_peak,
        memory_peak_at: memory_peak.and(node).map(|node| format!("{node}, batch")),
        memory_available: shares.first().map(|share| share.memory),
        elapsed: job.elapsed,
        time_limit: job.time_limit,
        ..Usage::default()
    };
    Measured { steps: vec![step], usage }
}
