//! Whether the login host is the one that the administrator knows. Source: sshd(8), `SSH_KNOWN_HOSTS FILE FORMAT`.
use std::path::Path;

use aws_lc_rs::hmac;
use russh::keys::PublicKeyOrCertificate;
use russh::keys::ssh_key::certificate::{CertType, Certificate};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts, Marker};
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use slurmdash_api::UnixSeconds;

/// What the file says of one host.
#[derive(Debug, Default)]
pub struct Known {
    /// Its own keys.
    keys: Vec<PublicKey>,
    /// Authorities that may vouch for it.
    authorities: Vec<PublicKey>,
    /// Keys that are good for nobody any more.
    revoked: Vec<PublicKey>,
}

impl Known {
    /// Reads what a file says of a host. Lines that are no entries are passed over, as ssh(1) does.
    pub fn read(file: &Path, host: &str, port: u16) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            format!(
                "{} can't be read ({error}); put the host's keys there: ssh-keyscan -p {port} {host}, compared with \
                 what `ssh-keygen -lf` says on the host itself",
                file.display()
            )
        })?;
        Ok(Self::of(&text, host, port))
    }

    fn of(text: &str, host: &str, port: u16) -> Self {
        let name =
            if port == 22 { host.to_ascii_lowercase() } else { format!("[{}]:{port}", host.to_ascii_lowercase()) };
        let mut known = Self::default();
        for line in text.lines() {
            for entry in KnownHosts::new(line).flatten() {
                known.add(&entry, &name);
            }
        }
        known
    }

    fn add(&mut self, entry: &Entry, name: &str) {
        let key = entry.public_key().clone();
        match entry.marker() {
            Some(Marker::Revoked) => self.revoked.push(key),
            _ if !is_meant(entry.host_patterns(), name) => {}
            Some(Marker::CertAuthority) => self.authorities.push(key),
            None => self.keys.push(key),
        }
    }

    /// The kinds of keys that the host may show, those it is known by.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.keys.iter().map(PublicKey::algorithm).collect()
    }

    /// Whether an authority may vouch for it.
    pub fn has_authority(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// Judges what the host shows; why it is not trusted.
    pub fn judge(&self, shown: &PublicKeyOrCertificate, host: &str, now: UnixSeconds) -> Result<(), String> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.judge_key(key),
            PublicKeyOrCertificate::Certificate(certificate) => self.judge_certificate(certificate, host, now),
        }
    }

    fn judge_key(&self, key: &PublicKey) -> Result<(), String> {
        let is = |known: &PublicKey| known.key_data() == key.key_data();
        let fingerprint = key.fingerprint(HashAlg::Sha256);
        if self.revoked.iter().any(is) {
            return Err(format!("its key {fingerprint} is marked as revoked"));
        }
        if self.keys.iter().any(is) {
            return Ok(());
        }
        let same_kind = self.keys.iter().find(|known| known.algorithm() == key.algorithm());
        Err(match same_kind {
            Some(known) => format!(
                "ITS KEY HAS CHANGED: it shows {fingerprint}, known is {}. Somebody may sit between; if the host was set \
                 up anew, put its new key into the known hosts",
                known.fingerprint(HashAlg::Sha256)
            ),
            None => format!(
                "its key {fingerprint} is not among the known hosts; compare it with what `ssh-keygen -lf` says on the \
                 host itself, and add it"
            ),
        })
    }

    fn judge_certificate(&self, certificate: &Certificate, host: &str, now: UnixSeconds) -> Result<(), String> {
        let authority = self.authorities.iter().find(|known| known.key_data() == certificate.signature_key());
        let Some(authority) = authority else {
            return Err("its certificate was signed by an authority that is not among the known hosts".into());
        };
        let is_revoked =
            |known: &PublicKey| [certificate.signature_key(), certificate.public_key()].contains(&known.key_data());
        if self.revoked.iter().any(is_revoked) {
            return Err("the key of its certificate, or of the authority that signed it, is marked as revoked".into());
        }
        if certificate.cert_type() != CertType::Host {
            return Err("its certificate is not one for a host".into());
        }
        if !certificate.valid_principals().iter().any(|name| name.eq_ignore_ascii_case(host)) {
            return Err(format!("its certificate is not for {host} but for {:?}", certificate.valid_principals()));
        }
        let now = u64::try_from(now).unwrap_or(0);
        certificate
            .validate_at(now, &[authority.fingerprint(HashAlg::Sha256)])
            .map_err(|error| format!("its certificate is not valid: {error}"))
    }
}

/// Whether an entry's patterns mean this name: one of them, and none with a `!` before it.
fn is_meant(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut is_meant = false;
            for pattern in patterns {
                let pattern = pattern.to_ascii_lowercase();
                match pattern.strip_prefix('!') {
                    Some(not) if fits(not.as_bytes(), name.as_bytes()) => return false,
                    Some(_) => {}
                    None => is_meant |= fits(pattern.as_bytes(), name.as_bytes()),
                }
            }
            is_meant
        }
    }
}

/// `*` is any text, `?` any one character; `ssh_config(5)`, "PATTERNS".
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    (p, n) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn judged(file: &str, host: &str, port: u16, shown: &str) -> Result<(), String> {
        let key = PublicKey::from_openssh(shown).unwrap();
        Known::of(file, host, port).judge(&PublicKeyOrCertificate::from(key), host, 0)
    }

    #[test]
    fn a_host_is_known_by_name_pattern_or_hash() {
        for (file, host, port) in [
            (format!("login {KEY}"), "login", 22),
            (format!("# comment\n\nother {OTHER}\nLOGIN,10.0.0.1 {KEY} note"), "login", 22),
            (format!("[login]:2222 {KEY}"), "login", 2222),
            (format!("*.cluster,!bad.cluster {KEY}"), "login.cluster", 22),
        ] {
            assert_eq!(judged(&file, host, port, KEY), Ok(()), "{file}");
            let changed = judged(&file, host, port, OTHER).unwrap_err();
            assert!(changed.contains("HAS CHANGED"), "{file}: {changed}");
        }
    }

    #[test]
    fn what_is_unknown_revoked_or_for_another_name_is_refused() {
        for (file, host, port) in [
            (String::new(), "login", 22),
            (format!("login {KEY}"), "login", 2222),
            (format!("[login]:2222 {KEY}"), "login", 22),
            (format!("*.cluster,!bad.cluster {KEY}"), "bad.cluster", 22),
            (format!("@revoked * {KEY}\nlogin {KEY}"), "login", 22),
            (format!("@cert-authority login {KEY}"), "login", 22),
            ("login no-key".to_owned(), "login", 22),
        ] {
            assert!(judged(&file, host, port, KEY).is_err(), "{file}");
        }
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(text in "\\PC*", host in "[a-z.]{1,12}") {
            let _ = Known::of(&text, &host, 22);
        }

        #[test]
        fn patterns_without_wildcards_are_equality(pattern in "[a-z.]{0,8}", name in "[a-z.]{0,8}") {
            prop_assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), pattern == name);
            prop_assert!(fits(b"*", name.as_bytes()));
        }
    }
}
