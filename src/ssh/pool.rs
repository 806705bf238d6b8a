//! One connection for each person who is active: made once however many ask, bounded, closed when idle, made anew when
//! it broke.
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use russh::ChannelStream;
use russh::client::Msg;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::bring::{self, Program};
use super::ca::Ca;
use super::connection::Connection;
use super::{Issued, Settings, terminal};
use crate::clock::Clock;
use crate::hands::far::{Descriptors, Far, Limits};
use crate::hands::{
    Command, Hands, HandsError, Listing, OpenFile, OpenHow, Output, Place, Space, Stat, Terminal, TerminalSize,
    UnixUser,
};
use crate::unix;

/// Sign-ins at once: sshd drops new connections beyond `MaxStartups`, 10 by default.
const SIGN_INS: usize = 8;
/// Pause between two looks for idle connections.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A login host that could not be reached is left alone for so long: who asks meanwhile is told the same at once.
const REST: Duration = Duration::from_secs(2);
/// A user's number is looked up again after so long.
const KNOWN_FOR: Duration = Duration::from_mins(1);

/// Names that nobody acts as, whatever their numbers: they own the cluster or the system.
const NEVER: [&str; 12] = [
    "root",
    "slurm",
    "munge",
    "slurmdash",
    "mysql",
    "postgres",
    "nobody",
    "daemon",
    "sshd",
    "systemd-network",
    "dbus",
    "toor",
];

/// Everybody's connections.
pub struct Pool {
    shared: Arc<Shared>,
    _reaper: AbortOnDropHandle<()>,
}

struct Shared {
    settings: Settings,
    ca: Ca,
    clock: Clock,
    issued: mpsc::UnboundedSender<Issued>,
    descriptors: Option<Descriptors>,
    program: Program,
    people: Mutex<HashMap<String, Arc<Person>>>,
    signing_in: Semaphore,
    /// The last failure to reach the host, and until when it counts.
    failing: Mutex<Option<(Instant, HandsError)>>,
}

/// A Unix user and, while active, their connection.
struct Person {
    user: UnixUser,
    known_until: Instant,
    shared: Weak<Shared>,
    /// Held while a connection is made, so that one is made.
    link: tokio::sync::Mutex<Option<Arc<Link>>>,
    state: Mutex<State>,
    /// Calls under way.
    calls: AtomicUsize,
}

struct State {
    last_used: Instant,
    /// The same as in `link`, for a look without waiting.
    link: Option<Arc<Link>>,
}

/// A connection with the agent at its end.
struct Link {
    connection: Connection,
    far: Arc<Far>,
}

impl Link {
    fn is_over(&self) -> bool {
        self.connection.is_closed() || self.far.is_over()
    }
}

impl Pool {
    /// Nothing is connected yet. `issued` hears of every certificate. Must be called inside a Tokio runtime.
    pub fn new(settings: Settings, ca: Ca, clock: Clock, issued: mpsc::UnboundedSender<Issued>) -> Self {
        let descriptors = Descriptors::bind().inspect_err(|error| {
            tracing::warn!(%error, "open files can't be passed on this host; their bytes go through SSH");
        });
        let shared = Arc::new(Shared {
            program: Program::new(settings.program.clone()),
            settings,
            ca,
            clock,
            issued,
            descriptors: descriptors.ok(),
            people: Mutex::default(),
            signing_in: Semaphore::new(SIGN_INS),
            failing: Mutex::default(),
        });
        let reaper = tokio::spawn(close_idle(Arc::downgrade(&shared)));
        Self { shared, _reaper: AbortOnDropHandle::new(reaper) }
    }

    /// The hands of a Unix user. Nothing is connected before they do something. Refuses root, system accounts and who is
    /// no user.
    pub async fn hands(&self, user: &str) -> Result<Arc<dyn Hands>, HandsError> {
        let now = Instant::now();
        if let Some(person) = self.shared.people().get(user).filter(|person| person.known_until > now) {
            return Ok(person.clone());
        }
        let found = judge(user, self.shared.settings.min_uid).await;
        let mut people = self.shared.people();
        let before = people.get(user).cloned();
        match found {
            Ok(found) => {
                let link = before.as_ref().filter(|before| before.user == found).and_then(|before| before.link());
                let person = Person {
                    user: found,
                    known_until: now + KNOWN_FOR,
                    shared: Arc::downgrade(&self.shared),
                    link: tokio::sync::Mutex::new(link.clone()),
                    state: Mutex::new(State { last_used: now, link }),
                    calls: AtomicUsize::new(0),
                };
                let person = Arc::new(person);
                people.insert(user.to_owned(), person.clone());
                Ok(person)
            }
            Err(error) => {
                people.remove(user);
                Err(error)
            }
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.shared.people().values().filter(|person| person.link().is_some()).count()
    }

    /// Ends the connection of a user.
    pub async fn close_user(&self, user: &str) {
        let person = self.shared.people().remove(user);
        if let Some(link) = person.and_then(|person| person.forget()) {
            link.connection.close().await;
        }
    }

    /// Ends every connection.
    pub async fn shutdown(&self) {
        let people: Vec<Arc<Person>> = self.shared.people().drain().map(|(_, person)| person).collect();
        let links: Vec<Arc<Link>> = people.iter().filter_map(|person| person.forget()).collect();
        futures_util::future::join_all(links.iter().map(|link| link.connection.close())).await;
    }
}

/// The user behind a login, if anything may be done as that one: [`HandsError::NotAllowed`] and [`HandsError::NoUser`]
/// say that it may not.
pub async fn judge(login: &str, min_uid: u32) -> Result<UnixUser, HandsError> {
    let refuse = |reason: String| Err(HandsError::NotAllowed { user: login.chars().take(64).collect(), reason });
    if !unix::is_login(login) {
        return refuse("it is no login".into());
    }
    if NEVER.contains(&login) {
        return refuse("it is an account of the system".into());
    }
    let found = unix::lookup(login).await.map_err(|error| HandsError::NotSent(error.to_string()))?;
    let user = found.ok_or_else(|| HandsError::NoUser(login.to_owned()))?;
    match refusal_of(user.uid, min_uid) {
        Some(reason) => refuse(reason),
        None => Ok(user),
    }
}

/// Why nothing is done as the user with this number: root, whatever is configured and whatever its name is, and who is
/// below the floor.
fn refusal_of(uid: u32, min_uid: u32) -> Option<String> {
    match uid {
        0 => Some("it is root".into()),
        uid if uid < min_uid => Some(format!("its number {uid} is below {min_uid} (ssh.min_uid)")),
        _ => None,
    }
}

impl Shared {
    fn people(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Person>>> {
        // A panic elsewhere leaves the map whole: every change to it is one call.
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one more connection: the one that was idle longest goes.
    async fn make_room(&self) -> Result<(), HandsError> {
        let idlest = {
            let people = self.people();
            let connected: Vec<&Arc<Person>> = people.values().filter(|person| person.link().is_some()).collect();
            if connected.len() < self.settings.max_connections {
                return Ok(());
            }
            let idle = connected.into_iter().filter(|person| person.is_idle());
            idle.min_by_key(|person| person.last_used()).cloned()
        };
        let link = idlest.and_then(|person| person.forget()).ok_or(HandsError::Busy)?;
        link.connection.close().await;
        Ok(())
    }

    /// Why the host can't be reached, as long as that is fresh.
    fn failing(&self) -> Option<HandsError> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.as_ref().filter(|(until, _)| *until > Instant::now()).map(|(_, error)| error.clone())
    }

    async fn sign_in(&self, user: &UnixUser) -> Result<Connection, HandsError> {
        let stopping = |_| HandsError::NotSent("this program is stopping".into());
        let _turn = self.signing_in.acquire().await.map_err(stopping)?;
        if let Some(error) = self.failing() {
            return Err(error);
        }
        // Nobody listens when the program is stopping.
        let tell = |issued| drop(self.issued.send(issued));
        let opened = Connection::open(&self.settings, &self.ca, &user.name, &self.clock, tell).await;
        if let Err(error @ (HandsError::Unreachable { .. } | HandsError::HostKey { .. })) = &opened {
            let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
            *failing = Some((Instant::now() + REST, error.clone()));
        }
        opened
    }

    async fn connect(&self, user: &UnixUser) -> Result<Link, HandsError> {
        self.make_room().await?;
        let connection = self.sign_in(user).await?;
        let own = std::env::current_exe().ok();
        let installed = self.settings.agent_path.as_deref().or(own.as_deref());
        let descriptors = self.descriptors.as_ref();
        let greet = |stream: ChannelStream<Msg>| async move {
            Far::start(Box::new(stream), user, descriptors, Limits::default()).await
        };
        let far = bring::start(&connection, installed, &self.program, &user.name, greet).await?;
        tracing::debug!(user = user.name, host = self.settings.address(), "signed in to the login host");
        Ok(Link { connection, far: Arc::new(far) })
    }
}

/// Closes what has been idle for too long, and forgets what broke.
async fn close_idle(shared: Weak<Shared>) {
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        let idle: Vec<Arc<Person>> = {
            let people = shared.people();
            let over = |person: &Person| person.link().is_some_and(|link| link.is_over());
            let idle = |person: &Person| person.is_idle() && person.last_used().elapsed() >= shared.settings.idle;
            people.values().filter(|person| over(person) || idle(person)).cloned().collect()
        };
        for person in idle {
            if let Some(link) = person.forget() {
                link.connection.close().await;
            }
        }
        shared.people().retain(|_, person| person.link().is_some() || person.known_until > Instant::now());
    }
}

impl Person {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self) -> Option<Arc<Link>> {
        self.state().link.clone()
    }

    fn last_used(&self) -> Instant {
        self.state().last_used
    }

    /// Connected, and nobody uses it: no call under way, no file open there.
    fn is_idle(&self) -> bool {
        let link = self.state().link.clone();
        self.calls.load(Ordering::Relaxed) == 0 && link.is_some_and(|link| Arc::strong_count(&link.far) == 1)
    }

    /// Lets go of the connection, unless one is being made.
    fn forget(&self) -> Option<Arc<Link>> {
        if let Ok(mut link) = self.link.try_lock() {
            *link = None;
            return self.state().link.take();
        }
        None
    }

    /// The connection, made when there is none.
    async fn connected(&self) -> Result<Arc<Link>, HandsError> {
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref().filter(|link| !link.is_over()) {
            return Ok(link.clone());
        }
        let shared = self.shared.upgrade().ok_or_else(|| HandsError::NotSent("this program is stopping".into()))?;
        *link = None;
        self.state().link = None;
        let made = Arc::new(shared.connect(&self.user).await?);
        *link = Some(made.clone());
        self.state().link = Some(made.clone());
        Ok(made)
    }

    /// Does something with the agent; once more on a new connection when the old one was dead before it was asked.
    async fn with<T, F: Future<Output = Result<T, HandsError>> + Send>(
        &self,
        work: impl Fn(Arc<Link>) -> F + Send,
    ) -> Result<T, HandsError> {
        self.with_again(|error| matches!(error, HandsError::NotSent(_)), work).await
    }

    /// The same for what may be done twice: once more as well when nobody knows whether it was done.
    async fn looking<T, F: Future<Output = Result<T, HandsError>> + Send>(
        &self,
        work: impl Fn(Arc<Link>) -> F + Send,
    ) -> Result<T, HandsError> {
        self.with_again(|error| matches!(error, HandsError::NotSent(_) | HandsError::Lost(_)), work).await
    }

    async fn with_again<T, F: Future<Output = Result<T, HandsError>> + Send>(
        &self,
        may_again: impl Fn(&HandsError) -> bool + Send,
        work: impl Fn(Arc<Link>) -> F + Send,
    ) -> Result<T, HandsError> {
        let _call = Call::of(self);
        match work(self.connected().await?).await {
            Err(error) if may_again(&error) => {
                self.link.lock().await.take_if(|link| link.is_over());
                work(self.connected().await?).await
            }
            outcome => outcome,
        }
    }
}

/// A call under way.
struct Call<'a>(&'a Person);

impl<'a> Call<'a> {
    fn of(person: &'a Person) -> Self {
        person.calls.fetch_add(1, Ordering::Relaxed);
        Self(person)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.state().last_used = Instant::now();
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Hands for Person {
    fn user(&self) -> &UnixUser {
        &self.user
    }

    async fn run(&self, command: &Command) -> Result<Output, HandsError> {
        self.with(|link| async move { link.far.run(command).await }).await
    }

    async fn terminal(&self, size: TerminalSize) -> Result<Box<dyn Terminal>, HandsError> {
        let shared = self.shared.upgrade().ok_or_else(|| HandsError::NotSent("this program is stopping".into()))?;
        // On a connection of its own: whoever reads it slowly holds up nothing else of theirs.
        let connection = shared.sign_in(&self.user).await?;
        Ok(Box::new(terminal::open(connection, size).await?))
    }

    async fn stat(&self, place: &Place) -> Result<Option<Stat>, HandsError> {
        self.looking(|link| async move { link.far.stat(place).await }).await
    }

    async fn list(&self, folder: &Place, after: Option<&str>, limit: usize) -> Result<Listing, HandsError> {
        self.looking(|link| async move { link.far.list(folder, after, limit).await }).await
    }

    async fn open(&self, place: &Place, how: OpenHow) -> Result<OpenFile, HandsError> {
        if how == OpenHow::Read {
            return self.looking(|link| async move { link.far.open(place, how).await }).await;
        }
        self.with(|link| async move { link.far.open(place, how).await }).await
    }

    async fn make_folder(&self, place: &Place) -> Result<(), HandsError> {
        self.looking(|link| async move { link.far.make_folder(place).await }).await
    }

    async fn rename(&self, from: &Place, to: &Place, overwrite: bool) -> Result<(), HandsError> {
        self.with(|link| async move { link.far.rename(from, to, overwrite).await }).await
    }

    async fn remove(&self, place: &Place) -> Result<(), HandsError> {
        self.with(|link| async move { link.far.remove(place).await }).await
    }

    async fn space(&self, place: &Place) -> Result<Space, HandsError> {
        self.looking(|link| async move { link.far.space(place).await }).await
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn root_by_any_name_and_who_is_below_the_floor_are_refused() {
        for (uid, min_uid) in [(0, 0), (0, 1000), (999, 1000)] {
            assert!(super::refusal_of(uid, min_uid).is_some(), "{uid} {min_uid}");
        }
        assert_eq!(super::refusal_of(1000, 1000), None);
    }
}
