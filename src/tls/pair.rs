//! A certificate with its chain and its key, read from PEM and found to belong together.
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::verify_server_name;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use slurmdash_api::UnixSeconds;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::{DAY, RENEW_DAYS, TlsError, provider};

/// Largest file that is read, bytes; a chain of RSA certificates has some 10 KiB.
const MAX_FILE: u64 = 1 << 20;

/// A certificate with its chain and its key.
pub(super) struct Pair {
    certified: Arc<CertifiedKey>,
    /// Of both files, to see whether they have changed.
    digest: Vec<u8>,
    /// It is valid from then…
    pub(super) begins: UnixSeconds,
    /// …to then.
    pub(super) ends: UnixSeconds,
}

impl Pair {
    /// Reads a pair; both may be in one file. Refuses a key that others could read.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain_text = text(certificate, false)?;
        let key_text = text(key, true)?;
        let chain =
            chain(&chain_text).map_err(|reason| TlsError::NoCertificate { path: certificate.into(), reason })?;
        let key_der = PrivateKeyDer::from_pem_slice(&key_text)
            .map_err(|error| TlsError::NoKey { path: key.into(), reason: words(&error, "a private key") })?;
        let no_certificate = |error: &dyn std::fmt::Display| TlsError::NoCertificate {
            path: certificate.into(),
            reason: error.to_string(),
        };
        let (begins, ends) = validity(&chain[0]).map_err(|error| no_certificate(&error))?;
        ParsedCertificate::try_from(&chain[0]).map_err(|error| no_certificate(&error))?;
        let certified = CertifiedKey::from_der(chain, key_der, &provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { certificate: certificate.into(), key: key.into() }
            }
            error => TlsError::NoKey { path: key.into(), reason: error.to_string() },
        })?;
        let digests = [digest(&SHA256, &chain_text), digest(&SHA256, &key_text)];
        let digest = digests.iter().flat_map(AsRef::as_ref).copied().collect();
        Ok(Self { certified: Arc::new(certified), digest, begins, ends })
    }

    /// Whether both files are the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// For handshakes.
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    /// SHA-256 of the certificate in upper-case hex with colons.
    pub(super) fn fingerprint(&self) -> String {
        let digest = self.certified.cert.first().map(|leaf| digest(&SHA256, leaf));
        let bytes = digest.iter().flat_map(AsRef::as_ref);
        bytes.map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Whether the certificate is good for a host name or an address (RFC 6125, RFC 9525).
    pub(super) fn is_for(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host) else { return false };
        let parsed = self.certified.cert.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
        parsed.is_some_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    }

    /// Whether one of our own can go on being used: it has these names, is valid, and is so for a while.
    pub(super) fn is_fit(&self, names: &[String], now: UnixSeconds) -> bool {
        self.begins <= now && self.ends - now >= RENEW_DAYS * DAY && names.iter().all(|name| self.is_for(name))
    }
}

/// The text of a file that somebody else may write at any time, or have put something odd in its place.
fn text(path: &Path, is_secret: bool) -> Result<Vec<u8>, TlsError> {
    let disk = |source| TlsError::Disk { path: path.into(), source };
    // A FIFO would let us wait for ever.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(disk)?;
    let about = file.metadata().map_err(disk)?;
    if !about.is_file() {
        return Err(disk(io::Error::new(io::ErrorKind::InvalidInput, "is no file")));
    }
    if is_secret {
        check(path, &file)?;
    }
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(disk)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(disk(io::Error::new(io::ErrorKind::FileTooLarge, "is larger than 1 MiB")));
    }
    Ok(text)
}

/// Ours and closed to all others, or root's and open to a group at most: that is how keys are given to servers that
/// don't run as root. `PostgreSQL` has the same rule (its manual, "Secure TCP/IP Connections with SSL").
fn check(path: &Path, file: &File) -> Result<(), TlsError> {
    let about = file.metadata().map_err(|source| TlsError::Disk { path: path.into(), source })?;
    let us = rustix::process::geteuid().as_raw();
    let right = match about.uid() {
        0 => 0o640,
        owner if owner == us => 0o600,
        owner => return Err(TlsError::NotOurs { path: path.into(), owner, us }),
    };
    let mode = about.mode() & 0o777;
    // What the owner may do is the owner's business.
    if mode & 0o077 & !right != 0 {
        return Err(TlsError::Exposed { path: path.into(), mode, right });
    }
    Ok(())
}

/// All certificates of a PEM text, the server's own first.
fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| words(&error, "a certificate"))?;
    if chain.is_empty() {
        return Err(words(&pem::Error::NoItemsFound, "a certificate"));
    }
    // The library only reads the first; one that is cut off in the middle of the chain is no use either.
    for (index, certificate) in chain.iter().enumerate() {
        Certificate::from_der(certificate).map_err(|error| format!("certificate {}: {error}", index + 1))?;
    }
    Ok(chain)
}

/// All certificates of a PEM file, which may hold a key too.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    chain(&text(path, false)?).map_err(|reason| TlsError::NoCertificate { path: path.into(), reason })
}

/// From when to when a certificate (DER) is valid.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Result<(UnixSeconds, UnixSeconds), x509_cert::der::Error> {
    let certificate = Certificate::from_der(certificate)?;
    let validity = certificate.tbs_certificate().validity();
    let seconds = |time: x509_cert::time::Time| {
        UnixSeconds::try_from(time.to_unix_duration().as_secs()).unwrap_or(UnixSeconds::MAX)
    };
    Ok((seconds(validity.not_before), seconds(validity.not_after)))
}

/// The library's words for what is wrong with a PEM text, without the text: it may be a key's.
fn words(error: &pem::Error, what: &str) -> String {
    match error {
        pem::Error::NoItemsFound => format!("{what} is not in it"),
        pem::Error::MissingSectionEnd { .. } => "it is cut off".into(),
        _ => "it is no PEM".into(),
    }
}
