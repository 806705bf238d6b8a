//! The package cache of all labs: hosts reach nothing else outside, and a package is fetched once.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::RUN;
use crate::net::{CACHE, CACHE_PORT, any_up};
use crate::process;
use crate::run::{eventually, on_path};

/// What its command line begins with; the folder may be another checkout's.
const MARK: &str = "apt-cacher-ng -c ";

/// Starts it where it doesn't run. It outlives the one who starts it, as other labs use it too.
pub fn up(shared: &Path) -> Result<()> {
    let [configuration, debs, logs] = ["apt-cacher-ng", "debs", "logs"].map(|folder| shared.join(folder));
    if process::running(&id(), MARK).is_none() {
        for folder in [&configuration, &debs, &logs] {
            fs::create_dir_all(folder)?;
        }
        let text = format!(
            "CacheDir: {}\nLogDir: {}\nSupportDir: /usr/lib/apt-cacher-ng\nPort: {CACHE_PORT}\nBindAddress: {CACHE}\n\
             PidFile: {}\nExThreshold: 30\nForeGround: 1\n",
            debs.display(),
            logs.display(),
            logs.join("pid").display(),
        );
        fs::write(configuration.join("acng.conf"), text)?;
        let program = on_path("apt-cacher-ng").context("apt-cacher-ng is missing")?;
        let argv = [program.display().to_string(), "-c".to_owned(), configuration.display().to_string()];
        process::start(&argv, &[], &logs.join("output"), &id())?;
    }
    let address = SocketAddr::from((CACHE, CACHE_PORT));
    eventually("an answer of the package cache", Duration::from_secs(20), || {
        Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1)).map(Some)?)
    })?;
    Ok(())
}

/// Ends it when no lab is left.
pub fn down_when_last() -> Result<()> {
    if any_up() { Ok(()) } else { process::end(&id(), MARK) }
}

fn id() -> PathBuf {
    Path::new(RUN).join("apt-cacher-ng.pid")
}
