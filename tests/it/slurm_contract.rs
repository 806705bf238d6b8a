//! What every Slurm promises: the same cases on the simulated cluster and on a real one.
//!
//! The real one is the cluster that `SLURMDASH_TEST_SLURM_CONF` names, or one that `tests/cluster/slurm.sh` brings up
//! for the test and that can't outlive it. Where there can be none the test says so and passes, unless `CI=true`.
//! All cases of a cluster run side by side in one test: most of their time is waiting.

#![expect(clippy::print_stdout, reason = "each case is reported by name, and why it was skipped")]

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use slurmdash::slurm::cli::{Cli, CliConfig};
use slurmdash::slurm::sim::{Sim, SimConfig};
use slurmdash::slurm::{JobId, JobRecord, Slurm, SlurmError, Submission};
use slurmdash_api::jobs::{Job, JobState};
use tokio::time::Instant;

/// One cluster under test.
struct Bench<'a> {
    slurm: &'a dyn Slurm,
    /// Where jobs run and write.
    dir: &'a Path,
    /// How long a condition may take to come true.
    patience: Duration,
    /// Between two looks.
    pause: Duration,
    /// slurm.conf of a real cluster, to bring a job's time limit forward: its own granularity is a minute.
    conf: Option<&'a Path>,
}

type Case = for<'a> fn(&'a Bench<'a>) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A case by its name.
macro_rules! cases {
    ($($case:ident),* $(,)?) => { [$((stringify!($case), (|bench| Box::pin($case(bench))) as Case)),*] };
}

#[tokio::test]
async fn the_simulated_cluster_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::new(dir.path().join("sim"), SimConfig::default()).unwrap();
    let (patience, pause) = (Duration::from_secs(20), Duration::from_millis(20));
    run(&Bench { slurm: &sim, dir: dir.path(), patience, pause, conf: None }).await;
    sim.shutdown().await;
}

#[tokio::test]
async fn a_real_cluster_keeps_the_contract() {
    let cluster = match RealCluster::find() {
        Ok(cluster) => cluster,
        Err(reason) => {
            let words = format!("SKIPPED slurm contract on a real cluster: {reason}");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{words}, and with CI=true it has to run");
            return println!("{words}");
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let cli = Cli::new(CliConfig { slurm_conf: Some(cluster.conf.clone()), ..CliConfig::default() });
    let (patience, pause) = (Duration::from_secs(75), Duration::from_millis(150));
    run(&Bench { slurm: &cli, dir: dir.path(), patience, pause, conf: Some(&cluster.conf) }).await;
}

/// Runs every case, and reports each by name.
async fn run(bench: &Bench<'_>) {
    let cases = cases![
        a_job_runs_to_its_end,
        an_exit_code_fails_the_job,
        a_signal_fails_the_job,
        a_running_job_is_cancelled,
        a_job_runs_into_its_time_limit,
        resources_fill_up_and_come_free,
        array_tasks_run_each_with_its_index,
        waiting_array_tasks_are_cancelled,
        unknown_and_finished_jobs_are_told_apart,
        refusals_are_in_slurms_words,
        any_name_comes_back,
        settings_win_over_the_scripts_own,
        tasks_run_on_several_nodes,
        jobs_inherit_nothing,
        nodes_and_partitions_fit_together,
    ];
    let results = join_all(cases.map(|(name, case)| async move {
        let begin = Instant::now();
        let result = AssertUnwindSafe(case(bench)).catch_unwind().await;
        println!(
            "{} {name} ({:.1} s)",
            if result.is_ok() { "ok    " } else { "FAILED" },
            begin.elapsed().as_secs_f64()
        );
        result.is_err().then_some(name)
    }))
    .await;
    let failed: Vec<&str> = results.into_iter().flatten().collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
}

impl Bench<'_> {
    /// A script that writes to `<job id>.out`.
    fn script(&self, body: &str) -> Submission {
        Submission {
            script: format!("#!/bin/sh\n{body}\n"),
            name: "contract".to_owned(),
            partition: None,
            account: None,
            qos: None,
            nodes: None,
            tasks: None,
            cpus_per_task: None,
            memory: None,
            gpus: None,
            time: None,
            array: None,
            work_dir: self.dir.to_owned(),
            stdout: self.dir.join("%j.out"),
        }
    }

    async fn submit(&self, submission: &Submission) -> JobId {
        let job = self.slurm.submit(submission).await.unwrap();
        assert!(job > 0);
        JobId { job, task: None }
    }

    async fn record(&self, id: &JobId) -> JobRecord {
        self.slurm.job(id).await.unwrap().unwrap_or_else(|| panic!("Slurm does not know job {id}"))
    }

    /// Looks until it is so, within the bench's patience; answers what was found.
    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < deadline, "gave up waiting until {what}");
            tokio::time::sleep(self.pause).await;
        }
    }

    async fn until_state(&self, id: &JobId, states: &[JobState]) -> JobRecord {
        let mut last = None;
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            let record = self.record(id).await;
            if states.contains(&record.job.state) {
                return record;
            }
            assert!(!record.job.state.is_final(), "{id} should become {states:?}: {record:?}");
            last = Some(record);
            tokio::time::sleep(self.pause).await;
        }
        panic!("gave up waiting until {id} is {states:?}: {last:?}");
    }

    /// Every record of an array, once as many as there are tasks are over.
    async fn until_all_over(&self, array: u32, tasks: usize) -> Vec<Job> {
        self.until("the array is over", async || {
            let jobs = self.slurm.jobs().await.unwrap();
            let of: Vec<Job> = jobs.into_iter().filter(|job| job.array_job_id == Some(array)).collect();
            (of.len() == tasks && of.iter().all(|job| job.state.is_final())).then_some(of)
        })
        .await
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.join(file)).unwrap_or_default()
    }
}

/// A loop that waits for a file, so that the test decides when a job goes on.
fn wait_for(file: &str) -> String {
    format!("while [ ! -e {file} ]; do sleep 0.1; done")
}

async fn a_job_runs_to_its_end(bench: &Bench<'_>) {
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

async fn an_exit_code_fails_the_job(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("echo to the error output >&2; exit 3")).await;
    let over = bench.until_state(&id, &[JobState::Failed]).await;
    assert_eq!((over.exit_code, over.signal), (Some(3), None));
    assert_eq!(bench.read(&format!("{id}.out")), "to the error output\n");
}

async fn a_signal_fails_the_job(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("kill -9 $$")).await;
    let over = bench.until_state(&id, &[JobState::Failed]).await;
    assert_eq!(over.signal, Some(9));
}

async fn a_running_job_is_cancelled(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("sleep 1000")).await;
    bench.until_state(&id, &[JobState::Running]).await;
    bench.slurm.cancel(&id).await.unwrap();
    let over = bench.until_state(&id, &[JobState::Cancelled]).await;
    assert!(over.job.start_time.is_some() && over.job.end_time.is_some());
    assert_eq!(bench.slurm.cancel(&id).await, Err(SlurmError::AlreadyFinished(id)));
}

async fn a_job_runs_into_its_time_limit(bench: &Bench<'_>) {
    // The simulated cluster keeps limits to the second.
    let limit = if bench.conf.is_some() { "1" } else { "0:01" };
    let asked = Submission { time: Some(limit.to_owned()), ..bench.script("echo begin; sleep 1000; echo end") };
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

async fn resources_fill_up_and_come_free(bench: &Bench<'_>) {
    let gpus: u32 = bench.slurm.nodes().await.unwrap().iter().map(|node| node.gpus).sum();
    assert!(gpus > 0);
    let asked = Submission {
        partition: Some("viz".to_owned()),
        gpus: Some(1),
        ..bench.script("echo $CUDA_VISIBLE_DEVICES; sleep 1000")
    };
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
    bench.slurm.cancel(&last).await.unwrap();
    let cancelled = bench.until_state(&last, &[JobState::Cancelled]).await;
    assert_eq!(cancelled.job.node_list, None, "it never ran");
    bench.slurm.cancel(&ids[0]).await.unwrap();
    bench.until_state(&next, &[JobState::Running]).await;
    ids.push(next);
    for id in &ids[1..] {
        bench.slurm.cancel(id).await.unwrap();
    }
    bench.until("the GPUs are free again", async || (used().await == 0).then_some(())).await;
}

async fn array_tasks_run_each_with_its_index(bench: &Bench<'_>) {
    let asked = Submission {
        array: Some("1,3,5-9:2".to_owned()),
        stdout: bench.dir.join("array-%A_%a.out"),
        ..bench.script("echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID")
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

async fn waiting_array_tasks_are_cancelled(bench: &Bench<'_>) {
    let asked = Submission { array: Some("0-4%1".to_owned()), ..bench.script("sleep 1000") };
    let id = bench.submit(&asked).await;
    let task = |task| JobId { job: id.job, task: Some(task) };
    bench.until_state(&task(0), &[JobState::Running]).await;
    let rest = async || bench.slurm.jobs().await.unwrap().into_iter().find(|job| job.job_id == id.job).unwrap();
    let waiting = rest().await;
    assert_eq!((waiting.id, waiting.state), (format!("{id}_[1-4%1]"), JobState::Pending));
    assert_eq!(waiting.array_job_id, Some(id.job));
    bench.slurm.cancel(&task(3)).await.unwrap();
    bench.until("it is out", async || (rest().await.id == format!("{id}_[1-2,4%1]")).then_some(())).await;
    // Without accounting Slurm forgets it at once.
    let cancelled = bench.slurm.job(&task(3)).await.unwrap();
    assert!(cancelled.is_none_or(|record| record.job.state == JobState::Cancelled));
    assert_eq!(bench.slurm.cancel(&task(9)).await, Err(SlurmError::NoSuchJob(task(9))));
    bench.slurm.cancel(&id).await.unwrap();
    bench
        .until("all of it is over", async || {
            let jobs = bench.slurm.jobs().await.unwrap();
            jobs.iter().filter(|job| job.array_job_id == Some(id.job)).all(|job| job.state.is_final()).then_some(())
        })
        .await;
}

async fn unknown_and_finished_jobs_are_told_apart(bench: &Bench<'_>) {
    let unknown = JobId { job: 4_000_000, task: None };
    assert_eq!(bench.slurm.job(&unknown).await, Ok(None));
    assert_eq!(bench.slurm.cancel(&unknown).await, Err(SlurmError::NoSuchJob(unknown)));
    let finished = bench.submit(&bench.script("")).await;
    let over = bench.until_state(&finished, &[JobState::Completed]).await;
    assert!(bench.slurm.jobs().await.unwrap().iter().any(|job| job.id == over.job.id), "it stays for a while");
    assert_eq!(bench.slurm.cancel(&finished).await, Err(SlurmError::AlreadyFinished(finished.clone())));
    let task = JobId { task: Some(1), ..finished };
    assert_eq!(bench.slurm.job(&task).await, Ok(None), "it is no array");
}

async fn refusals_are_in_slurms_words(bench: &Bench<'_>) {
    type Change = fn(&mut Submission);
    let cases: [(Change, &str); 12] = [
        (|s| s.partition = Some("no-such".into()), "Invalid partition name specified"),
        (|s| s.nodes = Some(10_000), "Batch job submission failed"),
        (|s| s.tasks = Some(1_000_000), "Batch job submission failed"),
        (|s| s.cpus_per_task = Some(10_000), "Batch job submission failed"),
        (|s| s.memory = Some(1 << 40), "Batch job submission failed"),
        (|s| s.gpus = Some(1000), "Batch job submission failed"),
        (|s| s.time = Some("soon".into()), "Invalid --time specification"),
        (|s| s.time = Some("300-0".into()), "Requested time limit is invalid"),
        (|s| s.array = Some("0-99999999".into()), "Invalid job array specification"),
        (|s| s.array = Some("x".into()), "Invalid job array specification"),
        (|s| s.script = "echo no first line\n".into(), "This does not look like a batch script"),
        (|s| s.script = "#!/bin/sh\r\necho\r\n".into(), "DOS line breaks"),
    ];
    for (change, words) in cases {
        let mut asked = bench.script("");
        change(&mut asked);
        match bench.slurm.submit(&asked).await {
            Err(SlurmError::Refused { message }) => {
                assert!(message.contains(words) && !message.contains("sbatch: error"), "{words}: {message}");
            }
            other => panic!("{words}: {other:?}"),
        }
    }
}

async fn any_name_comes_back(bench: &Bench<'_>) {
    let names = [
        "two words",
        " lead and trail ",
        "it's a \"name\"",
        ";|&$(touch pwned)`touch pwned`\\",
        "--help",
        "-J",
        "x=1 UserId=root(0) JobState=FAILED",
        "%j%%N",
        "ünï-漢字-🚀",
        "unit\u{1f}record\u{1e}pipe|",
        "two\nlines",
    ];
    let ids = join_all(names.map(|name| async move {
        bench.submit(&Submission { name: name.to_owned(), ..bench.script("exit 0") }).await
    }))
    .await;
    let jobs = bench.slurm.jobs().await.unwrap();
    for (id, name) in ids.iter().zip(names) {
        let listed = jobs.iter().find(|job| job.job_id == id.job).unwrap();
        assert_eq!(listed.name, name);
        let over = bench.until_state(id, &[JobState::Completed]).await;
        assert_eq!(over.job.name, name);
        assert_eq!(over.stdout, Some(bench.dir.join(format!("{id}.out"))));
    }
    assert!(!bench.dir.join("pwned").exists());
}

async fn settings_win_over_the_scripts_own(bench: &Bench<'_>) {
    let own = "#SBATCH --ntasks=1 --time=5\n#SBATCH --partition=viz --mem=50M\n#SBATCH --job-name=other\n\
        echo $SLURM_JOB_NAME $SLURM_NTASKS $SLURM_CPUS_PER_TASK";
    let asked = Submission {
        partition: Some("compute".to_owned()),
        tasks: Some(2),
        cpus_per_task: Some(2),
        memory: Some(200),
        time: Some("0-00:10".to_owned()),
        ..bench.script(own)
    };
    let id = bench.submit(&asked).await;
    let job = bench.until_state(&id, &[JobState::Completed]).await.job;
    assert_eq!((job.partition.as_str(), job.name.as_str(), job.time_limit), ("compute", "contract", Some(600)));
    assert_eq!((job.tasks, job.cpus, job.memory), (Some(2), 4, Some(200 * u64::from(job.nodes))));
    assert_eq!(bench.read(&format!("{id}.out")), "contract 2 2\n");
    let id = bench.submit(&bench.script("#SBATCH --partition=viz\n#SBATCH --time=5\n")).await;
    let job = bench.until_state(&id, &[JobState::Completed]).await.job;
    assert_eq!((job.partition.as_str(), job.time_limit), ("viz", Some(300)), "where nothing else is said, they count");
}

async fn tasks_run_on_several_nodes(bench: &Bench<'_>) {
    let body = "echo $SLURM_JOB_NUM_NODES; srun sh -c 'echo $SLURM_PROCID $SLURM_NODEID'";
    let asked = Submission { nodes: Some(2), tasks: Some(3), ..bench.script(body) };
    let id = bench.submit(&asked).await;
    let job = bench.until_state(&id, &[JobState::Completed]).await.job;
    assert_eq!((job.nodes, job.tasks), (2, Some(3)));
    let output = bench.read(&format!("{id}.out"));
    let (nodes, mut lines) = (output.lines().next(), output.lines().skip(1).collect::<Vec<_>>());
    lines.sort_unstable();
    assert_eq!(nodes, Some("2"), "{output}");
    // The first task is on the first node and the last on the second; the one between is where there is room.
    assert!(lines == ["0 0", "1 0", "2 1"] || lines == ["0 0", "1 1", "2 1"], "{output}");
}

async fn jobs_inherit_nothing(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("pwd; env")).await;
    bench.until_state(&id, &[JobState::Completed]).await;
    let output = bench.read(&format!("{id}.out"));
    let (work_dir, environment) = output.split_once('\n').unwrap();
    assert_eq!(Path::new(work_dir), bench.dir);
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert_eq!(value("SLURM_JOB_ID"), Some(id.to_string().as_str()));
    assert_eq!(value("HOME"), std::env::var("HOME").ok().as_deref());
    assert!(value("PATH").is_some_and(|path| path.contains("/bin")));
    for inherited in ["CARGO_MANIFEST_DIR", "CARGO", "SLURMDASH_TEST_SLURM_CONF", "SLURM_TIME_FORMAT", "RUST_BACKTRACE"]
    {
        assert_eq!(value(inherited), None, "{inherited}");
    }
}

async fn nodes_and_partitions_fit_together(bench: &Bench<'_>) {
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
    let [compute, viz] = partitions.as_slice() else { panic!("{partitions:?}") };
    assert_eq!((compute.name.as_str(), compute.is_default), ("compute", true));
    assert_eq!((viz.name.as_str(), viz.is_default, viz.max_gpus_per_node), ("viz", false, 2));
    for partition in &partitions {
        let of: Vec<_> = nodes.iter().filter(|node| partition.nodes.contains(&node.name)).collect();
        assert_eq!(of.len(), partition.nodes.len());
        assert_eq!(partition.cpus, of.iter().map(|node| node.cpus).sum::<u32>());
        assert_eq!(Some(partition.max_memory_per_node), of.iter().map(|node| node.memory).max());
        assert!(partition.is_up && partition.max_time.is_some() && partition.default_time.is_some());
    }
}

/// A real cluster: somebody's, or one of our own that ends with this value.
struct RealCluster {
    conf: PathBuf,
    own: Option<Own>,
}

/// A cluster that the harness brought up. It ends when `holder` does, which this process's end sees to.
struct Own {
    dir: tempfile::TempDir,
    port: u16,
    holder: Child,
}

impl RealCluster {
    /// The cluster to test with, or why there is none.
    fn find() -> Result<RealCluster, String> {
        if let Some(conf) = std::env::var_os("SLURMDASH_TEST_SLURM_CONF") {
            return Ok(RealCluster { conf: conf.into(), own: None });
        }
        // Short: munge's socket has to fit into 108 bytes.
        let dir = tempfile::tempdir_in("/tmp").map_err(|error| error.to_string())?;
        let port = free_ports().ok_or("no free ports on the loopback")?;
        let own = Own { holder: harness(dir.path(), port, &["up", "4", "--until-eof"])?, dir, port };
        // From here on it is taken down whatever happens.
        let mut cluster = RealCluster { conf: own.dir.path().join("etc/slurm.conf"), own: Some(own) };
        let holder = &mut cluster.own.as_mut().unwrap().holder;
        // wait() would close the input that keeps the cluster up.
        let input = holder.stdin.take();
        let status = holder.wait().map_err(|error| error.to_string())?;
        holder.stdin = input;
        let mut said = String::new();
        if let Some(mut stderr) = holder.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said).map_err(|error| error.to_string())?;
        }
        let reason = said.lines().rev().find_map(|line| line.strip_prefix("slurm.sh: can't run here: "));
        match (status.code(), reason) {
            (Some(0), _) => Ok(cluster),
            (Some(77), Some(reason)) => Err(reason.to_owned()),
            _ => panic!("tests/cluster/slurm.sh up: {status}\n{said}"),
        }
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            let down = harness(own.dir.path(), own.port, &["down"])
                .and_then(|mut down| down.wait().map_err(|e| e.to_string()));
            drop(own.holder.stdin.take());
            println!("cluster down: {down:?}");
        }
    }
}

fn harness(dir: &Path, port: u16, args: &[&str]) -> Result<Child, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/slurm.sh");
    Command::new("sh")
        .arg(script)
        .args(args)
        .env("SLURMDASH_CLUSTER_DIR", dir)
        .env("SLURMDASH_CLUSTER_PORT", port.to_string())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())
}

/// The first of five neighbouring ports that are free now.
fn free_ports() -> Option<u16> {
    let begin = 20_000 + u16::try_from(std::process::id() % 1000).unwrap_or(0) * 10;
    let free = |port: &u16| (0..5).all(|nth| std::net::TcpListener::bind(("127.0.0.1", port + nth)).is_ok());
    (begin..begin + 1000).step_by(10).find(free)
}
