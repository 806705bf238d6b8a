//! TLS on the server's side: the certificate that is served, where it comes from, and when another takes its place; and
//! clients that take no other ([`pinned`]). The only code that sets rustls up, and knows rcgen.
//!
//! A certificate is either the admin's, in files that somebody else renews (certbot, a secret of Kubernetes), or one of
//! our own that we sign ourselves and renew. Either way the one in use changes without a restart and without touching
//! open connections: it is looked up at each handshake.

mod pair;
pub mod pinned;
mod self_signed;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use slurmdash_api::UnixSeconds;

use crate::clock::Clock;
use pair::Pair;
pub use self_signed::{LIFETIME_DAYS, RENEW_DAYS};

/// A certificate that ends within so many days is spoken of each day.
pub const WARN_DAYS: i64 = 14;

const DAY: i64 = 24 * 60 * 60;

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Files of the admin, PEM: the certificate with its chain, and its key (PKCS#8, PKCS#1 or SEC1).
    Files {
        /// The certificate, and what it was signed with.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// One that we sign ourselves, made when there is none.
    SelfSigned {
        /// The folder it is in, ours alone.
        dir: PathBuf,
        /// The host names and addresses that it is good for.
        names: Vec<String>,
    },
}

/// When to look whether a certificate has changed.
#[derive(Debug, Clone, Copy)]
pub struct Looks {
    /// Pause between two looks when nothing was seen to happen.
    pub every: Duration,
    /// After a change in a folder we wait for so long: whoever renews writes two files.
    pub settle: Duration,
}

impl Default for Looks {
    fn default() -> Self {
        Self { every: Duration::from_mins(1), settle: Duration::from_millis(500) }
    }
}

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or one of ours not be written.
    #[error("{path}: {source}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Others may get at the key.
    #[error(
        "{path} is open to others (mode {mode:o}) and holds the key of the certificate; run: chmod {right:o} {path}"
    )]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        right: u32,
    },
    /// The key belongs to somebody else.
    #[error("{path} belongs to the user with number {owner}, who could read the key; it must be ours ({us}) or root's")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Our number.
        us: u32,
    },
    /// It is no certificate.
    #[error("{path} holds no certificate that can be used: {reason}")]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is no key.
    #[error("{path} holds no key that can be used: {reason}; it must be PEM, without a passphrase")]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is another certificate's.
    #[error("the key in {key} is not that of the first certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// What we made ourselves is damaged.
    #[error("{inside}; remove {path} and a new certificate is made, with another fingerprint")]
    Damaged {
        /// Our file.
        path: PathBuf,
        /// What is wrong with it.
        inside: Box<TlsError>,
    },
    /// A certificate can't be made.
    #[error("a certificate can't be made: {0}")]
    Making(String),
    /// The library refuses its settings: a mistake in the program.
    #[error("TLS can't be set up: {0}")]
    Settings(rustls::Error),
}

/// The certificate in use.
pub struct Tls {
    source: Source,
    clock: Clock,
    pair: ArcSwap<Pair>,
    said: Mutex<Said>,
}

/// What the log has been told, so that it isn't told again at each look.
#[derive(Default)]
struct Said {
    /// Why the files can't be used at present.
    trouble: Option<String>,
    /// When it was last told that the certificate ends.
    ending: Option<UnixSeconds>,
}

impl Tls {
    /// Reads the certificate, or makes one where it is ours to make. Says in the log when it is near its end or past it.
    pub fn open(mut source: Source, clock: Clock) -> Result<Self, TlsError> {
        if let Source::SelfSigned { names, .. } = &mut source {
            // Some come from the host and the configuration; what no certificate can have is left out.
            names.retain(|name| ServerName::try_from(name.as_str()).is_ok());
        }
        let pair = match &source {
            Source::Files { certificate, key } => Pair::read(certificate, key)?,
            Source::SelfSigned { dir, names } => self_signed::open(dir, names, clock.now())?,
        };
        let tls = Self { source, clock, pair: ArcSwap::from_pointee(pair), said: Mutex::default() };
        tls.warn_of_end();
        Ok(tls)
    }

    /// What a listener needs: TLS 1.2 and 1.3, HTTP/1.1, and always the certificate in use.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_protocol_versions(&[&TLS13, &TLS12]).map_err(TlsError::Settings)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(InUse(self.clone())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Whether we signed the certificate ourselves, so that nobody but its fingerprint vouches for it.
    pub fn is_self_signed(&self) -> bool {
        matches!(self.source, Source::SelfSigned { .. })
    }

    /// SHA-256 of the certificate in use, as browsers and openssl(1) show it.
    pub fn fingerprint(&self) -> String {
        self.pair.load().fingerprint()
    }

    /// Whether the certificate in use is good for this host name or address.
    pub fn is_for(&self, host: &str) -> bool {
        self.pair.load().is_for(host)
    }

    /// Looks once whether another certificate is to be used, and uses it. One that can't be used is said once, and the
    /// one before stays.
    pub fn look(&self) {
        let found = match &self.source {
            Source::Files { certificate, key } => Pair::read(certificate, key),
            Source::SelfSigned { dir, names } => {
                let now = self.clock.now();
                // The names are those of the start; only time passes.
                if self.pair.load().is_fit(&[], now) {
                    return;
                }
                self_signed::make(dir, names, now)
            }
        };
        match found {
            Ok(pair) => self.take(pair),
            Err(error) => {
                let trouble = error.to_string();
                let mut said = self.said();
                if said.trouble.as_ref() != Some(&trouble) {
                    tracing::error!(%error, "the new certificate can't be used; the one before stays");
                    said.trouble = Some(trouble);
                }
            }
        }
        self.warn_of_end();
    }

    fn take(&self, pair: Pair) {
        let mut said = self.said();
        let had_trouble = said.trouble.take().is_some();
        if !self.pair.load().is_same(&pair) {
            tracing::info!(fingerprint = pair.fingerprint(), ends = %day(pair.ends), "another certificate is in use");
            said.ending = None;
            drop(said);
            self.pair.store(Arc::new(pair));
        } else if had_trouble {
            tracing::info!("the certificate's files are those in use again");
        }
    }

    /// Says once a day that the certificate ends soon, has ended, or isn't valid yet.
    fn warn_of_end(&self) {
        let pair = self.pair.load();
        let now = self.clock.now();
        let mut said = self.said();
        if said.ending.is_some_and(|at| (0..DAY).contains(&(now - at))) {
            return;
        }
        let days = (pair.ends - now) / DAY;
        if pair.ends <= now {
            tracing::error!(ended = %day(pair.ends), "the certificate has expired; browsers refuse it");
        } else if pair.begins > now {
            tracing::error!(begins = %day(pair.begins), "the certificate is not valid yet; is the clock right?");
        } else if days < WARN_DAYS {
            tracing::warn!(ends = %day(pair.ends), days, "the certificate ends soon");
        } else {
            return;
        }
        said.ending = Some(now);
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one crypto provider.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// When a certificate (DER) ends; nothing when it is no certificate.
pub fn ends(certificate: &[u8]) -> Option<UnixSeconds> {
    pair::validity(&certificate.into()).ok().map(|(_, ends)| ends)
}

/// The file of the certificate that we sign ourselves, in its folder. It holds the key too.
pub fn self_signed_file(dir: &Path) -> PathBuf {
    self_signed::file(dir)
}

/// A time for the log.
fn day(at: UnixSeconds) -> String {
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// Gives each handshake the certificate in use.
struct InUse(Arc<Tls>);

impl std::fmt::Debug for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InUse(…)")
    }
}

impl ResolvesServerCert for InUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.pair.load().certified())
    }
}
