//! The server's end of the socket for open files: one listener for all people.
//!
//! An agent presents a nonce that it got over the connection that was made as its person, from a process of that person.
//! Only both together count: a stolen nonce is worth nothing to somebody else, and stays valid for its owner.

use std::collections::HashMap;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::hello::{Address, Socket};
use crate::random::{self, NoRandomness};

/// An agent presents its nonce within this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Connections at once that haven't done so; more wait.
const MOST_STRANGERS: usize = 64;
/// What tells the agent that it was taken.
pub const TAKEN: u8 = 1;

/// A listener that agents bring open files to. Dropping it closes the listener; connections that were made stay.
#[derive(Debug)]
pub struct Descriptors {
    address: Address,
    uid: u32,
    expected: Arc<Expected>,
    accepting: JoinHandle<()>,
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Agents that may come, by nonce.
type Expected = Mutex<HashMap<[u8; 32], Agent>>;

#[derive(Debug)]
struct Agent {
    uid: u32,
    come: oneshot::Sender<UnixStream>,
}

impl Descriptors {
    /// Listens on an abstract name that nobody can guess. For a tokio runtime.
    pub fn bind() -> io::Result<Self> {
        let unique = random::id().map_err(io::Error::other)?;
        let name = SocketAddr::from_abstract_name(format!("slurmdash-{unique}"))?;
        Self::listen(StdListener::bind_addr(&name)?)
    }

    /// Takes over a listener, of this process's user. For a tokio runtime.
    pub fn listen(listener: StdListener) -> io::Result<Self> {
        let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "the socket has no address");
        let address = Address::of(&listener.local_addr()?).ok_or_else(nameless)?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let expected = Arc::new(Expected::default());
        let accepting = tokio::spawn(accept(listener, expected.clone()));
        Ok(Self { address, uid: rustix::process::geteuid().as_raw(), expected, accepting })
    }

    /// Expects an agent of this user.
    pub(super) fn expect(&self, uid: u32) -> Result<Awaited, NoRandomness> {
        let nonce = random::bytes()?;
        let (come, arrival) = oneshot::channel();
        lock(&self.expected).insert(nonce, Agent { uid, come });
        let socket = Socket { address: self.address.clone(), uid: self.uid, nonce };
        Ok(Awaited { socket, arrival, expected: self.expected.clone() })
    }
}

/// An agent that may come; expected no more when dropped.
pub(super) struct Awaited {
    /// What it is told.
    pub socket: Socket,
    arrival: oneshot::Receiver<UnixStream>,
    expected: Arc<Expected>,
}

impl Awaited {
    /// Its connection, when it has come. It may be under way for a moment after the agent knows of it.
    pub async fn take(mut self) -> Option<UnixStream> {
        timeout(PATIENCE, &mut self.arrival).await.ok()?.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        lock(&self.expected).remove(&self.socket.nonce);
    }
}

fn lock(expected: &Expected) -> MutexGuard<'_, HashMap<[u8; 32], Agent>> {
    expected.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: UnixListener, expected: Arc<Expected>) {
    let free = Arc::new(Semaphore::new(MOST_STRANGERS));
    let mut strangers = JoinSet::new();
    loop {
        while strangers.try_join_next().is_some() {}
        let Ok(place) = free.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let expected = expected.clone();
                strangers.spawn(async move {
                    if let Err(error) = welcome(stream, &expected).await {
                        tracing::warn!(%error, "somebody came to the socket for open files and was refused");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an agent can't be taken on the socket for open files");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

/// Takes an agent that proves who it is.
async fn welcome(mut stream: UnixStream, expected: &Expected) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let refused = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, format!("user {uid}: {why}"));
    // Somebody whom nobody waits for doesn't get to hold a place.
    if !lock(expected).values().any(|agent| agent.uid == uid) {
        return Err(refused("no agent of this user is expected"));
    }
    let mut nonce = [0; 32];
    timeout(PATIENCE, stream.read_exact(&mut nonce)).await??;
    let agent = {
        let mut expected = lock(expected);
        match expected.get(&nonce) {
            Some(agent) if agent.uid == uid => expected.remove(&nonce),
            _ => None,
        }
    };
    let agent = agent.ok_or_else(|| refused("the nonce is not this user's"))?;
    timeout(PATIENCE, stream.write_all(&[TAKEN])).await??;
    agent.come.send(stream).map_err(|_| refused("it came too late"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn present(address: &Address, nonce: &[u8]) -> io::Result<u8> {
        let mut stream = UnixStream::connect(address.path()).await?;
        stream.write_all(nonce).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_nonce_counts_once_and_only_while_it_is_expected() {
        let descriptors = Descriptors::bind().unwrap();
        let own = rustix::process::geteuid().as_raw();
        let (one, other) = (descriptors.expect(own).unwrap(), descriptors.expect(own).unwrap());
        let (address, nonce) = (one.socket.address.clone(), one.socket.nonce);
        assert!(present(&address, &[7; 32]).await.is_err());
        assert_eq!(present(&address, &nonce).await.unwrap(), TAKEN);
        assert!(present(&address, &nonce).await.is_err());
        assert!(one.take().await.is_some());
        let late = other.socket.nonce;
        drop(other);
        assert!(present(&address, &late).await.is_err());
    }

    #[tokio::test]
    async fn a_nonce_is_its_users_alone() {
        let descriptors = Descriptors::bind().unwrap();
        let own = rustix::process::geteuid().as_raw();
        let (theirs, _ours) = (descriptors.expect(own + 1).unwrap(), descriptors.expect(own).unwrap());
        assert!(present(&theirs.socket.address, &theirs.socket.nonce).await.is_err());
        assert!(lock(&descriptors.expected).contains_key(&theirs.socket.nonce), "it stays valid for its owner");
    }
}
