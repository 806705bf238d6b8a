//! A running server for tests: the real router on a free port, a simulated cluster, everything in a folder of its own.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use slurmdash::app::{App, StartError};
use slurmdash::clock::Clock;
use slurmdash::config::{Backend, Config};
use slurmdash::http::listen::{Limits, Security, serve};
use slurmdash::store::StoreError;
use slurmdash::{http, tasks};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// A running server, signed in as `admin`.
pub struct TestApp {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// The server's inside.
    pub app: Arc<App>,
    /// The `admin` account's password.
    pub password: String,
    /// The `admin` account's access token.
    pub token: String,
    client: Client,
    seconds: Arc<AtomicI64>,
    server: JoinHandle<usize>,
    background: TaskTracker,
    dir: Option<TempDir>,
}

impl TestApp {
    /// Starts one in a fresh folder.
    pub async fn start() -> Self {
        let dir = private_folder();
        let mut app = Self::start_in(dir.path(), |_| {}, None).await;
        app.dir = Some(dir);
        app
    }

    /// Starts one in a fresh folder with another configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = private_folder();
        let mut app = Self::start_in(dir.path(), change, None).await;
        app.dir = Some(dir);
        app
    }

    /// Starts one in a fresh folder with another configuration and other parts.
    pub async fn with_app(change: impl FnOnce(&mut Config), parts: impl FnOnce(&mut App)) -> Self {
        let dir = private_folder();
        let mut app = Self::start_altered(dir.path(), change, parts, None).await;
        app.dir = Some(dir);
        app
    }

    /// Starts one in a folder that may have been used before; then `password` is what it was.
    pub async fn start_in(dir: &Path, change: impl FnOnce(&mut Config), password: Option<String>) -> Self {
        Self::start_altered(dir, change, |_| {}, password).await
    }

    /// The same, with parts of the server's inside changed before it runs.
    pub async fn start_altered(
        dir: &Path,
        change: impl FnOnce(&mut Config),
        alter: impl FnOnce(&mut App),
        password: Option<String>,
    ) -> Self {
        let mut config = Config { data_dir: dir.to_owned(), ..Config::default() };
        config.slurm.backend = Backend::Sim;
        config.slurm.poll_milliseconds = 100;
        // Tests ask faster than people; those about limits turn them on.
        config.limits.enabled = false;
        change(&mut config);
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = {
            let (seconds, system) = (seconds.clone(), Clock::system());
            Clock::from_fn(move || system.now() + seconds.load(Ordering::Relaxed))
        };
        // Work that the one before had under way, such as a backup, may hold the store for a moment after its end.
        let open = async || match App::open(config.clone(), clock.clone()).await {
            Err(StartError::Store(StoreError::InUse { .. })) => None,
            opened => Some(opened.unwrap()),
        };
        let mut app = eventually(open).await;
        alter(&mut app);
        let app = Arc::new(app);
        let password = match app.auth.first_admin().await.unwrap() {
            Some((_, password)) => password.expose().to_owned(),
            None => password.expect("the folder has accounts already: hand in the password"),
        };
        let background = TaskTracker::new();
        tasks::start(&app, &background);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (router, stopping) = (http::router::router(app.clone()), app.stopping.clone());
        let server = tokio::spawn(serve(listener, router, Security::Plain, Limits::default(), stopping));
        let client = Client::builder().no_proxy().build().unwrap();
        let mut started =
            Self { url, app, password, token: String::new(), client, seconds, server, background, dir: None };
        let login = started.login("admin", &started.password).await;
        assert_eq!(login.status(), StatusCode::OK);
        json(login).await["access_token"].as_str().unwrap().clone_into(&mut started.token);
        started
    }

    /// Moves the server's clock forward.
    pub fn pass_time(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request as `admin`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    /// `GET` as `admin`.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// `POST` as `admin`.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Signs in.
    pub async fn login(&self, username: &str, password: &str) -> Response {
        let body = json!({"username": username, "password": password});
        self.anonymous(Method::POST, "/api/auth/login").json(&body).send().await.unwrap()
    }

    /// Stops the server as a signal would, and what it runs; its folder can be opened again afterwards.
    pub async fn stop(mut self) {
        self.app.stopping.cancel();
        (&mut self.server).await.unwrap();
        self.background.close();
        self.background.wait().await;
        self.app.slurm.shutdown().await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.stopping.cancel();
        self.server.abort();
    }
}

/// A fresh folder that a store may be in.
pub fn private_folder() -> TempDir {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir().unwrap()
}

/// The body as JSON.
pub async fn json(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// Checks that an answer is a problem of this status and code, and gives its body.
pub async fn problem(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let got = response.status().as_u16();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = json(response).await;
    assert_eq!((got, body["code"].as_str().unwrap()), (status, code), "{body}");
    assert_eq!(body["request_id"], id);
    assert_eq!(body["error"], body["detail"]);
    assert_eq!(body["status"], status);
    body
}

/// How long a condition may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until there is something, and gives it.
pub async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let search = async {
        let mut turns = tokio::time::interval(Duration::from_millis(20));
        loop {
            turns.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the condition did not come about")
}
