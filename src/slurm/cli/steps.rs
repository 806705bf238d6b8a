//! What a job and its steps have used: sacct's table after the end, sstat's while it runs.
//!
//! Fields are those that 22.05 and 24.11 both have. sacct(1), "Job Accounting Fields"; sstat(1), "Job Status Fields".
//! Figures are gathered every `JobAcctGatherFrequency` seconds, so very short steps have none.

use slurmdash_api::jobs::{Job, JobState, Step, Usage};

use crate::slurm::notation::{Malformed, memory, tres};
use crate::slurm::{JobId, Measured};

use super::marked::Mark;
use super::time;

/// sacct's fields, in this order.
pub const FIELDS: [&str; 19] = [
    "JobID",
    "JobIDRaw",
    "JobName",
    "State",
    "ExitCode",
    "NTasks",
    "NNodes",
    "NodeList",
    "Start",
    "End",
    "ElapsedRaw",
    "TimelimitRaw",
    "TotalCPU",
    "AllocCPUS",
    "AllocTRES",
    "MaxRSS",
    "MaxRSSNode",
    "TRESUsageInMax",
    "TRESUsageInAve",
];

/// sstat's fields, in this order; none of them is anybody's to choose.
pub const LIVE_FIELDS: [&str; 8] =
    ["JobID", "NTasks", "Nodelist", "AveCPU", "MaxRSS", "MaxRSSNode", "TRESUsageInTot", "TRESUsageInMax"];

/// Reads sacct's rows of one job: its own row, then its steps.
pub fn parse(text: &str, mark: &Mark, id: &JobId) -> Result<Measured, Malformed> {
    let id = id.to_string();
    let mut measured = Measured::default();
    // Memory that the step with the peak was given on a node.
    let (mut job_memory, mut step_memory) = (None, None);
    for row in mark.rows(text) {
        let row: Row<'_> = row?;
        let [shown, raw, ..] = row;
        let step = [shown, raw].into_iter().find_map(|name| {
            let rest = name.strip_prefix(id.as_str())?;
            rest.strip_prefix('.').or_else(|| rest.is_empty().then_some(""))
        });
        match step {
            // Another task of the array.
            None => {}
            Some("") => {
                let (usage, memory) = whole(&row);
                (measured.usage, job_memory) = (usage, memory);
            }
            Some(name) => {
                let (step, gpus, memory) = one_step(name, &row);
                if let Some(peak) = step.memory_peak.filter(|peak| *peak > measured.usage.memory_peak.unwrap_or(0)) {
                    peak_is(&mut measured.usage, peak, &step);
                    step_memory = memory;
                }
                add_gpus(&mut measured.usage, &gpus);
                measured.steps.push(step);
            }
        }
    }
    measured.usage.memory_available = step_memory.or(job_memory);
    Ok(measured)
}

type Row<'a> = [&'a str; FIELDS.len()];

fn whole(row: &Row<'_>) -> (Usage, Option<u64>) {
    let [_, _, _, state, _, _, nodes, _, _, _, elapsed, limit, total_cpu, cpus, allocated, ..] = *row;
    let elapsed: u64 = elapsed.parse().unwrap_or(0);
    let usage = Usage {
        cpu_seconds: cpu_in_the_end(JobState::parse(state), total_cpu),
        cpu_seconds_available: available(time::count(cpus), elapsed),
        elapsed,
        // Minutes.
        time_limit: limit.parse::<u64>().ok().and_then(|minutes| minutes.checked_mul(60)),
        ..Usage::default()
    };
    (usage, memory_on_a_node(allocated, time::count(nodes)))
}

fn one_step(name: &str, row: &Row<'_>) -> (Step, Gpus, Option<u64>) {
    let [
        _,
        _,
        job_name,
        state,
        exit_code,
        tasks,
        nodes,
        node_list,
        start,
        end,
        elapsed,
        _,
        total_cpu,
        _,
        allocated,
        rss,
        rss_node,
        most,
        mean,
    ] = *row;
    let state = JobState::parse(state);
    let ended = time::exit_code(exit_code).filter(|_| state.is_final());
    let step = Step {
        id: name.to_owned(),
        name: job_name.to_owned(),
        state: Some(state),
        exit_code: ended.map(|(code, _)| code),
        signal: ended.and_then(|(_, signal)| signal),
        tasks: time::count(tasks),
        node_list: time::present(node_list),
        start_time: time::instant(start),
        end_time: time::instant(end),
        elapsed: elapsed.parse().unwrap_or(0),
        cpu_seconds: cpu_in_the_end(state, total_cpu),
        memory_peak: resident(rss),
        memory_peak_node: time::present(rss_node),
    };
    (step, Gpus::of(mean, most), memory_on_a_node(allocated, time::count(nodes)))
}

/// Reads sstat's rows: the steps of a job that run now. Asked for an array's number it tells of all its tasks.
pub fn parse_live(text: &str, job: u32) -> Result<Measured, Malformed> {
    let job = job.to_string();
    let mut measured = Measured::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('|').collect();
        let [id, tasks, node_list, mean_cpu, rss, rss_node, total, most] =
            *fields.get(..LIVE_FIELDS.len()).unwrap_or(&[])
        else {
            return Err(Malformed(format!("a row with {} of {} fields", fields.len(), LIVE_FIELDS.len())));
        };
        let Some((_, name)) = id.split_once('.').filter(|(of, _)| *of == job) else { continue };
        let tasks = time::count(tasks);
        let mean = cpu_seconds(mean_cpu).zip(tasks).map(|(each, tasks)| each * f64::from(tasks));
        let step = Step {
            id: name.to_owned(),
            name: name.to_owned(),
            state: Some(JobState::Running),
            tasks,
            node_list: time::present(node_list),
            cpu_seconds: usage_of(total, "cpu").and_then(cpu_seconds).or(mean),
            memory_peak: resident(rss),
            memory_peak_node: time::present(rss_node),
            ..Step::default()
        };
        if let Some(peak) = step.memory_peak.filter(|peak| *peak > measured.usage.memory_peak.unwrap_or(0)) {
            peak_is(&mut measured.usage, peak, &step);
        }
        add_gpus(&mut measured.usage, &Gpus::of("", most));
        measured.steps.push(step);
    }
    let used: Vec<f64> = measured.steps.iter().filter_map(|step| step.cpu_seconds).collect();
    measured.usage.cpu_seconds = (!used.is_empty()).then(|| used.iter().sum());
    Ok(measured)
}

/// Puts what runs now over what accounting knows: there, running steps are without figures.
pub fn overlay(measured: &mut Measured, live: Measured) {
    for now in live.steps {
        let Some(known) = measured.steps.iter_mut().find(|step| step.id == now.id) else {
            measured.steps.push(now);
            continue;
        };
        known.cpu_seconds = now.cpu_seconds.or(known.cpu_seconds);
        if now.memory_peak > known.memory_peak {
            (known.memory_peak, known.memory_peak_node) = (now.memory_peak, now.memory_peak_node);
        }
    }
    let used: Vec<f64> = measured.steps.iter().filter_map(|step| step.cpu_seconds).collect();
    let usage = &mut measured.usage;
    usage.cpu_seconds = (!used.is_empty()).then(|| used.iter().sum());
    if live.usage.memory_peak > usage.memory_peak {
        (usage.memory_peak, usage.memory_peak_at) = (live.usage.memory_peak, live.usage.memory_peak_at);
    }
    usage.gpu_percent = live.usage.gpu_percent.or(usage.gpu_percent);
    usage.gpu_memory_peak = live.usage.gpu_memory_peak.max(usage.gpu_memory_peak);
}

/// Fills in what the controller knows and accounting does not, or not yet.
pub fn complete(measured: &mut Measured, job: &Job) {
    let usage = &mut measured.usage;
    if usage.elapsed < job.elapsed {
        usage.elapsed = job.elapsed;
        usage.cpu_seconds_available = available(Some(job.cpus), job.elapsed);
    }
    usage.time_limit = job.time_limit.or(usage.time_limit);
    let each = job.memory.map(|memory| memory / u64::from(job.nodes.max(1)));
    usage.memory_available = usage.memory_available.or(each.filter(|_| job.start_time.is_some()));
}

fn available(cpus: Option<u32>, elapsed: u64) -> Option<f64> {
    let elapsed = u32::try_from(elapsed).ok()?;
    cpus.map(|cpus| f64::from(cpus) * f64::from(elapsed))
}

fn peak_is(usage: &mut Usage, peak: u64, step: &Step) {
    usage.memory_peak = Some(peak);
    usage.memory_peak_at =
        Some(step.memory_peak_node.as_ref().map_or_else(|| step.id.clone(), |node| format!("{node}, {}", step.id)));
}

/// What GPUs did, where `AccountingStorageTRES` has `gres/gpuutil` and `gres/gpumem`.
struct Gpus {
    percent: Option<f64>,
    memory: Option<u64>,
}

impl Gpus {
    fn of(mean: &str, most: &str) -> Self {
        let percent = usage_of(mean, "gres/gpuutil").and_then(|percent| percent.parse::<f64>().ok());
        Gpus {
            percent: percent.filter(|percent| (0.0..=100_000.0).contains(percent)),
            memory: usage_of(most, "gres/gpumem").and_then(resident),
        }
    }
}

fn add_gpus(usage: &mut Usage, gpus: &Gpus) {
    usage.gpu_percent = match (usage.gpu_percent, gpus.percent) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    };
    usage.gpu_memory_peak = usage.gpu_memory_peak.max(gpus.memory);
}

/// One value of `cpu=00:00:08,mem=161520K,gres/gpuutil=55`.
fn usage_of<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    list.split(',').filter_map(|item| item.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn memory_on_a_node(allocated: &str, nodes: Option<u32>) -> Option<u64> {
    tres::parse(allocated).memory.map(|memory| memory / u64::from(nodes.unwrap_or(1).max(1)))
}

/// Memory that was used: `161520K`; without a unit it is bytes. MiB, rounded up.
fn resident(text: &str) -> Option<u64> {
    let bytes = text.bytes().all(|b| b.is_ascii_digit());
    if bytes { text.parse::<u64>().ok().map(|bytes| bytes.div_ceil(1 << 20)) } else { memory::parse(text).ok() }
}

/// CPU time that accounting knows: until the end it says 0.
fn cpu_in_the_end(state: JobState, text: &str) -> Option<f64> {
    cpu_seconds(text).filter(|_| state.is_final())
}

/// CPU time in seconds: `00:08.286`, `1-02:03:04`, `02:03:04`.
fn cpu_seconds(text: &str) -> Option<f64> {
    let number = |text: &str| {
        let plain = text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        plain.then(|| text.parse::<f64>().ok()).flatten()
    };
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts: Vec<&str> = clock.split(':').collect();
    let seconds = match *parts.as_slice() {
        [hours, minutes, seconds] => number(hours)? * 3600.0 + number(minutes)? * 60.0 + number(seconds)?,
        [minutes, seconds] => number(minutes)? * 60.0 + number(seconds)?,
        _ => return None,
    };
    Some(number(days)? * 86_400.0 + seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: JobId = JobId { job: 7, task: None };

    fn mark() -> Mark {
        Mark::new(*b"mark it!")
    }

    fn row(fields: &[&str; FIELDS.len()]) -> String {
        fields.iter().map(|field| format!("{field}{}", mark().as_str())).chain(["\n".to_owned()]).collect()
    }

    fn rows() -> String {
        [
            row(&[
                "7",
                "7",
                "a\n7.0",
                "COMPLETED",
                "0:0",
                "",
                "2",
                "n[1-2]",
                "100",
                "110",
                "10",
                "60",
                "00:24.500",
                "4",
                "billing=4,cpu=4,mem=800M,node=2",
                "",
                "",
                "",
                "",
            ]),
            row(&[
                "7.batch",
                "7.batch",
                "batch",
                "COMPLETED",
                "0:0",
                "1",
                "1",
                "n1",
                "100",
                "110",
                "10",
                "",
                "00:00.500",
                "2",
                "cpu=2,mem=400M,node=1",
                "2048K",
                "n1",
                "cpu=00:00:00,mem=2M",
                "cpu=00:00:00",
            ]),
            row(&[
                "7.0",
                "7.0",
                "x|y",
                "FAILED",
                "3:9",
                "2",
                "2",
                "n[1-2]",
                "101",
                "109",
                "8",
                "",
                "00:24",
                "4",
                "cpu=4,mem=800M,node=2",
                "161520K",
                "n2",
                "gres/gpumem=1024M,mem=161520K",
                "gres/gpuutil=55",
            ]),
            row(&[
                "8",
                "8",
                "other",
                "COMPLETED",
                "0:0",
                "",
                "1",
                "n1",
                "1",
                "2",
                "9999",
                "",
                "99:00",
                "9",
                "",
                "",
                "",
                "",
                "",
            ]),
        ]
        .concat()
    }

    #[test]
    fn a_finished_job_has_its_steps_and_its_peak() {
        let measured = parse(&rows(), &mark(), &ID).unwrap();
        let usage = &measured.usage;
        assert_eq!((usage.cpu_seconds, usage.cpu_seconds_available), (Some(24.5), Some(40.0)));
        assert_eq!((usage.elapsed, usage.time_limit), (10, Some(3600)));
        assert_eq!((usage.memory_peak, usage.memory_peak_at.as_deref()), (Some(158), Some("n2, 0")));
        assert_eq!(usage.memory_available, Some(400), "on that node");
        assert_eq!((usage.gpu_percent, usage.gpu_memory_peak), (Some(55.0), Some(1024)));
        let [batch, zero] = measured.steps.as_slice() else { panic!("{measured:?}") };
        assert_eq!((batch.id.as_str(), batch.memory_peak, batch.tasks), ("batch", Some(2), Some(1)));
        assert_eq!((zero.id.as_str(), zero.name.as_str()), ("0", "x|y"));
        assert_eq!((zero.state, zero.exit_code, zero.signal), (Some(JobState::Failed), Some(3), Some(9)));
        assert_eq!((zero.start_time, zero.end_time, zero.elapsed), (Some(101), Some(109), 8));
    }

    #[test]
    fn running_steps_come_over_what_accounting_knows() {
        let live = "7.extern|1|n1|00:00:00||||\n7.0|2|n[1-2]|00:00:05|300M|n1|cpu=00:00:11,mem=600M|mem=300M|\n\
            8.0|1|n1|00:09:00|900M|n1|cpu=00:09:00||\n";
        let live = parse_live(live, 7).unwrap();
        let mut measured = parse(&rows(), &mark(), &ID).unwrap();
        overlay(&mut measured, live);
        let names: Vec<&str> = measured.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["batch", "x|y", "extern"]);
        assert_eq!(measured.steps[1].cpu_seconds, Some(11.0));
        assert_eq!(measured.usage.cpu_seconds, Some(11.5));
        assert_eq!((measured.usage.memory_peak, measured.usage.memory_peak_at.as_deref()), (Some(300), Some("n1, 0")));
    }

    #[test]
    fn what_runs_has_used_nobody_knows_what() {
        let running = rows().replace("COMPLETED", "RUNNING");
        let measured = parse(&running, &mark(), &ID).unwrap();
        assert_eq!((measured.usage.cpu_seconds, measured.steps[0].cpu_seconds), (None, None));
        assert_eq!(measured.usage.cpu_seconds_available, Some(40.0));
    }

    #[test]
    fn times_and_sizes_are_read_in_every_form() {
        for (text, seconds) in [
            ("00:08.286", Some(8.286)),
            ("01:02:03", Some(3723.0)),
            ("1-00:00:01", Some(86_401.0)),
            ("", None),
            ("x:y", None),
        ] {
            assert_eq!(cpu_seconds(text), seconds, "{text}");
        }
        assert_eq!(
            (resident("0"), resident("1048577"), resident("1.5G"), resident("")),
            (Some(0), Some(2), Some(1536), None)
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "([0-9.:|=,KMGT-]|7\\.0\\||\u{1e}6d61726b20697421|\\PC){0,60}") {
            let _ = parse(&text, &mark(), &ID);
            let _ = parse_live(&text, 7);
            let _ = (cpu_seconds(&text), resident(&text));
        }
    }
}
