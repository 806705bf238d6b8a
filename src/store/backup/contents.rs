//! The part of a backup file after its header, as a file of redb's own.
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt as _;

use redb::StorageBackend;

/// A redb file that begins at `begin` of another file.
#[derive(Debug)]
pub struct Contents {
    /// The file.
    pub file: File,
    /// Where it begins, bytes.
    pub begin: u64,
}

impl Contents {
    fn at(&self, offset: u64) -> Result<u64, Error> {
        self.begin.checked_add(offset).ok_or_else(|| ErrorKind::InvalidInput.into())
    }
}

impl StorageBackend for Contents {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.file.metadata()?.len().saturating_sub(self.begin))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.file.read_exact_at(out, self.at(offset)?)
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.file.set_len(self.at(len)?)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(data, self.at(offset)?)
    }
}
