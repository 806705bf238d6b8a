//! The store as a whole: opening, refusing, committing together.
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
