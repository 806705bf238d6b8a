//! The roof: everything the program holds while serving, wired together.
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::auth::cluster::ClusterAccounts;
use crate::auth::login::SignIn;
use crate::auth::oidc::{Oidc, SetUpError};
use crate::auth::roles::Roles;
use crate::auth::{Auth, AuthError};
use crate::clock::Clock;
use crate::config::{self, Backend, Config};
use crate::hands::Hands;
use crate::hands::local::Local;
use crate::jobs::downloads::Downloads;
use crate::jobs::history::History;
use crate::jobs::measure::Measurements;
use crate::limits::logins::Logins;
use crate::limits::rates::Rates;
use crate::live::Live;
use crate::people::People;
use crate::security::Security;
use crate::slurm::Slurm;
use crate::slurm::cli::{Cli, CliConfig, detect};
use crate::slurm::sim::{Sim, SimConfig};
use crate::ssh::password::PasswordAuth;
use crate::ssh::{Ca, CaError, Issued, Pool, Settings};
use crate::store::{Store, StoreError};
use crate::templates::{self, TemplateError, TemplateFolder};
use crate::uploads::{Area, HandsOf, UploadError, Uploads};

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
    /// How people sign in.
    pub sign_in: SignIn,
    /// How often they may ask.
    pub rates: Rates,
    /// What may be an attack.
    pub security: Security,
    /// The cluster.
    pub slurm: Arc<dyn Slurm>,
    /// Whether the cluster is the simulated one.
    pub simulated: bool,
    /// The hands of the user that this program runs as.
    pub own: Arc<dyn Hands>,
    /// Everybody's hands.
    pub people: Arc<People>,
    /// The certificates that were signed, for the audit log; taken by the task that writes them there.
    pub certificates: Mutex<Option<UnboundedReceiver<Issued>>>,
    /// What jobs used, as last asked of Slurm.
    pub measurements: Measurements,
    /// Downloads that were asked for.
    pub downloads: Downloads,
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
    /// The certificate authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Accounts.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The identity provider.
    #[error(transparent)]
    Oidc(#[from] SetUpError),
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
        // The host's list of users may be slow.
        let own = tokio::task::spawn_blocking(|| Local::own(std::env::vars_os())).await;
        let own = Arc::new(own.map_err(|_| UploadError::Stopping)?);
        let (slurm, simulated) = slurm(&config, own.clone())?;
        let store = Store::open(&config.store_path())?;
        let templates_dir = config.templates_dir();
        if templates::seed(&templates_dir)? {
            tracing::info!(folder = %templates_dir.display(), "sample templates put in place");
        }
        let templates = TemplateFolder::open(&templates_dir)?;
        let (issued, certificates) = unbounded_channel();
        let people = Arc::new(people(&config, own.clone(), &store, &clock, issued)?);
        let uploads = uploads(&config, store.clone(), clock.clone(), people.clone())?;
        let security = Security::new(store.clone());
        let roles = Roles::new(config.auth.roles.clone());
        let auth = Auth::new(store.clone(), clock.clone(), roles, config.auth.session_life())?;
        Ok(Self {
            sign_in: sign_in(&config, &auth, &security, &clock)?,
            rates: Rates::new(&config.limits, clock.clone()),
            auth,
            security,
            history: History::load(store.clone())?,
            live: Arc::new(Live::new(MAX_VIEWERS)),
            templates: Arc::new(templates),
            measurements: Measurements::default(),
            downloads: Downloads::default(),
            own,
            people,
            certificates: Mutex::new(Some(certificates)),
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

/// Everybody as the server's own user or, with `ssh.enabled`, as their own.
fn people(
    config: &Config,
    own: Arc<Local>,
    store: &Store,
    clock: &Clock,
    issued: UnboundedSender<Issued>,
) -> Result<People, StartError> {
    if !config.ssh.enabled {
        return Ok(People::here(own));
    }
    let ca = Ca::open(&config.ssh_ca_dir())?;
    let pool = Pool::new(settings(&config.ssh), ca, clock.clone(), issued);
    Ok(People::over_ssh(Arc::new(pool), store.clone()))
}

/// Every way of signing in that is configured.
fn sign_in(config: &Config, auth: &Auth, security: &Security, clock: &Clock) -> Result<SignIn, StartError> {
    let rules = &config.auth.cluster;
    let cluster = rules.enabled.then(|| {
        let checks = PasswordAuth::new(settings(&config.ssh), clock.clone());
        (ClusterAccounts::new(checks, rules.clone(), clock.clone()), rules.clone())
    });
    let public_url = config.http.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let oidc = config.auth.oidc.clone().map(|settings| Oidc::new(settings, public_url, clock.clone())).transpose()?;
    let logins = Logins::new(&config.limits, clock.clone());
    Ok(SignIn::new(auth.clone(), logins, security.clone(), cluster, oidc)?)
}

/// Uploads, everything done by their owners' hands.
fn uploads(config: &Config, store: Store, clock: Clock, people: Arc<People>) -> Result<Uploads, StartError> {
    let hands_of: HandsOf = Arc::new(move |user_id| {
        let people = people.clone();
        Box::pin(async move { people.hands_of_account(&user_id).await })
    });
    let area = Area::of(&config.uploads_dir(), config.ssh.enabled);
    if let Area::Own(dir) = &area {
        private_folder(dir)?;
    }
    Ok(Uploads::open(&config.uploads, area, store, clock, hands_of)?)
}

fn slurm(config: &Config, own: Arc<Local>) -> Result<(Arc<dyn Slurm>, bool), StartError> {
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
    Ok((Arc::new(Cli::new(cli, own)), false))
}

fn settings(ssh: &config::Ssh) -> Settings {
    Settings {
        host: ssh.host.clone(),
        port: ssh.port,
        known_hosts: ssh.known_hosts.clone(),
        min_uid: ssh.min_uid,
        source_addresses: ssh.source_addresses.clone(),
        agent_path: ssh.agent_path.clone(),
        // By the open file: the name may belong to a newer program already.
        program: "/proc/self/exe".into(),
        max_connections: ssh.max_connections,
        idle: Duration::from_secs(ssh.idle_seconds),
    }
}

/// Makes a folder that only we may enter, unless it is there.
pub(crate) fn private_folder(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Folder { path: path.into(), source })
}
