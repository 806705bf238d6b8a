//! Room on the disk: what is free for a person once everything that was promised has come.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::area::Area;
use super::{Shared, UploadError};
use crate::hands::{Hands, HandsError, Place, Space};
use crate::store::uploads::UploadRecord;

/// Bytes promised to uploads that are just beginning: owner's account id and size, by upload id.
#[derive(Default)]
pub struct Promises(Mutex<HashMap<String, (String, u64)>>);

/// A promise to an upload that is just beginning, until it is dropped.
pub struct Promise<'a> {
    promises: &'a Promises,
    upload_id: String,
}

impl Promises {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (String, u64)>> {
        // Every change is one call, so a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.promises.lock().remove(&self.upload_id);
    }
}

impl Shared {
    /// Promises a file its room beside what other uploads have been promised.
    pub(super) async fn promise(&self, hands: &dyn Hands, record: &UploadRecord) -> Result<Promise<'_>, UploadError> {
        let root = self.area.root(hands.user());
        if matches!(self.area, Area::Home(_)) {
            make_in_home(hands, &root).await?;
        }
        let space = hands.space(&root).await.map_err(|error| match error.kind() {
            Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied) => {
                UploadError::NoFolder(root.path())
            }
            _ => UploadError::hands("ask for free space")(error),
        })?;
        // Locked over the look and the promise, so that two don't promise themselves the same room.
        let mut promises = self.promises.lock();
        let (mut mine, mut all) = (0_u64, 0_u64);
        let mut add = |owner_id: &str, bytes: u64| {
            all = all.saturating_add(bytes);
            if owner_id == record.owner_id {
                mine = mine.saturating_add(bytes);
            }
        };
        for session in self.sessions().values() {
            add(&session.record.owner_id, session.promised());
        }
        for (owner_id, bytes) in promises.values() {
            add(owner_id, *bytes);
        }
        // Whether homes lie on one disk is not known.
        let all = if matches!(self.area, Area::Home(_)) { mine } else { all };
        let (needed, free) = (record.file_size, left(space, mine, all));
        if needed > free {
            return Err(UploadError::NoSpace { needed, free });
        }
        promises.insert(record.id.clone(), (record.owner_id.clone(), needed));
        Ok(Promise { promises: &self.promises, upload_id: record.id.clone() })
    }
}

/// Makes the folder of uploads in a home.
async fn make_in_home(hands: &dyn Hands, root: &Place) -> Result<(), UploadError> {
    let Err(error) = hands.make_folder(root).await else { return Ok(()) };
    let home = &hands.user().home;
    if matches!(error, HandsError::File { .. }) && matches!(hands.stat(&Place::at(home)).await, Ok(None)) {
        return Err(UploadError::NoHome(home.clone()));
    }
    Err(UploadError::hands("make your folder of uploads")(error))
}

/// What is left of a file system when the person's own promises (`mine`) and everybody's there (`all`) are kept, bytes.
///
/// A quota is for one person's files only. Where it is what limits `space.free`, what the disk itself has free is not
/// known, and others' promises are left out: at worst a disk is full before the last chunk, and the upload goes on later.
fn left(space: Space, mine: u64, all: u64) -> u64 {
    let quota = space.quota.map_or(u64::MAX, |(used, allowed)| allowed.saturating_sub(used));
    if quota <= space.free {
        quota.saturating_sub(mine)
    } else {
        space.free.saturating_sub(all).min(quota.saturating_sub(mine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_kept_where_they_weigh() {
        let space = |free, quota| Space { free, total: 1000, quota };
        for (space, mine, all, expected) in [
            (space(100, None), 10, 30, 70),
            (space(100, None), 10, 200, 0),
            // The disk has less than the quota: everybody's promises weigh on it.
            (space(100, Some((0, 500))), 10, 30, 70),
            (space(100, Some((300, 500))), 150, 150, 0),
            (space(100, Some((390, 500))), 100, 100, 0),
            // The quota is what limits: only the person's own.
            (space(100, Some((400, 500))), 10, 3000, 90),
            (space(0, Some((600, 500))), 0, 0, 0),
        ] {
            assert_eq!(left(space, mine, all), expected, "{space:?} {mine} {all}");
        }
    }
}
