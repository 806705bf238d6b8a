//! The commands when they hang, flood, lie or are missing: small scripts in a folder of their own stand in for them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::sbatch::arguments;
use super::super::{Cli, CliConfig};
use crate::hands::local::Local;
use crate::slurm::{Action, JobId, Settings, Slurm, SlurmError, Submission};

/// A cluster whose commands are these scripts.
pub(super) fn cluster(dir: &Path, commands: &[(&str, &str)]) -> Cli {
    for (name, body) in commands {
        let path = dir.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let timeout = Duration::from_millis(500);
    let config = CliConfig { bin_dir: Some(dir.to_owned()), slurm_conf: Some("/etc/slurm/other.conf".into()), timeout };
    Cli::new(config, Arc::new(Local::own(std::env::vars_os())))
}

fn submission(dir: &Path) -> Submission {
    let settings = Settings {
        name: "--help; $(id)".to_owned(),
        partition: Some("-p".to_owned()),
        nodes: Some(2),
        memory: Some(100),
        gpus: Some(0),
        time: Some("1:00".to_owned()),
        ..Settings::default()
    };
    Submission {
        script: "#!/bin/sh\n".to_owned(),
        settings,
        work_dir: dir.to_owned(),
        stdout: PathBuf::from("-o %j"),
        stderr: None,
        mark: "0a".to_owned(),
    }
}

fn me() -> Local {
    Local::own(std::env::vars_os())
}

const ID: JobId = JobId { job: 7, task: None };

fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(pid_file: &Path) {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while alive(pid.trim()) {
        assert!(Instant::now() < deadline, "{pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_hanging_command_times_out_and_is_really_gone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("child");
    let hang = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait", file.display());
    let slurm = cluster(dir.path(), &[("squeue", &hang)]);
    let begin = Instant::now();
    let error = slurm.jobs().await.unwrap_err();
    assert_eq!(error, SlurmError::TimedOut { command: "squeue".to_owned(), seconds: 0 });
    assert!(begin.elapsed() < Duration::from_secs(10));
    gone(&file).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_the_command_along() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("child");
    let hang = format!("sleep 1000 & echo $! > {}.new; mv {0}.new {0}; wait", file.display());
    let slurm = cluster(dir.path(), &[("squeue", &hang)]);
    let written = async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        answer = slurm.jobs() => panic!("{answer:?}"),
        () = written => {}
    }
    gone(&file).await;
}

#[tokio::test]
async fn a_command_that_leaves_its_pipe_to_a_child_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("child");
    let body = format!("sleep 1000 & echo $! > {}", file.display());
    let slurm = cluster(dir.path(), &[("scancel", &body)]);
    assert!(matches!(slurm.act(&me(), &ID, &Action::Cancel).await, Err(SlurmError::TimedOut { .. })));
    gone(&file).await;
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut slurm = cluster(dir.path(), &[("squeue", "head -c 1000000000 /dev/zero"), ("scontrol", "yes error >&2")]);
    slurm.config.timeout = Duration::from_secs(10);
    let error = slurm.jobs().await.unwrap_err();
    assert!(matches!(&error, SlurmError::Unexpected { message, .. } if message.contains("more than")), "{error}");
    slurm.config.timeout = Duration::from_millis(200);
    assert!(matches!(slurm.nodes().await, Err(SlurmError::TimedOut { .. })));
}

#[tokio::test]
async fn garbage_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let garbage = "head -c 5000 /dev/urandom; echo; echo NodeName=n1 CPUTot=x";
    let slurm = cluster(dir.path(), &[("squeue", garbage), ("scontrol", garbage), ("sbatch", "echo Submitted 5")]);
    for error in [
        slurm.jobs().await.unwrap_err(),
        slurm.job(&ID).await.unwrap_err(),
        slurm.nodes().await.unwrap_err(),
        slurm.partitions().await.unwrap_err(),
        slurm.submit(&me(), &submission(dir.path())).await.unwrap_err(),
    ] {
        assert!(matches!(error, SlurmError::Unexpected { .. }), "{error}");
    }
}

#[tokio::test]
async fn failures_carry_the_commands_words() {
    let dir = tempfile::tempdir().unwrap();
    let away = "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1";
    let slurm =
        cluster(dir.path(), &[("squeue", away), ("scontrol", "exit 1"), ("sbatch", "exec cat /dev/null; exit 3")]);
    let message = "Unable to contact slurm controller (connect failure)".to_owned();
    assert_eq!(slurm.jobs().await, Err(SlurmError::Unavailable { command: "squeue".to_owned(), message }));
    let error = slurm.nodes().await.unwrap_err();
    assert!(error.to_string().contains("without a word"), "{error}");
    // It succeeds and says nothing.
    assert!(matches!(slurm.submit(&me(), &submission(dir.path())).await, Err(SlurmError::Unexpected { .. })));
}

#[tokio::test]
async fn missing_commands_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let slurm = cluster(dir.path(), &[]);
    let error = slurm.submit(&me(), &submission(dir.path())).await.unwrap_err();
    assert!(matches!(&error, SlurmError::CommandMissing { command, .. } if command == "sbatch"), "{error}");
    std::fs::write(dir.path().join("squeue"), "no program").unwrap();
    assert!(matches!(slurm.jobs().await, Err(SlurmError::CommandMissing { .. })), "not executable");
}

#[tokio::test]
async fn without_accounting_an_unknown_job_is_just_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = ("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1");
    let slurm = cluster(dir.path(), &[unknown]);
    assert_eq!(slurm.job(&ID).await, Ok(None), "no sacct");
    let slurm = cluster(dir.path(), &[("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")]);
    assert_eq!(slurm.job(&ID).await, Ok(None), "no accounting");
    let slurm = cluster(dir.path(), &[("sacct", "echo 'sacct: error: Unable to contact slurm database' >&2; exit 1")]);
    assert!(matches!(slurm.job(&ID).await, Err(SlurmError::Unavailable { .. })), "it may know it");
}

#[tokio::test]
async fn commands_see_only_what_they_need() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seen");
    let body = format!("{{ env; echo \"arguments $#\"; cat; }} > {}; echo '42;cluster'", file.display());
    let slurm = cluster(dir.path(), &[("sbatch", &body)]);
    let mut asked = submission(dir.path());
    asked.settings.environment.insert("MINE".to_owned(), "a=b,\"c\"".to_owned());
    assert_eq!(slurm.submit(&me(), &asked).await, Ok(42));
    let seen = std::fs::read_to_string(&file).unwrap();
    assert!(seen.contains("arguments 11\n#!/bin/sh\n"), "{seen}");
    assert!(seen.contains("SLURM_CONF=/etc/slurm/other.conf\n"), "{seen}");
    assert!(seen.contains("MINE=a=b,\"c\"\n"), "{seen}");
    let known =
        ["MINE", "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "SLURM_CONF", "PWD", "OLDPWD", "SHLVL", "_"];
    for line in seen.lines().take_while(|line| !line.starts_with("arguments")) {
        assert!(known.contains(&line.split('=').next().unwrap()), "{line}");
    }
}

#[test]
fn values_can_not_pass_for_options() {
    let args = arguments(&submission(Path::new("-D")));
    let args: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
    assert_eq!(
        args,
        [
            "--parsable",
            "--job-name=--help; $(id)",
            "--partition=-p",
            "--nodes=2",
            "--mem=100M",
            "--gres=none",
            "--time=1:00",
            "--comment=slurmdash:0a",
            "--chdir=-D",
            "--output=-o %j",
        ]
    );
}

#[tokio::test]
async fn a_name_that_no_command_can_take_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let slurm = cluster(dir.path(), &[("sbatch", "echo 1")]);
    for name in ["a\0b".to_owned(), "x".repeat(10_000_000)] {
        let mut asked = submission(dir.path());
        asked.settings.name = name;
        let refused = slurm.submit(&me(), &asked).await;
        assert!(matches!(refused, Err(SlurmError::Refused { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_record_is_shown_as_far_as_it_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let sacct = "m=$(echo \"$*\" | sed 's/.*--delimiter=\\([^ ]*\\).*/\\1/'); \
        printf 'JobID%sJobName%sState%s\\n7%sa\\nState=FAILED%sCOMPLETED%s\\n' $m $m $m $m $m $m";
    let slurm = cluster(dir.path(), &[("scontrol", "printf 'JobId=7\\033[2J JobName=x\\n'"), ("sacct", sacct)]);
    let text = slurm.record_text(&me(), &ID).await.unwrap();
    assert_eq!(text.controller.as_deref(), Some("JobId=7[2J JobName=x\n"));
    assert_eq!(text.accounting.as_deref(), Some("JobID=7\nJobName=a\\nState=FAILED\nState=COMPLETED\n"));
    let gone = "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1";
    let none = "echo 'Slurm accounting storage is disabled' >&2; exit 1";
    let slurm = cluster(dir.path(), &[("scontrol", gone), ("sacct", none)]);
    let text = slurm.record_text(&me(), &ID).await.unwrap();
    assert_eq!((text.controller, text.accounting), (None, None));
    let away = "echo 'sacct: error: Unable to contact slurm database' >&2; exit 1";
    let slurm = cluster(dir.path(), &[("sacct", away)]);
    assert!(matches!(slurm.record_text(&me(), &ID).await, Err(SlurmError::Unavailable { .. })));
    let slurm = cluster(dir.path(), &[("scontrol", "echo JobId=7")]);
    let text = slurm.record_text(&me(), &ID).await.unwrap();
    assert!(text.controller.is_some() && text.accounting.unwrap().contains("Unable to contact slurm database"));
    let slurm = cluster(dir.path(), &[("scontrol", "head -c 3000000 /dev/zero")]);
    let text = slurm.record_text(&me(), &ID).await.unwrap();
    assert!(text.controller.unwrap().contains("too long"));
}
