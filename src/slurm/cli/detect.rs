//! Whether this host has a Slurm to talk to, so that the program needs no configuration there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::CliConfig;

/// The commands that are called. sacct is not among them: there may be no accounting.
const COMMANDS: [&str; 4] = ["sbatch", "squeue", "scontrol", "scancel"];

/// Where slurm.conf usually is: slurm.conf(5), Debian before 11, and slurmd's and sackd's copy on a configless cluster.
const USUAL: [&str; 4] =
    ["/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf", "/run/slurm/conf/slurm.conf", "/usr/local/etc/slurm.conf"];

/// Why there is no Slurm here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotHere {
    /// Commands are missing.
    #[error("{} not on the PATH: install Slurm's commands or set slurm.bin_dir", .0.join(", "))]
    Commands(Vec<&'static str>),
    /// `SLURM_CONF` names no file.
    #[error("SLURM_CONF or slurm.conf names {0}, which can't be read")]
    ConfUnreadable(PathBuf),
    /// There is no slurm.conf.
    #[error("there is no slurm.conf in its usual places ({}): set SLURM_CONF or slurm.conf", USUAL.join(", "))]
    NoConf,
}

/// Fills in what `configured` leaves open: looks for Slurm's commands on `PATH` and for its configuration, where
/// `SLURM_CONF` says or in its usual places.
pub fn detect(configured: CliConfig) -> Result<CliConfig, NotHere> {
    let path = configured.bin_dir.as_ref().map(|dir| dir.clone().into_os_string());
    let path = path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let conf = configured.slurm_conf.as_ref().map(|conf| conf.clone().into_os_string());
    let conf = conf.or_else(|| std::env::var_os("SLURM_CONF").filter(|conf| !conf.is_empty()));
    let slurm_conf = Some(detect_in(&path, conf.as_deref(), &USUAL.map(Path::new))?);
    Ok(CliConfig { slurm_conf, ..configured })
}

fn detect_in(path: &OsStr, conf: Option<&OsStr>, usual: &[&Path]) -> Result<PathBuf, NotHere> {
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let missing = |command: &&&str| !folders.iter().any(|folder| folder.join(command).is_file());
    let missing: Vec<&'static str> = COMMANDS.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        return Err(NotHere::Commands(missing));
    }
    match conf {
        Some(conf) if Path::new(conf).is_file() => Ok(PathBuf::from(conf)),
        Some(conf) => Err(NotHere::ConfUnreadable(conf.into())),
        None => usual.iter().find(|conf| conf.is_file()).map(|conf| conf.to_path_buf()).ok_or(NotHere::NoConf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let (bin, conf) = (dir.path().join("bin"), dir.path().join("slurm.conf"));
        std::fs::create_dir(&bin).unwrap();
        let error = detect_in(bin.as_os_str(), None, &[]).unwrap_err();
        assert_eq!(error.to_string().split(':').next(), Some("sbatch, squeue, scontrol, scancel not on the PATH"));
        for command in COMMANDS {
            std::fs::write(bin.join(command), "").unwrap();
        }
        assert_eq!(detect_in(bin.as_os_str(), None, &[&conf]), Err(NotHere::NoConf));
        let unreadable = detect_in(bin.as_os_str(), Some(conf.as_os_str()), &[]);
        assert_eq!(unreadable, Err(NotHere::ConfUnreadable(conf.clone())));
        std::fs::write(&conf, "").unwrap();
        for found in
            [detect_in(bin.as_os_str(), Some(conf.as_os_str()), &[]), detect_in(bin.as_os_str(), None, &[&conf])]
        {
            assert_eq!(found.as_ref(), Ok(&conf));
        }
    }
}
