//! The chain that makes changes visible: in the order of writing, each row holds the SHA-256 of the stored bytes (version
//! byte and JSON) of the row before it.
//!
//! Where the chain begins and ends is written down too, in the same transaction as the row, so that rows which are cut
//! off at either end are missed. Whoever can write the file can make a whole new chain; that is found by the hash of a
//! row that was noted elsewhere ([`Noted`]).
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::{AuditRecord, BY_SEQ, place};
use crate::random;
use crate::store::key::Key;
use crate::store::record::Record;
use crate::store::tx::Tx;
use crate::store::walk::{NUMBERS, Source, Walk, decode_count};
use crate::store::{Store, StoreError};

/// What the numbers of rows are given out under.
pub(super) const NEXT: &str = "audit";
/// The last row that was written: its number and its hash.
pub const HEAD: &str = "audit_head";
/// The first row that is kept: its number and the hash of the one before it.
pub const ANCHOR: &str = "audit_anchor";

/// One end of the chain, as it is written down: JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Number of a row.
    pub seq: u64,
    /// [`HEAD`]: of that row. [`ANCHOR`]: of the row before it; `None` when it is the first one ever.
    pub hash: Option<String>,
}

impl End {
    /// The bytes to store.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::corrupt("meta", error))
    }

    /// Reads stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|error| StoreError::corrupt("meta", error))
    }
}

/// A row's hash that was noted outside of the store: `SEQ:HASH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Number of the row.
    pub seq: u64,
    /// Its hash, 64 lower-case hex digits.
    pub hash: String,
}

impl fmt::Display for Noted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.seq, self.hash)
    }
}

/// The text is not `SEQ:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the number of a row, a colon, and 64 hex digits")]
pub struct BadNoted;

impl FromStr for Noted {
    type Err = BadNoted;

    fn from_str(text: &str) -> Result<Self, BadNoted> {
        let (seq, hash) = text.split_once(':').ok_or(BadNoted)?;
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadNoted);
        }
        Ok(Self { seq: seq.parse().map_err(|_| BadNoted)?, hash: hash.to_ascii_lowercase() })
    }
}

/// A row's hash: SHA-256 of its stored bytes, 64 lower-case hex digits.
pub fn hash(stored: &[u8]) -> String {
    random::hex(digest(&SHA256, stored).as_ref())
}

impl Tx<'_> {
    /// Writes a row after the last one: gives it its number and the hash of that one.
    pub(super) fn append_to_chain(&self, mut row: AuditRecord) -> Result<Key, StoreError> {
        row.seq = self.next_number(NEXT)?;
        row.prev = if let Some(head) = self.meta(HEAD)? {
            End::decode(&head)?.hash
        } else {
            self.set_meta(ANCHOR, &End { seq: row.seq, hash: None }.encode()?)?;
            None
        };
        self.put(&row)?;
        self.set_meta(HEAD, &End { seq: row.seq, hash: Some(hash(&row.encode()?)) }.encode()?)?;
        Ok(row.key())
    }

    /// Removes up to `most` rows from the beginning of the chain, none after the one with the number `last`, and
    /// answers how many.
    pub(in crate::store) fn cut_chain(&self, last: u64, most: usize) -> Result<usize, StoreError> {
        let end = Some(Key::new().number(last.saturating_add(1)));
        let keys = Walk::group(&BY_SEQ, Key::new()).between(None, end).ascending().keys(self, most)?;
        let Some(newest) = keys.last() else { return Ok(0) };
        let missing = || StoreError::corrupt(AuditRecord::TABLE, "a look-up names a record that is not there");
        let before = hash(self.open(AuditRecord::TABLE)?.get(newest.bytes())?.ok_or_else(missing)?.value());
        for key in &keys {
            self.remove::<AuditRecord>(key)?.ok_or_else(missing)?;
        }
        let next = Walk::group(&BY_SEQ, Key::new()).ascending().keys(self, 1)?.pop();
        let seq = match next.and_then(|key| place(key.bytes())) {
            Some((_, seq)) => seq,
            // The next that will be written.
            None => self.last_number()? + 1,
        };
        // What the next row says is no proof: its own word for what came before it could be what was changed.
        self.set_meta(ANCHOR, &End { seq, hash: Some(before) }.encode()?)?;
        Ok(keys.len())
    }

    fn last_number(&self) -> Result<u64, StoreError> {
        self.open(NUMBERS)?.get(NEXT.as_bytes())?.map_or(Ok(0), |bytes| decode_count(bytes.value()))
    }
}

/// The number of the last row that may be forgotten: it and all before it were written before `before`. Rows from the
/// time after `now` were written while the clock was wrong; they go with the row that follows them.
fn last_past(source: &impl Source, before: UnixSeconds, now: UnixSeconds) -> Result<Option<u64>, StoreError> {
    let mut last = None;
    Walk::group(&BY_SEQ, Key::new()).ascending().each_key(source, |key| {
        let (at, seq) = place(key).ok_or_else(|| StoreError::corrupt(AuditRecord::TABLE, "no key of a row"))?;
        if at < before {
            last = Some(seq);
        }
        Ok(at < before || at > now)
    })?;
    Ok(last)
}

impl Store {
    /// The last row that may be forgotten when those from before `before` may.
    pub(in crate::store) fn last_past_audit(
        &self,
        before: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Option<u64>, StoreError> {
        self.read(|view| last_past(view, before, now))
    }

    /// Forgets up to `most` rows from the beginning of the chain, none after the one with the number `last`, and answers
    /// how many.
    pub(in crate::store) async fn forget_audit(&self, last: u64, most: usize) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let count = tx.cut_chain(last, most)?;
            Ok(tx.housekeeping(count))
        })
        .await
    }
}
