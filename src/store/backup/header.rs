//! The first line of a backup file: what it is, and the digests that prove it.
use std::fs::File;
use std::io::{BufRead as _, Read};

use aws_lc_rs::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::super::copy::Counts;
use crate::random;

/// The format of the file.
pub const FORMAT: u32 = 1;
/// A header with its newline has so many bytes; spaces fill it up. The contents begin after it.
pub const LENGTH: usize = 16 << 10;
/// Longest header that is read, bytes: a later program may need more room.
const LONGEST: u64 = 1 << 20;
/// Stands before the digest of all that comes before it.
const CHECK: &str = ",\"check\":\"";

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub slurmdash_backup: u32,
    /// Schema of the store.
    pub schema: u32,
    /// Version of the program that made it.
    pub program: String,
    /// When.
    pub created_at: UnixSeconds,
    /// Why: `manual`, `scheduled`, `before-migrate`, `before-restore`.
    pub reason: String,
    /// Size of the contents, bytes.
    pub size: u64,
    /// SHA-256 of the contents: 64 lower-case hex digits.
    pub sha256: String,
    /// Rows of each table.
    pub records: Counts,
}

impl Header {
    /// The line with its newline. Its last field is the digest of what stands before that.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let json = serde_json::to_string(self).map_err(|error| error.to_string())?;
        let checked = json.strip_suffix('}').unwrap_or(&json);
        let mut line = format!("{checked}{CHECK}{}\"}}", sha256(checked.as_bytes())).into_bytes();
        if line.len() >= LENGTH {
            return Err(format!("the store has too many tables ({})", self.records.len()));
        }
        line.resize(LENGTH - 1, b' ');
        line.push(b'\n');
        Ok(line)
    }

    /// Reads the line at the beginning of a file, and answers where the contents begin.
    pub fn read(file: &File) -> Result<(Self, u64), String> {
        let mut bytes = Vec::with_capacity(LENGTH);
        let mut reader = std::io::BufReader::with_capacity(LENGTH, file).take(LONGEST);
        reader.read_until(b'\n', &mut bytes).map_err(|error| format!("it can't be read: {error}"))?;
        let damaged = || "it is no backup of slurmdash, or its first line is damaged".to_owned();
        let line = bytes.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()).ok_or_else(damaged)?;
        let checked = line.trim_end_matches(' ').strip_suffix("\"}").and_then(|line| line.rsplit_once(CHECK));
        let (checked, digest) = checked.ok_or_else(damaged)?;
        if sha256(checked.as_bytes()) != digest {
            return Err(damaged());
        }
        let header: Self = serde_json::from_str(&format!("{checked}}}")).map_err(|_| damaged())?;
        if header.slurmdash_backup > FORMAT {
            return Err(format!("it was made by a newer slurmdash ({})", header.program));
        }
        Ok((header, bytes.len() as u64))
    }
}

fn sha256(bytes: &[u8]) -> String {
    random::hex(digest(&SHA256, bytes).as_ref())
}

/// Size and SHA-256 of what is left of a reader; `each` gets all of it on the way.
pub fn measure(
    reader: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(u64, String)> {
    let mut context = Context::new(&SHA256);
    let mut block = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok((size, random::hex(context.finish().as_ref()))),
            Ok(read) => {
                context.update(&block[..read]);
                each(&block[..read])?;
                size += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
