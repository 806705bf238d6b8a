//! A cluster without internet: packages come from a folder.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use lab::Shape;
use lab::census::Snapshot;
use lab::compare::NOTHING;
use lab::run::{LIMIT, finish};

use crate::api::Dashboard;
use crate::installer::{install, says};
use crate::stage;
use crate::stage::settle;
use crate::three::CONFIGURATION;

/// Where the admin has put the packages.
const FOLDER: &str = "/srv/packages";

fn cluster_yaml() -> String {
    format!(
        "cluster: lab
hosts:
  - {{name: head1, roles: [controller, database, compute, dashboard, login]}}
packages: {{source: {FOLDER}}}
"
    )
}

#[test]
fn a_folder_of_packages_is_enough() -> Result<()> {
    let stage = stage!();
    // What a host with internet fetches is what one without needs.
    let host = stage.single(&Shape::default())?;
    install(&stage, &host, &["--yes"], 0)?;
    let packages = tempfile::tempdir()?;
    let count = collect(&host.root().join("var/cache/apt/archives"), packages.path())?;
    stage.say(&format!("{count} packages collected"));

    host.forget()?;
    let host = stage.single(&Shape { packages: false, ..Shape::default() })?;
    let apt = host.exec(&["apt-get", "-o", "Acquire::Retries=0", "update", "--error-on=any"])?;
    ensure!(!apt.ok(), "this host reaches a mirror: {apt}");
    // As somebody with a stick would bring them.
    copy(packages.path(), &host)?;
    host.write(CONFIGURATION, cluster_yaml().as_bytes(), 0o600)?;
    settle(&host)?;
    let fresh = Snapshot::of(&host)?;

    install(&stage, &host, &["--config", CONFIGURATION, "--yes"], 0)?;
    Dashboard::sign_in(&host, &host)?.run_job(&stage)?;
    says(&install(&stage, &host, &["--config", CONFIGURATION, "--yes"], 0)?, &["nothing to do"])?;
    install(&stage, &host, &["rollback", "--yes"], 0)?;
    stage.same("after rollback", &host, &fresh, NOTHING)
}

/// Collects packages and makes their index; answers how many.
fn collect(from: &Path, to: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(from)? {
        let file = entry?.path();
        if let (Some("deb"), Some(name)) = (file.extension().and_then(|end| end.to_str()), file.file_name()) {
            fs::copy(&file, to.join(name))?;
            count += 1;
        }
    }
    ensure!(count > 0, "the host has kept no packages");
    let index = finish(
        &["sh", "-c", "cd \"$1\" && dpkg-scanpackages --multiversion .", "sh", &to.display().to_string()],
        None,
        LIMIT,
    )?;
    fs::write(to.join("Packages"), index.good()?)?;
    Ok(count)
}

fn copy(from: &Path, host: &lab::Host<'_>) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        host.put(&entry.path(), &format!("{FOLDER}/{}", entry.file_name().to_string_lossy()), 0o644)?;
    }
    Ok(())
}
