//! What is made once for a cluster and nobody may see: munge's key, passwords, the key that sshd trusts.
//!
//! They are in a folder of their own (0700, files 0600) on the host that the installer runs on. A file that is there
//! already is taken as it is, so whoever puts `munge.key` there brings their own key.
mod ssh_key;

use std::io;

use crate::bytes::Bytes;
use crate::journal::{JournalError, SecretFolder};

/// Fills a buffer with random bytes for keys.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> io::Result<()>;

/// File of munge's key.
pub const MUNGE_KEY: &str = "munge.key";
/// File of the key that munge had before the last rotation: hosts that were away may still have it.
pub const MUNGE_KEY_BEFORE: &str = "munge.key.before";
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
    /// Their folder.
    #[error(transparent)]
    Folder(#[from] JournalError),
    /// One is not what it should be.
    #[error("the secret {name} {problem}; remove its file to have a new one made")]
    Malformed {
        /// Its file's name.
        name: &'static str,
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
    /// The one before it, after a rotation.
    pub munge_key_before: Option<Bytes>,
    /// slurmdbd's password at its database.
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
            munge_key_before: None,
            database_password: password(random)?,
            dashboard_admin_password: password(random)?,
            ssh_ca: CaKey::make(random)?,
        })
    }

    /// Those of a folder; what is missing there is made. Writes nothing: [`Secrets::save`] does, before they are used.
    pub fn load(folder: &SecretFolder, random: Random) -> Result<Self, SecretsError> {
        let new = Self::make(random)?;
        let or = |name: &str, new: Bytes| folder.get(name).map(|found| found.map_or(new, Bytes));
        let secrets = Self {
            munge_key: or(MUNGE_KEY, new.munge_key)?,
            munge_key_before: folder.get(MUNGE_KEY_BEFORE)?.map(Bytes),
            database_password: or(DATABASE_PASSWORD, new.database_password).map(|found| line(&found))?,
            dashboard_admin_password: or(DASHBOARD_ADMIN, new.dashboard_admin_password).map(|found| line(&found))?,
            ssh_ca: match folder.get(SSH_CA)? {
                None => new.ssh_ca,
                Some(private) => {
                    CaKey::read(private).map_err(|problem| SecretsError::Malformed { name: SSH_CA, problem })?
                }
            },
        };
        secrets.judge()?;
        Ok(secrets)
    }

    /// Another key for munge. The one that was is kept until all hosts have the new one, and after that too.
    pub fn rotate_munge_key(&mut self, random: Random) -> Result<(), SecretsError> {
        let mut key = vec![0; MUNGE_KEY_LENGTH];
        random(&mut key).map_err(SecretsError::NoRandomness)?;
        self.munge_key_before = Some(std::mem::replace(&mut self.munge_key, Bytes(key)));
        Ok(())
    }

    /// Puts the key from before the last rotation back into its place, when `is_undone` says so of its SHA-256.
    pub fn unrotate_munge_key(folder: &SecretFolder, is_undone: impl FnOnce(&str) -> bool) -> Result<(), SecretsError> {
        if let Some(before) = folder.get(MUNGE_KEY_BEFORE)?
            && is_undone(&crate::bytes::sha256(&before))
        {
            folder.put(MUNGE_KEY, &before)?;
        }
        Ok(())
    }

    /// Whether a password can stand in slurmdbd.conf as it is.
    pub fn takes_database_password(password: &[u8]) -> bool {
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"#\"'\\=".contains(byte);
        (1..=128).contains(&password.len()) && password.iter().all(is_plain)
    }

    /// Keeps those that the folder does not have, and munge's key when it was rotated.
    pub fn save(&self, folder: &SecretFolder) -> Result<(), SecretsError> {
        if let Some(before) = &self.munge_key_before
            && folder.get(MUNGE_KEY)?.is_some_and(|kept| kept == before.0 && kept != self.munge_key.0)
        {
            folder.put(MUNGE_KEY_BEFORE, &before.0)?;
            folder.put(MUNGE_KEY, &self.munge_key.0)?;
        }
        let files = [
            (MUNGE_KEY, &self.munge_key),
            (DATABASE_PASSWORD, &self.database_password),
            (DASHBOARD_ADMIN, &self.dashboard_admin_password),
            (SSH_CA, &self.ssh_ca.private),
        ];
        for (name, bytes) in files {
            if folder.get(name)?.is_none() {
                folder.put(name, &bytes.0)?;
            }
        }
        Ok(())
    }

    fn judge(&self) -> Result<(), SecretsError> {
        let malformed = |name, problem| Err(SecretsError::Malformed { name, problem });
        if !(32..=1024).contains(&self.munge_key.0.len()) {
            return malformed(MUNGE_KEY, "is no key of munge's, which has 32 to 1024 bytes");
        }
        let plain =
            |bytes: &Bytes| (12..=128).contains(&bytes.0.len()) && bytes.0.iter().all(u8::is_ascii_alphanumeric);
        if !Self::takes_database_password(&self.database_password.0) {
            return malformed(DATABASE_PASSWORD, "must hold 1 to 128 printable characters other than # = \" ' and \\");
        }
        if !plain(&self.dashboard_admin_password) {
            return malformed(DASHBOARD_ADMIN, "must hold 12 to 128 letters and digits");
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
fn line(bytes: &Bytes) -> Bytes {
    Bytes(bytes.0.trim_ascii_end().to_vec())
}

#[cfg(test)]
mod tests {
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
        let folder = SecretFolder::at(dir.path());
        let first = Secrets::load(&folder, &mut random(1)).unwrap();
        assert!(folder.names().unwrap().is_empty(), "looking writes nothing");
        first.save(&folder).unwrap();
        assert_eq!(folder.names().unwrap().len(), 4);
        assert_eq!(first, Secrets::load(&folder, &mut random(2)).unwrap());
        assert_ne!(first, Secrets::make(&mut random(3)).unwrap());
    }

    #[test]
    fn a_munge_key_that_an_admin_brings_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SecretFolder::at(dir.path());
        folder.put(MUNGE_KEY, &[7; 1024]).unwrap();
        let secrets = Secrets::load(&folder, &mut random(1)).unwrap();
        assert_eq!(secrets.munge_key.0, [7; 1024]);
        folder.put(MUNGE_KEY, b"short").unwrap();
        let short = Secrets::load(&folder, &mut random(1)).unwrap_err().to_string();
        assert!(short.contains("32 to 1024"), "{short}");
        secrets.save(&folder).unwrap();
        assert_eq!(folder.get(MUNGE_KEY).unwrap().unwrap(), b"short", "what is there stays");
    }

    #[test]
    fn a_rotated_key_takes_the_place_of_the_one_before_and_gives_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SecretFolder::at(dir.path());
        let first = Secrets::load(&folder, &mut random(1)).unwrap();
        first.save(&folder).unwrap();
        let mut rotated = Secrets::load(&folder, &mut random(2)).unwrap();
        rotated.rotate_munge_key(&mut random(3)).unwrap();
        assert_ne!(rotated.munge_key, first.munge_key);
        assert_eq!(Secrets::load(&folder, &mut random(4)).unwrap().munge_key, first.munge_key, "a plan keeps nothing");
        rotated.save(&folder).unwrap();
        let kept = Secrets::load(&folder, &mut random(4)).unwrap();
        assert_eq!((&kept.munge_key, kept.munge_key_before.as_ref()), (&rotated.munge_key, Some(&first.munge_key)));
        kept.save(&folder).unwrap();
        assert_eq!(Secrets::load(&folder, &mut random(4)).unwrap(), kept, "kept once more it is the same");
        Secrets::unrotate_munge_key(&folder, |_| false).unwrap();
        assert_eq!(Secrets::load(&folder, &mut random(4)).unwrap().munge_key, rotated.munge_key);
        let digest = crate::bytes::sha256(&first.munge_key.0);
        Secrets::unrotate_munge_key(&folder, |before| before == digest).unwrap();
        assert_eq!(Secrets::load(&folder, &mut random(4)).unwrap().munge_key, first.munge_key);
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
