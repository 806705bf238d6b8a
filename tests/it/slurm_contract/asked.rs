//! What a submission may ask for.

use std::path::Path;

use futures_util::future::join_all;
use slurmdash::slurm::{Settings, SlurmError, Submission};
use slurmdash_api::jobs::JobState;

use super::{Bench, with};

pub async fn refusals_are_in_slurms_words(bench: &Bench<'_>) {
    type Change = fn(&mut Submission);
    let cases: [(Change, &str); 12] = [
        (|s| s.settings.partition = Some("no-such".into()), "Invalid partition name specified"),
        (|s| s.settings.nodes = Some(10_000), "Batch job submission failed"),
        (|s| s.settings.tasks = Some(1_000_000), "Batch job submission failed"),
        (|s| s.settings.cpus_per_task = Some(10_000), "Batch job submission failed"),
        (|s| s.settings.memory = Some(1 << 40), "Batch job submission failed"),
        (|s| s.settings.gpus = Some(1000), "Batch job submission failed"),
        (|s| s.settings.time = Some("soon".into()), "Invalid --time specification"),
        (|s| s.settings.time = Some("300-0".into()), "Requested time limit is invalid"),
        (|s| s.settings.array = Some("0-99999999".into()), "Invalid job array specification"),
        (|s| s.settings.array = Some("x".into()), "Invalid job array specification"),
        (|s| s.script = "echo no first line\n".into(), "This does not look like a batch script"),
        (|s| s.script = "#!/bin/sh\r\necho\r\n".into(), "DOS line breaks"),
    ];
    for (change, words) in cases {
        let mut asked = bench.script("");
        change(&mut asked);
        match bench.slurm.submit(&bench.person, &asked).await {
            Err(SlurmError::Refused { message }) => {
                assert!(message.contains(words) && !message.contains("sbatch: error"), "{words}: {message}");
            }
            other => panic!("{words}: {other:?}"),
        }
    }
}

pub async fn any_name_comes_back(bench: &Bench<'_>) {
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
        bench.submit(&with(bench.script("exit 0"), |s| name.clone_into(&mut s.name))).await
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

pub async fn settings_win_over_the_scripts_own(bench: &Bench<'_>) {
    let own = "#SBATCH --ntasks=1 --time=5\n#SBATCH --partition=viz --mem=50M\n#SBATCH --job-name=other\n\
        echo $SLURM_JOB_NAME $SLURM_NTASKS $SLURM_CPUS_PER_TASK";
    let asked = with(bench.script(own), |s| {
        s.partition = Some("compute".to_owned());
        s.tasks = Some(2);
        s.cpus_per_task = Some(2);
        s.memory = Some(200);
        s.time = Some("0-00:10".to_owned());
    });
    let id = bench.submit(&asked).await;
    let job = bench.until_state(&id, &[JobState::Completed]).await.job;
    assert_eq!((job.partition.as_str(), job.name.as_str(), job.time_limit), ("compute", "contract", Some(600)));
    assert_eq!((job.tasks, job.cpus, job.memory), (Some(2), 4, Some(200 * u64::from(job.nodes))));
    assert_eq!(bench.read(&format!("{id}.out")), "contract 2 2\n");
    let id = bench.submit(&bench.script("#SBATCH --partition=viz\n#SBATCH --time=5\n")).await;
    let job = bench.until_state(&id, &[JobState::Completed]).await.job;
    assert_eq!((job.partition.as_str(), job.time_limit), ("viz", Some(300)), "where nothing else is said, they count");
}

pub async fn tasks_run_on_several_nodes(bench: &Bench<'_>) {
    let body = "echo $SLURM_JOB_NUM_NODES; srun sh -c 'echo $SLURM_PROCID $SLURM_NODEID'";
    let asked = with(bench.script(body), |s| {
        s.nodes = Some(2);
        s.tasks = Some(3);
    });
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

pub async fn jobs_inherit_nothing(bench: &Bench<'_>) {
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

pub async fn variables_and_files_are_as_asked(bench: &Bench<'_>) {
    let own = "#SBATCH --export=NONE\necho out; echo err >&2; printf '%s\\n' \"$MINE\"; env | grep -c ^MINE";
    let mut asked = bench.script(own);
    let value = "two\nlines, \"a=b\" $(id) 'x' \\ ü";
    asked.settings.environment.insert("MINE".to_owned(), value.to_owned());
    asked.stderr = Some(bench.dir.join("%j.err"));
    let id = bench.submit(&asked).await;
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    assert_eq!(over.stderr, Some(bench.dir.join(format!("{id}.err"))));
    assert_eq!(bench.read(&format!("{id}.out")), format!("out\n{value}\n1\n"));
    assert_eq!(bench.read(&format!("{id}.err")), "err\n");
}

pub async fn nodes_and_memory_are_as_asked(bench: &Bench<'_>) {
    let body = "echo $SLURM_NTASKS_PER_NODE $SLURM_JOB_NUM_NODES $SLURMD_NODENAME";
    let asked = with(bench.script(body), |s| {
        (s.nodes, s.tasks_per_node, s.memory_per_cpu) = (Some(2), Some(2), Some(20));
    });
    let id = bench.submit(&asked).await;
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    assert_eq!((over.job.nodes, over.job.tasks, over.job.memory), (2, Some(4), Some(80)));
    assert!(bench.read(&format!("{id}.out")).starts_with("2 2 "));
    let asked = with(bench.script(body), |s| s.constraint = Some("viz".to_owned()));
    let asked = with(asked, |s| s.partition = bench.partition_with("viz"));
    let id = bench.submit(&asked).await;
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    assert_eq!(over.more.constraint.as_deref(), Some("viz"));
    let nodes = bench.slurm.nodes().await.unwrap();
    let node = nodes.iter().find(|node| Some(&node.name) == over.job.node_list.as_ref()).unwrap();
    assert!(node.features.iter().any(|feature| feature == "viz"), "{node:?}");
}

pub async fn a_scripts_lines_say_the_same(bench: &Bench<'_>) {
    let settings = Settings {
        name: "not this".to_owned(),
        tasks_per_node: Some(2),
        memory_per_cpu: Some(20),
        begin: Some("now+1hour".to_owned()),
        dependency: Some("singleton".to_owned()),
        error: Some("an \"err\" #1 it's=--mem=1-%j".to_owned()),
        ..Settings::default()
    };
    let id = bench.submit(&bench.script(&settings.sbatch_lines())).await;
    let record = bench.record(&id).await;
    let stderr = bench.dir.join(format!("an \"err\" #1 it's=--mem=1-{id}"));
    assert_eq!((record.stderr, record.job.name.as_str()), (Some(stderr), "contract"));
    assert_eq!((record.job.memory, record.job.state), (Some(40), JobState::Pending));
    assert!(record.more.dependency.is_some(), "{:?}", record.more);
    bench.cancel(&id).await.unwrap();
}

pub async fn jobs_wait_for_their_time(bench: &Bench<'_>) {
    let soon = with(bench.script(""), |s| s.begin = Some("now+1hour".to_owned()));
    let id = bench.submit(&soon).await;
    let waits = bench.until_reason(&id, "BeginTime").await;
    let (begin, submitted) = (waits.more.begin.unwrap(), waits.job.submit_time.unwrap());
    assert!((3590..=3610).contains(&(begin - submitted)), "{waits:?}");
    bench.cancel(&id).await.unwrap();
    let passed = with(bench.script(""), |s| s.begin = Some("now+2".to_owned()));
    let id = bench.submit(&passed).await;
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    assert!(over.job.start_time.unwrap() - over.job.submit_time.unwrap() >= 2, "{over:?}");
}

pub async fn jobs_wait_for_each_other(bench: &Bench<'_>) {
    let go = format!("go-{}", fastrand::u64(..));
    let first = bench.submit(&bench.script(&format!("{}; exit 1", super::wait_for(&go)))).await;
    let after = |text: String| with(bench.script(""), |s| s.dependency = Some(text));
    let mut waiting = Vec::new();
    for kind in ["afterok", "afternotok", "afterany"] {
        waiting.push(bench.submit(&after(format!("{kind}:{first}"))).await);
    }
    let singleton = |body: &str| {
        let asked = with(bench.script(body), |s| s.dependency = Some("singleton".to_owned()));
        with(asked, |s| s.name = format!("single {go}"))
    };
    let begun = bench.submit(&after(format!("after:{first}"))).await;
    let one = bench.submit(&singleton(&super::wait_for(&go))).await;
    let two = bench.submit(&singleton("")).await;
    for id in waiting.iter().chain([&two]) {
        let waits = bench.until_reason(id, "Dependency").await;
        assert!(waits.more.dependency.is_some(), "{waits:?}");
    }
    bench.until_state(&begun, &[JobState::Completed]).await;
    bench.until_state(&one, &[JobState::Running]).await;
    std::fs::write(bench.dir.join(&go), "").unwrap();
    bench.until_state(&first, &[JobState::Failed]).await;
    bench.until_reason(&waiting[0], "DependencyNeverSatisfied").await;
    bench.cancel(&waiting[0]).await.unwrap();
    for id in waiting[1..].iter().chain([&two]) {
        bench.until_state(id, &[JobState::Completed]).await;
    }
}

pub async fn a_lost_answer_is_found_by_its_mark(bench: &Bench<'_>) {
    let own = "#SBATCH --comment='my own words'\nexit 0";
    let mark = format!("{:016x}", fastrand::u64(..));
    let asked = Submission { mark: mark.clone(), ..bench.script(own) };
    let id = bench.submit(&asked).await;
    assert_eq!(bench.slurm.find(&mark, 0).await, Ok(Some(id.job)));
    assert_eq!(bench.slurm.find(&mark[1..], 0).await, Ok(None));
    assert_eq!(bench.slurm.find("", 0).await, Ok(None));
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    assert_eq!(over.more.comment, Some(format!("my own words slurmdash:{mark}")));
    let mark = format!("{:016x}", fastrand::u64(..));
    let array = with(Submission { mark: mark.clone(), ..bench.script("") }, |s| s.array = Some("3-4".to_owned()));
    let id = bench.submit(&array).await;
    assert_eq!(bench.slurm.find(&mark, 0).await, Ok(Some(id.job)));
    bench.until_all_over(id.job, 2).await;
    assert_eq!(bench.slurm.find(&mark, 0).await, Ok(Some(id.job)), "and the tasks are the array's");
}

pub async fn a_forecast_submits_nothing(bench: &Bench<'_>) {
    let asked = with(bench.script("touch was-run"), |s| (s.tasks, s.name) = (Some(2), "a forecast".to_owned()));
    let forecast = bench.slurm.test(&bench.person, &asked).await.unwrap();
    assert_eq!((forecast.accepted, forecast.refusal.as_deref(), forecast.cpus), (true, None, Some(2)));
    assert!(forecast.start_time.is_some() && forecast.node_list.is_some(), "{forecast:?}");
    assert_eq!(forecast.partition.as_deref(), Some("compute"));
    let later = with(asked.clone(), |s| s.begin = Some("now+1hour".to_owned()));
    let later = bench.slurm.test(&bench.person, &later).await.unwrap();
    assert!(later.start_time.unwrap() - slurmdash::slurm::sim::system_time() >= 3500, "{later:?}");
    let no_such = with(asked.clone(), |s| s.reservation = Some("no-such".to_owned()));
    let refused = bench.slurm.test(&bench.person, &no_such).await.unwrap();
    assert!(!refused.accepted && refused.refusal.as_deref().unwrap().contains("Requested reservation is invalid"));
    assert_eq!((refused.start_time, refused.cpus), (None, None));
    assert!(bench.slurm.jobs().await.unwrap().iter().all(|job| job.name != "a forecast"));
    assert!(!bench.dir.join("was-run").exists());
}
