//! What a record is: versioned bytes under a key, and the look-ups that find it.
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::key::Key;

/// A value as it is stored: a version byte, then JSON.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The table of the records.
    const TABLE: &'static str;
    /// The version that is written. Raise it when the JSON changes shape, and read the old ones in `upgrade`.
    const VERSION: u8;
    /// Every look-up of these records. They are kept by [`super::tx::Tx::put`] and [`super::tx::Tx::remove`].
    const LOOKUPS: &'static [Lookup<Self>];

    /// The key in the table. It never changes while the record lives.
    fn key(&self) -> Key;

    /// Reads a record of an older version.
    fn upgrade(version: u8, _json: &[u8]) -> Result<Self, StoreError> {
        Err(StoreError::corrupt(Self::TABLE, format!("unknown version {version}")))
    }

    /// The bytes to store.
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![Self::VERSION];
        serde_json::to_writer(&mut bytes, self).map_err(|error| StoreError::corrupt(Self::TABLE, error))?;
        Ok(bytes)
    }

    /// Reads stored bytes.
    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((&version, json)) if version == Self::VERSION => {
                serde_json::from_slice(json).map_err(|error| StoreError::corrupt(Self::TABLE, error))
            }
            Some((&version, json)) => Self::upgrade(version, json),
            None => Err(StoreError::corrupt(Self::TABLE, "empty")),
        }
    }
}

/// One way to find records: groups of them, each in an order. A table of its own, from group, order and key to key.
pub struct Lookup<R> {
    /// Its table.
    pub table: &'static str,
    /// Where a record stands in it; `None` when it doesn't.
    pub entry: fn(&R) -> Option<Entry>,
    /// What else is promised.
    pub kind: Kind,
}

/// What a look-up promises beyond order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// The size of each group is known without counting.
    Counted,
    /// A group has one record at most; a second one is refused.
    Unique,
}

/// A record's place in a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is asked for, such as a user's id.
    pub group: Key,
    /// The order within it, such as a time; the record's key decides between equals.
    pub order: Key,
}

impl<R> Lookup<R> {
    /// A look-up without counts.
    pub const fn plain(table: &'static str, entry: fn(&R) -> Option<Entry>) -> Self {
        Self { table, entry, kind: Kind::Plain }
    }

    /// A look-up that knows the size of each group.
    pub const fn counted(table: &'static str, entry: fn(&R) -> Option<Entry>) -> Self {
        Self { table, entry, kind: Kind::Counted }
    }

    /// A look-up that finds one record.
    pub const fn unique(table: &'static str, entry: fn(&R) -> Option<Entry>) -> Self {
        Self { table, entry, kind: Kind::Unique }
    }
}

impl Entry {
    /// A place.
    pub fn new(group: Key, order: Key) -> Self {
        Self { group, order }
    }

    /// The whole key of the look-up's row for the record with this key.
    pub fn row(&self, record: &Key) -> Key {
        self.group.clone().join(&self.order).join(record)
    }
}
