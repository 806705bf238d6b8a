//! Jobs from their submission to their end, and what they run on.

use std::collections::BTreeSet;
use std::process::Command;

use slurmdash::slurm::{JobId, SlurmError, Submission};
use slurmdash_api::cluster::ControllerRole;
use slurmdash_api::jobs::JobState;

use super::{Bench, wait_for, with};

pub async fn a_job_runs_to_its_end(bench: &Bench<'_>) {
    let body = format!("echo begin; {}; echo end", wait_for("go"));
    let id = bench.submit(&bench.script(&body)).await;
    let running = bench.until_state(&id, &[JobState::Running]).await;
    assert_eq!((running.exit_code, running.signal), (None, None), "it has not ended");
    let file = format!("{id}.out");
    bench.until("its output grows", async || (bench.read(&file) == "begin\n").then_some(())).await;
    let jobs = bench.slurm.jobs().await.unwrap();
    let listed = jobs.iter().find(|job| job.job_id == id.job).unwrap();
    assert_eq!((listed.id.as_str(), listed.state), (id.to_string().as_str(), JobState::Running));
    assert!(listed.node_list.is_some() && listed.start_time.is_some() && listed.submit_time.is_some());
    assert!(listed.cpus >= 1 && listed.nodes == 1 && listed.memory.is_some_and(|memory| memory > 0));
    assert!(listed.time_limit.is_some() && listed.end_time > listed.start_time && listed.array_job_id.is_none());
    std::fs::write(bench.dir.join("go"), "").unwrap();
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    assert_eq!((over.exit_code, over.signal), (Some(0), None));
    assert_eq!(over.stdout, Some(bench.dir.join(&file)));
    assert_eq!(over.stderr, over.stdout);
    assert_eq!(over.work_dir.as_deref(), Some(bench.dir));
    assert!(over.job.end_time >= over.job.start_time && over.job.name == "contract" && !over.job.user.is_empty());
    assert_eq!(bench.read(&file), "begin\nend\n");
}

pub async fn an_exit_code_fails_the_job(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("echo to the error output >&2; exit 3")).await;
    let over = bench.until_state(&id, &[JobState::Failed]).await;
    assert_eq!((over.exit_code, over.signal), (Some(3), None));
    assert_eq!(bench.read(&format!("{id}.out")), "to the error output\n");
}

pub async fn a_signal_fails_the_job(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("kill -9 $$")).await;
    let over = bench.until_state(&id, &[JobState::Failed]).await;
    assert_eq!(over.signal, Some(9));
}

pub async fn a_running_job_is_cancelled(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("sleep 1000")).await;
    bench.until_state(&id, &[JobState::Running]).await;
    bench.cancel(&id).await.unwrap();
    let over = bench.until_state(&id, &[JobState::Cancelled]).await;
    assert!(over.job.start_time.is_some() && over.job.end_time.is_some());
    assert_eq!(bench.cancel(&id).await, Err(SlurmError::AlreadyFinished(id)));
}

pub async fn a_job_runs_into_its_time_limit(bench: &Bench<'_>) {
    // The simulated cluster keeps limits to the second.
    let limit = if bench.conf.is_some() { "1" } else { "0:01" };
    let asked = with(bench.script("echo begin; sleep 1000; echo end"), |s| s.time = Some(limit.to_owned()));
    let id = bench.submit(&asked).await;
    bench.until_state(&id, &[JobState::Running]).await;
    if let Some(conf) = bench.conf {
        let job = format!("JobId={id}");
        let forward = Command::new("scontrol").args(["update", &job, "EndTime=now+1"]).env("SLURM_CONF", conf).status();
        assert!(forward.unwrap().success());
    }
    let over = bench.until_state(&id, &[JobState::Timeout]).await;
    assert_eq!(over.job.reason.as_deref(), Some("TimeLimit"));
    let output = bench.read(&format!("{id}.out"));
    assert!(
        output.starts_with("begin\n") && output.contains("DUE TO TIME LIMIT") && !output.contains("\nend"),
        "{output}"
    );
}

pub async fn resources_fill_up_and_come_free(bench: &Bench<'_>) {
    let gpus: u32 = bench.slurm.nodes().await.unwrap().iter().map(|node| node.gpus).sum();
    assert!(gpus > 0);
    let asked = with(bench.script("echo $CUDA_VISIBLE_DEVICES; sleep 1000"), |s| {
        s.partition = Some("viz".to_owned());
        s.gpus = Some(1);
    });
    let mut ids = Vec::new();
    for _ in 0..gpus {
        ids.push(bench.submit(&asked).await);
    }
    for id in &ids {
        let running = bench.until_state(id, &[JobState::Running]).await;
        assert_eq!((running.job.gpus, running.job.partition.as_str()), (1, "viz"));
        let file = format!("{id}.out");
        bench.until("it says its GPU", async || bench.read(&file).trim().parse::<u32>().ok()).await;
    }
    let used = async || bench.slurm.nodes().await.unwrap().iter().map(|node| node.gpus_allocated).sum::<u32>();
    assert_eq!(used().await, gpus);
    let (next, last) = (bench.submit(&asked).await, bench.submit(&asked).await);
    for id in [&next, &last] {
        let waits = async || Some(bench.record(id).await.job).filter(|job| job.reason.as_deref() != Some("None"));
        let job = bench.until("it says why it waits", async || waits().await.filter(|job| job.reason.is_some())).await;
        let reason = job.reason.as_deref().unwrap();
        assert!(job.state == JobState::Pending && ["Resources", "Priority"].contains(&reason), "{job:?}");
        assert!(job.node_list.is_none() && job.gpus == 1);
    }
    bench.cancel(&last).await.unwrap();
    let cancelled = bench.until_state(&last, &[JobState::Cancelled]).await;
    assert_eq!(cancelled.job.node_list, None, "it never ran");
    bench.cancel(&ids[0]).await.unwrap();
    bench.until_state(&next, &[JobState::Running]).await;
    ids.push(next);
    for id in &ids[1..] {
        bench.cancel(id).await.unwrap();
    }
    bench.until("the GPUs are free again", async || (used().await == 0).then_some(())).await;
}

pub async fn array_tasks_run_each_with_its_index(bench: &Bench<'_>) {
    let asked = Submission {
        stdout: bench.dir.join("array-%A_%a.out"),
        ..with(bench.script("echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID"), |s| {
            s.array = Some("1,3,5-9:2".to_owned());
        })
    };
    let array = bench.submit(&asked).await.job;
    let tasks = bench.until_all_over(array, 5).await;
    let ids: BTreeSet<String> = tasks.iter().map(|job| job.id.clone()).collect();
    assert_eq!(ids, BTreeSet::from([1, 3, 5, 7, 9].map(|task| format!("{array}_{task}"))));
    for task in [1, 3, 5, 7, 9] {
        let record = bench.record(&JobId { job: array, task: Some(task) }).await;
        assert_eq!((record.job.state, record.exit_code), (JobState::Completed, Some(0)));
        let file = format!("array-{array}_{task}.out");
        assert_eq!(record.stdout, Some(bench.dir.join(&file)));
        assert_eq!(bench.read(&file), format!("{array} {task}\n"));
    }
}

pub async fn waiting_array_tasks_are_cancelled(bench: &Bench<'_>) {
    let asked = with(bench.script("sleep 1000"), |s| s.array = Some("0-4%1".to_owned()));
    let id = bench.submit(&asked).await;
    let task = |task| JobId { job: id.job, task: Some(task) };
    bench.until_state(&task(0), &[JobState::Running]).await;
    let rest = async || bench.slurm.jobs().await.unwrap().into_iter().find(|job| job.job_id == id.job).unwrap();
    let waiting = rest().await;
    assert_eq!((waiting.id, waiting.state), (format!("{id}_[1-4%1]"), JobState::Pending));
    assert_eq!(waiting.array_job_id, Some(id.job));
    bench.cancel(&task(3)).await.unwrap();
    bench.until("it is out", async || (rest().await.id == format!("{id}_[1-2,4%1]")).then_some(())).await;
    // Without accounting Slurm forgets it at once.
    let cancelled = bench.slurm.job(&task(3)).await.unwrap();
    assert!(cancelled.is_none_or(|record| record.job.state == JobState::Cancelled));
    assert_eq!(bench.cancel(&task(9)).await, Err(SlurmError::NoSuchJob(task(9))));
    bench.cancel(&id).await.unwrap();
    bench
        .until("all of it is over", async || {
            let jobs = bench.slurm.jobs().await.unwrap();
            jobs.iter().filter(|job| job.array_job_id == Some(id.job)).all(|job| job.state.is_final()).then_some(())
        })
        .await;
}

pub async fn unknown_and_finished_jobs_are_told_apart(bench: &Bench<'_>) {
    let unknown = JobId { job: 4_000_000, task: None };
    assert_eq!(bench.slurm.job(&unknown).await, Ok(None));
    assert_eq!(bench.cancel(&unknown).await, Err(SlurmError::NoSuchJob(unknown)));
    let finished = bench.submit(&bench.script("")).await;
    let over = bench.until_state(&finished, &[JobState::Completed]).await;
    assert!(bench.slurm.jobs().await.unwrap().iter().any(|job| job.id == over.job.id), "it stays for a while");
    assert_eq!(bench.cancel(&finished).await, Err(SlurmError::AlreadyFinished(finished.clone())));
    let task = JobId { task: Some(1), ..finished };
    assert_eq!(bench.slurm.job(&task).await, Ok(None), "it is no array");
}

pub async fn nodes_and_partitions_fit_together(bench: &Bench<'_>) {
    assert!(!bench.slurm.cluster_name().await.unwrap().is_empty());
    let (nodes, partitions) = (bench.slurm.nodes().await.unwrap(), bench.slurm.partitions().await.unwrap());
    assert!(nodes.len() >= 4);
    for node in &nodes {
        assert!(node.is_online() && node.reason.is_none() && !node.state_text.is_empty(), "{node:?}");
        assert!(node.cpus > 0 && node.memory > 0 && node.cpus_allocated <= node.cpus);
        assert!(node.memory_allocated <= node.memory && node.gpus_allocated <= node.gpus);
        let within = partitions.iter().filter(|partition| partition.nodes.contains(&node.name));
        assert_eq!(within.map(|partition| partition.name.clone()).collect::<Vec<_>>(), node.partitions);
    }
    let [compute, viz, ..] = partitions.as_slice() else { panic!("{partitions:?}") };
    assert_eq!((compute.name.as_str(), compute.is_default), ("compute", true));
    assert_eq!((viz.name.as_str(), viz.is_default, viz.max_gpus_per_node), ("viz", false, 2));
    for partition in &partitions {
        let of: Vec<_> = nodes.iter().filter(|node| partition.nodes.contains(&node.name)).collect();
        assert_eq!(of.len(), partition.nodes.len());
        assert_eq!(partition.cpus, of.iter().map(|node| node.cpus).sum::<u32>());
        assert_eq!(Some(partition.max_memory_per_node), of.iter().map(|node| node.memory).max());
        assert_eq!(partition.is_up, partition.name != "closed");
        assert!(partition.max_time.is_some() && partition.default_time.is_some());
    }
}

pub async fn every_controller_answers(bench: &Bench<'_>) {
    let controllers = bench.slurm.controllers().await.unwrap();
    let roles: Vec<ControllerRole> = controllers.iter().map(|one| one.role).collect();
    let Some((ControllerRole::Primary, others)) = roles.split_first() else { panic!("{controllers:?}") };
    assert!(others.iter().all(|role| *role == ControllerRole::Backup), "{controllers:?}");
    assert!(controllers.iter().all(|one| one.answers && !one.host.is_empty()), "{controllers:?}");
}
