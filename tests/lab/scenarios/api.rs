//! The dashboard's API, called from outside of the hosts as a browser would.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lab::Host;
use lab::run::{eventually, finish};
use serde_json::{Value, json};

use crate::journal::STATE;
use crate::stage::Stage;

/// The dashboard, with its first admin signed in.
pub struct Dashboard {
    base: String,
    token: String,
}

impl Dashboard {
    /// Signs in at the dashboard on `host` with the password that the installer left on `controlling`.
    pub fn sign_in(host: &Host<'_>, controlling: &Host<'_>) -> Result<Self> {
        let password = controlling.read(&format!("{STATE}/secrets/dashboard-admin"))?;
        let mut dashboard = Self { base: format!("https://{}:8443", host.address()), token: String::new() };
        let account = json!({"username": "admin", "password": password.trim_end_matches('\n')});
        let answer = dashboard.post("/api/auth/login", &account)?;
        answer["access_token"].as_str().context("no access token")?.clone_into(&mut dashboard.token);
        Ok(dashboard)
    }

    /// Submits a command as a job; answers its number.
    pub fn submit(&self, command: &str, more: &Value) -> Result<u64> {
        let mut job = json!({"job_name": "lab", "tasks": 1, "memory": 16, "time": "5", "command": command});
        for (key, value) in more.as_object().into_iter().flatten() {
            job[key] = value.clone();
        }
        self.post("/api/jobs/submit", &job)?["job_id"].as_u64().context("no job number")
    }

    /// What is known about a job.
    pub fn job(&self, id: u64) -> Result<Value> {
        self.get(&format!("/api/jobs/{id}"))
    }

    /// Waits until a job is in a state.
    pub fn wait_for(&self, id: u64, state: &str) -> Result<Value> {
        eventually(&format!("job {id} {state}"), Duration::from_mins(2), || {
            let job = self.job(id)?;
            Ok((job["state"] == state).then_some(job))
        })
    }

    /// Runs a job to its good end.
    pub fn run_job(&self, stage: &Stage) -> Result<()> {
        let id = self.submit("hostname", &json!({}))?;
        let job = self.wait_for(id, "COMPLETED")?;
        stage.say(&format!("job {id} by the dashboard's API: COMPLETED on {}", job["node_list"]));
        Ok(())
    }

    /// Asks for something.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call(path, None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(path, Some(body))
    }

    /// By curl, which reads everything from its standard input. The certificate is the dashboard's own: whether a client
    /// may trust it is another test's.
    fn call(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut words = format!("url = {}\n", quoted(&format!("{}{path}", self.base)));
        words += "silent\nshow-error\ninsecure\nmax-time = 30\nwrite-out = \"\\n%{http_code}\"\nnoproxy = \"*\"\n";
        if !self.token.is_empty() {
            let _ = writeln!(words, "header = {}", quoted(&format!("Authorization: Bearer {}", self.token)));
        }
        if let Some(body) = body {
            words += "header = \"Content-Type: application/json\"\n";
            let _ = writeln!(words, "data = {}", quoted(&body.to_string()));
        }
        let said = finish(&["curl", "--config", "-"], Some(words.as_bytes()), Duration::from_secs(40))?.good()?;
        let (text, status) = said.rsplit_once('\n').context("no status")?;
        if !status.starts_with('2') {
            bail!("{path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(text)?)
    }
}
