//! `slurmdash serve`: from flags to a listening server, and back down.
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use super::listening::Listening;
use super::{ConfigFile, USAGE, print_error, print_line};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{self, Backend, Config, Flags, HttpFlags, LogFormat};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::{random, tasks};

/// Serve the dashboard, the API and the WebSocket.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// Show everything on a simulated cluster with a temporary store; no Slurm needed
    #[arg(long)]
    demo: bool,
    /// Where to keep the demo's files; a temporary folder, removed at the end, when absent
    #[arg(long, value_name = "DIR", requires = "demo", conflicts_with = "data_dir")]
    dir: Option<PathBuf>,
    /// Folder of the store, uploads, templates and jobs [default: /var/lib/slurmdash]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Write {"url","username","password"} to this file (mode 0600) once it listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Bring an older store to this program's schema first, after copying its file
    #[arg(long)]
    migrate: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    let (config, _temporary) = match configure(arguments) {
        Ok(configured) => configured,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    start_log(&config);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print_error(&format!("can't start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(config, arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            print_error(&message);
            ExitCode::FAILURE
        }
    }
}

/// A demo's folder; removed at the end.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "can't remove the demo's folder");
        }
    }
}

fn configure(arguments: &Arguments) -> Result<(Config, Option<Temporary>), String> {
    let mut temporary = None;
    let data_dir = match (&arguments.dir, arguments.demo) {
        (Some(dir), _) => Some(dir.clone()),
        (None, true) => {
            let folder = demo_folder()?;
            temporary = Some(Temporary(folder.clone()));
            Some(folder)
        }
        (None, false) => arguments.data_dir.clone(),
    };
    // Jobs and uploads have paths that other machines read: relative ones would mean something else there.
    let data_dir = data_dir.map(std::path::absolute).transpose().map_err(|error| error.to_string())?;
    let flags = Flags { data_dir, http: HttpFlags { listen: arguments.listen } };
    let loaded = config::load(arguments.file.config.as_deref(), &flags).map_err(|error| error.to_string())?;
    let mut config = loaded.config;
    if arguments.demo {
        config.slurm.backend = Backend::Sim;
    }
    Ok((config, temporary))
}

fn demo_folder() -> Result<PathBuf, String> {
    use std::os::unix::fs::DirBuilderExt as _;
    let unique = random::id().map_err(|error| error.to_string())?;
    let folder = std::env::temp_dir().join(format!("slurmdash-demo-{unique}"));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|error| format!("can't make {}: {error}; name a folder with --dir", folder.display()))?;
    Ok(folder)
}

fn start_log(config: &Config) {
    let filter = EnvFilter::try_new(&config.log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal());
    let log = log.with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

async fn serve(config: Config, arguments: &Arguments) -> Result<(), String> {
    // From here on a signal stops it in order, a start that is under way included.
    let signals = stop_signal()?;
    let mut listening = Listening::bind(&config).await?;
    if arguments.migrate {
        bring_up(&config).map_err(|error| error.to_string())?;
    }
    let app = App::open(config, Clock::system()).await.map_err(|error| error.to_string())?;
    // Before the first account is made: its password is shown only once.
    listening.secure(&app.config, &app.clock).map_err(|error| error.to_string())?;
    let first = app.auth.first_admin().await.map_err(|error| error.to_string())?;
    let app = Arc::new(app);
    let background = TaskTracker::new();
    tasks::start(&app, &background);
    let url = listening.url(&app.config);
    announce(&url, listening.fingerprint(), first.as_ref());
    if let Some(file) = &arguments.ready_file {
        write_ready_file(file, &url, first.as_ref())
            .map_err(|error| format!("can't write the ready file {}: {error}", file.display()))?;
    }
    until_stopped(listening, &app, &background, signals).await;
    background.close();
    background.wait().await;
    app.people.shutdown().await;
    app.slurm.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

/// Migrates the store, when there is an older one.
fn bring_up(config: &Config) -> Result<(), StoreError> {
    let Some(done) = super::migrate::bring_up(config)? else { return Ok(()) };
    tracing::info!(copy = %done.copy.display(), "the store was copied as it was");
    for step in &done.steps {
        let records: u64 = step.tables.tables().map(|(_, counts)| counts.sum()).sum();
        tracing::info!(schema = step.version, name = step.name, records, "the store was migrated");
    }
    Ok(())
}

/// Serves until a signal comes, then lets what is under way finish.
async fn until_stopped(
    listening: Listening,
    app: &Arc<App>,
    background: &TaskTracker,
    signals: impl Future<Output = ()>,
) {
    let stop = async {
        signals.await;
        tracing::info!("stopping; requests that are under way may finish");
        app.stopping.cancel();
    };
    tokio::join!(listening.serve(app, background), stop);
}

fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn announce(url: &str, fingerprint: Option<String>, first: Option<&(String, Secret)>) {
    print_line(&format!("slurmdash is at {url}"));
    if let Some(fingerprint) = fingerprint {
        print_line(&format!("self-signed certificate, SHA-256 {fingerprint}"));
    }
    if let Some((username, password)) = first {
        print_line(&format!("account:  {username}\npassword: {}", password.expose()));
        print_line("This password is shown only now.");
    }
}

fn write_ready_file(file: &Path, url: &str, first: Option<&(String, Secret)>) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let (username, password) = first.map(|(name, password)| (name.as_str(), password.expose())).unzip();
    let text = serde_json::json!({"url": url, "username": username, "password": password}).to_string();
    // Whoever waits for the file must find all of it: it appears by renaming.
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    // A leftover could have wider permissions than we ask for.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    opened.write_all(text.as_bytes())?;
    drop(opened);
    std::fs::rename(&unfinished, file)
}
