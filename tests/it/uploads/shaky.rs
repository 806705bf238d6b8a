//! Real hands that fail when a test says so, and uploads that are done with them.
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use slurmdash::auth::{Credential, Origin, Principal};
use slurmdash::clock::Clock;
use slurmdash::config;
use slurmdash::hands::local::Local;
use slurmdash::hands::{
    Command, FarFile, Hands, HandsError, Listing, OpenFile, OpenHow, Output, Place, Space, Stat, Terminal,
    TerminalSize, UnixUser,
};
use slurmdash::store::Store;
use slurmdash::uploads::{Area, HandsOf, UploadError, Uploads};
use slurmdash_api::auth::{AccountSource, Permission};
use tokio::sync::Notify;

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Stat,
    Open,
    Create,
    MakeFolder,
    Rename,
    Remove,
    Space,
    Write,
    Sync,
    Read,
    /// The stat of an open file.
    Look,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is not done.
    Undone,
    /// A write is done for the first half of its bytes.
    Half,
    /// It is done, but the answer is lost.
    Done,
}

/// What a person's hands are to do wrong.
#[derive(Default)]
pub struct Faults {
    /// In this order; the first waits for its call.
    next: Mutex<VecDeque<(Call, How, HandsError)>>,
    /// Every call fails.
    pub away: AtomicBool,
    /// Calls that have failed because of that.
    pub refused: AtomicUsize,
    /// Syncs don't end before [`Faults::let_sync`].
    pub hold_syncs: AtomicBool,
    syncs_may: Notify,
    /// Syncs that have begun.
    pub syncs: AtomicUsize,
    /// Writes that are done.
    pub writes: AtomicUsize,
}

impl Faults {
    /// After what was planned before, the next call of this kind loses the connection.
    pub fn lose(&self, call: Call, how: How) {
        self.fail(call, how, HandsError::Lost("cut by the test".into()));
    }

    /// After what was planned before, the next call of this kind fails.
    pub fn fail(&self, call: Call, how: How, error: HandsError) {
        self.next.lock().unwrap().push_back((call, how, error));
    }

    /// Whether what was to fail has failed.
    pub fn is_over(&self) -> bool {
        self.next.lock().unwrap().is_empty()
    }

    pub fn let_sync(&self) {
        self.hold_syncs.store(false, Ordering::SeqCst);
        self.syncs_may.notify_waiters();
    }

    fn take(&self, call: Call) -> Option<(How, HandsError)> {
        if self.away.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            let (host, reason) = ("login:22".into(), "connection refused".into());
            return Some((How::Undone, HandsError::Unreachable { host, reason }));
        }
        let mut next = self.next.lock().unwrap();
        let (_, how, error) = next.pop_front_if(|(planned, ..)| *planned == call)?;
        Some((how, error))
    }

    async fn around<T>(&self, call: Call, real: impl Future<Output = Result<T, HandsError>>) -> Result<T, HandsError> {
        match self.take(call) {
            None => real.await,
            Some((How::Done, error)) => {
                real.await?;
                Err(error)
            }
            Some((_, error)) => Err(error),
        }
    }
}

/// Our own hands, with faults.
pub struct Shaky {
    local: Local,
    user: UnixUser,
    faults: Arc<Faults>,
}

impl Shaky {
    pub fn new(faults: &Arc<Faults>) -> Self {
        let local = Local::own(std::env::vars_os());
        Self { user: local.user().clone(), local, faults: faults.clone() }
    }

    /// With another home folder.
    pub fn at_home(self, home: &Path) -> Self {
        Self { user: UnixUser { home: home.to_owned(), ..self.user }, ..self }
    }
}

#[async_trait]
impl Hands for Shaky {
    fn user(&self) -> &UnixUser {
        &self.user
    }

    async fn run(&self, command: &Command) -> Result<Output, HandsError> {
        self.local.run(command).await
    }

    async fn terminal(&self, size: TerminalSize) -> Result<Box<dyn Terminal>, HandsError> {
        self.local.terminal(size).await
    }

    async fn stat(&self, place: &Place) -> Result<Option<Stat>, HandsError> {
        self.faults.around(Call::Stat, self.local.stat(place)).await
    }

    async fn list(&self, folder: &Place, after: Option<&str>, limit: usize) -> Result<Listing, HandsError> {
        self.local.list(folder, after, limit).await
    }

    async fn open(&self, place: &Place, how: OpenHow) -> Result<OpenFile, HandsError> {
        let call = if how == OpenHow::Create { Call::Create } else { Call::Open };
        let file = self.faults.around(call, self.local.open(place, how)).await?;
        Ok(OpenFile::far(ShakyFile { file, faults: self.faults.clone(), cut: AtomicBool::new(false) }))
    }

    async fn make_folder(&self, place: &Place) -> Result<(), HandsError> {
        self.faults.around(Call::MakeFolder, self.local.make_folder(place)).await
    }

    async fn rename(&self, from: &Place, to: &Place, overwrite: bool) -> Result<(), HandsError> {
        self.faults.around(Call::Rename, self.local.rename(from, to, overwrite)).await
    }

    async fn remove(&self, place: &Place) -> Result<(), HandsError> {
        self.faults.around(Call::Remove, self.local.remove(place)).await
    }

    async fn space(&self, place: &Place) -> Result<Space, HandsError> {
        self.faults.around(Call::Space, self.local.space(place)).await
    }
}

/// An open file. Once its connection is lost, it is of no use any more.
struct ShakyFile {
    file: OpenFile,
    faults: Arc<Faults>,
    cut: AtomicBool,
}

impl ShakyFile {
    async fn around<T>(&self, call: Call, real: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "it was cut before"));
        }
        let fault = self.faults.take(call);
        if !matches!(fault, Some((How::Undone | How::Half, _))) {
            let done = real.await?;
            if fault.is_none() {
                return Ok(done);
            }
        }
        let error = fault.unwrap().1;
        self.cut.fetch_or(error.kind().is_none(), Ordering::SeqCst);
        Err(io::Error::new(error.kind().unwrap_or(io::ErrorKind::BrokenPipe), error))
    }
}

#[async_trait]
impl FarFile for ShakyFile {
    async fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.around(Call::Read, self.file.read_at(offset, length)).await
    }

    async fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let half = matches!(self.faults.next.lock().unwrap().front(), Some((Call::Write, How::Half, _)));
        if half {
            self.file.write_at(offset, bytes[..bytes.len() / 2].to_vec()).await?;
        }
        self.around(Call::Write, self.file.write_at(offset, bytes.to_vec())).await?;
        self.faults.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn sync(&self) -> io::Result<()> {
        self.faults.syncs.fetch_add(1, Ordering::SeqCst);
        loop {
            let may = self.faults.syncs_may.notified();
            tokio::pin!(may);
            may.as_mut().enable();
            if !self.faults.hold_syncs.load(Ordering::SeqCst) {
                break;
            }
            may.await;
        }
        self.around(Call::Sync, self.file.sync()).await
    }

    async fn stat(&self) -> io::Result<Stat> {
        self.around(Call::Look, self.file.stat()).await
    }

    async fn changed(&self, size: u64, within: Duration) -> io::Result<Stat> {
        self.file.changed(size, within).await
    }
}

/// Uploads of several people, each with hands of their own.
pub struct World {
    pub uploads: Uploads,
    pub store: Store,
    pub clock: Clock,
    area: Area,
    people: HashMap<String, Arc<dyn Hands>>,
}

impl World {
    /// Uploads below a folder that is there.
    pub fn new(dir: &Path, area: Area, people: impl IntoIterator<Item = (&'static str, Shaky)>) -> Self {
        let store = Store::open(&dir.join("store")).unwrap();
        let people = people.into_iter().map(|(id, hands)| (id.to_owned(), Arc::new(hands) as Arc<dyn Hands>));
        let people = people.collect();
        let clock = Clock::system();
        let uploads = open(&area, &store, &clock, &people);
        Self { uploads, store, clock, area, people }
    }

    /// As a new start would do it.
    pub fn restart(&mut self) {
        self.uploads = open(&self.area, &self.store, &self.clock, &self.people);
    }

    /// As a new start at another time would do it.
    pub fn restart_at(&mut self, clock: Clock) {
        self.clock = clock;
        self.restart();
    }
}

fn open(area: &Area, store: &Store, clock: &Clock, people: &HashMap<String, Arc<dyn Hands>>) -> Uploads {
    let people = people.clone();
    let hands_of: HandsOf = Arc::new(move |id| {
        let hands = people.get(&id).cloned().ok_or(HandsError::NoUser(id));
        Box::pin(std::future::ready(hands))
    });
    Uploads::open(&config::Uploads::default(), area.clone(), store.clone(), clock.clone(), hands_of).unwrap()
}

/// The person with this account id, whose account has the same name.
pub fn person(id: &str) -> Principal {
    Principal {
        user_id: id.into(),
        username: id.into(),
        permissions: vec![Permission::DataRead, Permission::DataWrite],
        roles: Vec::new(),
        source: AccountSource::Local,
        unix_user: None,
        credential: Credential::Session(String::new()),
        origin: Origin::default(),
    }
}

/// Whether it says that nothing is known to have been done, and that it is worth trying again.
pub fn is_away(error: &UploadError) -> bool {
    matches!(error, UploadError::Hands(HandsError::Lost(_) | HandsError::Unreachable { .. }) | UploadError::Interrupted)
}

/// The names in a folder, in order; none when it is not there.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder for uploads in `dir`.
pub fn uploads_in(dir: &Path) -> PathBuf {
    let uploads = dir.join("uploads");
    std::fs::create_dir(&uploads).unwrap();
    uploads
}
