//! A store's file with something in every table, to be migrated.
mod accounts;
mod fixtures;
mod ways;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use redb::{ReadableDatabase as _, ReadableTable as _, TableHandle as _};
use serde_json::{Value, json};

use super::*;
use crate::store::audit::{AuditEntry, By};
use crate::store::events::{NewEvent, kinds};
use crate::store::history;
use crate::store::import_v4::IMPORTED;
use crate::store::key::Key;
use crate::store::record::Record;
use crate::store::sessions::token_hash;
use crate::store::tests::private_folder;
use crate::store::uploads::{CHUNKS, JOB_FOLDERS, chunk_key};
use crate::store::walk::{NUMBERS, definition};
use crate::store::{Store, engine};

/// A store's file in a folder of its own.
struct Folder {
    path: PathBuf,
    dir: tempfile::TempDir,
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

impl Folder {
    fn new() -> Self {
        let dir = private_folder();
        Self { path: dir.path().join("slurmdash.redb"), dir }
    }

    /// With a copy of a file of `tests/fixtures/store`.
    fn of(fixture: &str) -> Self {
        let folder = Self::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store").join(fixture);
        std::fs::copy(from, &folder.path).unwrap();
        std::fs::set_permissions(&folder.path, Permissions::from_mode(0o600)).unwrap();
        folder
    }

    /// With something in every table.
    fn full() -> Self {
        let folder = Self::new();
        fill(&folder.store());
        folder
    }

    fn store(&self) -> Store {
        Store::open(&self.path).unwrap()
    }

    fn closed(&self) -> Closed {
        Closed::open(&self.path).unwrap().unwrap()
    }

    fn go(&self, to: u32) -> Done {
        self.closed().migrate(to, &self.dir.path().join("backups"), 3, 1_790_000_000).unwrap()
    }

    /// A change to the file as it is.
    fn change(&self, change: impl FnOnce(&WriteTransaction)) {
        let database = engine::open_database(&self.path).unwrap();
        let transaction = database.begin_write().unwrap();
        change(&transaction);
        transaction.commit().unwrap();
        database.close().unwrap();
    }

    /// Every row of every table, which must be of the types of schema 3.
    fn rows(&self) -> BTreeMap<String, Rows> {
        let database = engine::open_read_only(&self.path).unwrap();
        let transaction = database.begin_read().unwrap();
        let mut all = BTreeMap::new();
        for table in transaction.list_tables().unwrap() {
            let rows: Rows = if table.name() == META.name() {
                let rows = transaction.open_table(META).unwrap();
                rows.iter()
                    .unwrap()
                    .map(|row| row.map(|(k, v)| (k.value().into(), v.value().to_vec())).unwrap())
                    .collect()
            } else {
                let rows = transaction.open_table(definition(table.name())).unwrap();
                rows.iter()
                    .unwrap()
                    .map(|row| row.map(|(k, v)| (k.value().to_vec(), v.value().to_vec())).unwrap())
                    .collect()
            };
            all.insert(table.name().to_owned(), rows);
        }
        all
    }
}

fn put<R: Record>(store: &Store, record: Value) {
    let record: R = serde_json::from_value(record).unwrap();
    let record = std::sync::Arc::new(record);
    let write = move |tx: &crate::store::tx::Tx<'_>| {
        tx.put(&*record)?;
        Ok(tx.housekeeping(()))
    };
    store.write_blocking(write).unwrap();
}

fn raw(store: &Store, table: &'static str, key: &Key, value: &[u8]) {
    let (key, value) = (key.clone(), value.to_vec());
    let write = move |tx: &crate::store::tx::Tx<'_>| {
        tx.change(table)?.insert(key.bytes(), value.as_slice())?;
        Ok(tx.housekeeping(()))
    };
    store.write_blocking(write).unwrap();
}

fn submission(job_id: u32, submitted_at: i64, state: &str) -> Value {
    json!({
        "job": {
            "id": job_id.to_string(), "job_id": job_id, "array_job_id": null, "name": "훈련", "user": "slurmdash",
            "owner": "ada", "account": null, "partition": "compute", "qos": null, "state": state, "reason": null,
            "nodes": 1, "tasks": 1, "cpus": 2, "memory": 512, "gpus": 0, "node_list": null,
            "submit_time": submitted_at, "start_time": null, "end_time": null, "time_limit": null, "elapsed": 0,
            "priority": 10, "template": null,
        },
        "owner_id": "u1", "submitted_at": submitted_at, "category": null, "work_dir": "/w", "stdout": "o",
        "files": ["/f"], "exit_code": null, "signal": null,
    })
}

/// Puts several rows into every table, odd ones among them.
fn fill(store: &Store) {
    store.token_key([9; 32]).unwrap();
    for number in 1..=3_u64 {
        let (id, at) = (format!("u{number}"), 1_790_000_000 + number.cast_signed());
        put::<crate::store::users::UserRecord>(
            store,
            json!({"id": id, "username": format!("이름{number}"), "password_hash": "", "permissions": ["job:view"],
                   "created_at": at, "is_active": number != 3, "email": (number != 2).then_some("a@b.example"),
                   "roles": if number == 1 { vec![] } else { vec!["operator"] },
                   "source": if number == 1 { "local" } else { "oidc" },
                   "subject": (number != 1).then(|| format!("https://id.example {number}"))}),
        );
        put::<crate::store::sessions::SessionRecord>(
            store,
            json!({"id": format!("s{number}"), "user_id": "u1", "token_hash": token_hash(&format!("t{number}")),
                   "created_at": at, "expires_at": at + 9}),
        );
        put::<crate::store::api_keys::ApiKeyRecord>(
            store,
            json!({"id": format!("k{number}"), "user_id": id, "name": "n", "key_hash": format!("h{number}"),
                   "permissions": ["job:view"], "created_at": at, "revoked_at": (number == 2).then_some(at)}),
        );
        put::<crate::store::images::ImageRecord>(
            store,
            json!({"node": "n1", "path": format!("/i/{number}.sif"), "name": "i", "partition": "gpu", "type": "viz",
                   "size": 5, "labels": {"z": "1", "a": "2"}, "seen_at": at}),
        );
        put::<crate::store::templates::TemplateRecord>(
            store,
            json!({"id": format!("t{number}"), "name": "T", "category": "ml", "is_public": number == 1,
                   "created_at": at, "updated_at": at, "definition": "a: 1\n"}),
        );
        put::<crate::store::notifications::NotificationRecord>(
            store,
            json!({"seq": number, "user_id": id, "at": at, "kind": "job_ended", "title": "t", "message": "m",
                   "is_read": number == 1}),
        );
        let (upload, status) = (format!("f{number}"), if number == 1 { "completed" } else { "uploading" });
        put::<crate::store::uploads::UploadRecord>(
            store,
            json!({"id": upload, "owner_id": "u1", "username": "ada", "filename": "f", "file_size": 10,
                   "chunk_size": 5, "job_id": "j", "folder": "users/ada", "overwrite": true, "status": status,
                   "created_at": at, "updated_at": at, "uploaded_chunks": 1, "inode": number}),
        );
        raw(store, CHUNKS, &chunk_key(&upload, u32::MAX), &[7; 32]);
        raw(store, CHUNKS, &chunk_key("odd\0id", 3), &[8; 32]);
        raw(store, JOB_FOLDERS, &Key::raw(format!("j{number}")), b"u1");
        raw(store, IMPORTED, &Key::raw(format!("users\0{number}")), id.as_bytes());
        raw(store, NUMBERS, &Key::raw("notifications"), &number.to_le_bytes());
        let by = By {
            user_id: Some(id),
            address: (number != 1).then(|| [10, 0, 0, 1].into()),
            key_id: (number == 3).then(|| "k3".into()),
            ..By::system(at)
        };
        let event = NewEvent { count: number, ..NewEvent::once(kinds::LOGIN_FAILED, "d".into()) };
        let write = move |tx: &crate::store::tx::Tx<'_>| {
            let error = (number != 1).then(|| "no".into());
            let audit = AuditEntry { error, ..AuditEntry::done(by.clone(), "user.create", "x") };
            tx.append_event(&audit, &event)?;
            tx.audited(&audit, ())
        };
        store.write_blocking(write).unwrap();
    }
    // Two times before 1970 for one job number: schema 1 has one key for both. And scripts that it can't hold.
    let scripts: [(u32, i64, Option<&[u8]>); 6] = [
        (1, 1_790_000_000, Some("#!/bin/bash\necho 안녕\n".as_bytes())),
        (1, 1_790_000_500, Some(b"#!")),
        (2, 1_790_000_000, None),
        (3, 1_790_000_000, Some(b"")),
        (4, -5, Some(b"first")),
        (4, -6, Some(b"\xFF\xFE")),
    ];
    for (job_id, at, script) in scripts {
        put::<history::HistoryRecord>(store, submission(job_id, at, "COMPLETED"));
        if let Some(script) = script {
            raw(store, history::SCRIPTS, &Key::new().time(at).number(job_id.into()), script);
        }
    }
    raw(store, history::SCRIPTS, &Key::new().time(1).number(77), b"of nothing");
    for (job_id, at) in [(1, 1_790_000_000), (4, -5)] {
        raw(store, history::REQUESTS, &Key::new().time(at).number(job_id), b"{\"job_name\":\"n\"}");
    }
    let pending = json!({"history": submission(0, 1_790_000_600, "PENDING"), "script": "#!", "request": "{}"});
    let answer = json!({"job_id": 1, "job_name": "n", "message": "m", "stdout": "o"});
    let ways = [("pending", pending), ("answer", answer)];
    for (id, (what, value)) in ["open", "done", "open2", "done2"].into_iter().zip(ways.iter().cycle()) {
        put::<crate::store::submissions::SubmissionRecord>(
            store,
            json!({"id": id, "owner_id": "u1", "key": id, "digest": "d", "created_at": 1_790_000_600, *what: value}),
        );
    }
}
