//! The parsers against the same moment's JSON of Slurm 22.05 and 24.11 (`tests/fixtures`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use slurmdash_api::cluster::{Node, NodeState};
use slurmdash_api::jobs::{Job, JobState};

use crate::slurm::cli::marked::Mark;
use crate::slurm::cli::{sacct, scontrol, squeue, steps};
use crate::slurm::notation::tres;
use crate::slurm::{JobId, JobRecord};

const RELEASES: [&str; 2] = ["22.05", "24.11"];

/// The mark that the fixtures were made with.
fn mark() -> Mark {
    Mark::new(0x0123_4567_89ab_cdef_u64.to_be_bytes())
}

pub(super) fn text(release: &str, file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(release).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(release: &str, file: &str, list: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(&text(release, file)).unwrap();
    value[list].as_array().unwrap().clone()
}

/// A number that is plain, or `{set, infinite, number}`; 0 and unset are none.
fn number(value: &Value) -> Option<u64> {
    let value = if value["set"].as_bool() == Some(true) { &value["number"] } else { value };
    value.as_u64().filter(|number| *number > 0)
}

/// A word that is plain or the first of a list.
fn word(value: &Value) -> &str {
    value.as_str().or_else(|| value[0].as_str()).unwrap_or_default()
}

fn some(text: &str) -> Option<&str> {
    (!matches!(text, "" | "None" | "N/A")).then_some(text)
}

fn same_job(job: &Job, oracle: &Value) {
    let id = &job.id;
    assert_eq!(job.name, word(&oracle["name"]), "{id}");
    assert_eq!(job.user, word(&oracle["user_name"]), "{id}");
    assert_eq!(job.account.as_deref(), some(word(&oracle["account"])), "{id}");
    assert_eq!(job.partition, word(&oracle["partition"]), "{id}");
    assert_eq!(job.state, JobState::parse(word(&oracle["job_state"])), "{id}");
    assert_eq!(job.node_list.as_deref(), some(word(&oracle["nodes"])), "{id}");
    assert_eq!(job.submit_time, number(&oracle["submit_time"]).map(u64::cast_signed), "{id}");
    let limit = number(&oracle["time_limit"]).filter(|minutes| *minutes < u64::from(u32::MAX));
    assert_eq!(job.time_limit, limit.map(|minutes| minutes * 60), "{id}");
    // Of a job that was cancelled while it waited the JSON says 0, the text what it asked for.
    let asked = |key: &str, seen: u32| number(&oracle[key]).unwrap_or(seen.into());
    assert_eq!(u64::from(job.nodes), asked("node_count", job.nodes), "{id}");
    assert_eq!(u64::from(job.cpus), asked("cpus", job.cpus), "{id}");
    let tasks = number(&oracle["tasks"]).filter(|tasks| *tasks < u64::from(u32::MAX) - 1);
    assert_eq!(job.tasks.map(u64::from), tasks, "{id}");
    assert_eq!(job.priority, number(&oracle["priority"]), "{id}");
    let all = word(&oracle["tres_alloc_str"]);
    let all = tres::parse(if all.is_empty() { word(&oracle["tres_req_str"]) } else { all });
    assert_eq!(job.memory, all.memory, "{id}");
    let asked = tres::gpus(word(&oracle["tres_per_node"])) + tres::gpus(word(&oracle["tres_per_job"]));
    assert_eq!(job.gpus, asked.max(all.gpus), "{id}");
    if job.state == JobState::Pending {
        assert_eq!(job.reason.as_deref(), some(word(&oracle["state_reason"])), "{id}");
    } else {
        assert_eq!(job.start_time, number(&oracle["start_time"]).map(u64::cast_signed), "{id}");
        assert_eq!(job.end_time, number(&oracle["end_time"]).map(u64::cast_signed), "{id}");
    }
    let array = number(&oracle["array_job_id"]);
    assert_eq!(job.array_job_id.map(u64::from), array, "{id}");
    let waiting = word(&oracle["array_task_string"]);
    let id = match (array, number(&oracle["array_task_id"])) {
        (None, _) => number(&oracle["job_id"]).unwrap().to_string(),
        (Some(array), Some(task)) => format!("{array}_{task}"),
        (Some(array), None) => format!("{array}_[{waiting}]"),
    };
    assert_eq!(job.id, id);
}

#[test]
fn squeue_says_what_its_json_says() {
    for release in RELEASES {
        let jobs = squeue::parse(&text(release, "squeue-format.txt"), &mark()).unwrap();
        let oracles = json(release, "squeue-format.json", "jobs");
        assert_eq!(jobs.len(), oracles.len());
        let by_id: BTreeMap<u64, &Value> = oracles.iter().map(|job| (number(&job["job_id"]).unwrap(), job)).collect();
        for job in &jobs {
            same_job(job, by_id[&u64::from(job.job_id)]);
        }
        assert_eq!(jobs.iter().filter(|job| job.gpus == 1).count(), 2, "both ways to ask for GPUs");
        let hostile = jobs.iter().find(|job| job.job_id == 3).unwrap();
        assert_eq!(hostile.name, "two words=x \nJobId=99 UserId=root(0)\u{1f}y");
    }
}

#[test]
fn one_job_in_full_has_its_files_and_its_end() {
    for release in RELEASES {
        let text = text(release, "squeue-format-full.txt");
        // The fixtures were made before the last eleven fields were asked for.
        let more: String = ["a\nb", "(null)", "viz", "", "N/A", "1795590605", "5", "1", "", "n1", "/a b"]
            .map(|field| format!("{field}{}", mark().as_str()))
            .concat();
        let end = format!("{}\n", mark().as_str());
        let text = text.replace(&end, &format!("{}{more}\n", mark().as_str()));
        let records = squeue::parse_full(&text, &mark()).unwrap();
        let about = &records[0].more;
        assert_eq!((about.comment.as_deref(), about.constraint.as_deref()), (Some("a\nb"), Some("viz")));
        assert_eq!((about.eligible_time, about.nice, about.restarts), (Some(1_795_590_605), Some(5), Some(1)));
        assert_eq!(
            (&about.dependency, &about.reservation, &about.licenses, &about.requested_nodes),
            (&None, &None, &None, &None)
        );
        assert_eq!((about.scheduled_nodes.as_deref(), about.command.as_deref()), (Some("n1"), Some("/a b")));
        for record in &records {
            let (asked, has) = (&record.more.requested_tres, &record.more.allocated_tres);
            assert!(asked.is_none() || has.is_none() && record.job.state == JobState::Pending, "{record:?}");
        }
        let list = squeue::parse(&super::releases::text(release, "squeue-format.txt"), &mark()).unwrap();
        assert_eq!(records.len(), list.len());
        let of = |id: &str| records.iter().find(|record| record.job.id == id).unwrap();
        let end = |id: &str| (of(id).exit_code, of(id).signal);
        assert_eq!((end("1"), end("2"), end("9")), ((Some(3), None), (Some(0), Some(9)), (Some(0), None)));
        assert_eq!(end("3"), (None, None), "it still runs");
        let files = |id: &str| {
            let record = of(id);
            [&record.work_dir, &record.stdout, &record.stderr].map(|path| path.clone().unwrap().display().to_string())
        };
        assert_eq!(files("1"), ["/tmp", "/tmp/slurm-1.out", "/tmp/slurm-1.out"]);
        assert_eq!(files("2"), ["/tmp", "/tmp/sig-2.out", "/tmp/err-2"]);
        assert_eq!(files("5_1"), ["/tmp", "/tmp/arr_5_1.out", "/tmp/arr_5_1.out"]);
        assert_eq!(of("2").job.state, JobState::Failed);
    }
}

fn same_node(node: &Node, oracle: &Value) {
    let name = &node.name;
    assert_eq!(name, word(&oracle["name"]));
    let flags = oracle["state_flags"].as_array().cloned().unwrap_or_default();
    let plus = |list: &[Value]| list.iter().map(word).collect::<Vec<&str>>().join("+");
    // 22.05 has the flags apart from the state.
    let said = match oracle["state"].as_array() {
        Some(list) => plus(list),
        None if flags.is_empty() => word(&oracle["state"]).to_owned(),
        None => format!("{}+{}", word(&oracle["state"]), plus(&flags)),
    };
    assert!(node.state_text.eq_ignore_ascii_case(&said), "{name}: {} or {said}", node.state_text);
    let gpus = |key: &str| u64::from(tres::gpus(word(&oracle[key])));
    let seen = [
        node.cpus.into(),
        node.cpus_allocated.into(),
        node.memory,
        node.memory_allocated,
        node.gpus.into(),
        node.gpus_allocated.into(),
    ];
    let plain = |key: &str| oracle[key].as_u64().unwrap();
    let oracles = [
        plain("cpus"),
        plain("alloc_cpus"),
        plain("real_memory"),
        plain("alloc_memory"),
        gpus("gres"),
        gpus("gres_used"),
    ];
    assert_eq!(seen, oracles, "{name}");
    let load = oracle["cpu_load"].as_f64().or_else(|| oracle["cpu_load"]["number"].as_f64()).unwrap() / 100.0;
    assert!((node.load.unwrap() - load).abs() < 0.5, "{name}: the load is measured anew for each call");
    let partitions: Vec<&str> = oracle["partitions"].as_array().unwrap().iter().map(word).collect();
    assert_eq!(node.partitions, partitions, "{name}");
    assert_eq!(node.features.first().map(String::as_str), some(word(&oracle["active_features"])), "{name}");
    assert_eq!(node.reason.as_deref(), some(word(&oracle["reason"])), "{name}");
    let version = if oracle["version"].is_string() { &oracle["version"] } else { &oracle["slurmd_version"] };
    assert_eq!(node.version.as_deref(), version.as_str(), "{name}");
}

#[test]
fn scontrol_says_of_nodes_what_json_says() {
    let files = [
        ("22.05", "scontrol-node-details.txt", "scontrol-node-details.json"),
        ("24.11", "scontrol-node-details.txt", "scontrol-node-details.json"),
        ("22.05", "scontrol-node.txt", "sinfo.json"),
        ("24.11", "scontrol-node.txt", "scontrol-nodes.json"),
    ];
    for (release, file, oracle) in files {
        let nodes = scontrol::nodes(&text(release, file)).unwrap();
        let oracles = json(release, oracle, "nodes");
        assert_eq!(nodes.len(), 4, "{release} {file}");
        for (node, oracle) in nodes.iter().zip(&oracles) {
            same_node(node, oracle);
        }
        assert_eq!(nodes[2].state, NodeState::Drain, "{release} {file}");
    }
}

#[test]
fn scontrol_says_what_a_partition_has() {
    for release in RELEASES {
        let nodes = scontrol::nodes(&text(release, "scontrol-node-details.txt")).unwrap();
        let partitions = scontrol::partitions(&text(release, "scontrol-partition.txt"), &nodes).unwrap();
        let [compute, viz] = partitions.as_slice() else { panic!("{partitions:?}") };
        assert_eq!(
            (compute.name.as_str(), compute.is_default, compute.is_up, compute.cpus),
            ("compute", true, true, 16)
        );
        assert_eq!((compute.max_time, compute.default_time), (Some(2 * 86_400), Some(1800)));
        assert_eq!(compute.nodes, ["node001", "node002", "node003", "node004"]);
        assert_eq!((viz.name.as_str(), viz.is_default, viz.cpus, viz.max_gpus_per_node), ("viz", false, 4, 2));
        assert_eq!((viz.max_cpus_per_node, viz.max_memory_per_node), (4, 4000));
    }
}

/// What sacct would print with our fields and mark, from a fixture with every field.
fn sacct_with_mark(release: &str, fields: &[&str], with_steps: bool) -> String {
    let text = text(release, "sacct-all.txt");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split('|').collect();
    let at = |name: &str| header.iter().position(|field| *field == name).unwrap();
    let mut out = String::new();
    for line in lines {
        let row: Vec<&str> = line.split('|').collect();
        if !with_steps && row[at("JobID")].contains('.') {
            continue;
        }
        for name in fields {
            let field = row[at(name)];
            let time: Option<jiff::civil::DateTime> = field.parse().ok().filter(|_| field.contains('T'));
            let seconds = time.map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second());
            out.push_str(&seconds.map_or(field.to_owned(), |seconds| seconds.to_string()));
            out.push_str(mark().as_str());
        }
        out.push('\n');
    }
    out
}

fn same_record(record: &JobRecord, oracle: &Value) {
    let job = &record.job;
    let id = &job.id;
    assert_eq!(job.name, word(&oracle["name"]), "{id}");
    assert_eq!(job.user, word(&oracle["user"]), "{id}");
    assert_eq!(job.account.as_deref(), some(word(&oracle["account"])), "{id}");
    assert_eq!(job.partition, word(&oracle["partition"]), "{id}");
    assert_eq!(job.qos.as_deref(), some(word(&oracle["qos"])), "{id}");
    assert_eq!(job.state, JobState::parse(word(&oracle["state"]["current"])), "{id}");
    let time = &oracle["time"];
    assert_eq!(job.submit_time, number(&time["submission"]).map(u64::cast_signed), "{id}");
    assert_eq!(job.end_time, number(&time["end"]).map(u64::cast_signed), "{id}");
    assert_eq!(job.elapsed, time["elapsed"].as_u64().unwrap(), "{id}");
    assert_eq!(job.time_limit, number(&time["limit"]).map(|minutes| minutes * 60), "{id}");
    assert_eq!(job.array_job_id.map(u64::from), number(&oracle["array"]["job_id"]), "{id}");
    let count = |list: &str, kind: &str| {
        let all = oracle["tres"][list].as_array().unwrap();
        all.iter().find(|tres| tres["type"] == kind).and_then(|tres| tres["count"].as_u64())
    };
    assert_eq!(job.memory, count("allocated", "mem").or(count("requested", "mem")), "{id}");
    assert_eq!(Some(u64::from(job.nodes)), count("allocated", "node").or(count("requested", "node")), "{id}");
    assert_eq!(record.work_dir.as_ref().unwrap().to_str(), oracle["working_directory"].as_str(), "{id}");
}

#[test]
fn sacct_says_what_its_json_says() {
    for release in RELEASES {
        let records = sacct::parse(&sacct_with_mark(release, &sacct::FIELDS, false), &mark()).unwrap();
        let oracles = json(release, "sacct.json", "jobs");
        let mut compared = 0;
        for oracle in &oracles {
            let job_id = number(&oracle["job_id"]).unwrap();
            if let Some(record) = records.iter().find(|record| u64::from(record.job.job_id) == job_id) {
                same_record(record, oracle);
                compared += 1;
            }
        }
        assert!(compared >= 8, "{release}: only {compared} of {} compared", records.len());
        let end = |name: &str| records.iter().find(|r| r.job.name == name).map(|r| (r.exit_code, r.signal)).unwrap();
        assert_eq!(end("fail"), (Some(3), None), "{release}");
        assert_eq!(end("sig"), (Some(0), Some(9)), "{release}");
        let cancelled = records.iter().find(|record| record.job.name == "canc").unwrap();
        assert_eq!(cancelled.job.state, JobState::Cancelled, "{release}: it says by whom");
    }
}

#[test]
fn steps_say_what_sacct_says_of_them() {
    for release in RELEASES {
        let text = sacct_with_mark(release, &steps::FIELDS, true);
        let oracles = json(release, "sacct.json", "jobs");
        let mut compared = 0;
        for oracle in oracles.iter().filter(|oracle| number(&oracle["array"]["job_id"]).is_none()) {
            let id = JobId { job: number(&oracle["job_id"]).unwrap().try_into().unwrap(), task: None };
            let measured = steps::parse(&text, &mark(), &id).unwrap();
            assert_eq!(measured.usage.elapsed, oracle["time"]["elapsed"].as_u64().unwrap(), "{release} {id}");
            let steps = oracle["steps"].as_array().unwrap();
            assert_eq!(measured.steps.len(), steps.len(), "{release} {id}");
            for (step, oracle) in measured.steps.iter().zip(steps) {
                assert_eq!(step.name, word(&oracle["step"]["name"]), "{release} {id}");
                assert_eq!(step.elapsed, oracle["time"]["elapsed"].as_u64().unwrap(), "{release} {id}");
                assert_eq!(step.state, Some(JobState::parse(word(&oracle["state"]))), "{release} {id}");
                let total = &oracle["time"]["total"];
                let micro = total["seconds"].as_u64().unwrap() * 1_000_000 + total["microseconds"].as_u64().unwrap();
                let seconds = std::time::Duration::from_micros(micro).as_secs_f64();
                if step.state.is_some_and(JobState::is_final) {
                    assert!((step.cpu_seconds.unwrap() - seconds).abs() < 0.01, "{release} {id} {step:?}");
                }
                compared += 1;
            }
        }
        assert!(compared >= 4, "{release}: only {compared}");
    }
}

#[test]
fn all_of_sacct_is_shown_field_by_field() {
    for release in RELEASES {
        let text = text(release, "sacct-all.txt");
        let end = format!("{}\n", mark().as_str());
        let marked = text.replace('|', mark().as_str()).replace('\n', &end);
        let shown = sacct::all_fields(&marked, &mark()).unwrap();
        let blocks: Vec<&str> = shown.split("\n\n").collect();
        assert_eq!(blocks.len(), text.lines().count() - 1, "{release}");
        assert!(blocks[0].contains("\nJobName=fail\n") && blocks[0].contains("\nExitCode=3:0\n"), "{}", blocks[0]);
        assert!(
            shown
                .lines()
                .all(|line| line.is_empty() || line.split_once('=').is_some_and(|(_, value)| !value.is_empty()))
        );
    }
}
