//! A certificate that we sign ourselves: nobody vouches for it but its fingerprint, which an admin can compare.
//!
//! Certificate and key are in one file, so that there is never one without the other.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use slurmdash_api::UnixSeconds;

use super::pair::Pair;
use super::{DAY, TlsError};

/// It is good for so many days: a little less than the 398 that browsers take at most.
pub const LIFETIME_DAYS: i64 = 397;
/// With fewer days left another is made.
pub const RENEW_DAYS: i64 = 30;

/// It is good from so long before now, seconds: a browser's clock may be behind ours.
const CLOCK_DIFFERENCE: i64 = 60 * 60;

pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join("self-signed.pem")
}

/// The certificate in a folder; another one when there is none, or it ends soon, or lacks one of the names.
pub(super) fn open(dir: &Path, names: &[String], now: UnixSeconds) -> Result<Pair, TlsError> {
    let path = file(dir);
    if path.exists() {
        check_folder(dir)?;
        let damaged = |error| match error {
            error @ (TlsError::NoCertificate { .. } | TlsError::NoKey { .. } | TlsError::Mismatch { .. }) => {
                TlsError::Damaged { path: path.clone(), inside: Box::new(error) }
            }
            error => error,
        };
        let pair = Pair::read(&path, &path).map_err(damaged)?;
        if pair.is_fit(names, now) {
            return Ok(pair);
        }
    }
    make(dir, names, now)
}

/// Makes another one in the place of what is there.
pub(super) fn make(dir: &Path, names: &[String], now: UnixSeconds) -> Result<Pair, TlsError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| TlsError::Disk { path: dir.into(), source })?;
    check_folder(dir)?;
    let path = file(dir);
    let text = sign(names, now).map_err(|error| TlsError::Making(error.to_string()))?;
    write(dir, &path, &text).map_err(|source| TlsError::Disk { path: path.clone(), source })?;
    let pair = Pair::read(&path, &path)?;
    tracing::info!(file = %path.display(), fingerprint = pair.fingerprint(), "a self-signed certificate was made");
    Ok(pair)
}

/// Key and certificate as PEM.
fn sign(names: &[String], now: UnixSeconds) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut name = DistinguishedName::new();
    // A common name has at most 64 characters (RFC 5280, ub-common-name); the names that count are elsewhere.
    let shown = names.iter().find(|name| name.len() <= 64).map_or("slurmdash", String::as_str);
    name.push(DnType::CommonName, shown);
    name.push(DnType::OrganizationName, "slurmdash, self-signed");
    let at = |seconds: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = name;
    parameters.not_before = at(now - CLOCK_DIFFERENCE);
    parameters.not_after = at(now + LIFETIME_DAYS * DAY);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = parameters.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

/// A whole file or none, for us alone, on disk when this answers.
fn write(dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let new = dir.join(".self-signed.pem.new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(dir)?.sync_all()
}

/// Ours, and closed to others: who may write in it may give us another key.
fn check_folder(dir: &Path) -> Result<(), TlsError> {
    let about = std::fs::metadata(dir).map_err(|source| TlsError::Disk { path: dir.into(), source })?;
    let us = rustix::process::geteuid().as_raw();
    if about.uid() != us {
        return Err(TlsError::NotOurs { path: dir.into(), owner: about.uid(), us });
    }
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TlsError::Exposed { path: dir.into(), mode, right: 0o700 });
    }
    Ok(())
}
