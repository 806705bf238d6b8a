//! What is made once for a cluster and nobody may see: munge's key, passwords, the key that sshd trusts.
//!
//! They are in a folder of their own (0700, files 0600) on the host that the installer runs on. A file that is there
//! already is taken as it is, so whoever puts `munge.key` there brings their own key.
mod ssh_key;

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::bytes::Bytes;

/// Fills a buffer with random bytes for keys.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> io::Result<()>;

/// File of munge's key.
pub const MUNGE_KEY: &str = "munge.key";
/// File of slurmdbd's password at its database.
pub const DATABASE_PASSWORD: &str = "database-password";
/// File of the password of the dashboard's first admin.
pub const DASHBOARD_ADMIN: &str = "dashboard-admin";
/// File of the private key of slurmdash's authority.
pub const SSH_CA: &str = "ssh-ca";

/// Length of a new munge key, bytes, as mungekey(8) makes it; 32 to 1024 are taken.
const MUNGE_KEY_LENGTH: usize = 128;
/// Length of a new password, characters: 142 bits.
const PASSWORD_LENGTH: usize = 24;

/// Why the secrets can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The disk.
    #[error("{path}: {source}")]
    Disk {
        /// File or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Others could read it.
    #[error("{path} is open to others (mode {mode:o}); run: chmod {right:o} {path}")]
    Exposed {
        /// File or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        right: u32,
    },
    /// It is not what it should be.
    #[error("{path} {problem}; remove it to have a new one made")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(io::Error),
}

/// Everything that is made once for a cluster. `Debug` shows lengths alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// What all munge daemons share, 32 to 1024 bytes.
    pub munge_key: Bytes,
    /// slurmdbd's password at its database: letters and digits.
    pub database_password: Bytes,
    /// The password of the dashboard's first admin: letters and digits.
    pub dashboard_admin_password: Bytes,
    /// slurmdash's authority, which signs people in at the login host.
    pub ssh_ca: CaKey,
}

/// A key pair of the authority, Ed25519, in OpenSSH's formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaKey {
    /// The private key's file (PROTOCOL.key of OpenSSH), without a passphrase.
    pub private: Bytes,
    /// The public key's line, without a newline.
    pub public: String,
}

impl CaKey {
    fn make(random: Random) -> Result<Self, SecretsError> {
        let (mut seed, mut check) = ([0; 32], [0; 4]);
        random(&mut seed).and_then(|()| random(&mut check)).map_err(SecretsError::NoRandomness)?;
        let unusable = || SecretsError::NoRandomness(io::Error::other("no Ed25519 key comes of them"));
        let (private, public) = ssh_key::encode(&seed, check).ok_or_else(unusable)?;
        Ok(Self { private: Bytes(private.into_bytes()), public })
    }

    fn read(private: Vec<u8>) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(&private).map_err(|_| "is no private key in OpenSSH's format")?;
        let public = ssh_key::public_of(text).ok_or("is no Ed25519 key in OpenSSH's format without a passphrase")?;
        Ok(Self { private: Bytes(private), public })
    }
}

impl Secrets {
    /// New ones.
    pub fn make(random: Random) -> Result<Self, SecretsError> {
        let mut munge_key = vec![0; MUNGE_KEY_LENGTH];
        random(&mut munge_key).map_err(SecretsError::NoRandomness)?;
        Ok(Self {
            munge_key: Bytes(munge_key),
            database_password: password(random)?,
            dashboard_admin_password: password(random)?,
            ssh_ca: CaKey::make(random)?,
        })
    }

    /// Those of a folder; what is missing there is made. Writes nothing: [`Secrets::save`] does, before they are used.
    pub fn load(dir: &Path, random: Random) -> Result<Self, SecretsError> {
        let new = Self::make(random)?;
        check(dir, 0o700)?;
        let or = |name: &str, new: Bytes| Ok(read(&dir.join(name))?.map_or(new, Bytes));
        let secrets = Self {
            munge_key: or(MUNGE_KEY, new.munge_key)?,
            database_password: or(DATABASE_PASSWORD, new.database_password).map(line)?,
            dashboard_admin_password: or(DASHBOARD_ADMIN, new.dashboard_admin_password).map(line)?,
            ssh_ca: match read(&dir.join(SSH_CA))? {
                None => new.ssh_ca,
                Some(private) => CaKey::read(private)
                    .map_err(|problem| SecretsError::Malformed { path: dir.join(SSH_CA), problem })?,
            },
        };
        secrets.judge(dir)?;
        Ok(secrets)
    }

    /// Writes those that the folder does not have, each whole or not at all, and on disk when this returns.
    pub fn save(&self, dir: &Path) -> Result<(), SecretsError> {
        let disk = |source| SecretsError::Disk { path: dir.into(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(disk)?;
        check(dir, 0o700)?;
        let files = [
            (MUNGE_KEY, &self.munge_key),
            (DATABASE_PASSWORD, &self.database_password),
            (DASHBOARD_ADMIN, &self.dashboard_admin_password),
            (SSH_CA, &self.ssh_ca.private),
        ];
        for (name, bytes) in files {
            let path = dir.join(name);
            if !path.exists() {
                write(dir, name, &bytes.0).map_err(|source| SecretsError::Disk { path, source })?;
            }
        }
        fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(disk)
    }

    fn judge(&self, dir: &Path) -> Result<(), SecretsError> {
        let malformed = |name: &str, problem| Err(SecretsError::Malformed { path: dir.join(name), problem });
        if !(32..=1024).contains(&self.munge_key.0.len()) {
            return malformed(MUNGE_KEY, "is no key of munge's, which has 32 to 1024 bytes");
        }
        let plain = |bytes: &Bytes| {
            (12..=128).contains(&bytes.0.len()) && bytes.0.iter().all(|byte| byte.is_ascii_alphanumeric())
        };
        for (name, bytes) in
            [(DATABASE_PASSWORD, &self.database_password), (DASHBOARD_ADMIN, &self.dashboard_admin_password)]
        {
            if !plain(bytes) {
                return malformed(name, "must hold 12 to 128 letters and digits");
            }
        }
        Ok(())
    }
}

/// Letters and digits, each as likely as the others.
fn password(random: Random) -> Result<Bytes, SecretsError> {
    const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut password = Vec::with_capacity(PASSWORD_LENGTH);
    while password.len() < PASSWORD_LENGTH {
        let mut bytes = [0; 64];
        random(&mut bytes).map_err(SecretsError::NoRandomness)?;
        // 248 is the last multiple of 62 in a byte: what is above would make some characters likelier.
        let usable = bytes.iter().filter(|byte| **byte < 248).map(|byte| CHARACTERS[usize::from(*byte) % 62]);
        password.extend(usable.take(PASSWORD_LENGTH - password.len()));
    }
    Ok(Bytes(password))
}

/// Without the newline that an editor puts at the end.
fn line(bytes: Bytes) -> Bytes {
    Bytes(bytes.0.trim_ascii_end().to_vec())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, SecretsError> {
    check(path, 0o600)?;
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SecretsError::Disk { path: path.into(), source }),
    }
}

/// Closed to others; what is not there is.
fn check(path: &Path, right: u32) -> Result<(), SecretsError> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SecretsError::Disk { path: path.into(), source }),
    };
    let mode = about.mode() & 0o777;
    if mode & !right == 0 { Ok(()) } else { Err(SecretsError::Exposed { path: path.into(), mode, right }) }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = dir.join(format!(".{name}.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, dir.join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Different bytes at each call.
    fn random(seed: u8) -> impl FnMut(&mut [u8]) -> io::Result<()> {
        let mut next = u64::from(seed) + 1;
        move |buffer: &mut [u8]| {
            for byte in buffer {
                next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = next.to_be_bytes()[0];
            }
            Ok(())
        }
    }

    #[test]
    fn they_are_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("secrets");
        let first = Secrets::load(&dir, &mut random(1)).unwrap();
        assert!(!dir.exists(), "looking writes nothing");
        first.save(&dir).unwrap();
        let again = Secrets::load(&dir, &mut random(2)).unwrap();
        assert_eq!(first, again);
        assert_ne!(first, Secrets::make(&mut random(3)).unwrap());
        for entry in fs::read_dir(&dir).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 4);
    }

    #[test]
    fn a_munge_key_that_an_admin_brings_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let path = dir.path().join(MUNGE_KEY);
        fs::write(&path, [7; 1024]).unwrap();
        let exposed = Secrets::load(dir.path(), &mut random(1)).unwrap_err().to_string();
        assert!(exposed.contains("chmod 600"), "{exposed}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let secrets = Secrets::load(dir.path(), &mut random(1)).unwrap();
        assert_eq!(secrets.munge_key.0, [7; 1024]);
        secrets.save(dir.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o400, "what is there stays");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        let short = Secrets::load(dir.path(), &mut random(1)).unwrap_err().to_string();
        assert!(short.contains("32 to 1024"), "{short}");
    }

    #[test]
    fn nothing_is_seen_of_them() {
        let secrets = Secrets::make(&mut random(1)).unwrap();
        let shown = format!("{secrets:?}");
        let password = String::from_utf8(secrets.database_password.0.clone()).unwrap();
        assert_eq!(password.len(), PASSWORD_LENGTH);
        assert!(!shown.contains(&password) && !shown.contains("PRIVATE"), "{shown}");
    }
}
