//! `slurmdash migrate` and `serve --migrate` on the built program.
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::Running;
use crate::support::private_folder;

/// A data folder, and a configuration beside it.
struct Data {
    dir: TempDir,
    config: String,
}

impl Data {
    fn new() -> Self {
        let dir = private_folder();
        let config = dir.path().join("slurmdash.yaml");
        std::fs::write(&config, "slurm: {backend: sim}\n").unwrap();
        Self { config: config.to_str().unwrap().to_owned(), dir }
    }

    /// With a file of `tests/fixtures/store` as its store.
    fn of(fixture: &str) -> Self {
        let data = Self::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store").join(fixture);
        std::fs::copy(from, data.store()).unwrap();
        std::fs::set_permissions(data.store(), Permissions::from_mode(0o600)).unwrap();
        data
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Arguments that name it.
    fn arguments(&self) -> [&str; 4] {
        ["--data-dir", self.path().to_str().unwrap(), "--config", &self.config]
    }

    /// Starts serving from it, on a simulated cluster.
    async fn serve(&self, more: &[&str]) -> Running {
        Running::start(self.path(), &[&self.arguments()[..], more].concat()).await
    }

    fn store(&self) -> PathBuf {
        self.path().join("slurmdash.redb")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.store()).unwrap()
    }

    /// Runs `slurmdash migrate` on it, without a terminal.
    fn migrate(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.arg("migrate").args(arguments).args(self.arguments());
        Said::of(&command.stdin(Stdio::null()).output().unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.migrate(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, Some(0), "{arguments:?} {}", said.error);
        serde_json::from_str(&said.out).unwrap()
    }

    fn version(&self) -> Value {
        self.json(&["status"])["version"].clone()
    }

    fn backups(&self) -> usize {
        std::fs::read_dir(self.path().join("backups")).map_or(0, Iterator::count)
    }
}

struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }
}

#[test]
fn status_says_what_is_there_and_what_is_pending() {
    let data = Data::of("v1.redb");
    let before = data.bytes();
    let status = data.json(&["status"]);
    let migration = |version: u32, name: &str| json!({"version": version, "name": name, "applied": version < 2});
    assert_eq!(
        status,
        json!({
            "store": data.store(),
            "version": 1,
            "latest": 5,
            "migrations": [migration(1, "initial"), migration(2, "security"), migration(3, "lookups"),
                           migration(4, "submissions"), migration(5, "accounts")],
            "records": {"users": 2, "sessions": 3, "job_history": 4, "uploads": 3, "upload_chunks": 1,
                        "upload_job_folders": 1},
            "set_aside": {},
        })
    );
    let said = data.migrate(&["status"]);
    assert_eq!(said.code, Some(0));
    for words in ["schema   1 (this program's is 5)", "initial", "applied", "pending", "slurmdash migrate up"] {
        assert!(said.out.contains(words), "{}", said.out);
    }
    assert_eq!(data.migrate(&["status", "--check"]).code, Some(3));
    assert!(data.bytes() == before, "looking changes not a byte");
    assert_eq!(data.migrate(&["up"]).code, Some(0));
    assert_eq!(data.migrate(&["status", "--check"]).code, Some(0));
    let said = Data::of("v0.redb").migrate(&["status"]);
    assert!(said.out.contains("set aside, and taken back on the way up") && said.out.contains("audit"), "{}", said.out);
}

#[test]
fn without_a_store_each_command_says_what_makes_one() {
    let data = Data::new();
    let status = data.json(&["status"]);
    assert_eq!((&status["version"], &status["records"]), (&Value::Null, &Value::Null));
    for (arguments, words) in [
        (&["status"][..], "`slurmdash serve` or `slurmdash migrate up` makes one"),
        (&["status", "--check"], "there is no store yet"),
        (&["rollback", "--yes"], "nothing to take back"),
        (&["up", "--dry-run"], "would be made"),
    ] {
        let said = data.migrate(arguments);
        assert_eq!(said.code, Some(0), "{}", said.error);
        assert!(said.out.contains(words), "{}", said.out);
        assert!(!data.store().exists());
    }
    let made = data.json(&["up", "--to", "2"]);
    assert_eq!((&made["from"], &made["to"], &made["copy"]), (&Value::Null, &json!(2), &Value::Null));
    assert_eq!(data.version(), 2);
    assert_eq!(std::fs::metadata(data.store()).unwrap().permissions().mode() & 0o777, 0o600);
    // The folder is made too, for us alone.
    let below = data.path().join("new");
    let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
    assert!(command.args(["migrate", "up", "--data-dir"]).arg(&below).output().unwrap().status.success());
    assert_eq!(std::fs::metadata(&below).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn up_copies_the_file_and_says_how_to_put_it_back() {
    let data = Data::of("v1.redb");
    let planned = data.json(&["up", "--dry-run"]);
    assert_eq!((&planned["dry_run"], &planned["copy"]), (&json!(true), &Value::Null));
    assert_eq!((data.version(), data.backups()), (json!(1), 0), "a dry run keeps nothing");
    let done = data.json(&["up"]);
    assert_eq!((&done["from"], &done["to"], &done["dry_run"]), (&json!(1), &json!(5), &json!(false)));
    assert_eq!(done["steps"], planned["steps"], "a dry run says the truth");
    let step = &done["steps"][1];
    assert_eq!((&step["version"], &step["name"], &step["direction"]), (&json!(3), &json!("lookups"), &json!("up")));
    assert_eq!(step["tables"]["job_history"]["changed"], 4);
    assert_eq!(step["tables"]["job_scripts"]["added"], 4);
    assert_eq!(step["tables"]["users"]["moved"], 2);
    let copy = PathBuf::from(done["copy"].as_str().unwrap());
    assert_eq!(copy.parent().unwrap(), data.path().join("backups"));
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((data.version(), data.backups()), (json!(5), 1));
    let again = data.migrate(&["up"]);
    assert_eq!((again.code, data.backups()), (Some(0), 1));
    assert!(again.out.contains("has schema 5 already; nothing was changed"), "{}", again.out);
    let said = Data::of("v2.redb").migrate(&["up", "--to", "3", "--yes"]);
    for words in
        ["up to schema 3 (lookups)", "3 taken back", "has schema 3 now; it had 2", "slurmdash backup restore /"]
    {
        assert!(said.out.contains(words), "{}", said.out);
    }
}

#[test]
fn rollback_wants_consent_and_goes_one_back_unless_told() {
    let data = Data::of("v5.redb");
    let before = data.bytes();
    for arguments in [&["rollback"][..], &["rollback", "--to", "0"], &["rollback", "--json"]] {
        let said = data.migrate(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}");
        assert!(said.error.contains("--yes") && said.error.contains("--dry-run"), "{}", said.error);
    }
    assert!(data.bytes() == before && data.backups() == 0);
    let planned = data.migrate(&["rollback", "--dry-run"]);
    assert_eq!((planned.code, data.version()), (Some(0), json!(5)));
    for words in ["back from schema 5 (accounts)", "5 set aside", "would go from schema 5 to 4; nothing was changed"] {
        assert!(planned.out.contains(words), "{}", planned.out);
    }
    for expected in [4, 3, 2, 1, 0] {
        let done = data.json(&["rollback", "--yes"]);
        assert_eq!((&done["to"], data.version()), (&json!(expected), json!(expected)));
    }
    assert_eq!(data.backups(), 5);
    let said = data.migrate(&["rollback"]);
    assert_eq!(said.code, Some(0), "there is nothing to ask");
    assert!(said.out.contains("has schema 0 already"), "{}", said.out);
    assert_eq!(data.json(&["status"])["records"], json!({}));
    data.json(&["up"]);
    assert_eq!(data.json(&["status"]), {
        let mut expected = Data::of("v5.redb").json(&["status"]);
        expected["store"] = json!(data.store());
        expected
    });
}

#[test]
fn a_wrong_way_or_a_schema_that_is_none_is_refused_with_exit_code_2() {
    let data = Data::of("v2.redb");
    let before = data.bytes();
    for (arguments, words) in [
        (&["up", "--to", "1"][..], "the way back is `slurmdash migrate rollback --to 1`"),
        (&["rollback", "--to", "3", "--yes"], "the way up is `slurmdash migrate up --to 3`"),
        (&["up", "--to", "6"], "6 is not in 0..=5"),
        (&["rollback", "--to", "x"], "--to"),
        (&["sideways"], "unrecognized subcommand"),
    ] {
        let said = data.migrate(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}");
        assert!(said.error.contains(words), "{}", said.error);
    }
    assert!(data.bytes() == before);
}

#[test]
fn a_newer_store_and_what_is_no_store_are_left_alone() {
    let data = Data::of("v3.redb");
    {
        let database = redb::Database::open(data.store()).unwrap();
        let transaction = database.begin_write().unwrap();
        let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
        let newer = 99_u32.to_le_bytes();
        transaction.open_table(meta).unwrap().insert("schema_version", newer.as_slice()).unwrap();
        transaction.commit().unwrap();
    }
    let refused = |words: &str| {
        let before = data.bytes();
        for arguments in [&["status"][..], &["up"], &["up", "--dry-run"], &["rollback", "--yes"], &["status", "--json"]]
        {
            let said = data.migrate(arguments);
            assert_eq!(said.code, Some(1), "{arguments:?}");
            assert!(said.error.contains(words) && said.out.is_empty(), "{}", said.error);
        }
        assert!(data.bytes() == before && data.backups() == 0, "not a byte has changed");
    };
    refused("has schema 99, this program knows 5; install the newer slurmdash again");
    std::fs::write(data.store(), "no store").unwrap();
    refused("is damaged");
    std::fs::set_permissions(data.store(), Permissions::from_mode(0o644)).unwrap();
    refused("chmod 600");
}

#[tokio::test]
async fn a_running_server_is_not_disturbed() {
    let data = Data::new();
    let running = data.serve(&[]).await;
    for arguments in [&["status"][..], &["up"], &["rollback", "--yes"]] {
        let said = data.migrate(arguments);
        assert_eq!(said.code, Some(1), "{arguments:?}");
        assert!(said.error.contains("in use by another slurmdash; stop that one first"), "{}", said.error);
    }
    let password = running.ready["password"].as_str().unwrap();
    assert_eq!(running.login(password).await, 200);
}

#[tokio::test]
async fn serve_migrates_an_older_store_only_when_told() {
    let data = Data::new();
    let first = data.serve(&[]).await;
    let password = first.ready["password"].as_str().unwrap().to_owned();
    assert_eq!(first.stop().await, Some(0));
    for to in ["0", "1", "2"] {
        data.json(&["rollback", "--yes", "--to", to]);
        let before = data.bytes();
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        let serve = command.args(["serve", "--listen", "127.0.0.1:0"]).args(data.arguments());
        let said = Said::of(&serve.output().unwrap());
        assert_eq!(said.code, Some(1));
        assert!(said.error.contains("`slurmdash serve --migrate`"), "{}", said.error);
        assert!(data.bytes() == before, "it was left as it is");
        let copies = data.backups();
        let again = data.serve(&["--migrate"]).await;
        assert_eq!(again.ready["password"], Value::Null, "the account is known");
        assert_eq!(again.login(&password).await, 200, "and its password");
        assert_eq!(again.stop().await, Some(0));
        assert_eq!((data.version(), data.backups()), (json!(5), copies + 1));
    }
    // With nothing to do it only serves.
    let copies = data.backups();
    let again = data.serve(&["--migrate"]).await;
    assert_eq!(again.stop().await, Some(0));
    assert_eq!(data.backups(), copies);
}
