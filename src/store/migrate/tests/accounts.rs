//! Schema 5: roles come and go without a privilege more, the chain holds, and schema 4's bytes come back.
use proptest::prelude::*;
use slurmdash_api::auth::{AccountSource, Permission};

use super::*;
use crate::store::SCHEMA_VERSION;
use crate::store::audit::chain::{Noted, hash};
use crate::store::audit::verify::verify_file;
use crate::store::migrate::roles::{WORDS, words_of};
use crate::store::users::UserRecord;

/// An account as it is in the file: a version byte and JSON.
fn stored(folder: &Folder, id: &str) -> Value {
    let rows = folder.rows();
    let (_, bytes) = rows["users"].iter().find(|(key, _)| key == id.as_bytes()).unwrap();
    assert_eq!(bytes[0], 1);
    serde_json::from_slice(&bytes[1..]).unwrap()
}

fn set_user(folder: &Folder, id: &str, user: &Value) {
    folder.change(|transaction| {
        let mut users = transaction.open_table(definition("users")).unwrap();
        let bytes = [b"\x01", serde_json::to_vec(user).unwrap().as_slice()].concat();
        users.insert(id.as_bytes(), bytes.as_slice()).unwrap();
    });
}

/// An account as the program of schema 4 reads and writes it.
#[derive(serde::Serialize, serde::Deserialize)]
struct UserOf4 {
    id: String,
    username: String,
    password_hash: String,
    permissions: Vec<String>,
    created_at: i64,
    is_active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unix_user: Option<String>,
}

fn account(id: &str, more: Value) -> UserRecord {
    let mut user = json!({"id": id, "username": id, "password_hash": "h", "permissions": [], "created_at": 1,
                          "is_active": true});
    let Value::Object(more) = more else { panic!("an object") };
    user.as_object_mut().unwrap().extend(more);
    serde_json::from_value(user).unwrap()
}

/// A store with this account.
fn with(user: &UserRecord) -> Folder {
    let folder = Folder::new();
    put::<UserRecord>(&folder.store(), serde_json::to_value(user).unwrap());
    folder
}

#[test]
fn a_store_of_schema_4_comes_up_and_goes_back_byte_for_byte() {
    let folder = Folder::of("v4.redb");
    let before = folder.rows();
    folder.go(5);
    let verified = verify_file(&folder.path, None).unwrap();
    assert!(verified.intact && verified.rows == 3, "{verified:?}");
    folder.change(|transaction| {
        let looked_up = folder_rows(transaction);
        crate::store::rebuild::rebuild(transaction).unwrap();
        assert_eq!(folder_rows(transaction), looked_up);
    });
    let step = &folder.go(4).steps[0];
    assert_eq!((step.version, step.tables.0["audit"].changed), (5, 2), "the first row follows none");
    assert_eq!(folder.rows(), before);
}

/// Rows of the look-ups that schema 5 adds.
fn folder_rows(transaction: &WriteTransaction) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let keys = |name| {
        let table = transaction.open_table(definition(name)).unwrap();
        table.iter().unwrap().map(|row| row.unwrap().0.value().to_vec()).collect()
    };
    ["audit.by_seq", "audit.by_address", "audit.refused", "events.open_same", "users.by_subject"]
        .map(|name| (name, keys(name)))
        .into()
}

#[test]
fn accounts_of_schema_4_get_the_role_that_their_words_stand_for() {
    let folder = Folder::of("v4.redb");
    let user = |id: &str, words: &[&str]| json!({"id": id, "username": id, "password_hash": "h", "permissions": words, "created_at": 1, "is_active": true});
    let mut odd = WORDS;
    odd.reverse();
    let all = [
        ("a", &WORDS[..], &["admin"][..], &[][..]),
        ("b", &odd, &["admin"], &[]),
        ("c", words_of("user"), &["user"], &[]),
        ("d", words_of("viewer"), &["viewer"], &[]),
        ("e", &["job:view", "node:view"], &[], &["job:view", "node:view"]),
        ("f", &[], &[], &[]),
    ];
    for (id, words, ..) in all {
        set_user(&folder, id, &user(id, words));
    }
    let planned = folder.closed().plan(SCHEMA_VERSION).unwrap();
    assert_eq!(folder.go(SCHEMA_VERSION).steps, planned);
    assert_eq!(planned[0].tables.0["users"].changed, 4);
    let store = folder.store();
    for (id, _, roles, permissions) in all {
        let user = store.user(id).unwrap().unwrap();
        let words: Vec<&str> = user.permissions.iter().map(|permission| permission.as_str()).collect();
        assert_eq!(
            (user.roles, words.as_slice()),
            (roles.iter().map(ToString::to_string).collect(), permissions),
            "{id}"
        );
    }
}

#[test]
fn the_chain_is_the_same_after_a_way_down_and_up() {
    let folder = Folder::full();
    let store = folder.store();
    assert!(store.verify_audit().unwrap().intact);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(store.forget_audit(1, 9)).unwrap(), 1);
    drop(store);
    let before = folder.rows();
    let noted = Noted { seq: 3, hash: hash(&before["audit"].last().unwrap().1) };
    for to in [4, 0] {
        folder.go(to);
        let status = folder.closed().status().unwrap();
        assert!(!folder.rows()["meta"].iter().any(|(key, _)| key.starts_with(b"audit")), "{status:?}");
        folder.go(SCHEMA_VERSION);
        let report = verify_file(&folder.path, Some(&noted)).unwrap();
        assert!(report.intact && report.first_seq == Some(2), "from {to}: {report:?}");
        assert_eq!(folder.rows(), before, "from {to}");
    }
    // All of them removed: the next row follows the last one all the same.
    let store = folder.store();
    assert_eq!(runtime.block_on(store.forget_audit(3, 9)).unwrap(), 2);
    drop(store);
    let before = folder.rows();
    folder.go(4);
    folder.go(SCHEMA_VERSION);
    assert_eq!(folder.rows(), before);
}

#[test]
fn rows_that_the_older_program_writes_and_removes_are_in_the_chain_afterwards() {
    let folder = Folder::full();
    folder.go(4);
    folder.change(|transaction| {
        let mut audit = transaction.open_table(definition("audit")).unwrap();
        // Its retention goes by time.
        audit.pop_first().unwrap();
        let row = json!({"seq": 4, "at": -9, "action": "old.one"});
        let row = [b"\x01", row.to_string().as_bytes()].concat();
        audit.insert(Key::new().time(-9).number(4).bytes(), row.as_slice()).unwrap();
        drop(audit);
        let mut numbers = transaction.open_table(definition(NUMBERS)).unwrap();
        numbers.insert(&b"audit"[..], &4_u64.to_le_bytes()[..]).unwrap();
    });
    folder.go(SCHEMA_VERSION);
    let report = verify_file(&folder.path, None).unwrap();
    assert!(report.intact, "{report:?}");
    assert_eq!((report.rows, report.first_seq, report.last_seq), (3, Some(2), Some(4)));
    let store = folder.store();
    store.write_blocking(|tx| tx.audited(&AuditEntry::done(By::system(1), "test.row", "x"), ())).unwrap();
    assert!(store.verify_audit().unwrap().intact);
}

#[test]
fn the_program_of_schema_4_understands_what_it_gets_and_lets_in_nobody_of_another_source() {
    let subject = json!({"source": "oidc", "subject": "iss 1", "roles": ["operator"], "password_hash": "left over"});
    let oidc = account("a", subject);
    let folder = with(&oidc);
    put::<UserRecord>(
        &folder.store(),
        serde_json::to_value(account("b", json!({"roles": ["user", "custom"]}))).unwrap(),
    );
    let before = folder.rows();
    folder.go(4);
    let mut user: UserOf4 = serde_json::from_value(stored(&folder, "a")).unwrap();
    assert_eq!(user.password_hash, "", "it takes no password for an account without a hash");
    assert_eq!(user.permissions, WORDS);
    assert_eq!((&stored(&folder, "a")["subject"], &stored(&folder, "a")["roles"]), (&Value::Null, &Value::Null));
    let other: UserOf4 = serde_json::from_value(stored(&folder, "b")).unwrap();
    assert!(other.permissions == words_of("user") && other.password_hash == "h");
    folder.go(SCHEMA_VERSION);
    assert_eq!(folder.rows(), before);

    // It writes an account anew, with the fields that it knows.
    folder.go(4);
    user.unix_user = Some("ada".into());
    set_user(&folder, "a", &serde_json::to_value(&user).unwrap());
    folder.go(SCHEMA_VERSION);
    let user = folder.store().user("a").unwrap().unwrap();
    let expected = UserRecord { unix_user: Some("ada".into()), ..oidc };
    assert!(user == expected, "and it is the same account afterwards");

    // It has given it other words: they hold, and no password comes back to life.
    folder.go(4);
    let mut user: UserOf4 = serde_json::from_value(stored(&folder, "a")).unwrap();
    user.permissions = vec!["job:view".into()];
    set_user(&folder, "a", &serde_json::to_value(&user).unwrap());
    folder.go(SCHEMA_VERSION);
    let user = folder.store().user("a").unwrap().unwrap();
    assert_eq!((user.roles.len(), user.permissions.as_slice()), (0, &[Permission::JobView][..]));
    assert_eq!((user.source, user.subject.as_deref()), (AccountSource::Oidc, Some("iss 1")));
}

/// What an account may do: each role is what it is by default, and a role of one's own allows nothing else.
fn may(user: &UserRecord, permission: Permission) -> bool {
    let by_role = |role: &String| match role.as_str() {
        "admin" => true,
        role => words_of(role).contains(&permission.as_str()),
    };
    user.permissions.contains(&permission) || user.roles.iter().any(by_role)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_may_more_after_a_way_down_and_up(
        roles in prop::sample::subsequence(vec!["admin", "operator", "user", "viewer", "custom"], 0..=5),
        permissions in prop_oneof![
            prop::sample::subsequence(Permission::ALL.to_vec(), 0..=Permission::ALL.len()),
            prop::sample::subsequence(Permission::ALL.to_vec(), 0..=2),
            Just(Permission::ALL[..7].to_vec()),
        ],
        source in prop_oneof![Just("local"), Just("cluster"), Just("oidc")],
        (to, is_written_anew, is_twice) in (0..5_u32, any::<bool>(), any::<bool>()),
    ) {
        let user = account("a", json!({"roles": roles, "permissions": permissions, "source": source}));
        let folder = with(&user);
        let before = folder.rows();
        for _ in 0..=u8::from(is_twice) {
            folder.go(to);
            if to == 4 {
                let of_4: UserOf4 = serde_json::from_value(stored(&folder, "a")).unwrap();
                prop_assert!(of_4.permissions.iter().all(|word| WORDS.contains(&word.as_str())), "it knows no other");
                prop_assert_eq!(of_4.password_hash.is_empty(), source != "local");
                if is_written_anew {
                    set_user(&folder, "a", &serde_json::to_value(&of_4).unwrap());
                }
            }
            folder.go(SCHEMA_VERSION);
        }
        if to != 4 || !is_written_anew {
            prop_assert_eq!(folder.rows(), before);
        }
        let after = folder.store().user("a").unwrap().unwrap();
        prop_assert_eq!(after.source, user.source);
        for permission in Permission::ALL {
            prop_assert_eq!(may(&after, *permission), may(&user, *permission), "{:?}", permission);
        }
    }
}
