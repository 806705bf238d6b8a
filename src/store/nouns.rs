//! Every kind of record, for what is done to all of them: making tables, checking, building look-ups anew.
use super::StoreError;
use super::record::Record;

/// Something to do for every kind of record.
pub trait EveryRecord {
    /// Does it for one kind.
    fn one<R: Record>(&mut self) -> Result<(), StoreError>;
}

/// Does something for every kind of record there is. A new noun is added here.
pub fn every_record(work: &mut impl EveryRecord) -> Result<(), StoreError> {
    work.one::<super::users::UserRecord>()?;
    work.one::<super::sessions::SessionRecord>()?;
    work.one::<super::api_keys::ApiKeyRecord>()?;
    work.one::<super::audit::AuditRecord>()?;
    work.one::<super::events::SecurityEventRecord>()?;
    work.one::<super::images::ImageRecord>()?;
    work.one::<super::templates::TemplateRecord>()?;
    work.one::<super::uploads::UploadRecord>()?;
    work.one::<super::history::HistoryRecord>()?;
    work.one::<super::submissions::SubmissionRecord>()?;
    work.one::<super::notifications::NotificationRecord>()
}
