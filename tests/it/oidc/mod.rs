//! Signing in at an OpenID provider: a real one (npm's certified `oidc-provider`), and one that lies.

mod away;
mod hostile;
pub mod login;
pub mod provider;
mod signing_in;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use openidconnect::url::Url;
use slurmdash::auth::oidc::{Answer, Begun, Oidc};
use slurmdash::clock::Clock;
use slurmdash::config;

/// The address that people use: providers know where they send people back to, and the server's port is a free one.
pub const PUBLIC_URL: &str = "http://hpc.uni.example";

/// The system's time and what was added to it.
#[derive(Clone, Default)]
pub struct Time(Arc<AtomicI64>);

impl Time {
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn clock(&self) -> Clock {
        let (more, system) = (self.0.clone(), Clock::system());
        Clock::from_fn(move || system.now() + more.load(Ordering::Relaxed))
    }
}

/// One for an issuer, with settings changed.
pub fn oidc(issuer: &str, time: &Time, change: impl FnOnce(&mut config::Oidc)) -> Oidc {
    let mut settings = config::Oidc { issuer: issuer.into(), client_id: "slurmdash".into(), ..config::Oidc::default() };
    change(&mut settings);
    Oidc::new(settings, PUBLIC_URL, time.clock()).unwrap()
}

/// The query of an address; no name comes twice.
pub fn query(url: &str) -> HashMap<String, String> {
    let url = Url::parse(url).unwrap();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query.len(), url.query_pairs().count(), "{url}");
    query
}

/// What a browser brings back to the callback.
pub fn answer(url: &str) -> Answer {
    assert!(url.starts_with(&format!("{PUBLIC_URL}/api/auth/oidc/callback?")), "{url}");
    let query = serde_json::to_value(query(url)).unwrap();
    serde_json::from_value(query).unwrap()
}

/// The parameter of the address that a browser is sent to.
pub fn sent(begun: &Begun, name: &str) -> String {
    query(&begun.url).remove(name).unwrap_or_else(|| panic!("no {name} in {}", begun.url))
}
