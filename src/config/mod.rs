//! Configuration: flags over environment over file over default, strict, and able to say where each value came from.
//!
//! To add a key: add the field with its comment to the struct of its section below and its default to that section's
//! `Default`; the file, the environment (`SLURMDASH_<SECTION>__<KEY>`) and `config show` follow by themselves.

mod auth;
mod cluster;
mod judge;
pub mod limits;
mod networks;
mod oidc;
mod origins;
#[cfg(test)]
mod tests;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Yaml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use auth::Auth;
pub use cluster::ClusterSignIn;
pub use oidc::Oidc;
pub use origins::{Entry, entries};
pub use tls::{Tls, TlsMode};

use crate::hands::UnixUser;

/// Environment variables begin with this; two underscores stand between section and key.
pub const ENV_PREFIX: &str = "SLURMDASH_";
/// Read when `--config` names no other and it is there.
pub const DEFAULT_FILE: &str = "/etc/slurmdash/slurmdash.yaml";

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the store and, unless they are named elsewhere, of uploads, templates and job folders.
    pub data_dir: PathBuf,
    /// How it is reached.
    pub http: Http,
    /// Accounts and sessions.
    pub auth: Auth,
    /// HTTPS.
    pub tls: Tls,
    /// How often somebody may ask.
    pub limits: limits::Limits,
    /// What it logs.
    pub log: Log,
    /// Where Slurm is.
    pub slurm: Slurm,
    /// Acting as the person.
    pub ssh: Ssh,
    /// Job templates.
    pub templates: Templates,
    /// Uploaded files.
    pub uploads: Uploads,
    /// Jobs.
    pub jobs: Jobs,
    /// The store: its backups, and how long records stay.
    pub store: Store,
}

/// How it is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address people use when it differs from `listen`, such as `https://hpc.example.org`. With `https` the
    /// session cookie is marked `Secure`.
    pub public_url: Option<String>,
    /// Web sites, such as `https://cae.example.org`, whose pages may call the API from people's browsers. None by
    /// default; `*` stands for all and is refused together with `allow_credentials`.
    pub allowed_origins: Vec<String>,
    /// Whether those pages may have the browser send credentials along.
    pub allow_credentials: bool,
    /// Proxies whose word on the client's address is taken (`X-Forwarded-For`, `Forwarded`): addresses and networks.
    #[serde(with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one address, or from one IPv6 network of 64 bits.
    pub max_connections_per_address: usize,
}

/// What it logs, on standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,slurmdash::slurm=debug`.
    pub level: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where Slurm is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slurm {
    /// `auto` uses Slurm's commands and refuses to start without them, `cli` starts even when they are away, `sim`
    /// is the built-in simulated cluster.
    pub backend: Backend,
    /// Folder of sbatch, squeue and the others; the `PATH` when absent.
    pub bin_dir: Option<PathBuf>,
    /// slurm.conf; `SLURM_CONF` or its usual places when absent.
    pub conf: Option<PathBuf>,
    /// Longest time a Slurm command may take, seconds.
    pub timeout_seconds: u64,
    /// Pause between two looks at Slurm while somebody watches, milliseconds.
    pub poll_milliseconds: u64,
    /// Pause between two looks at Slurm while nobody watches, milliseconds.
    pub idle_poll_milliseconds: u64,
}

/// Which Slurm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The real one, which must be there.
    Auto,
    /// The real one, there or not.
    Cli,
    /// The simulated one.
    Sim,
}

/// Acting as the person: how the login host is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// Everything is done as each person's own Unix user, over SSH to the login host. When not, as the server's own.
    pub enabled: bool,
    /// The login host, as it is called in `known_hosts`.
    pub host: String,
    /// Its sshd's port.
    pub port: u16,
    /// The login host's key, in OpenSSH's format.
    pub known_hosts: PathBuf,
    /// Nothing is done as a Unix user with a lower number; root and system accounts never.
    pub min_uid: u32,
    /// The addresses that sshd sees this server from, where that is not its own (behind NAT); certificates are good
    /// from there only.
    pub source_addresses: Vec<IpAddr>,
    /// Where slurmdash is installed on the login host; where it is here when absent. Where there is none it is copied
    /// into the person's cache once.
    pub agent_path: Option<PathBuf>,
    /// People at once.
    pub max_connections: usize,
    /// A person's connection that nobody uses is closed after so long, seconds.
    pub idle_seconds: u64,
}

/// Job templates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Templates {
    /// Folder of YAML files; `<data_dir>/templates`, filled with the shipped ones at first start, when absent.
    pub dir: Option<PathBuf>,
}

/// Uploaded files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Uploads {
    /// Folder that files go to: an absolute path, or one that begins with `~/` and is in each person's home;
    /// `<data_dir>/uploads` when absent. The compute nodes must see it.
    pub dir: Option<PathBuf>,
    /// Largest file, bytes.
    pub max_file_size: u64,
    /// An unfinished upload without a chunk for so long is removed, hours.
    pub expire_hours: u64,
}

/// Jobs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jobs {
    /// Folder that jobs run in, one folder a person; `<data_dir>/jobs` when absent. The compute nodes must see it.
    pub dir: Option<PathBuf>,
}

/// The store: its backups, and how long records stay (days; 0 is for ever).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Pause between two backups while serving, hours; 0 makes none.
    pub backup_every_hours: u32,
    /// So many backups of each kind (by hand, scheduled, before a migration, before a restore) stay.
    pub backup_keep: u32,
    /// Audit rows.
    pub audit_days: u32,
    /// Security events.
    pub security_event_days: u32,
    /// Notifications.
    pub notification_days: u32,
    /// Records of finished uploads; the files stay.
    pub upload_days: u32,
    /// Jobs that are over, with their scripts.
    pub history_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/slurmdash".into(),
            http: Http::default(),
            auth: Auth::default(),
            tls: Tls::default(),
            limits: limits::Limits::default(),
            log: Log::default(),
            slurm: Slurm::default(),
            ssh: Ssh::default(),
            templates: Templates::default(),
            uploads: Uploads::default(),
            jobs: Jobs::default(),
            store: Store::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            allowed_origins: Vec::new(),
            allow_credentials: false,
            trusted_proxies: Vec::new(),
            max_connections: 8192,
            max_connections_per_address: 512,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            backend: Backend::Auto,
            bin_dir: None,
            conf: None,
            timeout_seconds: 10,
            poll_milliseconds: 1_000,
            idle_poll_milliseconds: 10_000,
        }
    }
}

impl Default for Ssh {
    fn default() -> Self {
        Self {
            enabled: false,
            host: "localhost".into(),
            port: 22,
            known_hosts: "/etc/slurmdash/known_hosts".into(),
            min_uid: 1000,
            source_addresses: Vec::new(),
            agent_path: None,
            max_connections: 256,
            idle_seconds: 300,
        }
    }
}

impl Default for Uploads {
    fn default() -> Self {
        Self { dir: None, max_file_size: 50 << 30, expire_hours: 7 * 24 }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            backup_every_hours: 24,
            backup_keep: 7,
            audit_days: 365,
            security_event_days: 365,
            notification_days: 90,
            upload_days: 30,
            history_days: 730,
        }
    }
}

impl Config {
    /// Where the store is.
    pub fn store_path(&self) -> PathBuf {
        self.data_dir.join("slurmdash.redb")
    }

    /// Where the store's backups are.
    pub fn backups_dir(&self) -> PathBuf {
        self.data_dir.join("backups")
    }

    /// The socket on which a running server takes the admin's commands.
    pub fn control_path(&self) -> PathBuf {
        self.data_dir.join("control.sock")
    }

    /// How many backups of each kind stay.
    pub fn backup_keep(&self) -> usize {
        usize::try_from(self.store.backup_keep).unwrap_or(usize::MAX)
    }

    /// The certificate authority's folder.
    pub fn ssh_ca_dir(&self) -> PathBuf {
        self.data_dir.join("ssh_ca")
    }

    /// Where templates are.
    pub fn templates_dir(&self) -> PathBuf {
        self.templates.dir.clone().unwrap_or_else(|| self.data_dir.join("templates"))
    }

    /// Where uploads go; in each person's home when it begins with `~/`.
    pub fn uploads_dir(&self) -> PathBuf {
        self.dir_of(self.uploads.dir.as_ref(), "uploads")
    }

    /// Where a person's jobs run.
    pub fn jobs_dir_of(&self, user: &UnixUser) -> PathBuf {
        let dir = self.dir_of(self.jobs.dir.as_ref(), "jobs");
        dir.strip_prefix("~").map_or_else(|_| dir.clone(), |way| user.home.join(way))
    }

    /// A folder that may begin with `~/`, for each person's home. When it is not named: `~/slurmdash/<name>` where
    /// everybody is their own Unix user, else in the data folder.
    fn dir_of(&self, dir: Option<&PathBuf>, name: &str) -> PathBuf {
        match dir {
            Some(dir) => dir.clone(),
            None if self.ssh.enabled => Path::new("~/slurmdash").join(name),
            None => self.data_dir.join(name),
        }
    }

    /// Whether people reach it over HTTPS.
    pub fn is_https(&self) -> bool {
        self.serves_tls() || self.http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// What flags say; it wins over everything else.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flags {
    /// `--data-dir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    #[serde(skip_serializing_if = "HttpFlags::is_empty")]
    pub http: HttpFlags,
}

/// The flags of section `http`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HttpFlags {
    /// `--listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

impl HttpFlags {
    fn is_empty(&self) -> bool {
        self.listen.is_none()
    }
}

/// One value that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path, such as `http.listen`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for isn't there or can't be read.
    #[error("can't read the configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Values are wrong.
    #[error("{}", problems.iter().map(|p| format!("{origin}{}: {}", p.key, p.message)).collect::<Vec<_>>().join("\n"))]
    Wrong {
        /// `FILE: `, or empty.
        origin: String,
        /// All that is wrong.
        problems: Vec<Problem>,
    },
}

/// A configuration and where its values came from.
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    figment: Figment,
}

/// Variables with our prefix that are no configuration keys: the file's name, and what the tests are told.
fn is_ours(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "config" || name.starts_with("test_")
}

/// Reads the configuration: `file` (or [`DEFAULT_FILE`] when there is one), `environment`, `flags`.
pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Loaded, ConfigError> {
    let file = match file {
        Some(file) => Some(file.to_owned()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()),
    };
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = &file {
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { path: file.clone(), source })?;
        // An empty file is an empty mapping, not a null.
        if !text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            figment = figment.merge(Yaml::file_exact(file));
        }
    }
    let environment = Env::prefixed(ENV_PREFIX).filter(|key| !is_ours(key.as_str())).split("__");
    figment = figment.merge(environment).merge(Serialized::defaults(flags));
    let origin = || file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
    let config: Config = figment.extract().map_err(|errors| ConfigError::Wrong {
        origin: origin(),
        problems: errors.into_iter().map(|error| origins::problem(&error)).collect(),
    })?;
    let problems = config.judge();
    if problems.is_empty() {
        Ok(Loaded { config, file, figment })
    } else {
        Err(ConfigError::Wrong { origin: origin(), problems })
    }
}
