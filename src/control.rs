//! What an admin at the command line asks of a running server, which holds the store: over a Unix socket in its data
//! folder, one line of JSON each way.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use slurmdash_api::audit::{AuditQuery, ExportFormat};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::App;
use crate::audit;
use crate::store::StoreError;
use crate::store::audit::chain::Noted;
use crate::store::audit::verify::ChainReport;
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
/// A piece of a file must be taken in so long: somebody may look at it page by page.
const TAKES_FILE: Duration = Duration::from_mins(10);
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
    /// Prove that the audit log is as it was written, and that a row has the hash that was noted.
    AuditVerify(Option<Noted>),
    /// Hand out rows of the audit log.
    AuditExport {
        /// Which.
        query: Box<AuditQuery>,
        /// As what.
        format: ExportFormat,
    },
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
    /// What was found in the audit log.
    AuditVerified(ChainReport),
    /// A file follows: pieces, each a length (4 bytes, big endian) and so many bytes; the last one has none.
    File,
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
    /// It answered that it did not do it.
    #[error("the server did not do it: {0}")]
    Refused(String),
    /// A file ended before its end.
    #[error("the server stopped in the middle, so not all of it is there; see its log")]
    CutShort,
    /// What was handed out can't be written.
    #[error("can't write it: {0}")]
    Output(std::io::Error),
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
            match request {
                Request::AuditExport { query, format } => return export(app, stream, *query, format).await,
                request => fulfil(app, request).await.unwrap_or_else(|error| Answer::Error(error.to_string())),
            }
        }
        Ok(Err(reason)) => Answer::Error(reason),
        Err(_) => Answer::Error("no request came".into()),
    };
    // Whoever asked may have gone.
    let _ = timeout(PATIENCE, async {
        stream.write_all(&line(&answer)).await?;
        stream.shutdown().await
    })
    .await;
}

fn line(answer: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Hands out the audit log, piece by piece, as fast as they are taken.
async fn export(app: &Arc<App>, mut stream: UnixStream, query: AuditQuery, format: ExportFormat) {
    let (send, mut pieces) = tokio::sync::mpsc::channel(2);
    let store = app.store.clone();
    let said = audit::said(&query);
    let reading = tokio::task::spawn_blocking(move || {
        let all = audit::filter(&store, &query).map(|filter| audit::export::pieces(&store, filter, format));
        let all: Box<dyn Iterator<Item = _>> = match all {
            Ok(all) => Box::new(all),
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        // Whoever takes them may have gone.
        all.map(|piece| send.blocking_send(piece)).take_while(Result::is_ok).for_each(drop);
    });
    let handed_out = async {
        write(&mut stream, &line(&Answer::File)).await?;
        while let Some(piece) = pieces.recv().await {
            let piece = piece.map_err(std::io::Error::other)?;
            if !piece.is_empty() {
                let length = u32::try_from(piece.len()).map_err(std::io::Error::other)?;
                write(&mut stream, &length.to_be_bytes()).await?;
                write(&mut stream, &piece).await?;
            }
        }
        // A file that can't be read may make redb panic: that is no end of the log.
        reading.await.map_err(std::io::Error::other)?;
        let audit = AuditEntry::done(By::system(app.clock.now()), "audit.export", said);
        app.store.audit(audit).await.map_err(std::io::Error::other)?;
        write(&mut stream, &0_u32.to_be_bytes()).await
    };
    if let Err(error) = handed_out.await {
        tracing::warn!(%error, "an export of the audit log was not handed out as a whole");
    }
}

async fn write(stream: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    timeout(TAKES_FILE, stream.write_all(bytes)).await.map_err(|_| std::io::ErrorKind::TimedOut)?
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
        Request::AuditVerify(noted) => Ok((Answer::AuditVerified(store.verify_audit_against(noted.as_ref())?), None)),
        Request::AuditExport { .. } => Ok((Answer::Error("it is handed out otherwise".into()), None)),
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
    answer(path, &mut send(path, request)?)
}

/// Asks a running server for a file, and writes that to `out`.
pub fn ask_for_file(path: &Path, request: &Request, out: &mut impl std::io::Write) -> Result<(), AskError> {
    let mut server = send(path, request)?;
    match answer(path, &mut server)? {
        Answer::File => {}
        Answer::Error(reason) => return Err(AskError::Refused(reason)),
        _ => return Err(AskError::Unclear { path: path.into() }),
    }
    let cut_short = |_| AskError::CutShort;
    loop {
        let mut length = [0; 4];
        server.read_exact(&mut length).map_err(cut_short)?;
        let length = u64::from(u32::from_be_bytes(length));
        if length == 0 {
            return out.flush().map_err(AskError::Output);
        }
        let mut piece = Vec::new();
        let read = server.by_ref().take(length).read_to_end(&mut piece).map_err(cut_short)?;
        if read as u64 != length {
            return Err(AskError::CutShort);
        }
        out.write_all(&piece).map_err(AskError::Output)?;
    }
}

fn send(path: &Path, request: &Request) -> Result<BufReader<BlockingStream>, AskError> {
    let away = |source| AskError::Away { path: path.into(), source };
    let mut stream = BlockingStream::connect(path).map_err(away)?;
    stream.write_all(&line(request)).map_err(away)?;
    Ok(BufReader::new(stream))
}

fn answer(path: &Path, server: &mut BufReader<BlockingStream>) -> Result<Answer, AskError> {
    let mut answer = Vec::new();
    let read = server.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut answer);
    let answer = read.ok().and_then(|_| serde_json::from_slice(&answer).ok());
    answer.ok_or_else(|| AskError::Unclear { path: path.into() })
}
