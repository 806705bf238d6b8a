//! The files of `tests/fixtures/store`: one of each schema.
use redb::TableDefinition;
use slurmdash_api::jobs::JobState;
use slurmdash_api::uploads::UploadStatus;

use super::*;
use crate::auth::passwords::Passwords;
use crate::secret::Secret;
use crate::store::SCHEMA_VERSION;
use crate::store::history::HistoryFilter;
use crate::store::migrate::v1::{HistoryKey, Noun};
use crate::store::sessions::Rotation;
use crate::store::uploads::{ChunkRow, UploadFilter};
use crate::store::walk::PageRequest;

#[tokio::test]
async fn everything_in_the_store_of_the_release_before_is_there_afterwards() {
    let folder = Folder::of("v1.redb");
    assert!(matches!(Store::open(&folder.path), Err(StoreError::Older { found: 1, known: SCHEMA_VERSION })));
    let done = folder.go(SCHEMA_VERSION);
    assert_eq!(std::fs::metadata(&done.copy).unwrap().permissions().mode() & 0o777, 0o600);
    let store = folder.store();
    let (ada, grace) = ("00000000000000000000000000000001", "00000000000000000000000000000002");
    let user = store.user_by_name("ada").unwrap().unwrap();
    assert_eq!((user.id.as_str(), user.created_at, user.is_active, &user.email), (ada, 1_790_000_001, true, &None));
    let passwords = Passwords::new().unwrap();
    let password = Secret::new("correct horse battery".into());
    assert!(passwords.verify(password, Some(user.password_hash)).await.unwrap());
    assert_eq!((user.permissions.as_slice(), user.roles.as_slice()), (&[][..], &["admin".to_owned()][..]));
    assert!(!store.user_by_name("grace").unwrap().unwrap().is_active);
    let sessions = store.sessions_of(grace, &PageRequest::first(9)).unwrap().items;
    assert_eq!(sessions.iter().map(|session| session.created_at).collect::<Vec<_>>(), [1_790_000_103, 1_790_000_101]);
    let session = store.session("5e551011000000000000000000000002").unwrap().unwrap();
    assert_eq!(session.token_hash, token_hash("70ce1100000000000000000000000002"));
    assert_eq!((session.user_id.as_str(), session.expires_at), (ada, 1_790_604_902));
    let audit = AuditEntry::done(By::system(5), "session.rotate", "x");
    let (old, new) = ("70ce1100000000000000000000000002".to_owned(), "new".to_owned());
    assert_eq!(store.rotate_session(session.id, (old, new), 9, 0, audit).await.unwrap(), Rotation::Rotated);
    let jobs = store.history_page(&HistoryFilter::Owner(ada.into()), None, None, &PageRequest::first(9)).unwrap().items;
    let facts = |job: &history::HistoryRecord| (job.job.job_id, job.job.name.clone(), job.job.state, job.exit_code);
    assert_eq!(
        jobs.iter().map(facts).collect::<Vec<_>>(),
        [
            (1, "again".into(), JobState::Running, None),
            (3, "waits".into(), JobState::Pending, None),
            (2, "이름".into(), JobState::Failed, Some(0)),
            (1, "first".into(), JobState::Completed, Some(0)),
        ]
    );
    assert_eq!(store.history_of_job(1).unwrap().unwrap(), jobs[0]);
    assert_eq!(store.history_count(&HistoryFilter::State(ada.into(), JobState::Failed)).unwrap(), 1);
    let script = store.job_script(&jobs[2]).unwrap().unwrap();
    assert_eq!(script, "#!/bin/bash\n#SBATCH --job-name=이름\necho 안녕 2\n");
    assert_eq!((jobs[2].work_dir.as_str(), jobs[2].stdout.as_str()), ("/data/jobs/ada/2", "slurm-%j.out"));
    assert_eq!(jobs[2].files, ["/data/uploads/jobs/a/data/input.csv"]);
    let uploads = store.upload_page(ada, UploadFilter::All, &PageRequest::first(9)).unwrap().items;
    assert_eq!(uploads.iter().map(|upload| upload.id.as_str()).collect::<Vec<_>>(), ["a3", "a2", "a1"]);
    assert_eq!(
        (uploads[2].status, uploads[2].inode, uploads[2].job_id.as_deref()),
        (UploadStatus::Completed, Some(4711), Some("f0"))
    );
    let open = store.open_uploads().unwrap();
    let chunks =
        |(upload, chunks): &(crate::store::uploads::UploadRecord, Vec<u32>)| (upload.id.clone(), chunks.clone());
    assert_eq!(open.iter().map(chunks).collect::<Vec<_>>(), [("a3".into(), vec![]), ("a2".into(), vec![1])]);
    let rows = vec![ChunkRow { upload_id: "a2".into(), index: 0, digest: [1; 32] }];
    store.count_chunks(rows, 7).await.unwrap();
    assert_eq!(store.upload("a2").unwrap().unwrap().uploaded_chunks, 2);
}

#[test]
fn a_file_of_each_schema_comes_up_to_the_same_records() {
    let newest = Folder::of("v5.redb");
    assert_eq!(newest.store().user_count().unwrap(), 3);
    assert_eq!(newest.rows(), Folder::full().rows(), "what this program writes is what the file holds");
    // Filled before there were submissions.
    let latest = Folder::of("v3.redb");
    latest.go(SCHEMA_VERSION);
    for (fixture, version) in [("v0.redb", 0), ("v2.redb", 2)] {
        let folder = Folder::of(fixture);
        let as_it_is = std::fs::read(&folder.path).unwrap();
        let refused = Store::open(&folder.path).map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Older { found, .. } if found == version), "{refused}");
        let status = folder.closed().status().unwrap();
        assert_eq!(status.version, version);
        let aside: u64 = status.set_aside.values().sum();
        let records: u64 = status.records.values().sum();
        assert_eq!((aside > 0, records > 0), (true, version > 0));
        assert!(std::fs::read(&folder.path).unwrap() == as_it_is, "looking changes not a byte");
        folder.go(SCHEMA_VERSION);
        assert_eq!(folder.rows(), latest.rows(), "{fixture}");
    }
}

#[test]
fn the_way_back_makes_what_the_release_before_made() {
    let folder = Folder::of("v1.redb");
    let before = v1_rows(&folder);
    folder.go(SCHEMA_VERSION);
    folder.go(1);
    let after = v1_rows(&folder);
    for (table, rows) in &before {
        assert!(!rows.is_empty(), "{table}");
        if !["sessions", "job_history"].contains(&table.as_str()) {
            assert_eq!(after[table], *rows, "{table}");
        }
    }
    // The script is another field now, and a token's id is not known any more.
    let json = |row: &(String, Vec<u8>)| serde_json::from_slice::<Value>(&row.1[1..]).unwrap();
    let jobs = |rows: &BTreeMap<String, TypedRows>| rows["job_history"].iter().map(json).collect::<Vec<_>>();
    assert_eq!(jobs(&after), jobs(&before));
    for (before, after) in before["sessions"].iter().zip(&after["sessions"]) {
        let (mut expected, after) = (json(before), json(after));
        expected["token_hash"] = token_hash(expected["token_id"].as_str().unwrap()).into();
        expected["token_id"] = "".into();
        assert_eq!(after, expected);
    }
}

type TypedRows = Vec<(String, Vec<u8>)>;

/// Every row of every table of schema 1, which must be of the types of schema 1. Keys are as they print.
fn v1_rows(folder: &Folder) -> BTreeMap<String, TypedRows> {
    fn printed<K: redb::Key + 'static, V: redb::Value + 'static>(
        transaction: &WriteTransaction,
        name: &str,
        all: &mut BTreeMap<String, TypedRows>,
    ) {
        let table = transaction.open_table(TableDefinition::<K, V>::new(name)).unwrap();
        let row = |row: (redb::AccessGuard<'_, K>, redb::AccessGuard<'_, V>)| {
            (format!("{:?} {:?}", row.0.value(), row.1.value()), Vec::new())
        };
        all.insert(name.to_owned(), table.iter().unwrap().map(|found| row(found.unwrap())).collect());
    }
    let mut all = BTreeMap::new();
    folder.change(|transaction| {
        for noun in Noun::ALL {
            let mut rows = Vec::new();
            let table = noun.open(transaction, noun.table()).unwrap();
            let take = |key: &[u8], value: &[u8]| {
                rows.push((format!("{key:?}"), value.to_vec()));
                Ok(())
            };
            table.each(take).unwrap();
            all.insert(noun.table().to_owned(), rows);
        }
        printed::<&str, &str>(transaction, "users_by_name", &mut all);
        printed::<(&str, &str), ()>(transaction, "sessions_by_user", &mut all);
        printed::<u32, HistoryKey>(transaction, "job_history_by_job", &mut all);
        printed::<(&str, u8, u64, &str), ()>(transaction, "uploads_by_owner", &mut all);
        printed::<&str, ()>(transaction, "uploads_open", &mut all);
        let tables = transaction.list_tables().unwrap().count();
        assert_eq!(tables, all.len() + 1, "these and meta");
    });
    all
}
