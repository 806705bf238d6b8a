//! Up, down and up again: nothing is lost, and what is found is found by every look-up.
use redb::TableDefinition;
use serde_json::json;

use super::*;
use crate::store::migrate::v1::{self, Noun};
use crate::store::walk::NUMBERS;
use crate::store::{SCHEMA_VERSION, rebuild};

#[test]
fn a_store_migrated_from_nothing_is_as_a_fresh_one() {
    let (migrated, fresh) = (Folder::new(), Folder::new());
    create(&migrated.path, SCHEMA_VERSION).unwrap();
    drop(fresh.store());
    assert_eq!(migrated.rows(), fresh.rows(), "the same tables of the same types, and nothing else");
    assert_eq!(ALL.iter().map(|migration| migration.version).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(ALL.last().unwrap().version, SCHEMA_VERSION);
    for to in [4, 3, 2, 1, 0] {
        migrated.go(to);
        assert!(migrated.closed().status().unwrap().set_aside.is_empty());
    }
    migrated.go(SCHEMA_VERSION);
    assert_eq!(migrated.rows(), fresh.rows());
}

#[test]
fn a_store_with_data_in_every_table_comes_back_byte_for_byte() {
    let folder = Folder::full();
    let before = folder.rows();
    for (table, rows) in &before {
        assert!(rows.len() > 1, "{table} has {} rows", rows.len());
    }
    let records = folder.closed().status().unwrap().records;
    for to in [4, 3, 2, 1, 0] {
        let planned = folder.closed().plan(to).unwrap();
        assert_eq!(folder.rows(), before, "a plan keeps nothing");
        assert_eq!(folder.go(to).steps, planned, "a plan says the truth");
        let status = folder.closed().status().unwrap();
        assert_eq!(status.version, to);
        if to == 0 {
            assert!(status.records.is_empty());
            // The scripts that fit are inside their submissions.
            let expected: BTreeMap<_, _> = records
                .iter()
                .map(|(table, rows)| (table.clone(), if table == history::SCRIPTS { *rows - 2 } else { *rows }))
                .chain([(NUMBERS.to_owned(), 3), ("fields".to_owned(), 5)])
                .collect();
            assert_eq!(status.set_aside, expected);
        }
        let planned = folder.closed().plan(SCHEMA_VERSION).unwrap();
        assert_eq!(folder.go(SCHEMA_VERSION).steps, planned);
        assert_eq!(folder.rows(), before, "from {to}");
    }
    let store = folder.store();
    assert_eq!(store.token_key([1; 32]).unwrap(), [9; 32], "the key that signs tokens stays");
}

#[test]
fn look_ups_made_anew_are_those_that_were_kept() {
    for folder in [Folder::full(), Folder::of("v1.redb")] {
        if folder.closed().schema() < SCHEMA_VERSION {
            folder.go(SCHEMA_VERSION);
        }
        let before = folder.rows();
        folder.change(|transaction| {
            transaction.open_table(definition("users.by_name")).unwrap().insert(&b"x"[..], &b"y"[..]).unwrap();
            rebuild::rebuild(transaction).unwrap();
        });
        assert_eq!(folder.rows(), before);
    }
}

#[tokio::test]
async fn what_the_older_program_changes_in_between_is_kept() {
    let folder = Folder::full();
    folder.go(1);
    // As the program of schema 1 writes: only the fields that it knows.
    folder.change(|transaction| {
        let mut users: redb::Table<'_, &str, &[u8]> = transaction.open_table(TableDefinition::new("users")).unwrap();
        let user = json!({"id": "u1", "username": "이름1", "password_hash": "new", "permissions": [], "created_at": 1,
                          "is_active": true});
        users.insert("u1", [b"\x01", user.to_string().as_bytes()].concat().as_slice()).unwrap();
        let mut sessions: redb::Table<'_, &str, &[u8]> =
            transaction.open_table(TableDefinition::new("sessions")).unwrap();
        for (id, token) in [("s1", "rotated"), ("s9", "begun"), ("s8", "")] {
            let session = json!({"id": id, "user_id": "u1", "token_id": token, "created_at": 1, "expires_at": 2});
            sessions.insert(id, [b"\x01", session.to_string().as_bytes()].concat().as_slice()).unwrap();
        }
        sessions.remove("s3").unwrap();
        let mut job = submission(9, 1_790_000_900, "RUNNING");
        job["script"] = "#! new".into();
        let mut key = [0; 12];
        key[..8].copy_from_slice(&1_790_000_900_u64.to_be_bytes());
        key[8..].copy_from_slice(&9_u32.to_be_bytes());
        let mut jobs: redb::Table<'_, v1::HistoryKey, &[u8]> =
            transaction.open_table(TableDefinition::new("job_history")).unwrap();
        jobs.insert(key, [b"\x01", job.to_string().as_bytes()].concat().as_slice()).unwrap();
    });
    folder.go(SCHEMA_VERSION);
    let before = folder.rows();
    folder.change(|transaction| rebuild::rebuild(transaction).unwrap());
    assert_eq!(folder.rows(), before, "the look-ups follow the changes");
    let store = folder.store();
    let user = store.user("u1").unwrap().unwrap();
    assert_eq!((user.password_hash.as_str(), user.email), ("new", None));
    assert!(store.user("u3").unwrap().unwrap().email.is_some(), "what was not changed has all its fields");
    let hash = |id| store.session(id).unwrap().map(|session| session.token_hash);
    assert_eq!(hash("s1"), Some(token_hash("rotated")));
    assert_eq!(hash("s2"), Some(token_hash("t2")));
    assert_eq!(hash("s3"), None);
    assert_eq!(hash("s8"), Some(String::new()), "no token fits");
    assert_eq!(hash("s9"), Some(token_hash("begun")));
    let job = store.history_of_job(9).unwrap().unwrap();
    assert_eq!(store.job_script(&job).unwrap().as_deref(), Some("#! new"));
    assert_eq!(store.audit_count(&crate::store::audit::AuditGroup::All).unwrap(), 3);
}

#[test]
fn what_was_given_out_anew_at_schema_0_is_not_overwritten() {
    let folder = Folder::full();
    folder.go(0);
    // A program of schema 1 makes its tables in such a file, and a first account in them.
    folder.change(|transaction| {
        v1::make_lookups(transaction).unwrap();
        let mut users = Noun::Users.open(transaction, "users").unwrap();
        for (id, name) in [("u9", "이름1"), ("u2", "other")] {
            let user = json!({"id": id, "username": name, "password_hash": "", "permissions": [], "created_at": 1,
                              "is_active": true});
            assert!(users.add(id.as_bytes(), &[b"\x01", user.to_string().as_bytes()].concat()).unwrap());
        }
        drop(users);
        v1::make_lookups(transaction).unwrap();
    });
    folder.go(SCHEMA_VERSION);
    let status = folder.closed().status().unwrap();
    let expected = [("users".to_owned(), 2), ("fields".to_owned(), 1)];
    assert_eq!(status.set_aside, expected.into(), "those whose id or name is taken stay aside, with their fields");
    assert_eq!((status.records["users"], status.records["sessions"]), (3, 3));
    let store = folder.store();
    assert_eq!(store.user_by_name("이름1").unwrap().unwrap().id, "u9");
    assert_eq!(store.user("u2").unwrap().unwrap().username, "other");
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    fn fails(transaction: &WriteTransaction, _: &mut Report) -> Result<(), StoreError> {
        transaction.delete_table(definition("users"))?;
        Err(StoreError::corrupt("users", "on purpose"))
    }
    #[expect(clippy::unnecessary_wraps, reason = "a step's type")]
    fn panics(_: &WriteTransaction, _: &mut Report) -> Result<(), StoreError> {
        assert!(std::env::args().count() == 0, "on purpose");
        Ok(())
    }
    let folder = Folder::full();
    let before = folder.rows();
    let backups = folder.dir.path().join("backups");
    for work in [fails, panics] {
        let list: Vec<_> =
            ALL.iter().copied().chain([Migration { version: 6, name: "bad", up: work, down: work }]).collect();
        let failed = folder.closed().migrate_by(&list, 6, &backups, 3, 1).unwrap_err();
        assert!(matches!(failed, StoreError::Corrupt { .. } | StoreError::Panicked), "{failed}");
        assert_eq!(folder.rows(), before);
        // On the way down, after good steps.
        let list: Vec<_> =
            list.iter().map(|m| Migration { down: if m.version == 2 { work } else { m.down }, ..*m }).collect();
        folder.closed().migrate_by(&list, 0, &backups, 3, 1).unwrap_err();
        assert_eq!(folder.rows(), before);
    }
    // A record that can't be read stops it too.
    folder.go(1);
    folder.change(|transaction| {
        let mut jobs: redb::Table<'_, v1::HistoryKey, &[u8]> =
            transaction.open_table(TableDefinition::new("job_history")).unwrap();
        jobs.insert([1; 12], &b"\x01{\"job\":1}"[..]).unwrap();
    });
    assert!(matches!(folder.closed().plan(SCHEMA_VERSION), Err(StoreError::Corrupt { table: "job_history", .. })));
    assert_eq!(folder.closed().status().unwrap().version, 1);
}
