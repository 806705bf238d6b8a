//! The store as a whole: opening, refusing, committing together.
mod disk;
mod grouped;
mod properties;

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A fresh folder that a store may be in.
pub(super) fn private_folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

#[test]
fn a_store_is_private_and_opens_again() {
    let dir = private_folder();
    let path = dir.path().join("store.redb");
    let key = {
        let store = Store::open(&path).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
        store.token_key([7; 32]).unwrap()
    };
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Store::open(&path).unwrap().token_key([8; 32]).unwrap(), key, "the key stays");
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    set_mode(&path, 0o640);
    assert!(matches!(Store::open(&path), Err(StoreError::Exposed { mode: 0o640, right: 0o600, .. })));
    set_mode(&path, 0o600);
    set_mode(dir.path(), 0o755);
    assert!(matches!(Store::open(&path), Err(StoreError::Exposed { mode: 0o755, right: 0o700, .. })));
}

#[test]
fn somebody_elses_folder_is_left_alone() {
    // Where we may give folders away: as root.
    let dir = private_folder();
    if std::os::unix::fs::chown(dir.path(), Some(4711), None).is_err() {
        return;
    }
    let refused = Store::open(&dir.path().join("s")).map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::NotOurs { owner: 4711, .. }), "{refused}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made in it");
}

#[test]
fn other_schemas_are_refused_and_left_alone() {
    let dir = private_folder();
    let path = dir.path().join("store.redb");
    for found in [99_u32, 1] {
        let _ = std::fs::remove_file(&path);
        engine::create(&path, |database| {
            let tx = database.begin_write()?;
            tx.open_table(META)?.insert(SCHEMA_KEY, found.to_le_bytes().as_slice())?;
            Ok(tx.commit()?)
        })
        .unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = Store::open(&path).map(drop).unwrap_err();
        assert!(
            matches!(refused, StoreError::Newer { found: 99, .. } | StoreError::Older { found: 1, .. }),
            "{refused}"
        );
        assert!(std::fs::read(&path).unwrap() == before, "not a byte has changed");
    }
}

#[test]
fn what_is_no_store_is_named_and_left_alone() {
    let dir = private_folder();
    let path = dir.path().join("store.redb");
    drop(Store::open(&path).unwrap());
    let good = std::fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2..].fill(0x5A);
    for bytes in [&b""[..], b"x", &vec![0xA5; 100_000], &good[..good.len() / 2], &good[..100], &flipped] {
        std::fs::write(&path, bytes).unwrap();
        let refused = Store::open(&path).map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
        assert!(refused.to_string().contains("slurmdash backup restore"), "{refused}");
        assert!(std::fs::read(&path).unwrap() == bytes, "not a byte has changed");
    }
}

/// A store with something in it, as it is on disk after closing it in order, or after a crash.
fn image(path: &Path, is_closed: bool) -> Vec<u8> {
    let _ = std::fs::remove_file(path);
    let store = Store::open(path).unwrap();
    for number in 0..200 {
        let entry = audit::AuditEntry::done(audit::By::system(number), "test.change", "x".repeat(500));
        store.write_blocking(move |tx| tx.audited(&entry, ())).unwrap();
    }
    let after_a_crash = std::fs::read(path).unwrap();
    drop(store);
    if is_closed { std::fs::read(path).unwrap() } else { after_a_crash }
}

#[test]
fn a_cut_or_scribbled_store_is_refused_and_left_alone_or_still_good() {
    let dir = private_folder();
    let path = dir.path().join("store.redb");
    for is_closed in [true, false] {
        let good = image(&path, is_closed);
        let mut dice = fastrand::Rng::with_seed(3);
        let mut refused = 0;
        for round in 0..150 {
            let mut bytes = good.clone();
            let at = usize::try_from(dice.u64(..good.len() as u64)).unwrap();
            match round % 3 {
                0 => bytes.truncate(at),
                1 => bytes.truncate(at / 4096 * 4096),
                _ => bytes[at / 4096 * 4096..].iter_mut().take(4096).for_each(|byte| *byte ^= 0x5A),
            }
            std::fs::write(&path, &bytes).unwrap();
            match Store::open(&path) {
                Err(error) => {
                    assert!(matches!(error, StoreError::Damaged { .. }), "{is_closed} {round} {at}: {error}");
                    assert!(std::fs::read(&path).unwrap() == bytes, "{is_closed} {round} {at}: a byte has changed");
                    refused += 1;
                }
                // Where nothing is read at the start: the check finds it, or there is nothing to find.
                Ok(store) => {
                    // A cut may only take what is free: every change is still there.
                    let changes = store.audit_count(&audit::AuditGroup::All);
                    assert!(round % 3 == 2 || changes.unwrap() == 200, "{is_closed} {at}: a part is missing");
                    drop(store);
                    match check::check_file(&path) {
                        Ok(report) => assert!(report.is_fine(), "{is_closed} {round} {at}: {report:?}"),
                        Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
                    }
                }
            }
        }
        assert!(refused >= 90, "{refused}");
    }
}

type Damage = fn(&redb::WriteTransaction);

#[test]
fn a_check_names_what_is_wrong() {
    let dir = private_folder();
    let path = dir.path().join("store.redb");
    drop(image(&path, true));
    let change = |change: fn(&redb::WriteTransaction)| {
        let database = engine::open_database(&path).unwrap();
        let tx = database.begin_write().unwrap();
        change(&tx);
        tx.commit().unwrap();
    };
    let faults = || check::check_file(&path).unwrap().faults;
    assert!(faults().is_empty());
    let cases: [(Damage, &str, &str); 8] = [
        (|tx| drop(tx.open_table(walk::definition("audit")).unwrap().pop_first()), "audit.by_user", "no record calls"),
        (|tx| drop(tx.open_table(walk::definition("audit.by_user")).unwrap().pop_last()), "audit.by_user", "missing"),
        (|tx| drop(tx.open_table(walk::definition("counts")).unwrap().pop_first()), "audit.by_action", "with a count"),
        (
            |tx| drop(tx.open_table(walk::definition("counts")).unwrap().insert(&b"nobody"[..], &[0; 8][..]).unwrap()),
            "counts",
            "no look-up",
        ),
        (|tx| drop(tx.open_table(walk::definition("numbers")).unwrap().pop_first()), "numbers", "200 is in use"),
        (
            |tx| drop(tx.open_table(walk::definition("audit")).unwrap().insert(&b"zz"[..], &b"\x01{"[..]).unwrap()),
            "audit",
            "can't be read",
        ),
        (
            |tx| drop(tx.open_table(walk::definition("job_scripts")).unwrap().insert(&b"z"[..], &b"x"[..]).unwrap()),
            "job_scripts",
            "without its job",
        ),
        (
            |tx| drop(tx.open_table(walk::definition("upload_chunks")).unwrap().insert(&b"z"[..], &b"x"[..]).unwrap()),
            "upload_chunks",
            "belong to no upload",
        ),
    ];
    for (damage, place, words) in cases {
        drop(image(&path, true));
        change(damage);
        let found = faults();
        let named = found.iter().any(|fault| fault.table == place && fault.fault.contains(words));
        assert!(named, "{place}, {words}: {found:?}");
    }
}
