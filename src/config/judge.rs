//! What is wrong with values that types can't refuse: ranges, and values that only make sense together.
use std::path::{Component, Path};

use super::{Config, Http, Problem};

impl Config {
    /// Judges what types can't: ranges, and values that only make sense together.
    pub(super) fn judge(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |key: &str, message: String| {
            let key = key.into();
            problems.push(Problem { key, message });
        };
        if !self.data_dir.is_absolute() {
            refuse("data_dir", format!("must be an absolute path, not {}", self.data_dir.display()));
        }
        for (key, dir) in [
            ("templates.dir", &self.templates.dir),
            ("slurm.bin_dir", &self.slurm.bin_dir),
            ("slurm.conf", &self.slurm.conf),
            ("ssh.known_hosts", &Some(self.ssh.known_hosts.clone())),
            ("tls.certificate", &self.tls.certificate),
            ("tls.key", &self.tls.key),
        ] {
            if let Some(dir) = dir.as_ref().filter(|dir| !dir.is_absolute()) {
                refuse(key, format!("must be an absolute path, not {}", dir.display()));
            }
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if self.ssh.host.is_empty() || self.ssh.host.starts_with('-') || !self.ssh.host.chars().all(plain) {
            refuse("ssh.host", format!("must be a host name or address, not {:?}", self.ssh.host));
        }
        if let Some(path) = self.ssh.agent_path.as_ref().filter(|path| !crate::ssh::is_plain_path(path)) {
            let words = "must be an absolute path of letters, digits and /._+-, which every login shell takes alike";
            refuse("ssh.agent_path", format!("{words}, not {}", path.display()));
        }
        self.auth.cluster.judge(&mut refuse);
        for (key, dir) in [("uploads.dir", &self.uploads.dir), ("jobs.dir", &self.jobs.dir)] {
            if let Some(dir) = dir.as_ref().filter(|dir| !dir.is_absolute() && !is_in_home(dir)) {
                let words = "must be an absolute path or begin with ~/ and have no ..";
                refuse(key, format!("{words}, not {}", dir.display()));
            }
        }
        if let Some(url) = &self.http.public_url {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
            if !host.is_some_and(|host| !host.is_empty() && host.chars().all(plain)) {
                refuse(
                    "http.public_url",
                    format!("must be http:// or https:// and a host, without a path, not {url:?}"),
                );
            }
        }
        self.http.judge_origins(&mut refuse);
        self.auth.judge(&mut refuse);
        if let Some(oidc) = &self.auth.oidc {
            oidc.judge(|key, message| refuse(&format!("auth.oidc.{key}"), message));
            if self.http.public_url.is_none() {
                let words = "must be given with auth.oidc: the provider sends people back to it";
                refuse("http.public_url", words.into());
            }
        }
        self.judge_tls(&mut refuse);
        for (key, value, least, most) in [
            ("http.max_connections", u64::try_from(self.http.max_connections).unwrap_or(u64::MAX), 1, 1_000_000),
            (
                "http.max_connections_per_address",
                u64::try_from(self.http.max_connections_per_address).unwrap_or(u64::MAX),
                1,
                1_000_000,
            ),
            ("tls.hsts_days", self.tls.hsts_days.into(), 0, 3650),
            ("slurm.timeout_seconds", self.slurm.timeout_seconds, 1, 600),
            ("slurm.poll_milliseconds", self.slurm.poll_milliseconds, 100, 600_000),
            ("slurm.idle_poll_milliseconds", self.slurm.idle_poll_milliseconds, 100, 3_600_000),
            ("ssh.port", self.ssh.port.into(), 1, 65_535),
            ("ssh.min_uid", self.ssh.min_uid.into(), 1, u32::MAX.into()),
            ("ssh.max_connections", u64::try_from(self.ssh.max_connections).unwrap_or(u64::MAX), 1, 100_000),
            ("ssh.idle_seconds", self.ssh.idle_seconds, 5, 86_400),
            ("uploads.max_file_size", self.uploads.max_file_size, 1, 1 << 50),
            ("uploads.expire_hours", self.uploads.expire_hours, 1, 24 * 3650),
            ("store.backup_every_hours", self.store.backup_every_hours.into(), 0, 24 * 366),
            ("store.backup_keep", self.store.backup_keep.into(), 1, 10_000),
            ("store.audit_days", self.store.audit_days.into(), 0, 36_500),
            ("store.security_event_days", self.store.security_event_days.into(), 0, 36_500),
            ("store.notification_days", self.store.notification_days.into(), 0, 36_500),
            ("store.upload_days", self.store.upload_days.into(), 0, 36_500),
            ("store.history_days", self.store.history_days.into(), 0, 36_500),
        ] {
            if !(least..=most).contains(&value) {
                refuse(key, format!("must be between {least} and {most}, not {value}"));
            }
        }
        self.limits.judge(&mut refuse);
        if self.log.level.parse::<tracing_subscriber::EnvFilter>().is_err() {
            refuse("log.level", format!("is no log level or filter: {:?}", self.log.level));
        }
        problems
    }
}

impl Http {
    /// Which sites may call is for an administrator to say one by one.
    fn judge_origins(&self, mut refuse: impl FnMut(&str, String)) {
        for (at, origin) in self.allowed_origins.iter().enumerate() {
            let key = format!("http.allowed_origins[{at}]");
            if origin == "*" {
                if self.allow_credentials {
                    let words = "* together with http.allow_credentials would let every web site act as whoever looks \
                                 at it; name the sites, or set allow_credentials to false";
                    refuse(&key, words.into());
                }
                if self.allowed_origins.len() > 1 {
                    refuse(&key, "* already stands for all; remove it or the others".into());
                }
            } else if !is_origin(origin) {
                let words = "must be http:// or https:// and a host, in lower case and without a path";
                refuse(&key, format!("{words}, not {origin:?}"));
            }
        }
    }
}

/// Whether a text is an origin as browsers write it (RFC 6454, 6.2).
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']');
    host.is_some_and(|host| !host.is_empty() && host.chars().all(plain) && !text.ends_with(':'))
}

/// Whether a path is one in a person's home: `~` and plain names.
fn is_in_home(path: &Path) -> bool {
    let inside = path.strip_prefix("~");
    inside.is_ok_and(|inside| {
        inside.parent().is_some() && inside.components().all(|name| matches!(name, Component::Normal(_)))
    })
}
