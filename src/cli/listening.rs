//! What `serve` listens on: the port people use, and the one that sends them there.
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr as _;
use std::sync::Arc;

use axum::http::Uri;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::listen::places::Places;
use crate::http::listen::redirect::{self, Target};
use crate::http::listen::{self, Limits, Security};
use crate::http::router;
use crate::tls::{Looks, Source, Tls, TlsError};

/// Open files that are left for everything but connections: the store, Slurm's commands, uploads, outputs.
const OTHER_FILES: usize = 256;

/// Ports that are ours, and the certificate.
pub(super) struct Listening {
    listener: TcpListener,
    redirect: Option<TcpListener>,
    /// Address and port, with the one that was free if any was asked for.
    address: SocketAddr,
    security: Security,
    tls: Option<Arc<Tls>>,
}

impl Listening {
    /// Takes the ports. Nobody is answered yet.
    pub(super) async fn bind(config: &Config) -> Result<Self, String> {
        let listen = config.http.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            format!("can't listen on {listen}: {error}; choose another address with --listen, port 0 takes a free one")
        })?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let redirect = match config.tls.redirect_listen {
            None => None,
            Some(listen) => Some(TcpListener::bind(listen).await.map_err(|error| {
                format!("can't listen on {listen}: {error}; choose another address in tls.redirect_listen")
            })?),
        };
        Ok(Self { listener, redirect, address, security: Security::Plain, tls: None })
    }

    /// Reads or makes the certificate.
    pub(super) fn secure(&mut self, config: &Config, clock: &Clock) -> Result<(), TlsError> {
        if config.serves_tls() {
            let tls = Arc::new(Tls::open(source(config), clock.clone())?);
            self.security = Security::tls(&tls, config.tls.hsts_days)?;
            self.tls = Some(tls);
        }
        Ok(())
    }

    /// The address that people use.
    pub(super) fn url(&self, config: &Config) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        config.http.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.address))
    }

    /// What an admin compares with what the browser shows; nothing when somebody else vouches for the certificate.
    pub(super) fn fingerprint(&self) -> Option<String> {
        self.tls.as_ref().filter(|tls| tls.is_self_signed()).map(|tls| tls.fingerprint())
    }

    /// Serves until the program is to stop, and lets what is under way finish.
    pub(super) async fn serve(self, app: &Arc<App>, tasks: &TaskTracker) {
        let limits = limits(&app.config);
        let stopping = &app.stopping;
        if let Some(tls) = &self.tls {
            tasks.spawn(stopping.clone().run_until_cancelled_owned(tls.clone().watch(Looks::default())));
        }
        let redirect = self.redirect.zip(self.tls).map(|(listener, tls)| {
            let target = match &app.config.http.public_url {
                Some(url) => Target::Public(url.clone()),
                None => Target::Asked { tls, address: self.address },
            };
            let router = redirect::router(target);
            listen::serve(listener, router, Security::Plain, limits.clone(), stopping.clone())
        });
        let main = listen::serve(self.listener, router::router(app.clone()), self.security, limits, stopping.clone());
        let (cut, ()) = tokio::join!(main, async {
            if let Some(redirect) = redirect {
                redirect.await;
            }
        });
        if cut > 0 {
            tracing::warn!(connections = cut, "some requests did not finish in time");
        }
    }
}

/// Where the certificate comes from, and the names that one of ours has.
fn source(config: &Config) -> Source {
    if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
        return Source::Files { certificate: certificate.clone(), key: key.clone() };
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let public = config.http.public_url.as_deref().and_then(|url| Uri::from_str(url).ok());
    let public = public.as_ref().and_then(Uri::host).unwrap_or_default();
    let listen = config.http.listen.ip().to_canonical();
    let listen = if listen.is_unspecified() { String::new() } else { listen.to_string() };
    let mut names = Vec::new();
    for name in [public, &host, &listen, "localhost", "127.0.0.1", "::1"] {
        let name = name.trim_matches(['[', ']', '.']).to_ascii_lowercase();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    Source::SelfSigned { dir: config.tls_dir(), names }
}

/// The bounds that are configured; fewer connections where the system doesn't let us open so many files.
fn limits(config: &Config) -> Limits {
    let wanted = config.http.max_connections;
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    let most = files.map_or(wanted, |files| wanted.min(files.saturating_sub(OTHER_FILES).max(files / 2)));
    if most < wanted {
        tracing::info!(most, files, "fewer connections than http.max_connections: raise the limit of open files");
    }
    let places = Places::new(most, config.http.max_connections_per_address);
    let trusted = config.http.trusted_proxies.clone();
    let is_proxy = Arc::new(move |address: IpAddr| trusted.iter().any(|network| network.contains(&address)));
    Limits { places, is_proxy, ..Limits::default() }
}
