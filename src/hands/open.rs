//! An open file: a descriptor of our own where the file's host is this one, else a handle at the agent.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::FileType;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{Kind, Stat};

/// Pause between two looks at a file that is to grow.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A file that is open at an agent on another host. Dropping it closes it there.
#[async_trait]
pub trait FarFile: Send + Sync + 'static {
    /// Reads up to `length` bytes from `offset`; fewer only at the end.
    async fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Writes all bytes at `offset`.
    async fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Waits until what was written is on disk.
    async fn sync(&self) -> io::Result<()>;
    /// What it is now.
    async fn stat(&self) -> io::Result<Stat>;
    /// Waits until its size differs from `size`, for `within` at most.
    async fn changed(&self, size: u64, within: Duration) -> io::Result<Stat>;
}

/// An open regular file. Cheap to clone; closed with the last clone.
#[derive(Clone)]
pub struct OpenFile(Inner);

#[derive(Clone)]
enum Inner {
    Here(Arc<File>),
    Far(Arc<dyn FarFile>),
}

impl OpenFile {
    /// A descriptor of our own.
    pub fn here(file: File) -> Self {
        Self(Inner::Here(Arc::new(file)))
    }

    /// A file at an agent.
    pub fn far(file: impl FarFile) -> Self {
        Self(Inner::Far(Arc::new(file)))
    }

    /// Our own descriptor, when the file's host is this one.
    pub fn descriptor(&self) -> Option<&Arc<File>> {
        match &self.0 {
            Inner::Here(file) => Some(file),
            Inner::Far(_) => None,
        }
    }

    /// Reads up to `length` bytes from `offset`; fewer only at the end.
    pub async fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        match &self.0 {
            Inner::Far(file) => file.read_at(offset, length).await,
            Inner::Here(file) => {
                let file = file.clone();
                blocking(move || read(&file, offset, length)).await
            }
        }
    }

    /// Writes all bytes at `offset`, and gives the buffer back.
    pub async fn write_at(&self, offset: u64, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match &self.0 {
            Inner::Far(file) => file.write_at(offset, &bytes).await.map(|()| bytes),
            Inner::Here(file) => {
                let file = file.clone();
                blocking(move || file.write_all_at(&bytes, offset).map(|()| bytes)).await
            }
        }
    }

    /// Waits until what was written is on disk.
    pub async fn sync(&self) -> io::Result<()> {
        match &self.0 {
            Inner::Far(file) => file.sync().await,
            Inner::Here(file) => {
                let file = file.clone();
                blocking(move || file.sync_data()).await
            }
        }
    }

    /// What it is now.
    pub async fn stat(&self) -> io::Result<Stat> {
        match &self.0 {
            Inner::Far(file) => file.stat().await,
            Inner::Here(file) => {
                let file = file.clone();
                blocking(move || Ok(stat_of(&rustix::fs::fstat(&file)?))).await
            }
        }
    }

    /// Waits until its size differs from `size`, for `within` at most; answers what it is then.
    ///
    /// It looks again and again: file systems over the network tell nobody of changes.
    pub async fn changed(&self, size: u64, within: Duration) -> io::Result<Stat> {
        match &self.0 {
            Inner::Far(file) => file.changed(size, within).await,
            Inner::Here(_) => {
                let deadline = Instant::now() + within;
                loop {
                    let stat = self.stat().await?;
                    if stat.size != size || Instant::now() >= deadline {
                        return Ok(stat);
                    }
                    sleep(LOOK_EVERY).await;
                }
            }
        }
    }
}

/// What the system says of something, in our words.
pub(super) fn stat_of(about: &rustix::fs::Stat) -> Stat {
    let kind = match FileType::from_raw_mode(about.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    };
    Stat {
        kind,
        size: u64::try_from(about.st_size).unwrap_or(0),
        mode: about.st_mode & 0o7777,
        uid: about.st_uid,
        gid: about.st_gid,
        modified: about.st_mtime,
        inode: about.st_ino,
    }
}

fn read(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut have = 0;
    while have < length {
        match file.read_at(&mut bytes[have..], offset + have as u64) {
            Ok(0) => break,
            Ok(more) => have += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(have);
    Ok(bytes)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(|_| io::Error::other("the server is stopping"))?
}
