//! What the store has already.
use std::path::Path;
use std::sync::Arc;

use redb::{ReadOnlyDatabase, ReadableDatabase as _};

use super::IMPORTED;
use crate::store::engine::{self, Lock};
use crate::store::key::Key;
use crate::store::users;
use crate::store::walk::{Source as _, View};
use crate::store::{SCHEMA_VERSION, Store, StoreError};

/// The store, as far as it is there. Cheap to clone.
#[derive(Clone)]
pub enum Known {
    /// There is none yet.
    Nothing,
    /// It is only looked at: opening it for changes would change its file.
    Looked(Arc<(ReadOnlyDatabase, Lock)>),
    /// It is open.
    Open(Store),
}

impl Known {
    /// Looks at the store at a path without changing it.
    pub fn look(path: &Path) -> Result<Self, StoreError> {
        if !path.try_exists().map_err(|source| StoreError::open(path, source))? {
            return Ok(Self::Nothing);
        }
        let lock = Lock::take(path)?;
        match engine::peek_schema(path)? {
            Some(found) if found > SCHEMA_VERSION => Err(StoreError::Newer { found, known: SCHEMA_VERSION }),
            Some(found) if found < SCHEMA_VERSION => Err(StoreError::Older { found, known: SCHEMA_VERSION }),
            Some(_) => Ok(Self::Looked(Arc::new((ReadOnlyDatabase::open(path)?, lock)))),
            None => {
                // It was not closed in order; opening repairs it, as the next start would.
                drop(lock);
                Store::open(path).map(Self::Open)
            }
        }
    }

    /// Reads a consistent state; `None` when there is no store.
    pub fn read<T>(&self, read: impl FnOnce(&View) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Looked(looked) => read(&View(looked.0.begin_read()?)).map(Some),
            Self::Open(store) => store.read(read).map(Some),
        }
    }

    /// The key of the record that an old row became.
    pub fn marked(&self, mark: &Key) -> Result<Option<Key>, StoreError> {
        Ok(self.read(|view| marked(view, mark))?.flatten())
    }

    /// The id of the account with this name.
    pub fn user_id(&self, username: &str) -> Result<Option<String>, StoreError> {
        let found = self.read(|view| view.first(&users::BY_NAME, &Key::new().text(username)))?;
        Ok(found.flatten().map(|user| user.id))
    }
}

/// The key of the record that an old row became.
pub fn marked(view: &View, mark: &Key) -> Result<Option<Key>, StoreError> {
    let found = view.table(IMPORTED)?.get(mark.bytes())?;
    Ok(found.map(|key| Key::raw(key.value())))
}
