//! A disk in memory whose power can be cut: what was not synced is lost, kept, or torn.
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use redb::{Database, StorageBackend};
use slurmdash_api::auth::AccountSource;

use crate::store::audit::{AuditEntry, AuditFilter, By};
use crate::store::check::check;
use crate::store::engine::{Engine, Lock};
use crate::store::sessions::SessionRecord;
use crate::store::tests::private_folder;
use crate::store::{Store, StoreError, initialise};

/// What a disk writes as a whole or not at all.
const SECTOR: usize = 512;

/// The disk. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What is read.
    now: Vec<u8>,
    /// What was there at the last sync.
    synced: Vec<u8>,
    /// What has been done since.
    since: Vec<Operation>,
    syncs: u64,
    /// Operations until the power is cut.
    left: Option<u64>,
}

#[derive(Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    Length(usize),
}

fn write(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    let end = at + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(data);
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl Disk {
    /// A disk with these bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { synced: bytes.clone(), now: bytes, ..State::default() })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often it was synced.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// The power is cut after so many more operations.
    pub fn cut_after(&self, operations: u64) {
        self.state().left = Some(operations);
    }

    /// What is on it after the cut: of what was not synced, each sector with a chance of `kept` in ten.
    pub fn after_the_cut(&self, dice: &mut Rng, kept: u64) -> Vec<u8> {
        let mut state = self.state();
        let mut bytes = std::mem::take(&mut state.synced);
        for operation in std::mem::take(&mut state.since) {
            match operation {
                Operation::Write(at, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        if dice.u64(..10) < kept {
                            write(&mut bytes, at + number * SECTOR, sector);
                        }
                    }
                }
                Operation::Length(length) => {
                    if dice.u64(..10) < kept {
                        bytes.resize(length, 0);
                    }
                }
            }
        }
        bytes
    }

    fn work<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        match &mut state.left {
            Some(0) => return Err(io::Error::other("the power is gone")),
            Some(left) => *left -= 1,
            None => {}
        }
        work(&mut state)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, at) = (self.state(), index(offset));
        let bytes = state.now.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.work(|state| {
            state.now.resize(index(length), 0);
            state.since.push(Operation::Length(index(length)));
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.work(|state| {
            for operation in std::mem::take(&mut state.since) {
                match operation {
                    Operation::Write(at, data) => write(&mut state.synced, at, &data),
                    Operation::Length(length) => state.synced.resize(length, 0),
                }
            }
            state.syncs += 1;
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.work(|state| {
            write(&mut state.now, index(offset), data);
            state.since.push(Operation::Write(index(offset), data.to_vec()));
            Ok(())
        })
    }
}

/// A store on such a disk; a new one when the disk is empty. The folder holds its lock.
pub fn store_on(disk: &Disk, folder: &std::path::Path) -> Result<Store, StoreError> {
    let is_new = disk.state().now.is_empty();
    let database = redb::Builder::new().set_cache_size(16 << 20).create_with_backend(disk.clone())?;
    if is_new {
        initialise(&database)?;
    }
    let path = folder.join("store.redb");
    let lock = Lock::take(&path)?;
    Store::start(Arc::new(Engine::on(database, &path, lock)))
}

/// The open database, to be checked.
pub fn database(store: &Store) -> Arc<Database> {
    store.shared.engine.database().unwrap()
}

fn session(number: u64) -> SessionRecord {
    SessionRecord {
        id: format!("s{number}"),
        user_id: format!("u{}", number % 7),
        token_hash: "x".repeat(usize::try_from(number % 300).unwrap()),
        created_at: 5,
        expires_at: 9,
        before: Vec::new(),
        agent: None,
        address: None,
        last_used_at: None,
        source: AccountSource::Local,
    }
}

/// Works until the power goes; answers what was acknowledged.
async fn work(store: &Store, begin: u64, dice: &mut Rng) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    let mut next = begin;
    loop {
        let several = 1 + dice.u64(..20);
        let writes = (next..next + several).map(|number| {
            let audit = AuditEntry::done(By::system(5), "session.begin", format!("s{number}"));
            async move { store.begin_session(session(number), audit).await.map(|()| number) }
        });
        next += several;
        let outcomes = futures_util::future::join_all(writes).await;
        acknowledged.extend(outcomes.iter().flatten());
        if outcomes.iter().any(Result::is_err) {
            return acknowledged;
        }
    }
}

#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let mut dice = Rng::with_seed(20_260_101);
    let mut all = Vec::new();
    let mut disk = Disk::default();
    for cycle in 0..100 {
        let folder = private_folder();
        let store = store_on(&disk, folder.path()).unwrap();
        let begin = cycle * 1_000_000;
        disk.cut_after(dice.u64(..400));
        let acknowledged = work(&store, begin, &mut dice).await;
        drop(store);
        let kept = [0, 1, 5, 9, 10][index(dice.u64(..5))];
        disk = Disk::of(disk.after_the_cut(&mut dice, kept));
        all.extend(acknowledged);

        let store = store_on(&disk, folder.path()).unwrap_or_else(|error| panic!("cycle {cycle}: {error}"));
        let report = check(&*database(&store)).unwrap();
        assert!(report.is_fine(), "cycle {cycle}: {report:?}");
        for &number in &all {
            assert_eq!(store.session(&session(number).id).unwrap(), Some(session(number)), "cycle {cycle}");
        }
        let chain = store.verify_audit().unwrap();
        assert!(chain.intact, "cycle {cycle}: {chain:?}");
        let rows = store.audit_export(AuditFilter::default()).flat_map(Result::unwrap);
        let rows: std::collections::HashSet<_> = rows.filter_map(|row| row.resource).collect();
        assert!(all.iter().all(|number| rows.contains(&session(*number).id)), "cycle {cycle}");
    }
    assert!(all.len() > 500, "{}", all.len());
}
