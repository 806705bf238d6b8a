//! The certificate authority: an Ed25519 key that sshd on the login host trusts to say who somebody is.
//!
//! Its folder holds `current`, the key that signs; `next`, during a rotation, a key that sshd should trust already and
//! that signs once the rotation is finished; and `retired.pub`, public keys that sshd should forget. The keys are read at
//! each signature, so a rotation at the command line needs no restart.
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::certificate::{Builder, CertType, Certificate};
use russh::keys::ssh_key::private::{Ed25519Keypair, PrivateKey};
use russh::keys::ssh_key::{HashAlg, LineEnding, PublicKey};
use slurmdash_api::UnixSeconds;

use crate::random;

/// A certificate is good for so long, seconds.
pub const LIFETIME: i64 = 60;
/// And from so long before now, seconds: the login host's clock may be behind ours.
pub const CLOCK_DIFFERENCE: i64 = 30;

const CURRENT: &str = "current";
const NEXT: &str = "next";
const RETIRED: &str = "retired.pub";

/// Why the authority can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// Others may get at the key.
    #[error(
        "{path} is open to others (mode {mode:o}) and holds the key that lets slurmdash in; run: chmod {right:o} {path}"
    )]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        right: u32,
    },
    /// It belongs to somebody else.
    #[error("{path} belongs to the user with number {owner}, not to us; run: chown {us} {path}")]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Our number.
        us: u32,
    },
    /// The disk.
    #[error("{path}: {source}")]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is no key.
    #[error("{path} is no OpenSSH key ({reason}); restore it from a backup, or remove it and give sshd the new key")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no rotation to finish.
    #[error("there is no rotation to finish; `slurmdash ssh-ca rotate` begins one")]
    NoRotation,
    /// A certificate can't be signed.
    #[error("a certificate can't be signed: {0}")]
    Signing(String),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
}

/// What a key of the authority is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Signs now.
    Current,
    /// Will sign when the rotation is finished.
    Next,
    /// Signed before; sshd should forget it.
    Retired,
}

/// A public key of the authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaKey {
    /// What it is for.
    pub role: Role,
    /// In OpenSSH's format, one line.
    pub line: String,
    /// SHA-256, as ssh-keygen(1) prints it.
    pub fingerprint: String,
}

/// The certificate authority's folder.
#[derive(Debug, Clone)]
pub struct Ca {
    dir: PathBuf,
}

impl Ca {
    /// Opens the authority, and makes its key when there is none. Refuses keys that others could have read.
    pub fn open(dir: &Path) -> Result<Self, CaError> {
        let disk = |source| CaError::Disk { path: dir.into(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(disk)?;
        check(dir, 0o700)?;
        let ca = Self { dir: dir.into() };
        if !ca.path(CURRENT).exists() {
            ca.make(CURRENT)?;
        }
        for name in [CURRENT, NEXT] {
            if ca.path(name).exists() {
                ca.read(name)?;
            }
        }
        Ok(ca)
    }

    /// Its public keys: the current one, then the next, then the retired ones.
    pub fn keys(&self) -> Result<Vec<CaKey>, CaError> {
        let mut keys = vec![shown(Role::Current, self.read(CURRENT)?.public_key())?];
        if self.path(NEXT).exists() {
            keys.push(shown(Role::Next, self.read(NEXT)?.public_key())?);
        }
        let path = self.path(RETIRED);
        let retired = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(CaError::Disk { path, source }),
        };
        for line in retired.lines().filter(|line| !line.is_empty()) {
            let malformed = |error: russh::keys::ssh_key::Error| malformed(&path, &error);
            keys.push(shown(Role::Retired, &PublicKey::from_openssh(line).map_err(malformed)?)?);
        }
        Ok(keys)
    }

    /// Begins a rotation: a second key that sshd should trust beside the current one. `false` when there is one already.
    pub fn rotate(&self) -> Result<bool, CaError> {
        if self.path(NEXT).exists() {
            return Ok(false);
        }
        self.make(NEXT)?;
        Ok(true)
    }

    /// Finishes a rotation: the next key signs from now on.
    pub fn finish_rotation(&self) -> Result<(), CaError> {
        if !self.path(NEXT).exists() {
            return Err(CaError::NoRotation);
        }
        let old = shown(Role::Retired, self.read(CURRENT)?.public_key())?;
        let mut retired: Vec<String> =
            self.keys()?.into_iter().filter(|key| key.role == Role::Retired).map(|key| key.line).collect();
        retired.push(old.line);
        self.write(RETIRED, &(retired.join("\n") + "\n"))?;
        let (from, to) = (self.path(NEXT), self.path(CURRENT));
        let disk = |source| CaError::Disk { path: to.clone(), source };
        std::fs::rename(from, &to).map_err(disk)?;
        sync(&self.dir).map_err(disk)
    }

    /// Signs a certificate for one Unix user, for a minute and from these addresses only; it is good for a session with
    /// a terminal and for nothing else: no forwarding of any kind. Answers it with its key, which is made for it.
    ///
    /// Source: ssh-keygen(1), "CERTIFICATES"; PROTOCOL.certkeys of OpenSSH.
    pub fn certificate(
        &self,
        user: &str,
        key_id: &str,
        sources: &[IpAddr],
        now: UnixSeconds,
    ) -> Result<(PrivateKey, Certificate), CaError> {
        let authority = self.read(CURRENT)?;
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&random::bytes()?));
        let at = |seconds: i64| u64::try_from(seconds).unwrap_or(0);
        let sources: Vec<String> = sources.iter().map(|address| address.to_canonical().to_string()).collect();
        let nonce = random::bytes::<32>()?.to_vec();
        let serial = u64::from_be_bytes(random::bytes()?);
        let public = key.public_key().key_data().clone();
        let sign = || {
            let mut builder = Builder::new(nonce, public, at(now - CLOCK_DIFFERENCE), at(now + LIFETIME))?;
            builder.serial(serial)?.key_id(key_id)?.cert_type(CertType::User)?.valid_principal(user)?;
            builder.critical_option("source-address", sources.join(","))?;
            builder.extension("permit-pty", "")?;
            builder.sign(&authority)
        };
        let certificate = sign().map_err(|error| CaError::Signing(error.to_string()))?;
        Ok((key, certificate))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn read(&self, name: &str) -> Result<PrivateKey, CaError> {
        let path = self.path(name);
        check(&path, 0o600)?;
        let text = std::fs::read_to_string(&path).map_err(|source| CaError::Disk { path: path.clone(), source })?;
        PrivateKey::from_openssh(text).map_err(|error| malformed(&path, &error))
    }

    fn make(&self, name: &str) -> Result<(), CaError> {
        let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&random::bytes()?));
        key.set_comment("slurmdash-user-ca");
        let text = key.to_openssh(LineEnding::LF).map_err(|error| CaError::Signing(error.to_string()))?;
        self.write(name, &text)
    }

    /// A whole file or none, for us alone, on disk when this answers.
    fn write(&self, name: &str, text: &str) -> Result<(), CaError> {
        let (path, new) = (self.path(name), self.path(&format!(".{name}.new")));
        let disk = |source| CaError::Disk { path: path.clone(), source };
        let write = || {
            match std::fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            sync(&self.dir)
        };
        write().map_err(disk)
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn malformed(path: &Path, error: &russh::keys::ssh_key::Error) -> CaError {
    CaError::Malformed { path: path.into(), reason: error.to_string() }
}

fn shown(role: Role, key: &PublicKey) -> Result<CaKey, CaError> {
    let line = key.to_openssh().map_err(|error| CaError::Signing(error.to_string()))?;
    Ok(CaKey { role, line, fingerprint: key.fingerprint(HashAlg::Sha256).to_string() })
}

/// Ours, and closed to others.
fn check(path: &Path, right: u32) -> Result<(), CaError> {
    let about = std::fs::metadata(path).map_err(|source| CaError::Disk { path: path.into(), source })?;
    let us = rustix::process::geteuid().as_raw();
    if about.uid() != us {
        return Err(CaError::NotOurs { path: path.into(), owner: about.uid(), us });
    }
    let mode = about.mode() & 0o777;
    if mode & !right != 0 {
        return Err(CaError::Exposed { path: path.into(), mode, right });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn roles(ca: &Ca) -> Vec<Role> {
        ca.keys().unwrap().into_iter().map(|key| key.role).collect()
    }

    #[test]
    fn a_rotation_keeps_signing_with_the_old_key_until_it_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca");
        let ca = Ca::open(&path).unwrap();
        let first = ca.keys().unwrap().remove(0);
        assert_eq!(Ca::open(&path).unwrap().keys().unwrap(), std::slice::from_ref(&first), "it is made once");
        assert!(matches!(ca.finish_rotation(), Err(CaError::NoRotation)));
        assert!(ca.rotate().unwrap() && !ca.rotate().unwrap());
        assert_eq!(roles(&ca), [Role::Current, Role::Next]);
        assert_eq!(ca.keys().unwrap()[0], first);
        let next = ca.keys().unwrap().remove(1);
        ca.finish_rotation().unwrap();
        let keys = ca.keys().unwrap();
        assert_eq!(roles(&ca), [Role::Current, Role::Retired]);
        assert_eq!((&keys[0].line, &keys[1].line), (&next.line, &first.line));
    }

    #[test]
    fn a_certificate_is_good_for_one_user_one_address_and_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::open(&dir.path().join("ca")).unwrap();
        let source = ["127.0.0.1".parse().unwrap()];
        let (key, certificate) = ca.certificate("ada", "slurmdash-ada-1", &source, 1_000_000).unwrap();
        assert_eq!(certificate.public_key(), key.public_key().key_data());
        assert_eq!(certificate.valid_principals(), ["ada"]);
        assert_eq!((certificate.valid_after(), certificate.valid_before()), (999_970, 1_000_060));
        assert_eq!((certificate.key_id(), certificate.cert_type()), ("slurmdash-ada-1", CertType::User));
        let options = |map: &russh::keys::ssh_key::certificate::OptionsMap| format!("{map:?}");
        assert!(options(certificate.critical_options()).contains("127.0.0.1"));
        let extensions = options(certificate.extensions());
        assert!(extensions.contains("permit-pty") && !extensions.contains("forwarding"), "{extensions}");
        let (_, other) = ca.certificate("ada", "x", &source, 1_000_000).unwrap();
        assert_ne!(other.public_key(), certificate.public_key());
    }

    #[test]
    fn keys_that_others_could_read_are_refused_with_what_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca");
        Ca::open(&path).unwrap();
        let mode = |file: &Path, mode| std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(&path.join(CURRENT), 0o640);
        let refused = Ca::open(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        mode(&path.join(CURRENT), 0o600);
        mode(&path, 0o755);
        assert!(Ca::open(&path).unwrap_err().to_string().contains("chmod 700"));
        mode(&path, 0o700);
        std::fs::write(path.join(CURRENT), "no key").unwrap();
        assert!(matches!(Ca::open(&path), Err(CaError::Malformed { .. })));
    }
}
