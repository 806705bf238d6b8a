//! The old system's database becomes records of today: every table, any content, as often as one likes.
mod files;
mod odd;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _};
use rusqlite::Connection;
use serde_json::Value;
use slurmdash::store::Store;
use slurmdash::store::audit::{AuditEntry, AuditFilter, By};
use slurmdash::store::events::{EventFilter, Severity};
use slurmdash::store::history::HistoryFilter;
use slurmdash::store::images::ImageFilter;
use slurmdash::store::import_v4::{Import, Report, TableReport};
use slurmdash::store::templates::TemplateFilter;
use slurmdash::store::uploads::UploadFilter;
use slurmdash::store::users::UserRecord;
use slurmdash::store::walk::PageRequest;
use slurmdash_api::auth::{AccountSource, Permission};
use slurmdash_api::jobs::JobState;
use slurmdash_api::uploads::UploadStatus;
use tempfile::TempDir;

use crate::support::private_folder;

const NOW: i64 = 1_800_000_000;
/// 2024-01-02 03:04:05 UTC.
const THEN: i64 = 1_704_164_645;
const ARGON2: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                      R5WvRZkYbPGKGgOWZbSDBTdUC5hTGhAfPhGYbKPYb8U";

/// The tables with the columns that are known of them.
const TABLES: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, email TEXT, password_hash TEXT, role TEXT, is_active INTEGER,
                    created_at TEXT);
CREATE TABLE api_keys (id TEXT PRIMARY KEY, user_id TEXT, name TEXT, key_hash TEXT, permissions TEXT, created_at TEXT,
                       expires_at TEXT, last_used_at TEXT, revoked_at TEXT, is_active INTEGER);
CREATE TABLE audit_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT, action TEXT, resource TEXT, method TEXT,
                         ip_address TEXT, user_agent TEXT, status_code INTEGER, error_message TEXT, timestamp TEXT);
CREATE TABLE security_events (id INTEGER PRIMARY KEY, user_id TEXT, event_type TEXT, severity TEXT, description TEXT,
                              ip_address TEXT, detected_at TEXT, resolved_at TEXT, is_resolved INTEGER);
CREATE TABLE job_templates_v2 (template_id TEXT PRIMARY KEY, name TEXT, category TEXT, is_public INTEGER,
                               created_at TEXT);
CREATE TABLE apptainer_images (name TEXT, path TEXT, partition TEXT, type TEXT);
CREATE TABLE file_uploads (user_id TEXT, status TEXT, created_at TEXT);
CREATE TABLE job_history (user_id TEXT, status TEXT, submit_time TEXT, template_id TEXT);
CREATE TABLE notifications (created_by TEXT, read INTEGER, timestamp TEXT);";

/// A row or two in each of them.
fn rows() -> String {
    let hash = "AB".repeat(32);
    format!(
        "
INSERT INTO users VALUES (1, 'ada', 'ada@example.org', '{ARGON2}', 'admin', 1, '2024-01-02 03:04:05'),
                         (2, 'bob', NULL, '$2b$12$abcdefghijklmnopqrstuv', 'viewer', 0, '2024-01-02T12:04:05+09:00');
INSERT INTO api_keys VALUES ('k1', '1', 'ci', '{hash}', 'job:view, dance:all', '2024-01-02 03:04:05', NULL, 1704164645000,
                             NULL, 1),
                            ('k2', 'bob', 'old', '{}', '[\"job:view\"]', 1704164645, '2025-01-01', NULL, NULL, 0);
INSERT INTO audit_logs VALUES (7, '1', 'job.submit', '12', 'POST', '10.0.0.1', 'curl', 201, NULL, '2024-01-02 03:04:05'),
                              (8, NULL, 'login', NULL, 'POST', '10.0.0.2', NULL, 401, 'wrong', '2024-01-02 03:04:06');
INSERT INTO security_events VALUES (1, 'gone', 'brute_force', 'HIGH', 'many', '10.0.0.3', '2024-01-02 03:04:05', NULL, 0),
                                   (2, '2', 'odd', 'low', 'once', NULL, '2024-01-02 03:04:05', '2024-01-03', 1);
INSERT INTO job_templates_v2 VALUES ('my-cfd', 'My CFD', 'cfd', 1, '2024-01-02 03:04:05.123456');
INSERT INTO apptainer_images VALUES ('tools.sif', '/apps/tools.sif', 'viz', 'VIZ');
INSERT INTO file_uploads VALUES ('1', 'completed', '2024-01-02 03:04:05'), ('1', 'uploading', '2024-01-02 03:04:05');
INSERT INTO job_history VALUES ('1', 'COMPLETED', '2024-01-02 03:04:05', 'my-cfd'),
                               ('2', 'failed', '2024-01-02 03:04:05', NULL);
INSERT INTO notifications VALUES ('1', 0, '2024-01-02 03:04:05'), ('1', 1, '2024-01-02 03:04:05');",
        "cd".repeat(32)
    )
}

/// Each table's rows: key and value.
type Contents = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(private_folder())
    }

    fn old(&self) -> PathBuf {
        self.0.path().join("old.db")
    }

    fn store_path(&self) -> PathBuf {
        self.0.path().join("slurmdash.redb")
    }

    fn sql(&self, sql: &str) {
        Connection::open(self.old()).unwrap().execute_batch(sql).unwrap();
    }

    fn survey(&self) -> Report {
        Import::open(&self.old(), &self.store_path()).unwrap().survey().unwrap()
    }

    fn import(&self) -> Report {
        Import::open(&self.old(), &self.store_path()).unwrap().run(NOW).unwrap()
    }

    fn store(&self) -> Store {
        Store::open(&self.store_path()).unwrap()
    }

    /// Every byte of every record.
    fn dump(&self) -> Contents {
        let database = redb::ReadOnlyDatabase::open(self.store_path()).unwrap();
        let read = database.begin_read().unwrap();
        let mut tables = BTreeMap::new();
        for table in read.list_tables().unwrap().filter(|table| table.name() != "meta") {
            let definition: TableDefinition<&[u8], &[u8]> = TableDefinition::new(table.name());
            let rows = read.open_table(definition).unwrap();
            let rows = rows.iter().unwrap().map(|row| {
                let (key, value) = row.unwrap();
                (key.value().to_vec(), value.value().to_vec())
            });
            tables.insert(table.name().to_owned(), rows.collect());
        }
        tables
    }

    fn program(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.args(["migrate", "import-v4"]).arg(self.old()).arg("--data-dir").arg(self.0.path().join("data"));
        command.args(arguments).stdin(std::process::Stdio::null()).output().unwrap()
    }
}

fn table<'a>(report: &'a Report, name: &str) -> &'a TableReport {
    report.tables.iter().find(|table| table.table == name).unwrap()
}

fn counts(report: &Report, name: &str) -> [u64; 4] {
    let table = table(report, name);
    [table.found, table.new, table.already_there, table.skipped]
}

fn all() -> PageRequest {
    PageRequest::first(100)
}

#[test]
fn every_table_becomes_records_of_today() {
    let folder = Folder::new();
    folder.sql(&format!("{TABLES}{}", rows()));
    let report = folder.import();
    for table in &report.tables {
        assert!(table.is_present && table.found > 0 && table.new == table.found, "{table:?}");
    }
    let store = folder.store();

    let ada = store.user("v4-1").unwrap().unwrap();
    assert_eq!((ada.username.as_str(), ada.email.as_deref()), ("ada", Some("ada@example.org")));
    assert_eq!((ada.password_hash.as_str(), ada.created_at, ada.is_active), (ARGON2, THEN, true));
    assert_eq!((ada.roles, ada.permissions), (vec!["admin".to_owned()], vec![]));
    let bob = store.user_by_name("bob").unwrap().unwrap();
    assert_eq!((bob.password_hash.as_str(), bob.created_at, bob.is_active), ("", THEN, false), "not argon2id");
    assert_eq!((bob.roles, bob.permissions), (vec!["viewer".to_owned()], vec![Permission::DataRead]));
    let users = table(&report, "users");
    assert!(users.adjusted.iter().any(|(reason, rows)| reason.contains("new password") && rows.count == 1));

    let key = store.api_key_by_hash(&"ab".repeat(32)).unwrap().unwrap();
    assert_eq!((key.id.as_str(), key.user_id.as_str(), key.name.as_str()), ("v4-k1", "v4-1", "ci"));
    assert_eq!(key.permissions, ["job:view", "dance:all"]);
    assert_eq!((key.created_at, key.expires_at, key.last_used_at, key.revoked_at), (THEN, None, Some(THEN), None));
    assert!(table(&report, "api_keys").adjusted.keys().any(|reason| reason.contains("dance:all")));
    let old = store.api_key("v4-k2").unwrap().unwrap();
    assert_eq!((old.user_id.as_str(), old.revoked_at, old.expires_at), ("v4-2", Some(THEN), Some(1_735_689_600)));

    let chain = store.verify_audit().unwrap();
    assert!(chain.intact && chain.rows == 3, "imported rows are in the chain as others are: {chain:?}");
    let log = store.audit_page(&AuditFilter::default(), &all()).unwrap().items;
    assert_eq!(log.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["store.import", "login", "job.submit"]);
    assert_eq!((log[0].at, log[1].at, log[2].at), (NOW, THEN + 1, THEN));
    assert!(log[0].resource.as_deref().unwrap().contains("2 audit_logs"));
    assert_eq!((log[2].user_id.as_deref(), log[2].username.as_deref()), (Some("v4-1"), Some("ada")));
    assert_eq!(
        (log[2].method.as_deref(), log[2].status, log[2].address.as_deref()),
        (Some("POST"), Some(201), Some("10.0.0.1"))
    );
    assert_eq!((log[1].user_id.as_deref(), log[1].error.as_deref()), (None, Some("wrong")));

    let events = store.event_page(&EventFilter::default(), &all()).unwrap().items;
    assert_eq!(
        (events[1].kind.as_str(), events[1].severity, events[1].resolved_at),
        ("brute_force", Severity::High, None)
    );
    assert_eq!(events[1].user_id.as_deref(), Some("gone"), "who is not known stays as text");
    assert_eq!((events[0].user_id.as_deref(), events[0].resolved_at), (Some("v4-2"), Some(1_704_240_000)));

    let template = store.template("my-cfd").unwrap().unwrap();
    assert_eq!((template.name.as_str(), template.category.as_str(), template.is_public), ("My CFD", "cfd", true));
    assert_eq!(store.template_count(&TemplateFilter::Public(true)).unwrap(), 1);
    let images = store.image_page(&ImageFilter::Type("viz".into(), "viz".into()), &all()).unwrap().items;
    assert_eq!((images[0].name.as_str(), images[0].path.as_str()), ("tools", "/apps/tools.sif"));

    let uploads = store.upload_page("v4-1", UploadFilter::All, &all()).unwrap().items;
    assert_eq!(uploads.len(), 2);
    assert!(uploads.iter().all(|upload| upload.created_at == THEN && upload.username == "ada"));
    let completed = store.upload_page("v4-1", UploadFilter::Status(UploadStatus::Completed), &all()).unwrap().items;
    assert_eq!(completed.len(), 1);
    assert!(store.open_uploads().unwrap().is_empty(), "none goes on here");

    let done = HistoryFilter::State("v4-1".into(), JobState::Completed);
    let jobs = store.history_page(&done, None, None, &all()).unwrap().items;
    assert_eq!((jobs[0].job.owner.as_deref(), jobs[0].job.template.as_deref()), (Some("ada"), Some("my-cfd")));
    assert_eq!((jobs[0].submitted_at, jobs[0].stdout.as_str()), (THEN, ""));
    assert_eq!(store.history_count(&HistoryFilter::All).unwrap(), 2, "both of one second");
    assert_eq!(store.notification_count("v4-1", false).unwrap(), 1);
    assert_eq!(store.notification_count("v4-1", true).unwrap(), 1);
}

#[test]
fn a_second_run_changes_not_a_byte() {
    let folder = Folder::new();
    folder.sql(&format!("{TABLES}{}", rows()));
    let first = folder.import();
    let before = folder.dump();
    let again = folder.import();
    assert_eq!(again.new_rows(), 0);
    for (one, two) in first.tables.iter().zip(&again.tables) {
        assert_eq!((two.already_there, two.skipped), (one.new, one.skipped), "{}", one.table);
    }
    assert!(folder.dump() == before);
}

#[tokio::test]
async fn what_was_changed_here_since_stays() {
    let folder = Folder::new();
    folder.sql(&format!("{TABLES}{}", rows()));
    folder.import();
    {
        let store = folder.store();
        let entry = |action| AuditEntry::done(By::system(NOW), action, "test");
        store.remove_template("my-cfd".into(), entry("template.remove")).await.unwrap();
        assert!(store.revoke_api_key("v4-1".into(), "v4-k1".into(), entry("key.revoke")).await.unwrap());
    }
    let before = folder.dump();
    folder.sql("UPDATE users SET username = 'eve' WHERE id = 1; UPDATE audit_logs SET action = 'other'");
    assert_eq!(folder.import().new_rows(), 0);
    assert!(folder.dump() == before);
}

#[tokio::test]
async fn rows_go_to_the_account_that_has_the_name_already() {
    let folder = Folder::new();
    let mine = UserRecord {
        id: "mine".into(),
        username: "ada".into(),
        password_hash: "kept".into(),
        permissions: vec![Permission::JobView],
        created_at: 5,
        is_active: true,
        email: None,
        unix_user: None,
        roles: Vec::new(),
        source: AccountSource::Local,
        subject: None,
        last_login_at: None,
    };
    assert!(
        folder.store().add_user(mine.clone(), AuditEntry::done(By::system(1), "user.create", "ada")).await.unwrap()
    );
    folder.sql(&format!("{TABLES}{}", rows()));
    let report = folder.import();
    assert_eq!(counts(&report, "users"), [2, 1, 1, 0]);
    {
        let store = folder.store();
        assert!(store.user_by_name("ada").unwrap().unwrap() == mine, "nothing of the old account is taken");
        assert_eq!(store.user("v4-1").unwrap().map(|user| user.id), None);
        assert_eq!(store.api_key("v4-k1").unwrap().unwrap().user_id, "mine");
        assert_eq!(store.history_count(&HistoryFilter::Owner("mine".into())).unwrap(), 1);
    }
    let before = folder.dump();
    assert_eq!(folder.import().new_rows(), 0);
    assert!(folder.dump() == before);
}
