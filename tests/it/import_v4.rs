//! The old system's database becomes records of today: every table, any content, as often as one likes.
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
use slurmdash_api::auth::Permission;
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
    assert_eq!(ada.permissions, Permission::ALL);
    let bob = store.user_by_name("bob").unwrap().unwrap();
    assert_eq!((bob.password_hash.as_str(), bob.created_at, bob.is_active), ("", THEN, false), "not argon2id");
    assert!(bob.permissions.contains(&Permission::JobView) && !bob.permissions.contains(&Permission::JobSubmit));
    let users = table(&report, "users");
    assert!(users.adjusted.iter().any(|(reason, rows)| reason.contains("new password") && rows.count == 1));

    let key = store.api_key_by_hash(&"ab".repeat(32)).unwrap().unwrap();
    assert_eq!((key.id.as_str(), key.user_id.as_str(), key.name.as_str()), ("v4-k1", "v4-1", "ci"));
    assert_eq!(key.permissions, ["job:view", "dance:all"]);
    assert_eq!((key.created_at, key.expires_at, key.last_used_at, key.revoked_at), (THEN, None, Some(THEN), None));
    assert!(table(&report, "api_keys").adjusted.keys().any(|reason| reason.contains("dance:all")));
    let old = store.api_key("v4-k2").unwrap().unwrap();
    assert_eq!((old.user_id.as_str(), old.revoked_at, old.expires_at), ("v4-2", Some(THEN), Some(1_735_689_600)));

    let log = store.audit_page(&AuditFilter::All, None, None, &all()).unwrap().items;
    assert_eq!(log.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["store.import", "login", "job.submit"]);
    assert_eq!((log[0].at, log[1].at, log[2].at), (NOW, THEN + 1, THEN));
    assert!(log[0].resource.as_deref().unwrap().contains("2 audit_logs"));
    assert_eq!((log[2].user_id.as_deref(), log[2].username.as_deref()), (Some("v4-1"), Some("ada")));
    assert_eq!(
        (log[2].method.as_deref(), log[2].status, log[2].address.as_deref()),
        (Some("POST"), Some(201), Some("10.0.0.1"))
    );
    assert_eq!((log[1].user_id.as_deref(), log[1].error.as_deref()), (None, Some("wrong")));

    let events = store.event_page(&EventFilter::All, None, None, &all()).unwrap().items;
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

#[test]
fn unknown_columns_and_missing_tables_are_named() {
    let folder = Folder::new();
    folder.sql(
        "CREATE TABLE api_keys (id INTEGER PRIMARY KEY, user_id TEXT, key_hash TEXT, \"colour \u{1b}[31m\" TEXT, Shoe TEXT);
         CREATE TABLE pets (id INTEGER); CREATE VIEW audit_logs AS SELECT 1 AS action;",
    );
    folder.sql(&format!("INSERT INTO api_keys VALUES (1, 'ada', '{}', 'red', '43')", "1".repeat(64)));
    let report = folder.import();
    assert_eq!(counts(&report, "api_keys"), [1, 1, 0, 0]);
    assert_eq!(table(&report, "api_keys").unknown_columns, ["colour \u{FFFD}[31m", "shoe"]);
    let missing = &table(&report, "api_keys").defaulted_columns;
    assert!(missing.contains(&"created_at") && missing.contains(&"is_active") && !missing.contains(&"key_hash"));
    assert_eq!(report.unknown_tables, ["pets"]);
    for absent in ["users", "audit_logs", "job_history"] {
        assert!(!table(&report, absent).is_present && counts(&report, absent) == [0; 4], "{absent}");
    }
    let key = folder.store().api_key("v4-1").unwrap().unwrap();
    assert_eq!((key.user_id.as_str(), key.created_at, key.revoked_at), ("ada", 0, None));
}

#[test]
fn plausible_names_of_other_columns_are_taken() {
    let folder = Folder::new();
    folder.sql(
        "CREATE TABLE users (user_id TEXT, name TEXT, role TEXT);
         INSERT INTO users VALUES ('u-1', 'ada', 'user');
         CREATE TABLE file_uploads (upload_id TEXT, user_id TEXT, file_name TEXT, size INTEGER, storage_path TEXT,
             job_id TEXT, status TEXT, chunk_size INTEGER, uploaded_chunks INTEGER, created_at REAL, completed_at REAL);
         INSERT INTO file_uploads VALUES
             ('a', 'u-1', 'x.csv', 10, '/old/up/users/ada/data/x.csv', NULL, 'done', 4, 3, 1704164645.5, 1704164650),
             ('b', 'u-1', 'y.csv', 10, '/old/up/jobs/j1/data', 'j1', 'done', 4, 3, 1704164645.5, 1704164650),
             ('c', 'u-1', 'z.csv', 10, '/old/up/users/bob/data/z.csv', NULL, 'done', 4, 3, 1704164645.5, 1704164650),
             ('d', 'u-1', '../../etc/passwd', 10, '/x/users/ada/../..', '../j', 'done', 0, 3, 1704164645.5, 1);
         CREATE TABLE job_history (id INTEGER PRIMARY KEY, slurm_job_id TEXT, job_name TEXT, user_id TEXT, status TEXT,
             partition TEXT, cpus INTEGER, memory TEXT, submit_time INTEGER, start_time INTEGER, end_time INTEGER,
             exit_code TEXT, script TEXT, work_dir TEXT, stdout_path TEXT);
         INSERT INTO job_history VALUES
             (1, '42', 'train', 'ada', 'FAILED', 'gpu', 8, '16G', 1704164645, 1704164650, 1704164660, '1:9',
              '#!/bin/sh', '/home/ada/run', '/etc/shadow'),
             (2, '43_7', 'array', 'ada', 'TIMEOUT', 'gpu', 8, '512', 1704164645, NULL, NULL, NULL, NULL, NULL, NULL);",
    );
    let report = folder.import();
    assert_eq!(counts(&report, "file_uploads"), [4, 4, 0, 0]);
    assert_eq!(table(&report, "job_history").unknown_columns, ["stdout_path"]);
    let store = folder.store();
    let folders = ["a", "b", "c", "d"].map(|id| store.upload(&format!("v4-{id}")).unwrap().unwrap());
    assert_eq!(
        folders.each_ref().map(|upload| upload.folder.as_str()),
        ["users/ada/data", "jobs/j1/data", "imported/v4-c", "imported/v4-d"]
    );
    assert_eq!((folders[0].filename.as_str(), folders[3].filename.as_str()), ("x.csv", "v4-d"));
    assert_eq!((folders[3].job_id.as_deref(), folders[1].job_id.as_deref()), (None, Some("j1")));
    assert_eq!((folders[0].file_size, folders[0].chunk_size, folders[0].updated_at), (10, 4, 1_704_164_650));

    let job = store.history_of_job(42).unwrap().unwrap();
    assert_eq!((job.job.id.as_str(), job.job.name.as_str(), job.job.state), ("42", "train", JobState::Failed));
    assert_eq!((job.exit_code, job.signal, job.job.memory, job.job.elapsed), (Some(1), Some(9), Some(16384), 10));
    assert_eq!((job.work_dir.as_str(), job.stdout.as_str()), ("/home/ada/run", ""));
    assert_eq!(store.job_script(&job).unwrap().as_deref(), Some("#!/bin/sh"));
    let jobs = store.history_page(&HistoryFilter::All, None, None, &all()).unwrap().items;
    assert!(jobs.iter().any(|job| job.job.id == "43_7" && job.job.array_job_id == Some(43)));
}

#[test]
fn any_type_in_any_column_is_taken_defaulted_or_skipped() {
    let columns = |name: &str| -> Vec<String> {
        let start = TABLES.split(&format!("CREATE TABLE {name} (")).nth(1).unwrap();
        let list = start.split(");").next().unwrap();
        list.split(',').map(|column| column.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let folder = Folder::new();
    let connection = Connection::open(folder.old()).unwrap();
    let values = [
        "NULL",
        "''",
        "-1",
        "9223372036854775807",
        "-9e999",
        "1e300",
        "x'00ff00'",
        "CAST(x'fffe41' AS TEXT)",
        "char(0) || 'a' || char(27) || char(10)",
        "'9999-99-99 99:99:99'",
        "hex(zeroblob(600000))",
        "'../../etc/passwd'",
        "'[1, 2'",
        "'{\"a\": {}}'",
    ];
    connection.execute_batch("BEGIN").unwrap();
    let tables = report_tables();
    for table in tables {
        let columns = columns(table);
        let list = columns.join(", ");
        connection.execute_batch(&format!("CREATE TABLE {table} ({list})")).unwrap();
        // Each hostile value everywhere, and in one column with good ones around it.
        for value in values {
            let everywhere = vec![value; columns.len()].join(", ");
            connection.execute_batch(&format!("INSERT INTO {table} VALUES ({everywhere})")).unwrap();
            for hostile in 0..columns.len() {
                let good = |(at, column): (usize, &String)| match column.as_str() {
                    _ if at == hostile => value.to_owned(),
                    "key_hash" => "lower(hex(randomblob(32)))".to_owned(),
                    "path" => "'/x/' || hex(randomblob(8))".to_owned(),
                    "submit_time" => "'2024-01-02 03:04:05'".to_owned(),
                    "id" | "template_id" | "username" => "hex(randomblob(8))".to_owned(),
                    _ => "'1'".to_owned(),
                };
                let row: Vec<String> = columns.iter().enumerate().map(good).collect();
                connection.execute_batch(&format!("INSERT INTO {table} VALUES ({})", row.join(", "))).unwrap();
            }
        }
    }
    connection.execute_batch("COMMIT").unwrap();
    drop(connection);
    let report = folder.import();
    for table in &report.tables {
        assert_eq!(table.found, table.new + table.already_there + table.skipped, "{table:?}");
        assert!(table.new > 0 && table.found > 14, "{table:?}");
        let reasons = table.skipped_because.values().map(|reason| reason.count);
        assert_eq!(reasons.sum::<u64>(), table.skipped, "{table:?}");
    }
    let words = serde_json::to_string(&report).unwrap();
    assert!(words.len() < 100_000 && !words.contains("\\u001b"), "{}", words.len());
    let before = folder.dump();
    let largest = before.values().flatten().map(|(key, value)| key.len().max(value.len())).max().unwrap();
    assert!(largest < 100_000, "{largest}");
    assert_eq!(folder.import().new_rows(), 0);
    assert!(folder.dump() == before);
}

fn report_tables() -> [&'static str; 9] {
    [
        "users",
        "api_keys",
        "audit_logs",
        "security_events",
        "job_templates_v2",
        "apptainer_images",
        "file_uploads",
        "job_history",
        "notifications",
    ]
}

#[test]
fn doubtful_keys_and_accounts_do_not_come_to_life() {
    let folder = Folder::new();
    folder.sql(TABLES);
    let insert = |id: u32, rest: &str| {
        let hash = format!("{id:064x}");
        folder
            .sql(&format!("INSERT INTO api_keys VALUES ({id}, '1', 'n', '{hash}', '', '2024-01-02 03:04:05', {rest})"));
    };
    insert(1, "'whenever', NULL, NULL, 1");
    insert(2, "NULL, NULL, 'some day', 1");
    insert(3, "NULL, NULL, NULL, 'maybe'");
    insert(4, "NULL, NULL, NULL, NULL");
    folder
        .sql("INSERT INTO api_keys SELECT 5, user_id, name, 'short', '', '', '', '', '', 1 FROM api_keys WHERE id = 4");
    folder.sql(
        "INSERT INTO users VALUES (1, 'ada', NULL, 'plain text', 'user', 'maybe', NULL), (2, NULL, 0, 0, 0, 0, 0)",
    );
    let report = folder.import();
    assert_eq!(counts(&report, "api_keys"), [5, 3, 0, 2]);
    assert_eq!(counts(&report, "users"), [2, 1, 0, 1]);
    let store = folder.store();
    assert!(store.active_api_keys(0, &all()).unwrap().items.is_empty());
    let ada = store.user("v4-1").unwrap().unwrap();
    assert_eq!((ada.is_active, ada.password_hash.as_str()), (false, ""));
}

#[tokio::test]
async fn no_password_is_good_for_an_account_that_needs_a_new_one() {
    use slurmdash::auth::{Auth, AuthError};
    let folder = Folder::new();
    folder.sql("CREATE TABLE users (id, username, password); INSERT INTO users VALUES (1, 'ada', 'secret')");
    folder.import();
    let auth = Auth::new(folder.store(), slurmdash::clock::Clock::system()).unwrap();
    for password in ["", "secret"] {
        let password = slurmdash::secret::Secret::new(password.into());
        let refused = auth.login("ada", password, slurmdash::auth::Origin::default()).await.map(drop).unwrap_err();
        assert!(matches!(refused, AuthError::InvalidCredentials), "{refused}");
    }
}

#[test]
fn secrets_are_in_no_report() {
    let folder = Folder::new();
    let secret = "5ec3e7".repeat(10) + "abcd";
    folder.sql(&format!(
        "CREATE TABLE api_keys (key_hash TEXT PRIMARY KEY, user_id TEXT) WITHOUT ROWID;
         INSERT INTO api_keys VALUES ('{secret}', NULL), ('{secret}x', 'ada');
         CREATE TABLE users (id INTEGER, username TEXT, password TEXT); INSERT INTO users VALUES (1, 'ada', '{secret}');"
    ));
    let output = folder.program(&["--json", "--yes"]);
    let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(words.contains("new password") && !words.contains("5ec3e7"), "{words}");
}

#[test]
fn a_survey_writes_nothing() {
    let folder = Folder::new();
    folder.sql(&format!("{TABLES}{}", rows()));
    let old = std::fs::read(folder.old()).unwrap();
    let planned = folder.survey();
    assert!(!planned.applied && planned.new_rows() > 0);
    assert!(!folder.store_path().exists(), "no store is made");
    drop(folder.store());
    let before = std::fs::read(folder.store_path()).unwrap();
    assert_eq!(folder.survey().tables, planned.tables);
    assert!(std::fs::read(folder.store_path()).unwrap() == before);
    let done = folder.import();
    assert_eq!(done.tables, planned.tables, "it does what it said");
    assert!(std::fs::read(folder.old()).unwrap() == old);
}

#[test]
fn a_database_in_wal_mode_is_read_with_its_log_and_left_alone() {
    let folder = Folder::new();
    let writer = Connection::open(folder.old()).unwrap();
    writer.execute_batch(&format!("PRAGMA journal_mode = WAL; {TABLES} PRAGMA wal_checkpoint(TRUNCATE);")).unwrap();
    writer.execute_batch(&rows()).unwrap();
    // As the old system leaves it when it is killed: the rows are in the log only.
    let killed = Folder::new();
    for ending in ["", "-wal"] {
        let name = format!("old.db{ending}");
        std::fs::copy(folder.0.path().join(&name), killed.0.path().join(&name)).unwrap();
    }
    let names = || {
        let names = std::fs::read_dir(killed.0.path()).unwrap().map(|entry| entry.unwrap());
        let read = names.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()));
        read.collect::<BTreeMap<_, _>>()
    };
    let before = names();
    assert_eq!(counts(&killed.survey(), "users"), [2, 2, 0, 0]);
    assert!(names() == before, "nothing beside it is made or changed");
    drop(writer);
    // Closed in order it has no log; reading must not make one.
    assert!(!folder.0.path().join("old.db-wal").exists());
    assert_eq!(counts(&folder.survey(), "users"), [2, 2, 0, 0]);
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

#[test]
fn a_change_that_was_cut_off_by_a_crash_is_not_imported() {
    let folder = Folder::new();
    folder.sql(&format!("{TABLES}{}", rows()));
    let writer = Connection::open(folder.old()).unwrap();
    // So small a cache writes the change into the file long before it is committed.
    let padding = "WITH RECURSIVE n(i) AS (SELECT 9 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)";
    let change = format!("INSERT INTO audit_logs (id, action) {padding} SELECT i, hex(randomblob(200)) FROM n");
    writer.execute_batch(&format!("PRAGMA cache_size = 2; BEGIN; DELETE FROM users; {change}")).unwrap();
    let crashed = Folder::new();
    for name in ["old.db", "old.db-journal"] {
        std::fs::copy(folder.0.path().join(name), crashed.0.path().join(name)).unwrap();
    }
    let before = std::fs::read(crashed.old()).unwrap();
    assert!(before.len() > 200_000, "the change is in the file");
    let report = crashed.survey();
    assert_eq!((counts(&report, "users"), counts(&report, "audit_logs")), ([2, 2, 0, 0], [2, 2, 0, 0]));
    assert!(std::fs::read(crashed.old()).unwrap() == before);
    assert_eq!(std::fs::read_dir(crashed.0.path()).unwrap().count(), 2);
}

#[test]
fn a_read_only_folder_and_a_strange_name_are_no_obstacle() {
    for mode in ["DELETE", "WAL"] {
        let folder = Folder::new();
        let away = folder.0.path().join("50% off?#1");
        std::fs::create_dir(&away).unwrap();
        let old = away.join("old &=db");
        let sql = format!("PRAGMA journal_mode = {mode}; {TABLES}{}", rows());
        Connection::open(&old).unwrap().execute_batch(&sql).unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o400)).unwrap();
        std::fs::set_permissions(&away, std::fs::Permissions::from_mode(0o500)).unwrap();
        let report = Import::open(&old, &folder.store_path()).unwrap().survey().unwrap();
        assert_eq!(counts(&report, "users"), [2, 2, 0, 0], "{mode}");
        std::fs::set_permissions(&away, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(std::fs::read_dir(&away).unwrap().count(), 1);
    }
}

#[test]
fn what_is_no_old_database_is_refused_in_words() {
    let good = Folder::new();
    good.sql(&format!("{TABLES}{}", rows()));
    let bytes = std::fs::read(good.old()).unwrap();
    let mut holed = bytes.clone();
    let middle = 4096..bytes.len();
    holed[middle].fill(0x5A);
    let cases: [(&[u8], &str); 6] = [
        (b"", "is empty"),
        (b"SQLite format 3\0", "no SQLite database"),
        (&[0xA5; 5_000], "no SQLite database, or an encrypted one"),
        (&bytes[..bytes.len() / 2], "damaged"),
        (&bytes[..100], "damaged"),
        (&holed, "damaged"),
    ];
    for (content, words) in cases {
        let folder = Folder::new();
        std::fs::write(folder.old(), content).unwrap();
        let output = folder.program(&["--yes"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("old.db") && said.contains(words), "{said}");
        assert!(!folder.0.path().join("data/slurmdash.redb").exists(), "nothing is written");
    }
    let missing = Folder::new();
    let output = missing.program(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("No such file"));
    missing.sql("CREATE TABLE pets (id INTEGER)");
    let output = missing.program(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("none of the old system's tables"));
}

#[test]
fn the_program_shows_first_and_imports_with_yes() {
    let folder = Folder::new();
    folder.sql(&format!("{TABLES}{}", rows()));
    let words = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    for arguments in [&[][..], &["--dry-run"]] {
        let shown = folder.program(arguments);
        assert_eq!(shown.status.code(), Some(0));
        assert!(words(&shown).contains("again with --yes") && words(&shown).contains("needs a new password"));
        assert!(!folder.0.path().join("data").exists(), "nothing is written");
    }
    let planned: Value = serde_json::from_slice(&folder.program(&["--json"]).stdout).unwrap();
    assert_eq!((&planned["applied"], &planned["tables"][0]["new"]), (&Value::Bool(false), &Value::from(2)));

    let done = folder.program(&["--yes"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(words(&done).contains("Imported from"), "{}", words(&done));
    let store = folder.0.path().join("data/slurmdash.redb");
    assert_eq!(std::fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o600);
    let again: Value = serde_json::from_slice(&folder.program(&["--json", "--yes"]).stdout).unwrap();
    let sum =
        |key: &str| again["tables"].as_array().unwrap().iter().map(|table| table[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((&again["applied"], sum("new"), sum("already_there")), (&Value::Bool(true), 0, sum("found")));
    assert!(words(&folder.program(&[])).contains("nothing new"));

    let held = Store::open(&store).unwrap();
    for arguments in [&[][..], &["--yes"]] {
        let refused = folder.program(arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8(refused.stderr).unwrap().contains("in use"));
    }
    drop(held);
    assert_eq!(folder.program(&["--yes", "--dry-run"]).status.code(), Some(2));
    assert_eq!(folder.program(&["--config", "/nonexistent.yaml"]).status.code(), Some(2));
}

#[test]
fn a_store_of_an_older_schema_is_refused() {
    let folder = Folder::new();
    folder.sql(TABLES);
    std::fs::copy("tests/fixtures/store/v1.redb", folder.store_path()).unwrap();
    std::fs::set_permissions(folder.store_path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let import = Import::open(&folder.old(), &folder.store_path()).unwrap();
    for refused in [import.survey(), import.run(NOW)] {
        assert!(refused.unwrap_err().to_string().contains("slurmdash migrate up"));
    }
}
