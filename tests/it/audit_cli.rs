//! `slurmdash audit` on the built program.
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use slurmdash::store::Store;
use slurmdash::store::audit::{AuditEntry, AuditFilter, By};
use tempfile::TempDir;

use crate::program::Running;
use crate::support::private_folder;

/// A data folder, and a configuration beside it.
struct Place {
    dir: TempDir,
    config: String,
}

/// Exit code, standard output, standard error.
type Said = (i32, String, String);

impl Place {
    fn new() -> Self {
        let dir = private_folder();
        let config = dir.path().join("slurmdash.yaml");
        std::fs::write(&config, "slurm: {backend: sim}\n").unwrap();
        Self { config: config.to_str().unwrap().to_owned(), dir }
    }

    /// With a closed store that has these rows: time, account, what was done to.
    fn with(rows: &[(i64, &str, &str)]) -> Self {
        let place = Self::new();
        let store = Store::open(&place.store()).unwrap();
        for (at, user, resource) in rows {
            let by = By {
                user_id: Some(format!("id-{user}")),
                username: Some((*user).to_owned()),
                address: Some([10, 0, 0, 1].into()),
                ..By::system(*at)
            };
            let entry = AuditEntry::done(by, "job.submit", *resource);
            store.write_blocking(move |tx| tx.audited(&entry, ())).unwrap();
        }
        place
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("slurmdash.redb")
    }

    fn arguments(&self) -> [&str; 4] {
        ["--data-dir", self.dir.path().to_str().unwrap(), "--config", &self.config]
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.args(arguments).args(self.arguments()).stdin(Stdio::null());
        command
    }

    fn say(&self, arguments: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn export(&self, arguments: &[&str]) -> String {
        let (code, out, error) = self.say(&[&["audit", "export"], arguments].concat());
        assert_eq!((code, error.as_str()), (0, ""));
        out
    }

    /// Changes a byte of the row with this number.
    fn tamper(&self, number: usize) {
        let database = redb::Database::open(self.store()).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let table = redb::TableDefinition::<&[u8], &[u8]>::new("audit");
            let mut table = transaction.open_table(table).unwrap();
            let (key, mut value) = {
                let row = redb::ReadableTable::iter(&table).unwrap().nth(number - 1).unwrap().unwrap();
                (row.0.value().to_vec(), row.1.value().to_vec())
            };
            let at = value.windows(3).position(|bytes| bytes == b"ada").unwrap();
            value[at] = b'e';
            table.insert(key.as_slice(), value.as_slice()).unwrap();
        }
        transaction.commit().unwrap();
    }
}

/// The head that `verify` printed.
fn head(out: &str) -> String {
    out.lines().find_map(|line| line.strip_prefix("head: ")).unwrap().to_owned()
}

#[test]
fn a_single_changed_byte_is_found_and_named() {
    let place = Place::with(&[(1_800_000_000, "ada", "1"), (1_800_000_001, "ada", "2"), (1_800_000_002, "ada", "3")]);
    let before = std::fs::read(place.store()).unwrap();
    let (code, out, error) = place.say(&["audit", "verify"]);
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(out.contains("the audit log is intact: 3 rows, 1 to 3"), "{out}");
    assert!(std::fs::read(place.store()).unwrap() == before, "looking changes not a byte");
    let noted = head(&out);
    assert!(noted.starts_with("3:") && noted.len() == 66, "{noted}");
    assert_eq!(place.say(&["audit", "verify", "--head", &noted]).0, 0);
    let other = format!("3:{}", "0".repeat(64));
    let (code, out, _) = place.say(&["audit", "verify", "--head", &other]);
    assert!(code == 1 && out.contains("another one was noted"), "{out}");
    for bad in ["3", "x:y", ""] {
        assert_eq!(place.say(&["audit", "verify", "--head", bad]).0, 2, "{bad}");
    }

    let (code, made, error) = place.say(&["backup", "create", "--json"]);
    assert_eq!(code, 0, "{error}");
    let made: Value = serde_json::from_str(&made).unwrap();
    place.tamper(2);
    let (code, out, error) = place.say(&["audit", "verify"]);
    assert_eq!(code, 1);
    assert!(out.contains("NOT INTACT") && out.contains("row 2 (2027-01-15 08:00:01 UTC)"), "{out}");
    assert!(error.contains("1 faults") && error.contains("slurmdash audit verify BACKUP"), "{error}");
    let (code, out, _) = place.say(&["audit", "verify", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["intact"], &report["faults"][0]["seq"]), (1, &false.into(), &2.into()));

    // The backup from before is whole: by its name and by its path, and up to the row that was noted.
    for file in [made["name"].as_str().unwrap(), made["path"].as_str().unwrap()] {
        let (code, out, error) = place.say(&["audit", "verify", file, "--head", &noted]);
        assert!(code == 0 && head(&out) == noted, "{out} {error}");
    }
    let (code, _, error) = place.say(&["audit", "verify", &place.config]);
    assert!(code == 1 && error.contains("no backup of slurmdash"), "{error}");
    let (code, changed, _) = place.say(&["backup", "create", "--json"]);
    let changed: Value = serde_json::from_str(&changed).unwrap();
    assert_eq!((code, place.say(&["audit", "verify", changed["path"].as_str().unwrap()]).0), (0, 1));
}

#[test]
fn without_a_store_or_with_an_older_one_it_says_so() {
    let place = Place::new();
    let (code, _, error) = place.say(&["audit", "verify"]);
    assert!(code == 1 && error.contains("can't open the store"), "{error}");
    let (code, _, error) = place.say(&["audit", "export"]);
    assert!(code == 1 && error.contains("there is no store") && !place.store().exists(), "{error}");
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v4.redb");
    std::fs::copy(fixture, place.store()).unwrap();
    std::fs::set_permissions(place.store(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for command in ["verify", "export"] {
        let (code, _, error) = place.say(&["audit", command]);
        assert!(code == 1 && error.contains("slurmdash migrate up"), "{error}");
    }
}

#[test]
fn an_export_has_the_rows_that_are_asked_for() {
    let place = Place::with(&[(100, "ada", "1"), (200, "bob", "=cmd|' /C calc'!A0"), (300, "ada", "a \"b\"\nc")]);
    let csv = place.export(&[]);
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "{csv}");
    assert!(lines[0].starts_with("seq,time,user_id,username,action,"));
    assert!(lines[1].starts_with("3,1970-01-01T00:05:00Z,id-ada,ada,job.submit,\"a \"\"b\"\"\nc\",done,"), "{csv}");
    assert!(lines[2].contains(",'=cmd|' /C calc'!A0,"), "{csv}");
    let seqs = |arguments: &[&str]| -> Vec<u64> {
        let out = place.export(&[&["--format", "jsonl"], arguments].concat());
        out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect()
    };
    // Each export has its own row.
    assert_eq!(seqs(&["--action", "audit.export"]), [4]);
    assert_eq!(seqs(&["--user", "ada"]), [3, 1]);
    assert_eq!(seqs(&["--user", "id-bob"]), [2]);
    assert_eq!(seqs(&["--action", "job.", "--from", "100", "--to", "1970-01-01T00:05:00Z"]), [2, 1]);
    assert_eq!(seqs(&["--result", "refused"]), Vec::<u64>::new());
    assert_eq!(seqs(&["--address", "10.0.0.1", "--user", "bob"]), [2]);
    let store = Store::open(&place.store()).unwrap();
    let rows = store.audit_export(AuditFilter::action("audit.export")).flat_map(Result::unwrap);
    let said: Vec<String> = rows.filter_map(|row| row.resource).collect();
    assert_eq!(said.last().map(String::as_str), Some("all"));
    assert_eq!(said[0], "user=bob address=10.0.0.1");
    for arguments in [["--format", "xml"], ["--result", "maybe"], ["--from", "yesterday"]] {
        assert_eq!(place.say(&[&["audit", "export"], &arguments[..]].concat()).0, 2, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_running_server_is_asked() {
    let place = Place::with(&[(100, "ada", "1")]);
    {
        let store = Store::open(&place.store()).unwrap();
        store
            .write_blocking(|tx| {
                let row = |at| AuditEntry::done(By::system(at), "test.many", "x".repeat(200));
                (0..20_000).try_for_each(|at| tx.append_audit(&row(at)))?;
                Ok(tx.housekeeping(()))
            })
            .unwrap();
    }
    let running = Running::start(place.dir.path(), &place.arguments()).await;
    let (code, out, error) = place.say(&["audit", "verify"]);
    assert!(code == 0 && out.contains("is intact"), "{out} {error}");
    let noted = head(&out);
    assert_eq!(place.say(&["audit", "verify", "--head", &noted]).0, 0);
    let (code, out, _) = place.say(&["audit", "verify", "--json", "--head", &format!("1:{}", "a".repeat(64))]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()["fault_count"].as_u64()), (1, Some(1)));
    let csv = place.export(&["--action", "test.many"]);
    assert_eq!((csv.lines().count(), csv.len() > 4_000_000), (20_001, true));
    assert_eq!(place.export(&["--user", "ada"]).lines().count(), 2);
    assert!(place.export(&["--action", "audit."]).contains("action=test.many"), "an export has its row");
    // Who stops reading, as `head` does, disturbs nobody.
    let mut reader = place.command(&["audit", "export"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(reader.stdout.take());
    assert_eq!(reader.wait().unwrap().code(), Some(0));
    assert_eq!(place.say(&["audit", "verify"]).0, 0);
    assert_eq!(running.stop().await, Some(0));
}
