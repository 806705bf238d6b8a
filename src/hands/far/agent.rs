//! The person's end: serves the hands of the user it runs as, until nobody is at the other end.
use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufWriter};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::frame::{self, Frame, Kind, Reader};
use super::hello::{self, AgentHello, HelloError, Socket};
use super::message::{Answer, Refusal, Request, Run};
use super::{MOST_INPUT, MOST_REQUESTS, PIECE, passing};
use crate::hands::local::Local;
use crate::hands::{Hands, HandsError, OpenFile};
use crate::random;

/// An agent that nobody asks anything ends after so long.
pub const IDLE: Duration = Duration::from_mins(15);
/// The socket for open files answers within this.
const SOCKET_WITHIN: Duration = Duration::from_secs(2);
/// Frames that may wait to be written; beyond that, what makes them waits.
const QUEUE: usize = 16;

/// Serves until the input ends, or for too long nobody asked anything.
pub async fn serve(
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin + Send + 'static,
    local: Local,
) -> Result<(), HelloError> {
    let mut buffer = BytesMut::new();
    let theirs = hello::read_client(&mut input, &mut buffer).await;
    // Another version is told ours, so that it can say what is wrong.
    let wants_digest = theirs.as_ref().is_ok_and(|theirs| theirs.digest);
    let socket = match theirs.as_ref().ok().and_then(|theirs| theirs.socket.as_ref()) {
        Some(socket) => timeout(SOCKET_WITHIN, present(socket)).await.ok().flatten(),
        None => None,
    };
    let user = local.user().clone();
    let ours = AgentHello {
        program: env!("CARGO_PKG_VERSION").into(),
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        login: user.name,
        home: user.home,
        digest: if wants_digest { digest_of_ourselves().await } else { None },
        descriptors: socket.is_some(),
    };
    hello::write(&mut output, &ours).await?;
    theirs?;
    let (out, frames) = mpsc::channel(QUEUE);
    let writer = tokio::spawn(write(output, frames));
    let desk = Arc::new(Desk { local, socket, out, files: Mutex::default() });
    take(Reader::new(input, buffer), desk).await;
    writer.abort();
    Ok(())
}

/// Shows the nonce to the server's socket, if that is the server's.
async fn present(socket: &Socket) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(socket.address.path()).await.ok()?;
    if stream.peer_cred().ok()?.uid() != socket.uid {
        return None;
    }
    stream.write_all(&socket.nonce).await.ok()?;
    (stream.read_u8().await.ok()? == super::descriptors::TAKEN).then_some(stream)
}

async fn digest_of_ourselves() -> Option<String> {
    let mut file = tokio::fs::File::open("/proc/self/exe").await.ok()?;
    let (mut context, mut block) = (Context::new(&SHA256), vec![0; 128 << 10]);
    loop {
        match file.read(&mut block).await.ok()? {
            0 => return Some(random::hex(context.finish().as_ref())),
            read => context.update(&block[..read]),
        }
    }
}

/// Writes frames; what waits goes out together.
async fn write(output: impl AsyncWrite + Unpin, mut frames: mpsc::Receiver<Frame>) {
    let mut output = BufWriter::with_capacity(32 << 10, output);
    while let Some(frame) = frames.recv().await {
        if frame::write(&mut output, &frame).await.is_err() {
            return;
        }
        while let Ok(frame) = frames.try_recv() {
            if frame::write(&mut output, &frame).await.is_err() {
                return;
            }
        }
        if output.flush().await.is_err() {
            return;
        }
    }
}

/// A request whose input is still coming.
struct Coming {
    run: Run,
    input: Vec<u8>,
}

/// Takes frames, each request with a task of its own, until there are none. What is under way then ends.
async fn take(mut reader: Reader<impl AsyncRead + Unpin>, desk: Arc<Desk>) {
    let mut tasks = JoinSet::new();
    let mut under_way: HashMap<u64, AbortHandle> = HashMap::new();
    let mut coming: HashMap<u64, Coming> = HashMap::new();
    loop {
        let frame = match timeout(IDLE, reader.next()).await {
            Ok(Ok(Some(frame))) => frame,
            Ok(Ok(None) | Err(_)) => return,
            Err(_) if tasks.is_empty() && desk.files().is_empty() => return,
            Err(_) => continue,
        };
        // Those that ended while nothing came don't count any more.
        while let Some(done) = tasks.try_join_next() {
            if let Ok(id) = done {
                under_way.remove(&id);
            }
        }
        let id = frame.id;
        match frame.kind {
            Kind::Request => {
                if under_way.len() >= MOST_REQUESTS || coming.len() >= MOST_REQUESTS {
                    return;
                }
                let Ok(request) = frame.content::<Request>() else { return };
                match request {
                    Request::Run(run) if run.input > frame.data.len() => {
                        if run.input > MOST_INPUT {
                            return;
                        }
                        coming.insert(id, Coming { run, input: frame.data.to_vec() });
                    }
                    request => {
                        let desk = desk.clone();
                        let work = async move {
                            desk.answer(id, request, frame.data).await;
                            id
                        };
                        under_way.insert(id, tasks.spawn(work));
                    }
                }
            }
            Kind::Input => {
                let Some(mut one) = coming.remove(&id) else { continue };
                one.input.extend_from_slice(&frame.data);
                if one.input.len() < one.run.input {
                    coming.insert(id, one);
                    continue;
                }
                let desk = desk.clone();
                let work = async move {
                    desk.answer(id, Request::Run(one.run), one.input.into()).await;
                    id
                };
                under_way.insert(id, tasks.spawn(work));
            }
            Kind::Cancel => {
                coming.remove(&id);
                if let Some(task) = under_way.remove(&id) {
                    task.abort();
                }
                desk.files().remove(&id);
            }
            // An end that breaks the rules is left.
            _ => return,
        }
    }
}

/// What requests are answered with.
struct Desk {
    local: Local,
    socket: Option<UnixStream>,
    out: mpsc::Sender<Frame>,
    files: Mutex<HashMap<u64, OpenFile>>,
}

impl Desk {
    fn files(&self) -> MutexGuard<'_, HashMap<u64, OpenFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, id: u64, request: Request, data: Bytes) {
        let (answer, bytes) = match self.fulfil(id, request, data).await {
            Ok(answered) => answered,
            Err(error) => (Answer::Refused(Refusal::from(error)), Bytes::new()),
        };
        if let Ok(frame) = Frame::new(Kind::Answer, id, &answer, bytes) {
            // Nobody is there any more: the reader ends as well.
            let _ = self.out.send(frame).await;
        }
    }

    /// Sends a long answer's bytes; waits while nobody takes them.
    async fn send(&self, id: u64, bytes: Vec<u8>) {
        let mut bytes = Bytes::from(bytes);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            if self.out.send(Frame::plain(Kind::Data, id, piece)).await.is_err() {
                return;
            }
        }
    }

    fn file(&self, id: u64) -> Result<OpenFile, HandsError> {
        let file = self.files().get(&id).cloned();
        file.ok_or_else(|| HandsError::file("", &std::io::Error::from(std::io::ErrorKind::NotFound)))
    }

    async fn fulfil(&self, id: u64, request: Request, data: Bytes) -> Result<(Answer, Bytes), HandsError> {
        let local = &self.local;
        let failed = |error: std::io::Error| HandsError::file("", &error);
        let answer = match request {
            Request::Run(run) => {
                let said = local.run(&run.with(data.to_vec())).await?;
                self.send(id, said.stdout).await;
                let ended = Answer::Ended { code: said.code, signal: said.signal };
                return Ok((ended, said.stderr.into()));
            }
            Request::List { folder, after, limit } => {
                let listing = local.list(&folder, after.as_deref(), limit).await?;
                let json = serde_json::to_vec(&listing).map_err(|error| failed(error.into()))?;
                self.send(id, json).await;
                Answer::Done
            }
            Request::Open { place, how } => {
                let file = local.open(&place, how).await?;
                Answer::Opened { descriptor: self.pass_or_keep(id, file).await }
            }
            Request::Read { file, offset, length } => {
                let bytes = self.file(file)?.read_at(offset, length.min(PIECE)).await.map_err(failed)?;
                return Ok((Answer::Done, bytes.into()));
            }
            Request::Write { file, offset } => {
                self.file(file)?.write_at(offset, data.to_vec()).await.map_err(failed)?;
                Answer::Done
            }
            Request::Sync { file } => {
                self.file(file)?.sync().await.map_err(failed)?;
                Answer::Done
            }
            Request::StatOpen { file } => Answer::Stat(self.file(file)?.stat().await.map_err(failed)?),
            Request::Changed { file, size, within } => {
                Answer::Stat(self.file(file)?.changed(size, within).await.map_err(failed)?)
            }
            Request::Stat(place) => Answer::Found(local.stat(&place).await?),
            Request::MakeFolder(place) => local.make_folder(&place).await.map(|()| Answer::Done)?,
            Request::Rename { from, to, overwrite } => {
                local.rename(&from, &to, overwrite).await.map(|()| Answer::Done)?
            }
            Request::Remove(place) => local.remove(&place).await.map(|()| Answer::Done)?,
            Request::Space(place) => Answer::Space(local.space(&place).await?),
        };
        Ok((answer, Bytes::new()))
    }

    /// Passes an open file to the server, where that may be; else it stays here under the request's id.
    async fn pass_or_keep(&self, id: u64, file: OpenFile) -> bool {
        if let (Some(socket), Some(here)) = (&self.socket, file.descriptor().cloned()) {
            let looked = tokio::task::spawn_blocking(move || (passing::may_pass(&here), here)).await;
            if let Ok((Ok(true), here)) = looked {
                let here: &File = &here;
                if passing::send(socket, id, here).await.is_ok() {
                    return true;
                }
            }
        }
        self.files().insert(id, file);
        false
    }
}
