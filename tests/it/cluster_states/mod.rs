//! Everything a person does and sees on a real Slurm: the built program runs without privileges, people sign in, and what
//! they do is done over a real sshd as their own Unix users.
//!
//! [`waiting`] and [`ended`] bring jobs into every state that Slurm has, for as many causes as can be made here, and
//! check the words shown; [`actions`] does everything that can be done with a job; [`apart`] looks at whose processes and
//! files there are.

mod actions;
mod apart;
mod ended;
mod waiting;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use slurmdash_api::jobs::JobState;
use tokio::time::Instant;

use crate::real::{LoginHost, RealCluster};
use crate::support::{eventually, json};

/// How long Slurm may take to bring a job where it should be: it looks at limits every half minute.
const PATIENCE: Duration = Duration::from_secs(100);
/// Everybody's password in these tests; the accounts end with them.
const PASSWORD: &str = "correct horse battery staple";

/// The built program, serving a real cluster as a Unix user without privileges.
struct Dashboard {
    server: Child,
    url: String,
    program: PathBuf,
    folder: tempfile::TempDir,
    cluster: RealCluster,
}

/// Somebody who has signed in.
struct Person<'a> {
    /// Their Unix user, and the name of their account.
    name: String,
    /// The one whose server it is.
    board: &'a Dashboard,
    client: Client,
    token: String,
}

impl Dashboard {
    /// Starts it on a cluster where everybody has an account; `None` after having said why the test is skipped.
    async fn start(test: &str) -> Option<Self> {
        Self::start_with(test, RealCluster::login_host, None).await
    }

    /// The same with another login host, and another place where the program is said to be installed there.
    async fn start_with(test: &str, host: fn(&RealCluster) -> LoginHost, agent: Option<&Path>) -> Option<Self> {
        let cluster = RealCluster::or_skip(test).await?;
        let host = host(&cluster);
        let folder = RealCluster::open_folder();
        let program = folder.path().join("slurmdash");
        let built = Path::new(env!("CARGO_BIN_EXE_slurmdash"));
        // People start it too, and may not reach the folder where it was built.
        std::fs::hard_link(built, &program).or_else(|_| std::fs::copy(built, &program).map(drop)).unwrap();
        let private = folder.path().join("private");
        std::fs::create_dir(&private).unwrap();
        std::fs::write(private.join("password"), PASSWORD).unwrap();
        std::fs::write(folder.path().join("known_hosts"), format!("{}\n", host.known_host)).unwrap();
        std::fs::write(
            folder.path().join("slurmdash.yaml"),
            configuration(&cluster, &host, folder.path(), agent.unwrap_or(&program)),
        )
        .unwrap();
        let owner = format!("{0}:{0}", cluster.service());
        assert!(Command::new("chown").arg("-R").arg(owner).arg(&private).status().unwrap().success());
        // Filled in when it listens.
        let server = Command::new("true").spawn().unwrap();
        let mut board = Self { server, url: String::new(), program, folder, cluster };
        board.serve().await;
        for person in board.cluster.people() {
            board.run(&["user", "add", person, "--unix-user", person, "--password-file", &board.private("password")]);
        }
        board.cluster.trust(&board.authorities());
        Some(board)
    }

    /// A path in the server's own folder.
    fn private(&self, name: &str) -> String {
        self.folder.path().join("private").join(name).display().to_string()
    }

    /// The program as the server's Unix user, without any privilege.
    fn command(&self) -> Command {
        let (service, mut command) = (self.cluster.service(), Command::new("setpriv"));
        command
            .args([&format!("--reuid={service}"), &format!("--regid={service}"), "--clear-groups", "--no-new-privs"])
            .args(["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--"])
            .arg(&self.program)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SLURMDASH_CONFIG", self.folder.path().join("slurmdash.yaml"));
        command
    }

    /// Runs one of its other commands; answers what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The public keys of its certificate authority.
    fn authorities(&self) -> String {
        let keys = self.run(&["ssh-ca", "show", "--keys"]);
        assert!(keys.lines().count() == 1 && keys.starts_with("ssh-ed25519 "), "{keys}");
        keys
    }

    async fn serve(&mut self) {
        let ready = self.private("ready.json");
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = self.command();
        command.args(["serve", "--ready-file", &ready]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let replaced = std::mem::replace(&mut self.server, command.spawn().unwrap());
        assert!(replaced.wait_with_output().unwrap().status.success());
        let said = eventually(async || {
            let ended = self.server.try_wait().unwrap();
            assert!(ended.is_none(), "{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
            std::fs::read(&ready).ok()
        })
        .await;
        let said: Value = serde_json::from_slice(&said).unwrap();
        said["url"].as_str().unwrap().clone_into(&mut self.url);
    }

    /// Signs one of the cluster's people in, by their number.
    async fn sign_in(&self, number: usize) -> Person<'_> {
        let name = self.cluster.people()[number].to_owned();
        let client = Client::builder().no_proxy().build().unwrap();
        let body = json!({"username": name, "password": PASSWORD});
        let answer = client.post(format!("{}/api/auth/login", self.url)).json(&body).send().await.unwrap();
        let token = json(answer).await["access_token"].as_str().unwrap().to_owned();
        Person { name, board: self, client, token }
    }

    /// Changes the cluster as root until the value goes out of scope; then `back` is run, a command a line.
    fn changed(&self, change: &str, back: &str) -> Undo {
        let words: Vec<&str> = change.split(' ').collect();
        self.cluster.as_root(words[0], &words[1..]);
        Undo { conf: self.cluster.conf.clone(), back: back.to_owned() }
    }
}

impl Dashboard {
    /// Waits until the cluster is as the next test wants to find it: every node idle.
    fn let_settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut look = Command::new("sinfo");
        look.args(["-h", "-N", "-p", "compute", "-o", "%T"]).env("SLURM_CONF", &self.cluster.conf);
        let is_idle = |said: &[u8]| String::from_utf8_lossy(said).lines().all(|state| state == "idle");
        while Instant::now() < deadline && !look.output().is_ok_and(|output| is_idle(&output.stdout)) {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The server's configuration.
fn configuration(cluster: &RealCluster, host: &LoginHost, folder: &Path, agent: &Path) -> String {
    let (folder, agent, conf) = (folder.display(), agent.display(), cluster.conf.display());
    format!(
        "data_dir: {folder}/private/data\n\
         http: {{listen: '127.0.0.1:0'}}\n\
         limits: {{enabled: false}}\n\
         log: {{level: 'info,slurmdash=debug'}}\n\
         slurm: {{backend: cli, conf: {conf}, poll_milliseconds: 200}}\n\
         ssh: {{enabled: true, host: '{}', port: {}, known_hosts: {folder}/known_hosts, agent_path: {agent}}}\n",
        host.address.ip(),
        host.address.port(),
    )
}

#[expect(clippy::print_stderr, reason = "what the server said belongs to a failure")]
impl Drop for Dashboard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("the server said:\n{log}");
        }
        // It may have ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
        for person in self.cluster.people() {
            let conf = &self.cluster.conf;
            let _ = Command::new("scancel").args(["--user", person]).env("SLURM_CONF", conf).status();
        }
        self.let_settle();
    }
}

/// A change of the cluster that is taken back whatever happens to the test.
struct Undo {
    conf: PathBuf,
    back: String,
}

impl Drop for Undo {
    fn drop(&mut self) {
        for line in self.back.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            // Slurm may have taken it back by itself.
            let _ =
                Command::new(words[0]).args(&words[1..]).env("SLURM_CONF", &self.conf).stderr(Stdio::null()).status();
        }
    }
}

impl Person<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.board.url)).bearer_auth(&self.token)
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Submits a job; answers its number.
    async fn submit(&self, body: Value) -> u64 {
        let body = with(body, json!({"job_name": "states"}));
        let answer = self.post("/api/jobs/submit", &body).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 201, "{body}: {text}");
        serde_json::from_str::<Value>(&text).unwrap()["job_id"].as_u64().unwrap()
    }

    async fn job(&self, id: impl std::fmt::Display) -> Value {
        json(self.request(Method::GET, &format!("/api/jobs/{id}")).send().await.unwrap()).await
    }

    /// Looks at a job until it is so; `what` says what was waited for.
    async fn until(&self, id: impl std::fmt::Display, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.job(&id).await;
            if is_so(&job) {
                return job;
            }
            assert!(Instant::now() < deadline, "gave up waiting for {what} of job {id}: {job:#}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn until_state(&self, id: impl std::fmt::Display, state: JobState) -> Value {
        self.until(id, state.as_str(), |job| job["state"] == state.as_str()).await
    }

    /// Does something with jobs; answers the result of each: nothing, or the word for why not.
    async fn act(&self, action: &str, jobs: &[u64], more: Value) -> Vec<Option<String>> {
        let jobs_asked: Vec<String> = jobs.iter().map(u64::to_string).collect();
        let body = with(json!({"action": action, "jobs": jobs_asked}), more);
        let answer = json(self.post("/api/jobs/actions", &body).await).await;
        let results = answer["results"].as_array().unwrap_or_else(|| panic!("{body}: {answer}"));
        assert_eq!(results.len(), jobs.len(), "{answer}");
        let word = |result: &Value| match result["ok"].as_bool() {
            Some(true) => None,
            _ => Some(result["code"].as_str().unwrap_or("no code").to_owned()),
        };
        results.iter().map(word).collect()
    }
}

/// Something that runs until it is ended.
fn sleeper() -> Value {
    json!({"command": "sleep 3600"})
}

/// A body with more fields.
fn with(request: Value, more: Value) -> Value {
    let mut request = request;
    if let Value::Object(more) = more {
        for (key, value) in more {
            request[key] = value;
        }
    }
    request
}

/// A sleeping script with more lines for sbatch.
fn sleeper_with(lines: &str) -> Value {
    json!({"script": format!("#!/bin/sh\n{lines}\nsleep 3600\n")})
}

/// Checks a job's explanation: its word, that both languages say it, and that each of them names what is involved.
fn assert_explained(job: &Value, code: &str, named: &[&str]) {
    let explanation = &job["explanation"];
    assert_eq!(explanation["code"], code, "{job:#}");
    let is_hangul = |letter: char| ('가'..='힣').contains(&letter);
    for (language, korean) in [("en", false), ("ko", true)] {
        let words = &explanation[language];
        let text = |part: &str| words[part].as_str().unwrap_or_else(|| panic!("{language} {part}: {explanation:#}"));
        let all = ["short", "what", "why", "todo"].map(text).join(" ");
        for part in ["short", "what"] {
            assert!(!text(part).is_empty(), "{language} {part}: {explanation:#}");
            assert_eq!(text(part).contains(is_hangul), korean, "{language} {part}: {explanation:#}");
        }
        for name in named {
            assert!(all.contains(name), "{language} does not name {name}: {explanation:#}");
        }
    }
}
