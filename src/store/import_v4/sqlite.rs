//! Reading the old file. Neither it nor anything beside it is ever written.
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::ImportError;
use crate::random;

/// How every SQLite 3 file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header says whether there is a write-ahead log (2) or a rollback journal (1).
const WRITE_VERSION: usize = 18;
/// Longest name of a column or table that is repeated, characters.
const MAX_NAME: usize = 64;

/// The old database, as it was when it was opened.
pub struct OldDatabase {
    connection: Connection,
    /// Where its copy is, when it had to be copied; removed with this.
    _copy: Option<Copy>,
}

/// A table of it.
pub struct OldTable {
    /// Name as it is written there.
    name: String,
    /// Its columns' names in lower case, with their places in a row.
    columns: HashMap<String, usize>,
    /// The columns' names as written, in order.
    written: Vec<String>,
    /// The columns of its declared primary key.
    primary_key: Vec<usize>,
    /// Whether rows have SQLite's own number, which comes first in a row then.
    has_row_id: bool,
}

impl OldDatabase {
    /// Opens it.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let is_logged = judge(path)?;
        if is_logged && length(&beside(path, "-wal")) > 0 {
            return Self::open_copy(path, "-wal");
        }
        // Without a log SQLite would make one beside the file even to read it, unless told that nothing changes.
        let how = if is_logged { "mode=ro&immutable=1" } else { "mode=ro" };
        let opened = connect(path, how, OpenFlags::SQLITE_OPEN_READ_ONLY);
        match opened {
            Ok(connection) => Ok(Self { connection, _copy: None }),
            // A journal beside it was left by a crash; it can only be undone by writing.
            Err(_) if !is_logged && length(&beside(path, "-journal")) > 0 => Self::open_copy(path, "-journal"),
            Err(error) => Err(failed(path, &error)),
        }
    }

    fn open_copy(path: &Path, companion: &str) -> Result<Self, ImportError> {
        let copy = Copy::make(path, companion)?;
        let connection = connect(&copy.0.join("old.db"), "mode=rw", OpenFlags::SQLITE_OPEN_READ_WRITE);
        Ok(Self { connection: connection.map_err(|error| failed(path, &error))?, _copy: Some(copy) })
    }

    /// The names of its tables, SQLite's own and views left out.
    pub fn tables(&self, path: &Path) -> Result<Vec<String>, ImportError> {
        let query = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
                     AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(query)?;
            let mut rows = statement.query(())?;
            let mut names = Vec::new();
            while let Some(row) = rows.next()? {
                names.push(text(row.get_ref(0)?));
            }
            Ok(names)
        };
        read().map_err(|error| failed(path, &error))
    }

    /// One of its tables.
    pub fn table(&self, path: &Path, name: &str) -> Result<OldTable, ImportError> {
        self.describe(name).map_err(|error| failed(path, &error))
    }

    fn describe(&self, name: &str) -> rusqlite::Result<OldTable> {
        let without = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
        let has_row_id = self.connection.query_row(without, [name], |row| row.get::<_, i64>(0))? == 0;
        let query = "SELECT name, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query([name])?;
        let (mut written, mut keys) = (Vec::new(), Vec::new());
        let first = usize::from(has_row_id);
        while let Some(row) = rows.next()? {
            let order: i64 = row.get(1)?;
            if order > 0 {
                keys.push((order, first + written.len()));
            }
            written.push(text(row.get_ref(0)?));
        }
        keys.sort_unstable();
        let columns = written.iter().enumerate();
        let columns = columns.map(|(place, name)| (name.to_ascii_lowercase(), first + place)).collect();
        let primary_key = keys.into_iter().map(|(_, place)| place).collect();
        Ok(OldTable { name: name.to_owned(), columns, written, primary_key, has_row_id })
    }

    /// Hands out the rows of a table, always in the same order.
    pub fn rows(
        &self,
        path: &Path,
        table: &OldTable,
        mut take: impl FnMut(&Row<'_>) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let failed = |error: rusqlite::Error| failed(path, &error);
        let quote = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        // Tables without row numbers come in the order of their primary key.
        let (first, order) = if table.has_row_id { ("_rowid_, ", " ORDER BY _rowid_") } else { ("", "") };
        let columns = table.written.iter().map(quote).collect::<Vec<_>>().join(", ");
        let query = format!("SELECT {first}{columns} FROM main.{}{order}", quote(&table.name));
        let mut statement = self.connection.prepare(&query).map_err(failed)?;
        let mut rows = statement.query(()).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            take(row)?;
        }
        Ok(())
    }
}

impl OldTable {
    /// The place of a column in a row.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.get(column).copied()
    }

    /// The names of its columns, short enough and safe to be shown.
    pub fn columns(&self) -> impl Iterator<Item = (&str, String)> {
        self.columns.keys().map(|name| (name.as_str(), shown(name)))
    }

    /// The columns of its declared primary key, in order, as lower-case names with their places.
    pub fn primary_key(&self) -> impl Iterator<Item = (&str, usize)> {
        let name_of = |&place: &usize| {
            let name = self.columns.iter().find(|(_, at)| **at == place);
            name.map_or("", |(name, _)| name.as_str())
        };
        self.primary_key.iter().map(move |place| (name_of(place), *place))
    }

    /// SQLite's own number of a row.
    pub fn row_id(&self, row: &Row<'_>) -> Option<i64> {
        if self.has_row_id { row.get(0).ok() } else { None }
    }
}

/// A name short enough and safe to be shown.
pub fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// Refuses what is no SQLite file; answers whether it has a write-ahead log.
fn judge(path: &Path) -> Result<bool, ImportError> {
    let refuse = |reason: String| ImportError::source(path, reason);
    let facts = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    if !facts.is_file() {
        return Err(refuse("it is no regular file".into()));
    }
    let mut header = Vec::new();
    let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
    file.take(100).read_to_end(&mut header).map_err(|error| refuse(error.to_string()))?;
    if header.is_empty() {
        return Err(refuse("it is empty".into()));
    }
    if header.len() < 100 || !header.starts_with(MAGIC) {
        return Err(refuse("it is no SQLite database, or an encrypted one".into()));
    }
    Ok(header[WRITE_VERSION] == 2)
}

/// Opens a file and begins to read, so that nothing changes from here on.
fn connect(path: &Path, how: &str, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("file:{}?{how}", escaped(path)), flags)?;
    // Whoever made the file may have put anything into its schema.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON; BEGIN")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    Ok(connection)
}

/// A path as a URI has it.
fn escaped(path: &Path) -> String {
    use std::fmt::Write as _;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut uri, &byte| {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |facts| facts.len())
}

fn failed(path: &Path, error: &rusqlite::Error) -> ImportError {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is no SQLite database, or an encrypted one".to_owned(),
        Some(ErrorCode::DatabaseCorrupt) => format!("it is damaged or cut short ({error})"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program is writing to it; stop the old system first".to_owned()
        }
        _ => error.to_string(),
    };
    ImportError::source(path, reason)
}

/// A private folder with a copy of the file and of what lies beside it.
struct Copy(PathBuf);

impl Copy {
    fn make(path: &Path, companion: &str) -> Result<Self, ImportError> {
        let unique = random::id().map_err(|error| ImportError::source(path, error.to_string()))?;
        let copy = Self(std::env::temp_dir().join(format!("slurmdash-import-{unique}")));
        let words = |error: std::io::Error| {
            let folder = copy.0.display();
            ImportError::source(path, format!("can't copy it to {folder}: {error}; TMPDIR names another folder"))
        };
        DirBuilder::new().mode(0o700).create(&copy.0).map_err(words)?;
        let companion_path = beside(path, companion);
        let before = (stamp(path), stamp(&companion_path));
        copy_file(path, &copy.0.join("old.db")).map_err(words)?;
        copy_file(&companion_path, &copy.0.join(format!("old.db{companion}"))).map_err(words)?;
        if before == (stamp(path), stamp(&companion_path)) {
            Ok(copy)
        } else {
            Err(ImportError::source(path, "another program is writing to it; stop the old system first".into()))
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "can't remove the copy of the old database");
        }
    }
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.len(), facts.modified().ok()?))
}

fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    std::io::copy(&mut File::open(from)?, &mut to)?;
    Ok(())
}
