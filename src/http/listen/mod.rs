//! How requests come in: the accept loop, TLS, and the bounds that keep one client from taking the server from all.
//!
//! Every connection has a place ([`places`]), time limits on its bytes (`watched`) and on the bodies of its requests
//! (`paced`). What a connection's requests are answered with is the router's matter.

mod connection;
mod limits;
mod paced;
pub mod places;
pub mod redirect;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::tls::{Tls, TlsError};
use connection::Shared;
pub use limits::Limits;

/// After an accept that failed for want of something, such as descriptors, we wait for so long.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// What may come very often is said so often at most.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// The address that a request came to, in its extensions; whom it came from is in `ConnectInfo`.
#[derive(Debug, Clone, Copy)]
pub struct LocalAddress(pub SocketAddr);

/// Whether a listener speaks TLS.
#[derive(Clone)]
pub enum Security {
    /// Plain HTTP.
    Plain,
    /// TLS, and nothing else.
    Tls {
        /// The handshake's settings and its certificate.
        acceptor: TlsAcceptor,
        /// The value of `Strict-Transport-Security` in every answer.
        hsts: Option<HeaderValue>,
    },
}

impl Security {
    /// TLS with the certificate in use. Browsers are told not to speak anything else to this host for `hsts_days`; 0
    /// doesn't tell them (RFC 6797).
    pub fn tls(tls: &Arc<Tls>, hsts_days: u32) -> Result<Self, TlsError> {
        let seconds = u64::from(hsts_days) * 24 * 60 * 60;
        let hsts = (hsts_days > 0).then(|| HeaderValue::from_str(&format!("max-age={seconds}")).ok()).flatten();
        Ok(Self::Tls { acceptor: tls.server_config()?.into(), hsts })
    }
}

/// Serves `router` on `listener` until `stopping` is cancelled; then takes no more connections, lets requests that are
/// under way finish for [`Limits::drain`], and answers how many connections had to be cut. Dropped, it cuts all.
///
/// Every request has `ConnectInfo<SocketAddr>` and [`LocalAddress`] in its extensions. WebSockets outlive this: who
/// serves them ends them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    security: Security,
    limits: Limits,
    stopping: CancellationToken,
) -> usize {
    let drain = limits.drain;
    let shared = Arc::new(Shared::new(router, security, limits, stopping.clone()));
    let mut connections = JoinSet::new();
    let (mut turned_away, mut failed) = (Seldom::default(), Seldom::default());
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match shared.admit(peer) {
                Ok(place) => {
                    connections.spawn(connection::serve(stream, peer, shared.clone(), place));
                }
                Err(reason) => {
                    drop(stream);
                    if let Some(count) = turned_away.count() {
                        tracing::warn!(%reason, address = %peer.ip(), count, "connections are turned away");
                    }
                }
            },
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if failed.count().is_some() {
                    tracing::error!(%error, "can't accept connections; will go on trying");
                }
                // The connection waits in the system's queue meanwhile, and this loop doesn't spin.
                tokio::select! {
                    () = stopping.cancelled() => break,
                    () = sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    drop(listener);
    finish(connections, drain).await
}

/// Waits for all connections, cuts what is left after `drain`, and answers how many those were.
async fn finish(mut connections: JoinSet<()>, drain: Duration) -> usize {
    let _ = timeout(drain, async { while connections.join_next().await.is_some() {} }).await;
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

/// Whether a connection was gone before it was accepted, which is nothing to wait for (accept(2), "Error handling").
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown};
    use io::ErrorKind::{Interrupted, NetworkUnreachable, TimedOut};
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

/// Something that may come very often, and is said once a minute: a flood must not become one of the log.
#[derive(Default)]
struct Seldom {
    said: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// Counts once more; when it is time to say it, how often it came since.
    fn count(&mut self) -> Option<u64> {
        self.since += 1;
        if self.said.is_some_and(|said| said.elapsed() < SAY_EVERY) {
            return None;
        }
        self.said = Some(Instant::now());
        Some(std::mem::take(&mut self.since))
    }
}
