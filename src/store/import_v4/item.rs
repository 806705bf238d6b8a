//! What an old row becomes: a record of today.
use redb::ReadableTable as _;

use crate::store::StoreError;
use crate::store::api_keys::{self, ApiKeyRecord};
use crate::store::audit::AuditRecord;
use crate::store::events::SecurityEventRecord;
use crate::store::history::{self, HistoryRecord};
use crate::store::images::ImageRecord;
use crate::store::key::Key;
use crate::store::notifications::{self, NotificationRecord};
use crate::store::record::Record;
use crate::store::templates::TemplateRecord;
use crate::store::tx::Tx;
use crate::store::uploads::{self, UploadRecord};
use crate::store::users::{self, UserRecord};
use crate::store::walk::{Source as _, View};

/// A record that an old row becomes.
#[derive(Clone)]
pub enum Item {
    /// An account.
    User(UserRecord),
    /// An API key.
    ApiKey(ApiKeyRecord),
    /// A row of the audit log; it gets its number when it is written.
    Audit(Box<AuditRecord>),
    /// A security event; it gets its number when it is written.
    Event(SecurityEventRecord),
    /// A template.
    Template(TemplateRecord),
    /// An image.
    Image(ImageRecord),
    /// An upload.
    Upload(UploadRecord),
    /// A submission and its script.
    History(Box<HistoryRecord>, Option<String>),
    /// A notification; it gets its number when it is written.
    Notification(NotificationRecord),
}

impl Item {
    /// What no two of them may share; `None` when there is nothing.
    pub fn identity(&self) -> Option<Key> {
        match self {
            Self::User(user) => Some(Key::new().text(&user.username)),
            Self::ApiKey(key) => Some(Key::new().text(&key.key_hash)),
            Self::Template(template) => Some(template.key()),
            Self::Image(image) => Some(image.key()),
            Self::Upload(upload) => Some(upload.key()),
            Self::History(record, _) => Some(record.key()),
            Self::Audit(_) | Self::Event(_) | Self::Notification(_) => None,
        }
    }

    /// The key of the record that is in its place already.
    pub fn existing(&self, view: &View) -> Result<Option<Key>, StoreError> {
        fn same<R: Record>(view: &View, record: &R) -> Result<Option<Key>, StoreError> {
            let key = record.key();
            Ok(view.table(R::TABLE)?.get(key.bytes())?.map(|_| key))
        }
        match self {
            Self::User(user) => match view.first(&users::BY_NAME, &Key::new().text(&user.username))? {
                Some(found) => Ok(Some(found.key())),
                None => same(view, user),
            },
            Self::ApiKey(key) => match view.first(&api_keys::BY_HASH, &Key::new().text(&key.key_hash))? {
                Some(found) => Ok(Some(found.key())),
                None => same(view, key),
            },
            Self::Template(template) => same(view, template),
            Self::Image(image) => same(view, image),
            Self::Upload(upload) => same(view, upload),
            Self::History(record, _) => same(view, record.as_ref()),
            Self::Audit(_) | Self::Event(_) | Self::Notification(_) => Ok(None),
        }
    }

    /// Roughly how many bytes it is, where that is much.
    pub fn size(&self) -> usize {
        match self {
            Self::History(_, Some(script)) => script.len(),
            Self::Template(TemplateRecord { definition: Some(definition), .. }) => definition.len(),
            Self::Image(image) => image.labels.iter().map(|(name, value)| name.len() + value.len()).sum(),
            Self::Event(SecurityEventRecord { description, .. }) => description.len(),
            Self::Notification(NotificationRecord { message, .. }) => message.len(),
            _ => 0,
        }
    }

    /// Writes the record and answers its key.
    pub fn put(&self, tx: &Tx<'_>) -> Result<Key, StoreError> {
        match self {
            Self::User(user) => put(tx, user),
            Self::ApiKey(key) => put(tx, key),
            Self::Audit(row) => tx.import_audit(row.as_ref().clone()),
            Self::Event(event) => tx.import_event(event.clone()),
            Self::Template(template) => put(tx, template),
            Self::Image(image) => put(tx, image),
            Self::Upload(upload) => put_upload(tx, upload),
            Self::History(record, script) => {
                if let Some(script) = script {
                    tx.change(history::SCRIPTS)?.insert(record.key().bytes(), script.as_bytes())?;
                }
                put(tx, record.as_ref())
            }
            Self::Notification(notification) => {
                let seq = tx.next_number(notifications::NEXT)?;
                put(tx, &NotificationRecord { seq, ..notification.clone() })
            }
        }
    }
}

fn put<R: Record>(tx: &Tx<'_>, record: &R) -> Result<Key, StoreError> {
    tx.put(record)?;
    Ok(record.key())
}

/// An upload in a job folder takes that folder for its owner; where it is somebody else's, the file is looked for apart.
fn put_upload(tx: &Tx<'_>, upload: &UploadRecord) -> Result<Key, StoreError> {
    let job_id = upload.job_id.as_ref().filter(|job_id| upload.folder.starts_with(&format!("jobs/{job_id}/")));
    let Some(job_id) = job_id else { return put(tx, upload) };
    let owner = upload.owner_id.as_bytes();
    let taken = tx.open(uploads::JOB_FOLDERS)?.get(job_id.as_bytes())?.map(|taken| taken.value() == owner);
    match taken {
        Some(true) => put(tx, upload),
        Some(false) => put(tx, &UploadRecord { folder: apart(&upload.id), ..upload.clone() }),
        None => {
            tx.change(uploads::JOB_FOLDERS)?.insert(job_id.as_bytes(), owner)?;
            put(tx, upload)
        }
    }
}

/// The folder, below the folder of all uploads, of an old file whose place is not known.
pub fn apart(upload_id: &str) -> String {
    format!("imported/{upload_id}")
}
