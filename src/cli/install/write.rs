//! What is written for an admin to read and change: a new `cluster.yaml`, one of a cluster that was built by hand, and the
//! schema of both.
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use slurmdash_installer::config;

use super::cluster;
use crate::cli::print_line;

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
        print_line(
            "Read it and change what is wrong; then: slurmdash install --config FILE --plan shows what would be done.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// `slurmdash install adopt`.
pub fn adopt(output: &Path) -> Result<ExitCode, String> {
    judge(output)?;
    cluster::must_be_root()?;
    Err("unwritten".into())
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
