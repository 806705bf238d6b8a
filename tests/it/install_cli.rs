//! `slurmdash install` as it is called: what it refuses before it looks at any host. Nothing here is applied.
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::TestApp;

/// The program, with a folder of its own for what the installer keeps.
struct Install {
    dir: TempDir,
}

impl Install {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Somebody else than root goes in, too.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.args(arguments).stdin(Stdio::null()).current_dir(self.dir.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Plans a configuration. It never gets as far as a host: the tests hand in what is refused.
    fn plan(&self, yaml: &str) -> Output {
        let file = self.dir.path().join("cluster.yaml");
        std::fs::write(&file, yaml).unwrap();
        let state = self.state();
        self.run(&["install", "--plan", "--config", file.to_str().unwrap(), "--state-dir", state.to_str().unwrap()])
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_names_everything_and_the_hidden_commands_stay_hidden() {
    let install = Install::new();
    let help = install.run(&["install", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    let words = text(&help.stdout);
    for word in [
        "status",
        "rollback",
        "uninstall",
        "init",
        "check",
        "adopt",
        "schema",
        "--plan",
        "--diff",
        "--json",
        "--yes",
        "--only",
        "--limit",
        "--resume",
        "--on-failure",
        "--allow-disruption",
        "--state-dir",
        "self-test",
        "ssh-ca",
    ] {
        assert!(words.contains(word), "{word} is missing:\n{words}");
    }
    let all = text(&install.run(&["--help"]).stdout);
    assert!(all.contains("install") && all.contains("doctor"), "{all}");
    assert!(!all.contains("install-host") && !all.contains("install-probe"), "{all}");
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let install = Install::new();
    for arguments in [
        &["install", "--json"][..],
        &["install", "--plan", "--yes"],
        &["install", "--plan", "--resume"],
        &["install", "--only", "everything"],
        &["install", "--on-failure", "panic"],
        &["install", "--plan", "status"],
        &["install", "rollback", "--all", "--to", "munge/head1/x"],
        &["install", "frobnicate"],
    ] {
        let output = install.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_schema_is_json_and_has_every_section() {
    let output = Install::new().run(&["install", "schema"]);
    assert_eq!(output.status.code(), Some(0));
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in [
        "cluster",
        "hosts",
        "ssh",
        "partitions",
        "storage",
        "identities",
        "memory_margin",
        "accounting",
        "slurm",
        "dashboard",
        "apptainer",
        "packages",
        "versions",
    ] {
        assert!(schema["properties"].get(key).is_some(), "{key}: {schema}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn a_wrong_configuration_is_told_with_line_and_column_and_leaves_nothing() {
    let install = Install::new();
    let cases = [
        ("cluster: hpc\nhosts:\n  - name: head1\n    role: [controller, compute]\n", "line 4, column 5"),
        ("cluster: 'a;rm -rf /'\nhosts: [{name: head1, roles: [controller, compute]}]\n", "line 1, column "),
        ("cluster: hpc\nhosts: [\n", "line "),
        ("cluster: hpc\nhosts:\n  - {name: '$(id)', roles: [controller, compute]}\n", "line 3, column "),
    ];
    for (yaml, place) in cases {
        let output = install.plan(yaml);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("cluster.yaml") && words.contains(place), "{place} is missing: {words}");
        assert!(output.stdout.is_empty());
    }
    assert!(!install.state().exists(), "looking makes no folder");
}

#[test]
fn bombs_and_floods_are_refused_quickly() {
    let install = Install::new();
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        bomb.push_str(&[name, ": &", name, " [", &vec![format!("*{before}"); 10].join(","), "]\n"].concat());
    }
    let cases = [
        bomb,
        format!("cluster: hpc\nhosts: {}\n", "[".repeat(100_000)),
        "cluster: hpc\nhosts: [{name: 'n[1-4000000000]', roles: [controller, compute]}]\n".to_owned(),
        "cluster: hpc\ncluster: other\nhosts: [{name: head1, roles: [controller, compute]}]\n".to_owned(),
    ];
    for yaml in cases {
        let begun = std::time::Instant::now();
        let output = install.plan(&yaml);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(text(&output.stderr).len() < 20_000);
        assert!(begun.elapsed().as_secs() < 20);
    }
}

#[test]
fn a_configuration_that_is_not_there_is_said() {
    let install = Install::new();
    let output = install.run(&["install", "--plan", "--config", "/nonexistent/cluster.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nonexistent/cluster.yaml"));
}

/// Somebody who is not root, with a program they may run.
fn as_nobody(install: &Install, arguments: &[&str]) -> Output {
    let program = install.dir.path().join("slurmdash");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_slurmdash"), &program).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    command.output().unwrap()
}

#[test]
fn who_is_not_root_is_told_the_line_that_works() {
    let install = Install::new();
    for arguments in [
        &["install", "--yes", "--limit", "node[1-2]"][..],
        &["install", "--plan"],
        &["install", "rollback", "--yes"],
        &["install", "uninstall"],
        &["install", "check"],
        &["doctor"],
    ] {
        let output = as_nobody(&install, arguments);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("root") && words.contains("sudo "), "{arguments:?}: {words}");
    }
    let quoted = text(&as_nobody(&install, &["install", "--yes", "--limit", "node[1-2]"]).stderr);
    assert!(quoted.contains("install --yes --limit 'node[1-2]'"), "{quoted}");
    // A shell's special characters come out as they went in.
    let schema = as_nobody(&install, &["install", "schema"]);
    assert_eq!(schema.status.code(), Some(0), "what changes and reads nothing needs no root");
}

#[test]
fn without_a_journal_there_is_nothing_to_tell() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let install = Install::new();
    let state = install.state();
    let state = state.to_str().unwrap();
    let status = install.run(&["install", "status", "--state-dir", state]);
    let words = text(&status.stdout);
    assert!(status.status.success() && words.starts_with("Nothing is installed"), "{words}");
    let json = install.run(&["install", "status", "--json", "--state-dir", state]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["runs"], &json["at_work"], &json["unfinished"]), (&json!([]), &Value::Null, &Value::Null));
    let back = install.run(&["install", "rollback", "--yes", "--state-dir", state]);
    assert_eq!(back.status.code(), Some(0));
    assert!(text(&back.stdout).contains("othing"), "{back:?}");
    let resume = install.run(&["install", "--resume", "--yes", "--state-dir", state]);
    assert_eq!(resume.status.code(), Some(1));
    assert!(text(&resume.stderr).contains("none to go on with"), "{resume:?}");
    assert!(!install.state().exists(), "looking makes no folder");
}

#[test]
fn uninstall_asks_before_it_removes_what_the_installer_kept_for_itself() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let install = Install::new();
    let state = install.state();
    for folder in ["", "runs", "secrets"] {
        std::fs::create_dir(state.join(folder)).unwrap();
        std::fs::set_permissions(state.join(folder), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    std::fs::write(state.join("secrets/munge.key"), "secret").unwrap();
    let arguments = ["install", "uninstall", "--state-dir", state.to_str().unwrap()];
    let asked = install.run(&arguments);
    assert_eq!(asked.status.code(), Some(1), "nobody can be asked: {asked:?}");
    assert!(text(&asked.stdout).contains("what the installer kept for itself"), "{asked:?}");
    assert!(state.join("secrets/munge.key").exists());
}

/// Says lines to `install-host` and gives what it answers, a line each.
fn far_end(lines: &[u8]) -> (Option<i32>, Vec<String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_slurmdash"))
        .arg("install-host")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have hung up already.
    let _ = child.stdin.take().unwrap().write_all(lines);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stdout).lines().map(str::to_owned).collect())
}

#[test]
fn the_far_end_lives_through_hostile_lines() {
    let deep = "[".repeat(100_000);
    let lines = [
        "",
        "no json",
        "{}",
        "null",
        r#"{"execute": []}"#,
        r#"{"shell": "id"}"#,
        r#"{"look": [[{"write_file": {}}], {}]}"#,
        &deep,
        "\u{0}\u{1b}[2J",
    ];
    for line in lines {
        let (code, answers) = far_end(format!("{line}\n").as_bytes());
        assert_eq!(code, Some(1), "{line:.40}");
        // It says who it is, then answers, and hangs up.
        assert!(answers[0].starts_with("slurmdash-install {"), "{answers:?}");
        assert_eq!(answers.len(), 2, "{line:.40}");
        for answer in &answers[1..] {
            assert!(serde_json::from_str::<Value>(answer).is_ok(), "{line:.40}: not JSON: {answer}");
        }
    }
    assert_eq!(far_end(&[0xff, 0xfe, b'\n']).0, Some(1));
    assert_eq!(far_end(b"").0, Some(0), "nobody there any more is a good end");
}

/// Asks `install-probe` and gives its exit code and answer.
async fn probe(dir: &Path, question: &Value) -> (Option<i32>, Value) {
    let (dir, question) = (dir.to_owned(), question.to_string());
    let ask = move || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_slurmdash"))
            .arg("install-probe")
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = tokio::task::spawn_blocking(ask).await.unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test]
async fn the_probe_runs_a_job_through_the_api() {
    let app = TestApp::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (code, answer) = probe(dir.path(), &json!({"url": app.url})).await;
    assert_eq!((code, &answer["ready"]["ready"]), (Some(0), &json!(true)), "{answer}");
    let question = json!({"url": app.url, "user": "admin", "password": app.password, "name": "self-test"});
    let (code, answer) = probe(dir.path(), &question).await;
    assert_eq!((code, answer["state"].as_str()), (Some(0), Some("COMPLETED")), "{answer}");
    assert!(answer["node"].is_string(), "{answer}");
    let job = app.get(&format!("/api/jobs/{}", answer["job_id"])).await;
    assert_eq!(job.status(), 200, "it ran for real, and our own session is still there");
}

#[tokio::test]
async fn the_probe_says_what_is_wrong_and_never_the_password() {
    let app = TestApp::start().await;
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        (json!({"url": app.url, "user": "admin", "password": "not-the-password"}), "401"),
        (json!({"url": app.url, "user": "admin"}), "password"),
        (
            json!({"url": app.url, "user": "admin", "password": app.password, "partition": "nowhere"}),
            "/api/jobs/submit",
        ),
        (json!({"url": "http://127.0.0.1:1"}), "/ready"),
        (json!({"url": "http://192.0.2.1:8080"}), "https"),
        (json!({"url": "file:///etc/passwd"}), "https"),
    ];
    for (question, part) in cases {
        let (code, answer) = probe(dir.path(), &question).await;
        let error = answer["error"].as_str().unwrap();
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(part), "{part} is missing: {error}");
        assert!(!error.contains("not-the-password") && !error.contains(&app.password));
    }
    let (code, answer) = probe(dir.path(), &json!({"url": app.url, "pasword": "not-the-password"})).await;
    assert_eq!(code, Some(2));
    assert!(!answer.to_string().contains("not-the-password"), "{answer}");
}

#[tokio::test]
async fn the_probe_takes_no_certificate_but_its_own_dashboards() {
    let dir = crate::support::private_folder();
    let write = |name: &str, data: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, format!("data_dir: {data}\ntls: {{mode: on}}\nslurm: {{backend: sim}}\n")).unwrap();
        file
    };
    let data = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let ours = write("ours.yaml", &data("ours"));
    let other = write("other.yaml", &data("other"));
    let arguments = |config: &Path| ["--config".to_owned(), config.to_str().unwrap().to_owned()];
    let start = async |config: &Path, place: &str| {
        let place = dir.path().join(place);
        std::fs::create_dir(&place).unwrap();
        let arguments = arguments(config);
        crate::program::Running::start(&place, &arguments.each_ref().map(String::as_str)).await
    };
    let running = start(&ours, "ready-ours").await;
    let stranger = start(&other, "ready-other").await;
    let url = |running: &crate::program::Running| running.ready["url"].as_str().unwrap().to_owned();
    assert!(url(&running).starts_with("https://"), "{}", url(&running));
    let (code, answer) = probe(dir.path(), &json!({"url": url(&running), "configuration": ours})).await;
    assert_eq!((code, &answer["ready"]["ready"]), (Some(0), &json!(true)), "{answer}");
    let (code, answer) = probe(dir.path(), &json!({"url": url(&stranger), "configuration": ours})).await;
    assert_eq!(code, Some(1), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("certificate"), "{answer}");
}
