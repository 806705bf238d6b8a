//! The only code that knows russh: signing in to the login host as a person, and what runs over that connection.
//!
//! - [`ca`]: our certificate authority. sshd trusts its public key (`TrustedUserCAKeys`), so a certificate that it signs
//!   for a minute lets us in as one Unix user, from one address, for nothing but a session.
//! - [`known_hosts`]: the login host must be the one that the administrator knows.
//! - [`connection`]: one SSH connection as one person; [`terminal`] a login shell on it.
//! - [`password`]: whether the host's sshd takes a person's password, for who signs in to us with it.
//! - [`bring`]: the agent, which does everything else, is copied there once where it is missing.
//! - [`pool`]: one connection for each person who is active, made when needed and closed when idle.

mod bring;
pub mod ca;
mod connection;
mod known_hosts;
pub mod password;
pub mod pool;
mod terminal;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use slurmdash_api::UnixSeconds;

pub use bring::is_plain as is_plain_path;
pub use ca::{Ca, CaError};
pub use password::PasswordAuth;
pub use pool::{Pool, judge};

/// How the login host is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host name or address, as in `known_hosts`.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The hosts that are known, in OpenSSH's format: sshd(8), `SSH_KNOWN_HOSTS FILE FORMAT`.
    pub known_hosts: PathBuf,
    /// Nobody below this number is acted as.
    pub min_uid: u32,
    /// The addresses that sshd sees us from; the connection's own when empty.
    pub source_addresses: Vec<IpAddr>,
    /// Where slurmdash is on the login host; where it is here when `None`.
    pub agent_path: Option<PathBuf>,
    /// The program that is copied where there is none.
    pub program: PathBuf,
    /// Most connections at once.
    pub max_connections: usize,
    /// A connection that nobody uses is closed after so long.
    pub idle: Duration,
}

impl Settings {
    /// `host:port`, for people.
    fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A certificate that was signed. Its key id stands in sshd's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Key id.
    pub key_id: String,
    /// The Unix user it is good for.
    pub user: String,
    /// `host:port` that it was shown to.
    pub host: String,
    /// When.
    pub at: UnixSeconds,
}
