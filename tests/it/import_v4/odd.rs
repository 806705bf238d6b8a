//! Rows and columns that are not what they should be.
use super::*;

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
    use slurmdash::auth::login::{SignIn, SignInError};
    use slurmdash::auth::roles::{self, Roles};
    use slurmdash::auth::{Auth, AuthError, Origin};
    use slurmdash::config::Config;
    use slurmdash::limits::logins::Logins;
    use slurmdash::security::Security;
    let folder = Folder::new();
    folder.sql("CREATE TABLE users (id, username, password); INSERT INTO users VALUES (1, 'ada', 'secret')");
    folder.import();
    let (store, clock, config) = (folder.store(), slurmdash::clock::Clock::system(), Config::default());
    let life = config.auth.session_life();
    let auth = Auth::new(store.clone(), clock.clone(), Roles::new(roles::defaults()), life).unwrap();
    let logins = Logins::new(&config.limits, clock);
    let sign_in = SignIn::new(auth, logins, Security::new(store), None, None).unwrap();
    for password in ["", "secret"] {
        let password = slurmdash::secret::Secret::new(password.into());
        let refused = sign_in.by_password("ada", password, None, Origin::default()).await.map(drop).unwrap_err();
        assert!(matches!(refused, SignInError::Auth(AuthError::InvalidCredentials)), "{refused}");
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
