//! What is written for an admin to read and change: a new `cluster.yaml`, one of a cluster that was built by hand, and the
//! schema of both.
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use slurmdash_installer::facts::Facts;
use slurmdash_installer::{adopt, config};

use super::cluster::{self, Told};
use super::voice::plain;
use crate::cli::{print_error, print_line};

/// `slurmdash install schema`.
pub fn schema() -> Result<ExitCode, String> {
    print_line(&serde_json::to_string_pretty(&config::schema()).map_err(|error| error.to_string())?);
    Ok(ExitCode::SUCCESS)
}

/// `slurmdash install init`.
pub fn init(output: &Path, hosts: &[String], user: &str) -> Result<ExitCode, String> {
    judge(output)?;
    let facts = cluster::facts_of(hosts, user)?;
    write(output, &config::init(&facts))?;
    if output != Path::new("-") {
        if user != "root" {
            print_line(&plain(&format!("Hosts were reached as {user}: put `user: {user}` into its section ssh.")));
        }
        print_line(&format!(
            "Read it and change what is wrong; then: slurmdash install --config {} --plan shows what would be done.",
            output.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where slurm.conf is, by distribution.
const SLURM_CONF: [&str; 2] = ["/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf"];

/// `slurmdash install adopt`.
pub fn adopt(output: &Path, slurm_conf: Option<&Path>, user: &str) -> Result<ExitCode, String> {
    judge(output)?;
    cluster::must_be_root()?;
    let usual = || SLURM_CONF.iter().map(PathBuf::from).find(|path| path.exists());
    let path = slurm_conf.map(Path::to_owned).or_else(usual);
    let path = path.ok_or("there is no slurm.conf in its usual places; name it with --slurm-conf")?;
    let text = |path: &Path| cluster::text(path).map_err(|error| format!("can't read {}: {error}", path.display()));
    let beside = |name: &str| {
        let path = path.with_file_name(name);
        path.exists().then(|| text(&path)).transpose()
    };
    let (slurm, cgroup, gres) = (text(&path)?, beside("cgroup.conf")?, beside("gres.conf")?);
    let read = |facts: &BTreeMap<String, Facts>| adopt::read(&slurm, cgroup.as_deref(), gres.as_deref(), facts);
    // The files name the hosts; what they are made of the hosts know better.
    let first = read(&BTreeMap::new());
    let mut notes = Vec::new();
    let facts = match config::parse(&first.yaml) {
        Ok(config) => {
            let Told { facts, away } = cluster::facts_of_all(&config, user)?;
            let told = |(host, error)| format!("{host} was not asked what it is made of: {error}");
            notes.extend(away.into_iter().map(told));
            facts
        }
        Err(_) => BTreeMap::new(),
    };
    let adopted = read(&facts);
    write(output, &adopted.yaml)?;
    notes.extend(adopted.notes);
    for note in notes {
        print_error(&plain(&note));
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses before anything is asked for, rather than after.
fn judge(output: &Path) -> Result<(), String> {
    if output != Path::new("-") && output.symlink_metadata().is_ok() {
        return Err(format!(
            "{} is there already, and is not overwritten; name another with --output",
            output.display()
        ));
    }
    Ok(())
}

/// Writes a file that was not there.
fn write(output: &Path, text: &str) -> Result<(), String> {
    if output == Path::new("-") {
        print_line(text.trim_end());
        return Ok(());
    }
    let written = OpenOptions::new().write(true).create_new(true).open(output).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| format!("can't write {}: {error}", output.display()))?;
    print_line(&format!("{} is written.", output.display()));
    Ok(())
}
