//! Section `tls`: whether HTTPS is spoken, and with which certificate.
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Config;

/// HTTPS.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Whether TLS is spoken.
    pub mode: TlsMode,
    /// The certificate and its chain, a PEM file; a self-signed one is made when absent.
    pub certificate: Option<PathBuf>,
    /// The certificate's key, a PEM file that others can't read.
    pub key: Option<PathBuf>,
    /// Address and port of a second listener that sends plain HTTP to HTTPS and serves nothing, such as `0.0.0.0:80`.
    pub redirect_listen: Option<SocketAddr>,
    /// Browsers are told to speak nothing but HTTPS to this host for so many days; 0 doesn't tell them.
    pub hsts_days: u32,
}

/// Whether TLS is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// Unless it listens on a loopback address.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never: a reverse proxy does, or nobody.
    Off,
}

impl Config {
    /// The folder of the certificate that we sign ourselves.
    pub fn tls_dir(&self) -> PathBuf {
        self.data_dir.join("tls")
    }

    /// Whether we speak TLS ourselves.
    pub fn serves_tls(&self) -> bool {
        match self.tls.mode {
            TlsMode::On => true,
            TlsMode::Off => false,
            TlsMode::Auto => !self.http.listen.ip().to_canonical().is_loopback(),
        }
    }

    /// Judges what doesn't go together.
    pub(super) fn judge_tls(&self, refuse: &mut impl FnMut(&str, String)) {
        match (&self.tls.certificate, &self.tls.key) {
            (Some(_), None) => refuse("tls.key", "is missing: tls.certificate needs its key".into()),
            (None, Some(_)) => refuse("tls.certificate", "is missing: tls.key needs its certificate".into()),
            _ => {}
        }
        if self.serves_tls() {
            if self.http.public_url.as_deref().is_some_and(|url| url.starts_with("http://")) {
                let words = "begins with http://, but https is spoken; name https://, or set tls.mode to off";
                refuse("http.public_url", words.into());
            }
        } else if self.tls.redirect_listen.is_some() {
            refuse("tls.redirect_listen", "needs https to send people to: set tls.mode to on".into());
        }
    }
}
