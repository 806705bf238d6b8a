//! Local accounts: by id, and by name.
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::Permission;

use super::{Record, Store, StoreError};

const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");
const BY_NAME: TableDefinition<&str, &str> = TableDefinition::new("users_by_name");

/// One account.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserRecord {
    /// Stable id.
    pub id: String,
    /// Account name; no two accounts share one.
    pub username: String,
    /// Argon2id in PHC notation.
    pub password_hash: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// Whether it may sign in.
    pub is_active: bool,
}

impl Record for UserRecord {
    const VERSION: u8 = 1;
    const TABLE: &'static str = "users";
}

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(USERS)?;
    tx.open_table(BY_NAME)?;
    Ok(())
}

impl Store {
    /// The account with this id.
    pub fn user(&self, id: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read(|tx| tx.open_table(USERS)?.get(id)?.map(|bytes| UserRecord::decode(bytes.value())).transpose())
    }

    /// The account with this name.
    pub fn user_by_name(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read(|tx| {
            let Some(id) = tx.open_table(BY_NAME)?.get(username)? else {
                return Ok(None);
            };
            tx.open_table(USERS)?.get(id.value())?.map(|bytes| UserRecord::decode(bytes.value())).transpose()
        })
    }

    /// How many accounts there are.
    pub fn user_count(&self) -> Result<u64, StoreError> {
        self.read(|tx| Ok(tx.open_table(USERS)?.len()?))
    }

    /// Adds an account. `false`, and nothing changed, when the name is taken.
    pub async fn add_user(&self, user: UserRecord) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let mut by_name = tx.open_table(BY_NAME)?;
            if by_name.get(user.username.as_str())?.is_some() {
                return Ok(false);
            }
            by_name.insert(user.username.as_str(), user.id.as_str())?;
            tx.open_table(USERS)?.insert(user.id.as_str(), user.encode()?.as_slice())?;
            Ok(true)
        })
        .await
    }
}
