//! What is done to a store, at random.
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::AccountSource;
use slurmdash_api::jobs::{Job, JobState};
use slurmdash_api::uploads::UploadStatus;

use crate::store::api_keys::ApiKeyRecord;
use crate::store::audit::{AuditEntry, By};
use crate::store::events::{EventFilter, Kind, NewEvent, SecurityEventRecord, Severity};
use crate::store::history::{HistoryRecord, REQUESTS, SCRIPTS};
use crate::store::images::ImageRecord;
use crate::store::notifications::NotificationRecord;
use crate::store::record::Record;
use crate::store::sessions::SessionRecord;
use crate::store::templates::TemplateRecord;
use crate::store::tx::{Tx, Written};
use crate::store::uploads::{ChunkRow, UploadRecord};
use crate::store::users::UserRecord;
use crate::store::walk::{PageRequest, View, Walk};
use crate::store::{Store, StoreError};

/// What a record is made of: small numbers, so that records meet.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    pub id: u8,
    pub owner: u8,
    pub word: u8,
    pub flag: bool,
    pub time: UnixSeconds,
}

pub const OWNERS: [&str; 4] = ["", "u", "u\0", "u1"];
pub const WORDS: [&str; 3] = ["a", "ab", "b"];
pub const ACTIONS: [&str; 3] = ["a.b", "a.c", "ab.c"];
const WORSE: [(u64, Severity); 1] = [(3, Severity::High)];
pub const STATES: [JobState; 3] = [JobState::Pending, JobState::Completed, JobState::Cancelled];
pub const STATUSES: [UploadStatus; 3] = [UploadStatus::Uploading, UploadStatus::Completed, UploadStatus::Cancelled];

impl Parts {
    pub fn id(&self) -> String {
        format!("r{}", self.id)
    }

    fn owner(&self) -> String {
        OWNERS[usize::from(self.owner)].into()
    }

    fn word(&self) -> String {
        WORDS[usize::from(self.word)].into()
    }

    fn job(&self, time: UnixSeconds) -> HistoryRecord {
        HistoryRecord {
            job: Job {
                id: self.id.to_string(),
                job_id: self.id.into(),
                array_job_id: None,
                name: self.word(),
                user: "ada".into(),
                owner: Some(self.owner()),
                account: None,
                partition: "cpu".into(),
                qos: None,
                state: STATES[usize::from(self.word)],
                reason: None,
                nodes: 1,
                tasks: None,
                cpus: 1,
                memory: None,
                gpus: 0,
                node_list: None,
                submit_time: None,
                start_time: None,
                end_time: None,
                time_limit: None,
                elapsed: 0,
                priority: None,
                template: None,
            },
            owner_id: self.owner(),
            submitted_at: time,
            category: None,
            work_dir: "/".into(),
            stdout: "out".into(),
            files: Vec::new(),
            exit_code: None,
            signal: None,
            usage: None,
        }
    }

    fn upload(&self, id: String, status: UploadStatus) -> UploadRecord {
        UploadRecord {
            id,
            owner_id: self.owner(),
            username: "ada".into(),
            filename: self.word(),
            file_size: 10,
            chunk_size: 5,
            job_id: None,
            folder: "f".into(),
            overwrite: self.flag,
            status,
            created_at: self.time,
            updated_at: self.time,
            uploaded_chunks: 0,
            inode: None,
        }
    }

    fn image(&self) -> ImageRecord {
        ImageRecord {
            node: self.owner(),
            path: self.id(),
            name: self.id(),
            partition: self.owner(),
            kind: self.word(),
            size: 1,
            version: None,
            description: None,
            arch: None,
            labels: std::collections::BTreeMap::new(),
            seen_at: self.time,
        }
    }

    fn api_key(&self) -> ApiKeyRecord {
        ApiKeyRecord {
            id: self.id(),
            user_id: self.owner(),
            name: self.word(),
            // Fewer hashes than keys, so that they clash.
            key_hash: format!("h{}", self.id / 2),
            permissions: Vec::new(),
            created_at: self.time,
            expires_at: (self.word > 0).then_some(self.time + 3),
            last_used_at: None,
            revoked_at: self.flag.then_some(self.time),
        }
    }

    fn notification(&self, seq: u64) -> NotificationRecord {
        NotificationRecord {
            seq,
            user_id: self.owner(),
            at: self.time,
            kind: self.word(),
            title: String::new(),
            message: String::new(),
            link: None,
            is_read: self.flag,
        }
    }

    fn severity(&self) -> Severity {
        Severity::ALL[usize::from(self.word)]
    }

    fn kind(&self) -> &'static str {
        WORDS[usize::from(self.id % 3)]
    }

    fn audit(&self) -> AuditEntry {
        let user_id = (self.owner > 0).then(|| self.owner());
        let address = (!self.id.is_multiple_of(3)).then(|| [10, 0, 0, self.id % 3].into());
        let error = self.flag.then(|| "no".to_owned());
        let by = By { user_id, username: Some(self.word()), address, ..By::system(self.time) };
        AuditEntry { by, action: ACTIONS[usize::from(self.word)], resource: Some(self.id()), error }
    }
}

/// Puts a record of the kind, in the place of another when `id` is that one's.
pub fn put(tx: &Tx<'_>, kind: u8, parts: &Parts) -> Result<(), StoreError> {
    match kind {
        0 => drop(tx.put(&UserRecord {
            id: parts.id(),
            username: format!("n{}", parts.id / 2 + parts.word),
            password_hash: String::new(),
            permissions: Vec::new(),
            created_at: parts.time,
            is_active: parts.flag,
            email: None,
            unix_user: None,
            roles: Vec::new(),
            source: AccountSource::Local,
            subject: None,
            last_login_at: None,
        })?),
        1 => drop(tx.put(&SessionRecord {
            id: parts.id(),
            user_id: parts.owner(),
            token_hash: parts.word(),
            created_at: parts.time,
            expires_at: parts.time + i64::from(parts.word),
            before: Vec::new(),
            agent: None,
            address: None,
            last_used_at: None,
            source: AccountSource::Local,
        })?),
        2 => drop(tx.put(&parts.api_key())?),
        3 => tx.append_audit(&parts.audit())?,
        4 => {
            let kind =
                Kind { word: parts.kind(), action: "security.test", severity: parts.severity(), worse_from: &WORSE };
            let audit = parts.audit();
            // So that some of the same are seen within an hour and others are not.
            let by = By { at: parts.time * 2500, ..audit.by };
            tx.append_event(&AuditEntry { by, ..audit }, &NewEvent::once(kind, parts.word()))?;
        }
        5 => drop(tx.put(&parts.image())?),
        6 => drop(tx.put(&TemplateRecord {
            id: parts.id(),
            name: parts.word(),
            description: None,
            category: parts.word(),
            is_public: parts.flag,
            owner_id: None,
            created_at: parts.time,
            updated_at: parts.time,
            definition: None,
        })?),
        7 => drop(tx.put(&parts.upload(parts.id(), STATUSES[usize::from(parts.word)]))?),
        8 => drop(tx.put(&parts.job(parts.time))?),
        _ => drop(tx.put(&parts.notification(tx.next_number("notifications")?))?),
    }
    Ok(())
}

/// Removes the `nth` record of the kind.
pub fn remove(tx: &Tx<'_>, kind: u8, nth: u8) -> Result<(), StoreError> {
    fn one<R: Record>(tx: &Tx<'_>, nth: u8) -> Result<(), StoreError> {
        if let Some(key) = Walk::<R>::table().keys(tx, usize::from(nth) + 1)?.pop() {
            tx.remove::<R>(&key)?;
        }
        Ok(())
    }
    match kind {
        0 => one::<UserRecord>(tx, nth),
        1 => one::<SessionRecord>(tx, nth),
        2 => one::<ApiKeyRecord>(tx, nth),
        // The log is only ever cut at its beginning.
        3 => tx.cut_chain(u64::MAX, usize::from(nth)).map(drop),
        4 => one::<SecurityEventRecord>(tx, nth),
        5 => one::<ImageRecord>(tx, nth),
        6 => one::<TemplateRecord>(tx, nth),
        7 => match Walk::<UploadRecord>::table().ascending().keys(tx, usize::from(nth) + 1)?.pop() {
            // Those with chunks are removed as people do it.
            Some(key) if key.bytes().starts_with(b"r") => tx.remove::<UploadRecord>(&key).map(drop),
            _ => Ok(()),
        },
        8 => match Walk::<HistoryRecord>::table().keys(tx, usize::from(nth) + 1)?.pop() {
            Some(key) => {
                tx.change(SCRIPTS)?.remove(key.bytes())?;
                tx.change(REQUESTS)?.remove(key.bytes())?;
                tx.remove::<HistoryRecord>(&key).map(drop)
            }
            None => Ok(()),
        },
        _ => one::<NotificationRecord>(tx, nth),
    }
}

/// How a change ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Kept,
    Fails,
    Panics,
    ClaimsNothing,
}

#[derive(Debug, Clone)]
pub enum Step {
    Put(u8, Parts),
    Remove(u8, u8),
}

#[derive(Debug, Clone)]
pub enum Operation {
    /// Changes that are asked for at once, each of several steps.
    Changes(Vec<(Vec<Step>, End)>),
    /// A call of a repository.
    Call(u8, Parts),
}

pub async fn change(store: &Store, steps: Vec<Step>, end: End) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let marker = format!("marker {}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let outcome = store.write({
        let marker = marker.clone();
        move |tx: &Tx<'_>| -> Result<Written<()>, StoreError> {
            for step in &steps {
                match step {
                    Step::Put(kind, parts) => put(tx, *kind, parts)?,
                    Step::Remove(kind, nth) => remove(tx, *kind, *nth)?,
                }
            }
            tx.set_meta(&marker, b"here")?;
            match end {
                End::Kept => Ok(tx.housekeeping(())),
                End::Fails => Err(StoreError::corrupt("test", "as asked")),
                End::Panics => panic!("as asked"),
                End::ClaimsNothing => tx.unchanged(()),
            }
        }
    });
    let outcome = outcome.await;
    let is_kept = store.read(|view| meta(view, &marker)).unwrap();
    assert_eq!(outcome.is_ok(), is_kept, "{outcome:?}");
    match (end, outcome) {
        (_, Err(StoreError::Taken { .. }))
        | (End::Kept, Ok(()))
        | (End::Fails, Err(StoreError::Corrupt { table: "test", .. }))
        | (End::Panics, Err(StoreError::Panicked))
        | (End::ClaimsNothing, Err(StoreError::Unaudited)) => {}
        (end, outcome) => panic!("{end:?}: {outcome:?}"),
    }
}

pub fn meta(view: &View, key: &str) -> Result<bool, StoreError> {
    Ok(redb::ReadableTable::get(&view.0.open_table(crate::store::META)?, key)?.is_some())
}

/// One call of the repositories.
pub async fn call(store: &Store, which: u8, parts: Parts) -> Result<(), StoreError> {
    let (owner, audit, upload) = (parts.owner(), parts.audit(), format!("t{}", parts.id));
    match which {
        // Real ids are random: none comes twice.
        0 if store.upload(&upload)?.is_some() => {}
        0 => drop(store.begin_upload(parts.upload(upload, UploadStatus::Uploading), 3, audit).await?),
        1 | 2 => {
            let row = |index| ChunkRow { upload_id: upload.clone(), index, digest: [parts.id; 32] };
            let rows = vec![row(parts.word.into()), row(parts.owner.into())];
            drop(store.count_chunks(rows, parts.time).await?);
        }
        3 => store.forget_chunks(upload, vec![parts.word.into(), 1]).await?,
        4 => store.finish_upload(upload, audit).await?,
        5 => store.remove_upload(upload, audit).await?,
        6 => store.add_history(parts.job(parts.time), "#!/bin/sh".into(), "{}".into(), audit).await?,
        7 => drop(store.end_sessions_of(owner, None, audit).await?),
        8 => drop(store.expire_sessions(parts.time, 2).await?),
        9 => {
            let session = store.sessions_of(&owner, &PageRequest::first(1))?.items.pop();
            if let Some(session) = session {
                let (token, new) = (parts.word(), "new".to_owned());
                store.rotate_session(session.id, (token, new), parts.time, 0, audit).await?;
            }
        }
        10 => drop(store.notify(parts.notification(0)).await?),
        11 => drop(store.mark_all_read(owner, 2).await?),
        12 => {
            let images = [0, 1, 2].map(|more| Parts { id: parts.id + more, ..parts }.image());
            store.replace_images(owner, images.into(), audit).await?;
        }
        13 => {
            let filter = EventFilter::severity(parts.severity(), false);
            let event = store.event_page(&filter, &PageRequest::first(1))?.items.pop();
            if let Some(event) = event {
                assert!(store.resolve_event(event.id(), "done".into(), audit).await?);
            }
        }
        14 => drop(store.revoke_api_key(owner, parts.id(), audit).await?),
        _ => store.api_keys_used(vec![(parts.id(), parts.time, audit)]).await?,
    }
    Ok(())
}

pub fn parts() -> impl Strategy<Value = Parts> {
    (0..8_u8, 0..4_u8, 0..3_u8, any::<bool>(), -2..6_i64).prop_map(|(id, owner, word, flag, time)| Parts {
        id,
        owner,
        word,
        flag,
        time,
    })
}

pub fn operation() -> impl Strategy<Value = Operation> {
    let step = prop_oneof![
        3 => (0..10_u8, parts()).prop_map(|(kind, parts)| Step::Put(kind, parts)),
        1 => (0..10_u8, 0..6_u8).prop_map(|(kind, nth)| Step::Remove(kind, nth)),
    ];
    let end =
        prop_oneof![8 => Just(End::Kept), 1 => Just(End::Fails), 1 => Just(End::Panics), 1 => Just(End::ClaimsNothing)];
    let change = (prop::collection::vec(step, 1..8), end);
    prop_oneof![
        1 => prop::collection::vec(change, 1..6).prop_map(Operation::Changes),
        2 => (0..16_u8, parts()).prop_map(|(which, parts)| Operation::Call(which, parts)),
    ]
}
