//! The roof: everything the program holds while serving, wired together.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, AuthError};
use crate::clock::Clock;
use crate::config::{Backend, Config};
use crate::jobs::history::History;
use crate::live::Live;
use crate::slurm::Slurm;
use crate::slurm::cli::{Cli, CliConfig, detect};
use crate::slurm::sim::{Sim, SimConfig};
use crate::store::{Store, StoreError};
use crate::templates::{self, TemplateError, TemplateFolder};
use crate::unix;
use crate::uploads::{UploadError, Uploads};

/// WebSockets at once.
const MAX_VIEWERS: usize = 4096;

/// Everything the program holds while serving.
pub struct App {
    /// The configuration it was started with.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Everything that survives a restart.
    pub store: Store,
    /// Who is asking.
    pub auth: Auth,
    /// The cluster.
    pub slurm: Arc<dyn Slurm>,
    /// Whether the cluster is the simulated one.
    pub simulated: bool,
    /// The Unix user that everything is done as.
    pub unix_user: String,
    /// Job templates.
    pub templates: Arc<TemplateFolder>,
    /// Uploaded files.
    pub uploads: Uploads,
    /// What only we know about jobs.
    pub history: History,
    /// The cluster's last known state and its viewers.
    pub live: Arc<Live>,
    /// Cancelled when the program is to stop.
    pub stopping: CancellationToken,
}

/// Why the program can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder can't be made.
    #[error("can't make the folder {path}: {source}; name another with --data-dir, or make it for this user")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Slurm isn't there.
    #[error("{0}\nTo look around without Slurm: slurmdash serve --demo")]
    NoSlurm(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Accounts.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Templates.
    #[error(transparent)]
    Templates(#[from] TemplateError),
    /// Uploads.
    #[error(transparent)]
    Uploads(#[from] UploadError),
}

impl App {
    /// Opens everything the configuration names. Nothing runs yet but the simulated cluster, when it is asked for.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, StartError> {
        private_folder(&config.data_dir)?;
        let (slurm, simulated) = slurm(&config)?;
        let store = Store::open(&config.store_path())?;
        let templates_dir = config.templates_dir();
        if templates::seed(&templates_dir)? {
            tracing::info!(folder = %templates_dir.display(), "sample templates put in place");
        }
        let templates = TemplateFolder::open(&templates_dir)?;
        private_folder(&config.jobs_dir())?;
        let uploads = Uploads::open(&config, store.clone(), clock.clone()).await?;
        Ok(Self {
            auth: Auth::new(store.clone(), clock.clone())?,
            history: History::load(store.clone())?,
            live: Arc::new(Live::new(MAX_VIEWERS)),
            templates: Arc::new(templates),
            unix_user: unix::own_login(),
            stopping: CancellationToken::new(),
            slurm,
            simulated,
            uploads,
            store,
            clock,
            config,
        })
    }
}

fn slurm(config: &Config) -> Result<(Arc<dyn Slurm>, bool), StartError> {
    if config.slurm.backend == Backend::Sim {
        let dir = config.data_dir.join("simulated-cluster");
        let sim = Sim::new(&dir, SimConfig::default());
        return Ok((Arc::new(sim.map_err(|source| StartError::Folder { path: dir, source })?), true));
    }
    let cli = CliConfig {
        bin_dir: config.slurm.bin_dir.clone(),
        slurm_conf: config.slurm.conf.clone(),
        timeout: Duration::from_secs(config.slurm.timeout_seconds),
    };
    let cli = match detect(cli.clone()) {
        Ok(found) => found,
        Err(reason) if config.slurm.backend == Backend::Auto => return Err(StartError::NoSlurm(reason.to_string())),
        Err(reason) => {
            tracing::warn!(%reason, "Slurm is not there yet");
            cli
        }
    };
    Ok((Arc::new(Cli::new(cli)), false))
}

/// Makes a folder that only we may enter, unless it is there.
pub(crate) fn private_folder(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Folder { path: path.into(), source })
}
