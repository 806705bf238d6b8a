//! The old file, and the program that reads it.
use super::*;

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
