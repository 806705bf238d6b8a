//! Secrets of a cluster that was built by hand, on the host that the installer runs on: the cluster keeps them.
use std::io::Read as _;
use std::path::Path;

use crate::bytes::Bytes;
use crate::finding::Finding;
use crate::journal::SecretFolder;
use crate::plan::site::WRITTEN;
use crate::secrets::{DATABASE_PASSWORD, MUNGE_KEY, Secrets, SecretsError};
use crate::slurm_conf::Conf;

/// Largest file that is read, bytes.
const MOST: u64 = 1 << 20;

/// Takes munge's key and slurmdbd's password over where this host is of a cluster that was built by hand and neither was
/// made or taken over before. `etc` is `/etc`. What can't be taken over is told.
pub fn take_over(secrets: &mut Secrets, folder: &SecretFolder, etc: &Path) -> Result<Vec<Finding>, SecretsError> {
    let mut findings = Vec::new();
    let by_hand = read(&etc.join("slurm/slurm.conf")).filter(|text| !text.starts_with(WRITTEN.as_bytes()));
    if by_hand.is_none() {
        return Ok(findings);
    }
    if folder.get(MUNGE_KEY)?.is_none()
        && let Some(key) = read(&etc.join("munge/munge.key")).filter(|key| (32..=1024).contains(&key.len()))
    {
        secrets.munge_key = Bytes(key);
    }
    if folder.get(DATABASE_PASSWORD)?.is_none()
        && let Some(text) = read(&etc.join("slurm/slurmdbd.conf"))
    {
        let conf = Conf::parse(&String::from_utf8_lossy(&text));
        findings.extend(database(&conf));
        match conf.get("StoragePass") {
            Some(password) if Secrets::takes_database_password(password.as_bytes()) => {
                secrets.database_password = Bytes(password.as_bytes().to_vec());
            }
            Some(_) => findings.push(Finding::error(
                None,
                "slurmdbd's password at its database (StoragePass) has characters that can't be kept",
                "give that user a password of letters and digits, in MariaDB and in slurmdbd.conf",
            )),
            None => {}
        }
    }
    Ok(findings)
}

/// A database that is not where the installer has it.
fn database(conf: &Conf) -> Vec<Finding> {
    let usual: [(&str, &[&str]); 3] = [
        ("StorageHost", &["localhost", "127.0.0.1"]),
        ("StorageLoc", &[crate::plan::DATABASE]),
        ("StorageUser", &["slurm"]),
    ];
    let other = usual.iter().filter_map(|(name, usual)| {
        let value = conf.get(name)?;
        (!usual.iter().any(|usual| value.eq_ignore_ascii_case(usual))).then(|| format!("{name}={value}"))
    });
    let other: Vec<String> = other.collect();
    if other.is_empty() {
        return Vec::new();
    }
    vec![Finding::error(
        None,
        format!(
            "slurmdbd.conf has {}, and the installer would begin a new database: it has {} on the host of slurmdbd, \
                 with the user slurm",
            other.join(", "),
            crate::plan::DATABASE
        ),
        "rename the database and its user first (dump, load, slurmdbd.conf)",
    )]
}

/// A file of a reasonable size; what can't be read is not there.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    std::fs::File::open(path).ok()?.take(MOST).read_to_end(&mut content).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etc(conf: &str, dbd: &str) -> tempfile::TempDir {
        let etc = tempfile::tempdir().unwrap();
        for folder in ["slurm", "munge"] {
            std::fs::create_dir(etc.path().join(folder)).unwrap();
        }
        std::fs::write(etc.path().join("slurm/slurm.conf"), conf).unwrap();
        std::fs::write(etc.path().join("slurm/slurmdbd.conf"), dbd).unwrap();
        std::fs::write(etc.path().join("munge/munge.key"), [7; 64]).unwrap();
        etc
    }

    fn taken(conf: &str, dbd: &str, kept: bool) -> (Secrets, Vec<Finding>) {
        let (etc, dir) = (etc(conf, dbd), tempfile::tempdir().unwrap());
        let folder = SecretFolder::at(dir.path());
        let mut random = |buffer: &mut [u8]| {
            buffer.fill(1);
            Ok(())
        };
        let mut secrets = Secrets::make(&mut random).unwrap();
        if kept {
            secrets.save(&folder).unwrap();
        }
        let findings = take_over(&mut secrets, &folder, etc.path()).unwrap();
        (secrets, findings)
    }

    #[test]
    fn a_cluster_by_hand_keeps_its_secrets() {
        let dbd = "StorageLoc=slurm_acct_db\nStorageUser=slurm\nStoragePass=by-hand!\n";
        let (secrets, findings) = taken("ClusterName=x\n", dbd, false);
        assert_eq!((secrets.munge_key.0, secrets.database_password.0), (vec![7; 64], b"by-hand!".to_vec()));
        assert!(findings.is_empty(), "{findings:?}");
        for (conf, kept) in [("ClusterName=x\n", true), ("# Written by `slurmdash install` from\n", false)] {
            let (secrets, _) = taken(conf, dbd, kept);
            assert_ne!(secrets.munge_key.0, vec![7; 64], "{conf} {kept}");
        }
    }

    #[test]
    fn a_database_somewhere_else_is_told() {
        let (_, findings) = taken("ClusterName=x\n", "StorageHost=db9\nStorageLoc=acct\nStoragePass=a=b\n", false);
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(said[0].contains("StorageHost=db9, StorageLoc=acct") && said[1].contains("can't be kept"), "{said:?}");
    }
}
