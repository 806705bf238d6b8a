//! The bounds on connections, each a parameter.
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::places::Places;

/// The bounds on connections. Clones share their [`Places`].
#[derive(Clone)]
pub struct Limits {
    /// How many there may be.
    pub places: Places,
    /// Addresses of which many people come, such as our own reverse proxy's: they have no bound of their own.
    pub is_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Longest TLS handshake, from the connection's first moment.
    pub handshake: Duration,
    /// Longest time for a request's head, from its first byte; on a new connection from its first moment.
    pub head: Duration,
    /// Longest time without a request. More than the 60 s after which usual proxies close a connection that nobody
    /// uses, so that they don't send a request just when we do (which they'd report as 502).
    pub idle: Duration,
    /// Longest time in which a client takes nothing of an answer.
    pub stall: Duration,
    /// A request's body may be late by so much…
    pub body_delay: Duration,
    /// …and makes good a second of it with so many bytes. (Apache's `mod_reqtimeout` counts alike.)
    pub body_rate: u32,
    /// Largest head, bytes; larger ones are answered with 431.
    pub head_size: usize,
    /// Requests that are under way when we stop get so long.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            places: Places::new(8192, 512),
            is_proxy: Arc::new(|_| false),
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_mins(1),
            body_delay: Duration::from_secs(40),
            body_rate: 1000,
            head_size: 32 << 10,
            drain: Duration::from_secs(10),
        }
    }
}
