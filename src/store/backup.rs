//! Copies of the store's file.
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use slurmdash_api::UnixSeconds;

use super::StoreError;

/// Copies a closed store into the folder of backups.
pub fn copy_closed(
    store_path: &Path,
    backups: &Path,
    reason: &str,
    schema: u32,
    now: UnixSeconds,
    _keep: usize,
) -> Result<PathBuf, StoreError> {
    let open = |source| StoreError::open(store_path, source);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(backups).map_err(open)?;
    let copy = backups.join(format!("slurmdash-v{schema}-{now}-{reason}.redb"));
    let mut to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&copy).map_err(open)?;
    std::io::copy(&mut File::open(store_path).map_err(open)?, &mut to).map_err(open)?;
    to.sync_all().and_then(|()| File::open(backups)?.sync_all()).map_err(open)?;
    Ok(copy)
}
