//! What an admin at the command line asks of a running server, which holds the store: over a Unix socket in its data
//! folder, one line of JSON each way.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::App;
use crate::store::StoreError;
use crate::store::audit::{AuditEntry, By};
use crate::store::backup::{MANUAL, Purpose};
use crate::store::users::UserRecord;
use crate::users::{self, UserError, Wish};

/// Longest request, bytes.
const MAX_REQUEST: u64 = 4096;
/// Longest answer, bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// A request must be there after so long, and an answer must be taken in so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Callers at once; more wait.
const MAX_CALLERS: usize = 64;

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// Make a backup of the store.
    Backup,
    /// Make the store's file small.
    Compact,
    /// Make or change an account.
    Account(Wish),
    /// List the accounts.
    Accounts,
    /// Forget failed sign-ins to the account of this name.
    Unlock(String),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The backup is this file.
    Backup(PathBuf),
    /// The file had and has so many bytes.
    Compacted {
        /// Before.
        before: u64,
        /// After.
        after: u64,
    },
    /// It was done.
    Done,
    /// The account as it is now, or was before it went.
    Account(Box<UserRecord>),
    /// The accounts, by name.
    Accounts(Vec<UserRecord>),
    /// It was not done.
    Error(String),
}

/// The server can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It has no socket, or nobody listens there.
    #[error("no server answers at {path}: {source}")]
    Away {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// What came back is no answer.
    #[error("the server at {path} gave no answer; see its log")]
    Unclear {
        /// The socket.
        path: PathBuf,
    },
}

/// The socket's name; gone when the server stops.
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        // A next start removes what is left of it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Begins to listen, and answers what goes on listening. The caller holds the store, so no other server has the socket.
pub fn listen(app: &Arc<App>) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
    let path = app.config.control_path();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    let name = Name(path);
    std::fs::set_permissions(&name.0, std::fs::Permissions::from_mode(0o600))?;
    Ok(accept(app.clone(), listener, name))
}

async fn accept(app: Arc<App>, listener: UnixListener, _name: Name) {
    let free = Arc::new(Semaphore::new(MAX_CALLERS));
    let mut callers = JoinSet::new();
    loop {
        while callers.try_join_next().is_some() {}
        let Ok(place) = free.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let app = app.clone();
                callers.spawn(async move {
                    serve(&app, stream).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a command can't be taken");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn serve(app: &Arc<App>, mut stream: UnixStream) {
    let answer = match timeout(PATIENCE, read_request(&mut stream)).await {
        Ok(Ok(request)) => {
            tracing::info!(?request, "asked by an admin at the command line");
            fulfil(app, request).await.unwrap_or_else(|error| Answer::Error(error.to_string()))
        }
        Ok(Err(reason)) => Answer::Error(reason),
        Err(_) => Answer::Error("no request came".into()),
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    // Whoever asked may have gone.
    let _ = timeout(PATIENCE, async {
        stream.write_all(&line).await?;
        stream.shutdown().await
    })
    .await;
}

async fn read_request(stream: &mut UnixStream) -> Result<Request, String> {
    let peer = stream.peer_cred().map_err(|error| error.to_string())?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        return Err("only the server's own user and root may ask".into());
    }
    let mut line = Vec::new();
    let mut reader = tokio::io::BufReader::new(stream).take(MAX_REQUEST);
    reader.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
    if line.last() != Some(&b'\n') {
        return Err(format!("a request is one line of at most {MAX_REQUEST} bytes"));
    }
    serde_json::from_slice(&line).map_err(|error| format!("not understood: {error}"))
}

async fn fulfil(app: &Arc<App>, request: Request) -> Result<Answer, UserError> {
    let now = app.clock.now();
    let (store, folder, keep) = (app.store.clone(), app.config.backups_dir(), app.config.backup_keep());
    let (roles, inner) = (app.auth.roles.clone(), app.clone());
    let work = move || match request {
        Request::Account(wish) => {
            let user = users::fulfil(&store, &roles, wish, now)?;
            inner.auth.tell_ended(&user.id);
            Ok::<_, UserError>((Answer::Account(Box::new(without_hash(user))), None))
        }
        Request::Accounts => Ok((Answer::Accounts(users::list(&store)?.into_iter().map(without_hash).collect()), None)),
        Request::Unlock(username) => {
            let user = store.user_by_name(&username)?.ok_or(UserError::Unknown)?;
            inner.sign_in.unlock(&user.username);
            Ok((Answer::Done, Some(("user.unlock", user.username))))
        }
        Request::Backup => {
            let made = store.backup(&folder, &Purpose { reason: MANUAL, now, keep })?;
            Ok((Answer::Backup(made.path.clone()), Some(("store.backup", file_name(&made.path)))))
        }
        Request::Compact => {
            let sizes = store.compact()?;
            let (before, after) = (sizes.before, sizes.after);
            Ok((
                Answer::Compacted { before, after },
                Some(("store.compact", format!("from {before} to {after} bytes"))),
            ))
        }
    };
    let done = tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Panicked.into()));
    let (answer, audit) = done?;
    // A changed account has its row already.
    if let Some((action, resource)) = audit {
        app.store.audit(AuditEntry::done(By::system(now), action, resource)).await?;
    }
    Ok(answer)
}

/// An account for somebody who has no use for its hash.
fn without_hash(user: UserRecord) -> UserRecord {
    UserRecord { password_hash: String::new(), ..user }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Asks a running server, and waits as long as it works on that.
pub fn ask(path: &Path, request: &Request) -> Result<Answer, AskError> {
    let away = |source| AskError::Away { path: path.into(), source };
    let mut stream = BlockingStream::connect(path).map_err(away)?;
    let mut line = serde_json::to_vec(request).unwrap_or_default();
    line.push(b'\n');
    stream.write_all(&line).map_err(away)?;
    let mut answer = Vec::new();
    let read = BufReader::new(stream.take(MAX_ANSWER)).read_until(b'\n', &mut answer);
    let answer = read.ok().and_then(|_| serde_json::from_slice(&answer).ok());
    answer.ok_or_else(|| AskError::Unclear { path: path.into() })
}
