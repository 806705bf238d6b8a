//! The server's end: hands that an agent lends.
use std::path::PathBuf;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt as _, BufWriter, ReadHalf, WriteHalf};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::call::{Answered, Calls};
use super::file::Remote;
use super::frame::{self, Frame, FrameError, Reader};
use super::hello::{self, AgentHello, ClientHello, HelloError};
use super::message::{Answer, Request, Run, plain};
use super::{Descriptors, Limits, MOST_ERRORS, MOST_INPUT, MOST_LISTING, PROTOCOL, passing};
use crate::hands::{Command, HandsError, Listing, OpenFile, OpenHow, Output, Place, Space, Stat, Stream, UnixUser};

/// Frames that may wait to be written.
const QUEUE: usize = 64;
/// Of what a shell says instead of an agent's hello so much is told, characters.
const MOST_NOISE: usize = 300;

type Both = Box<dyn Stream + Unpin>;

/// The hands of the person whose agent is at the other end of a stream. It has no terminals: those are the connection's.
/// Dropping it ends the connection and the agent.
pub struct Far {
    calls: Arc<Calls>,
    /// SHA-256 of the agent's executable, in hex.
    pub digest: Option<String>,
    /// Whether open files come as descriptors.
    pub passes_descriptors: bool,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Far {
    /// Greets the agent of `user`. With `descriptors`, open files come as descriptors when the agent is on this host.
    pub async fn start(
        mut stream: Both,
        user: &UnixUser,
        descriptors: Option<&Descriptors>,
        limits: Limits,
    ) -> Result<Self, HandsError> {
        let no_agent = |reason: String| HandsError::NoAgent { user: user.name.clone(), reason };
        // Without random numbers there is no nonce, and files stay with the agent.
        let awaited = descriptors.and_then(|descriptors| descriptors.expect(user.uid).ok());
        let ours = ClientHello {
            program: env!("CARGO_PKG_VERSION").into(),
            digest: true,
            socket: awaited.as_ref().map(|awaited| awaited.socket.clone()),
        };
        let mut buffer = BytesMut::new();
        let greet = async {
            hello::write(&mut stream, &ours).await?;
            hello::read_agent(&mut stream, &mut buffer).await
        };
        let late = || no_agent(format!("the agent said nothing within {} s", limits.hello.as_secs()));
        let theirs = timeout(limits.hello, greet).await.map_err(|_| late())?;
        let theirs: AgentHello = theirs.map_err(|error| no_agent(reason_of(error)))?;
        if theirs.uid != user.uid {
            let reason = format!("the agent runs as user number {}, not {}", theirs.uid, user.uid);
            return Err(HandsError::Protocol(reason));
        }
        let socket = match awaited.filter(|_| theirs.descriptors) {
            Some(awaited) => awaited.take().await,
            None => None,
        };
        let (read, write) = tokio::io::split(stream);
        let (out, frames) = mpsc::channel(QUEUE);
        let calls = Calls::new(user.name.clone(), limits, out);
        let passes_descriptors = socket.is_some();
        let mut tasks =
            vec![tokio::spawn(hear(read, buffer, calls.clone())), tokio::spawn(tell(write, frames, calls.clone()))];
        tasks.extend(socket.map(|socket| tokio::spawn(take_files(socket, calls.clone()))));
        let tasks = tasks.into_iter().map(AbortOnDropHandle::new).collect();
        Ok(Self { calls, digest: theirs.digest, passes_descriptors, _tasks: tasks })
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        self.calls.is_over()
    }

    async fn ask(&self, what: &str, request: Request) -> Result<(u64, Answered), HandsError> {
        self.calls.ask(what, &request, &[], 0, self.calls.limits.call).await
    }

    async fn done(&self, what: &str, request: Request) -> Result<(), HandsError> {
        match self.ask(what, request).await?.1.answer {
            Answer::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// As [`Hands::run`](crate::hands::Hands::run).
    pub async fn run(&self, command: &Command) -> Result<Output, HandsError> {
        if command.input.len() > MOST_INPUT {
            let kind = std::io::ErrorKind::InvalidInput;
            let words = format!("its input is longer than {MOST_INPUT} bytes");
            return Err(HandsError::NotStarted { command: command.name(), kind, words });
        }
        let most = usize::try_from(command.most_output).unwrap_or(usize::MAX);
        let within = command.within.saturating_add(self.calls.limits.margin);
        let request = Request::Run(Run::new(command));
        let (_, answered) = self.calls.ask(&command.name(), &request, &command.input, most, within).await?;
        let Answer::Ended { code, signal } = answered.answer else { return Err(unexpected(&answered.answer)) };
        let stderr = answered.bytes[..answered.bytes.len().min(MOST_ERRORS)].to_vec();
        Ok(Output { code, signal, stdout: answered.data, stderr })
    }

    /// As [`Hands::stat`](crate::hands::Hands::stat).
    pub async fn stat(&self, place: &Place) -> Result<Option<Stat>, HandsError> {
        match self.ask("a look at a file", Request::Stat(sayable(place)?)).await?.1.answer {
            Answer::Found(stat) => Ok(stat),
            other => Err(unexpected(&other)),
        }
    }

    /// As [`Hands::list`](crate::hands::Hands::list).
    pub async fn list(&self, folder: &Place, after: Option<&str>, limit: usize) -> Result<Listing, HandsError> {
        let request = Request::List { folder: sayable(folder)?, after: after.map(str::to_owned), limit };
        let within = self.calls.limits.call;
        let (_, answered) = self.calls.ask("a list of a folder", &request, &[], MOST_LISTING, within).await?;
        let wrong = |error: serde_json::Error| HandsError::Protocol(format!("a list is wrong: {error}"));
        let listing: Listing = serde_json::from_slice(&answered.data).map_err(wrong)?;
        match answered.answer {
            Answer::Done if listing.entries.len() <= limit.max(1) => Ok(listing),
            Answer::Done => Err(HandsError::Protocol("it lists more than was asked for".into())),
            other => Err(unexpected(&other)),
        }
    }

    /// As [`Hands::open`](crate::hands::Hands::open).
    pub async fn open(&self, place: &Place, how: OpenHow) -> Result<OpenFile, HandsError> {
        let (id, answered) = self.ask("opening a file", Request::Open { place: sayable(place)?, how }).await?;
        match answered.answer {
            Answer::Opened { descriptor: false } => Ok(OpenFile::far(Remote::new(self.calls.clone(), id))),
            Answer::Opened { descriptor: true } => {
                let file = self.calls.file(id).await?;
                // An agent may pass what it likes, and nobody here is to wait for a pipe.
                let looked = tokio::task::spawn_blocking(move || (passing::may_pass(&file), file)).await;
                match looked {
                    Ok((Ok(true), file)) => Ok(OpenFile::here(file)),
                    _ => Err(HandsError::Protocol("it passed something that is no regular file".into())),
                }
            }
            other => Err(unexpected(&other)),
        }
    }

    /// As [`Hands::make_folder`](crate::hands::Hands::make_folder).
    pub async fn make_folder(&self, place: &Place) -> Result<(), HandsError> {
        self.done("making a folder", Request::MakeFolder(sayable(place)?)).await
    }

    /// As [`Hands::rename`](crate::hands::Hands::rename).
    pub async fn rename(&self, from: &Place, to: &Place, overwrite: bool) -> Result<(), HandsError> {
        self.done("renaming", Request::Rename { from: sayable(from)?, to: sayable(to)?, overwrite }).await
    }

    /// As [`Hands::remove`](crate::hands::Hands::remove).
    pub async fn remove(&self, place: &Place) -> Result<(), HandsError> {
        self.done("removing", Request::Remove(sayable(place)?)).await
    }

    /// As [`Hands::space`](crate::hands::Hands::space).
    pub async fn space(&self, place: &Place) -> Result<Space, HandsError> {
        match self.ask("asking for room", Request::Space(sayable(place)?)).await?.1.answer {
            Answer::Space(space) => Ok(space),
            other => Err(unexpected(&other)),
        }
    }
}

/// A place that can be sent: JSON has no paths that are not UTF-8.
fn sayable(place: &Place) -> Result<Place, HandsError> {
    let path: PathBuf = place.path();
    if path.to_str().is_some() {
        return Ok(place.clone());
    }
    let words = "a path that is not UTF-8 can't be reached here".to_owned();
    Err(HandsError::File { path, kind: std::io::ErrorKind::InvalidFilename, words })
}

fn unexpected(answer: &Answer) -> HandsError {
    let mut words = format!("{answer:?}");
    words.truncate(words.floor_char_boundary(200));
    HandsError::Protocol(format!("it answers {words}"))
}

/// Why there was no hello, with the beginning of what came instead.
fn reason_of(error: HelloError) -> String {
    let words = error.to_string();
    let said =
        |noise: &[u8]| -> String { plain(&String::from_utf8_lossy(noise)).trim().chars().take(MOST_NOISE).collect() };
    match error {
        HelloError::Ended(noise) | HelloError::Noise(noise) if !said(&noise).is_empty() => {
            format!("{words}; instead came: {}", said(&noise))
        }
        HelloError::Version { protocol, program } => format!(
            "slurmdash {} there speaks protocol {protocol}, ours is {PROTOCOL}: install the same version on both hosts",
            plain(&program)
        ),
        _ => words,
    }
}

/// Takes frames until there are none.
async fn hear(stream: ReadHalf<Both>, buffer: BytesMut, calls: Arc<Calls>) {
    let mut reader = Reader::new(stream, buffer);
    let end = loop {
        match reader.next().await {
            Ok(Some(frame)) => {
                if let Err(error) = calls.take(frame) {
                    break error;
                }
            }
            Ok(None) => break HandsError::Lost("the agent has ended".into()),
            Err(FrameError::Io(error)) => break HandsError::Lost(error.to_string()),
            Err(FrameError::Malformed(words)) => break HandsError::Protocol(words),
        }
    };
    if let HandsError::Protocol(words) = &end {
        tracing::warn!(user = calls.user, words, "an agent does not keep to the protocol; it is cut off");
    }
    calls.end(&end);
}

/// Writes frames; what waits goes out together.
async fn tell(stream: WriteHalf<Both>, mut frames: mpsc::Receiver<Frame>, calls: Arc<Calls>) {
    let mut stream = BufWriter::with_capacity(64 << 10, stream);
    let write = async {
        while let Some(frame) = frames.recv().await {
            frame::write(&mut stream, &frame).await?;
            while let Ok(frame) = frames.try_recv() {
                frame::write(&mut stream, &frame).await?;
            }
            stream.flush().await?;
        }
        Ok::<_, std::io::Error>(())
    };
    if let Err(error) = write.await {
        calls.end(&HandsError::Lost(error.to_string()));
    }
}

/// Takes open files from the socket.
async fn take_files(socket: UnixStream, calls: Arc<Calls>) {
    // Its end is the agent's; files that it can't pass any more stay with it.
    while let Ok(Some((id, file))) = passing::receive(&socket).await {
        calls.take_file(id, file);
    }
}
