//! `slurmdash install-probe`: asks the dashboard of this host as a person would, for the installer's last steps.
//!
//! It reads one JSON object and writes one. With `{"url"}` alone it asks whether the dashboard is ready:
//! `{"ready": {…}}`, the answer of `GET /ready`. With an account it signs in, submits a small job and waits for its end:
//! `{"job_id", "state", "node"}`. What goes wrong is `{"error"}`, and exit code 1. The password comes here only, and goes to
//! nobody but the server with this host's own certificate.
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slurmdash_api::Problem;
use slurmdash_api::auth::{LoginAnswer, LoginOutcome, LoginRequest};
use slurmdash_api::jobs::{JobDetail, JobRequest, JobState, JobSubmitted};

use crate::cli::{USAGE, print_line};
use crate::config::{self, Flags};
use crate::secret::Secret;
use crate::tls;

/// Longest time for one request with its answer.
const REQUEST: Duration = Duration::from_secs(10);
/// Pause between two looks at the job.
const PAUSE: Duration = Duration::from_millis(300);
/// Hosts that may be asked over plain HTTP.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];
/// Largest question and answer, bytes.
const MAX: u64 = 1 << 20;

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Base address: `https://127.0.0.1:8443`.
    url: String,
    /// The dashboard's configuration, which says where its certificate is.
    #[serde(default)]
    configuration: Option<PathBuf>,
    /// Account; without one only `/ready` is asked.
    #[serde(default)]
    user: Option<String>,
    /// Its password.
    #[serde(default)]
    password: Option<String>,
    /// Where the job goes; the default partition when absent.
    #[serde(default)]
    partition: Option<String>,
    /// The job's name.
    #[serde(default)]
    name: Option<String>,
    /// Longest wait for the job's end.
    #[serde(default = "two_minutes")]
    within_seconds: u64,
}

fn two_minutes() -> u64 {
    120
}

/// Runs the command.
pub fn run() -> ExitCode {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX).read_to_string(&mut text);
    // The library's words may quote what was read, which may be a password.
    let question = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    let Some(question) = question else {
        print_line(&json!({"error": "standard input is not the JSON object that install-probe takes"}).to_string());
        return ExitCode::from(USAGE);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = match runtime {
        Ok(runtime) => runtime.block_on(answer(question)),
        Err(error) => Err(format!("can't start: {error}")),
    };
    let (code, answer) = match answer {
        Ok(answer) => (ExitCode::SUCCESS, answer),
        Err(error) => (ExitCode::FAILURE, json!({"error": error})),
    };
    print_line(&answer.to_string());
    code
}

async fn answer(question: Question) -> Result<Value, String> {
    let client = client(&question)?;
    let base = question.url.trim_end_matches('/').to_owned();
    let mut dashboard = Dashboard { client, base, token: None, refresh_token: None };
    let Some(user) = question.user else {
        return Ok(json!({"ready": dashboard.ask::<Value>(Method::GET, "/ready", None).await?}));
    };
    let password = Secret::new(question.password.ok_or("an account needs its password")?);
    dashboard.sign_in(user, &password).await?;
    let job = JobRequest {
        job_name: question.name.unwrap_or_else(|| "slurmdash-self-test".to_owned()),
        partition: question.partition,
        // As little as possible, so that it finds room beside what runs.
        tasks: Some(1),
        memory: Some(16),
        time: Some("2".to_owned()),
        command: Some("hostname".to_owned()),
        ..JobRequest::default()
    };
    let came = dashboard.run_job(&job, Duration::from_secs(question.within_seconds)).await;
    dashboard.sign_out().await;
    came
}

/// A client that takes the certificate of this host's dashboard and no other. Where the dashboard is configured to leave
/// TLS to somebody else, the system's authorities decide; plain HTTP is for the loopback alone.
fn client(question: &Question) -> Result<Client, String> {
    let url = Url::parse(&question.url).map_err(|error| format!("url: {error}"))?;
    let client = Client::builder().redirect(Policy::none()).timeout(REQUEST).no_proxy();
    let client = if url.scheme() == "https" {
        match certificate(question.configuration.as_deref())? {
            Some(file) => {
                let config = tls::pinned::client_config(&file).map_err(|error| error.to_string())?;
                client.tls_backend_preconfigured(config)
            }
            None => client,
        }
    } else if url.scheme() == "http" && url.host_str().is_some_and(|host| LOOPBACK.contains(&host)) {
        client.tls_certs_only([])
    } else {
        return Err("url: it must be https, or http on the loopback".into());
    };
    client.build().map_err(|error| words(&error))
}

/// The file of the certificate that the dashboard here serves.
fn certificate(configuration: Option<&Path>) -> Result<Option<PathBuf>, String> {
    let config = config::load(configuration, &Flags::default()).map_err(|error| error.to_string())?.config;
    let file = || config.tls.certificate.clone().unwrap_or_else(|| tls::self_signed_file(&config.tls_dir()));
    Ok(config.serves_tls().then(file))
}

/// The dashboard, as its API is.
struct Dashboard {
    client: Client,
    base: String,
    token: Option<Secret>,
    refresh_token: Option<Secret>,
}

impl Dashboard {
    async fn sign_in(&mut self, username: String, password: &Secret) -> Result<(), String> {
        let request = LoginRequest { username, password: password.expose().to_owned() };
        let body = serde_json::to_value(request).map_err(|error| error.to_string())?;
        match self.ask(Method::POST, "/api/auth/login", Some(body)).await? {
            LoginOutcome::Done(LoginAnswer { access_token, refresh_token, .. }) => {
                self.token = Some(Secret::new(access_token));
                self.refresh_token = refresh_token.map(Secret::new);
                Ok(())
            }
            LoginOutcome::More(_) => Err("the account asks for a second factor".into()),
        }
    }

    /// Ends this session. One that can't be ended runs out by itself.
    async fn sign_out(&mut self) {
        // Without the refresh token it would end the account's other sessions too.
        if let Some(token) = self.refresh_token.take() {
            let body = json!({"refresh_token": token.expose()});
            let _ = self.ask::<Value>(Method::POST, "/api/auth/logout", Some(body)).await;
        }
    }

    /// Submits a job and waits for its end.
    async fn run_job(&self, job: &JobRequest, within: Duration) -> Result<Value, String> {
        let body = serde_json::to_value(job).map_err(|error| error.to_string())?;
        let submitted: JobSubmitted = self.ask(Method::POST, "/api/jobs/submit", Some(body)).await?;
        let (id, begun) = (submitted.job_id, Instant::now());
        loop {
            let detail: JobDetail = self.ask(Method::GET, &format!("/api/jobs/{id}"), None).await?;
            let state = detail.job.state;
            if state == JobState::Completed {
                let node = detail.job.node_list.as_deref();
                return Ok(json!({"job_id": id, "state": state.as_str(), "node": node}));
            }
            let why = || {
                let explained = detail.explanation.as_ref().map(|why| format!(": {}", why.en.what));
                let reason = detail.job.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
                format!("{}{reason}", explained.unwrap_or_default())
            };
            if state.is_final() {
                return Err(format!("job {id} ended as {}{}", state.as_str(), why()));
            }
            if begun.elapsed() >= within {
                let said = format!("job {id} is {} after {} s{}", state.as_str(), within.as_secs(), why());
                // It would run one day, for nobody.
                let gone = self.ask::<Value>(Method::POST, &format!("/api/jobs/{id}/cancel"), None).await;
                return Err(match gone {
                    Ok(_) => said,
                    Err(error) => format!("{said}; it can't be cancelled: {error}"),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<Value>) -> Result<T, String> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let (status, body) = send(request).await.map_err(|error| format!("{method} {path}: {error}"))?;
        if !status.is_success() {
            let problem = serde_json::from_slice::<Problem>(&body).map(|problem| problem.detail);
            return Err(format!("{method} {path} answered {status}: {}", problem.unwrap_or_default()));
        }
        serde_json::from_slice(&body).map_err(|_| format!("{method} {path}: the answer can't be understood"))
    }
}

async fn send(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), String> {
    let mut answer = request.send().await.map_err(|error| words(&error))?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| words(&error))? {
        if u64::try_from(body.len() + piece.len()).is_ok_and(|length| length > MAX) {
            return Err("the answer is larger than 1 MiB".into());
        }
        body.extend_from_slice(&piece);
    }
    Ok((answer.status(), body))
}

/// The whole chain of causes.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}
