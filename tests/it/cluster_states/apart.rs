//! Whose processes and files there are: everything of a person is their Unix user's, and the server has no privileges.
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use slurmdash_api::jobs::JobState;

use super::{Dashboard, sleeper, with};
use crate::real::RealCluster;
use crate::support::json as body_of;

/// A process that runs now.
struct Process {
    pid: u32,
    /// Real, effective, saved and file system user.
    uids: Vec<u32>,
    command: String,
}

fn processes() -> Vec<Process> {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // Those that end while they are looked at are none.
    pids.filter_map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        Some(Process { pid, uids: numbers(&status, "Uid:"), command })
    })
    .collect()
}

/// The numbers in a line of `/proc/<pid>/status`.
fn numbers(status: &str, name: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn uid_of(login: &str) -> u32 {
    let output = Command::new("id").args(["-u", login]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn real_jobs_files_and_agents_are_the_persons_own() {
    let Some(board) = Dashboard::start("whose processes and files there are").await else { return };
    let alice = board.sign_in(0).await;
    let uid = uid_of(&alice.name);
    let id = alice.submit(json!({"command": "echo mine > made-by-the-job; sleep 98765"})).await;
    let job = alice.until_state(id, JobState::Running).await;
    assert_eq!(job["user"], alice.name.as_str());
    let folder = PathBuf::from(job["work_dir"].as_str().unwrap());
    crate::support::eventually(async || folder.join("made-by-the-job").is_file().then_some(())).await;

    let log = std::fs::read_to_string(board.cluster.login_host().log).unwrap();
    let logins = format!("Accepted publickey for {} from 127.0.0.1", alice.name);
    let by_certificate = log.lines().filter(|line| line.contains(&logins)).all(|line| line.contains("ED25519-CERT"));
    assert!(log.contains(&logins) && by_certificate && log.contains("Accepted certificate ID"), "{log}");

    let running = processes();
    let of_the_job: Vec<_> = running.iter().filter(|process| process.command.contains("sleep 98765")).collect();
    assert!(!of_the_job.is_empty());
    let agents: Vec<_> = running
        .iter()
        .filter(|process| process.command.contains(" agent") && process.command.contains("slurmdash"))
        .filter(|process| process.uids.first() == Some(&uid))
        .collect();
    assert_eq!(agents.len(), 1, "one agent for one active person");
    for process in of_the_job.iter().chain(&agents) {
        assert_eq!(process.uids, [uid; 4], "{}", process.command);
        assert_eq!(capabilities(process.pid), [0, 0, 0], "{}", process.command);
    }
    for file in [folder.clone(), folder.join("made-by-the-job"), job["stdout"].as_str().unwrap().into()] {
        assert_eq!(std::fs::metadata(&file).unwrap().uid(), uid, "{}", file.display());
    }
    assert!(folder.starts_with(home_of(&alice.name)), "{}", folder.display());
}

#[tokio::test]
async fn real_servers_have_no_privileges_and_nothing_is_setuid() {
    let Some(board) = Dashboard::start("the server's privileges").await else { return };
    let alice = board.sign_in(0).await;
    let id = alice.submit(json!({"command": "true"})).await;
    alice.until_state(id, JobState::Completed).await;
    let (server, service) = (board.server.id(), uid_of(board.cluster.service()));
    let status = std::fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    assert_eq!(numbers(&status, "Uid:"), [service; 4]);
    assert_eq!(numbers(&status, "Groups:"), [] as [u32; 0]);
    assert_eq!(numbers(&status, "NoNewPrivs:"), [1]);
    assert_eq!(capabilities(server), [0, 0, 0]);
    // Nor can it have any through a file: what we install, and what the server and the person's agent left behind.
    let mut files = Vec::new();
    for folder in [board.folder.path().to_owned(), home_of(&alice.name)] {
        walk(&folder, &mut files);
    }
    assert!(files.contains(&board.program) && files.len() > 5, "{files:?}");
    for file in files {
        let mode = std::fs::symlink_metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o6000, 0, "{} is setuid or setgid", file.display());
        let mut value = [0; 64];
        let capability = rustix::fs::lgetxattr(&file, "security.capability", &mut value[..]);
        assert!(capability.is_err(), "{} has capabilities", file.display());
    }
    // The server's own folder is closed to people.
    let said = board.cluster.as_person(&alice.name, &format!("ls {} 2>&1 || true", board.private("data")));
    assert!(said.contains("Permission denied"), "{said}");
}

#[tokio::test]
async fn real_login_hosts_without_the_program_are_brought_it_once() {
    // Its folder is an empty one on that host.
    let agent = Path::new(env!("CARGO_BIN_EXE_slurmdash"));
    let test = "a login host without the program";
    let Some(board) = Dashboard::start_with(test, RealCluster::other_host, Some(agent)).await else { return };
    let alice = board.sign_in(0).await;
    let uid = uid_of(&alice.name);
    let cache = home_of(&alice.name).join(".cache/slurmdash");
    // Another test may have used that home.
    let _ = std::fs::remove_dir_all(&cache);
    // From there no controller can be reached: nothing but the folder for the job comes of it.
    let refused = alice.post("/api/jobs/submit", &with(sleeper(), json!({"job_name": "nowhere"}))).await;
    assert!(refused.status().is_server_error(), "{}", refused.text().await.unwrap());
    for name in ["first.dat", "second.dat"] {
        let body = json!({"filename": name, "file_size": 0, "user_id": alice.name});
        let begun = alice.post("/api/v2/files/upload/init", &body).await;
        assert_eq!(begun.status(), 201, "{}", begun.text().await.unwrap());
        let id = body_of(begun).await["upload_id"].clone();
        let ended = body_of(alice.post("/api/v2/files/upload/complete", &json!({"upload_id": id})).await).await;
        let path = ended["file_path"].as_str().unwrap_or_else(|| panic!("{ended}"));
        assert_eq!(std::fs::metadata(path).unwrap().uid(), uid, "{path}");
    }
    let copies: Vec<_> = std::fs::read_dir(&cache).unwrap().flatten().collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    let copy = copies[0].metadata().unwrap();
    assert_eq!((copy.uid(), copy.mode() & 0o7777), (uid, 0o700));
    let agents = processes().into_iter().filter(|process| process.command.contains(".cache/slurmdash/slurmdash-"));
    assert!(agents.map(|process| process.uids).all(|uids| uids == [uid; 4]));
    assert_eq!(std::fs::read(copies[0].path()).unwrap(), std::fs::read(agent).unwrap());
}

/// What a process may do beyond its user: the sets that are effective, permitted and handed on.
fn capabilities(pid: u32) -> [u64; 3] {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    ["CapEff:", "CapPrm:", "CapInh:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    })
}

fn home_of(login: &str) -> PathBuf {
    let output = Command::new("getent").args(["passwd", login]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    PathBuf::from(line.split(':').nth(5).unwrap())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}
