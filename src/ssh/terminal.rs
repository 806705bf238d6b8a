//! A login shell on a pseudo-terminal of the login host.
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use russh::ChannelMsg;
use russh::client::Msg;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::connection::Connection;
use crate::hands::{HandsError, Stream, Terminal, TerminalSize};

/// Bytes that may wait on their way, each way; the shell waits when its reader is slow.
const BUFFER: usize = 64 * 1024;
/// The host must give a shell within so long.
const SHELL_WITHIN: Duration = Duration::from_secs(10);

/// A shell.
pub struct Shell {
    stream: Option<DuplexStream>,
    sizes: mpsc::Sender<TerminalSize>,
    ended: watch::Receiver<End>,
    /// Its end hangs up.
    _task: AbortOnDropHandle<()>,
}

/// Whether it has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not yet.
    Open,
    /// With this exit code.
    Ended(Option<i32>),
}

/// Opens one on a connection of its own, which ends with it.
pub async fn open(connection: Connection, size: TerminalSize) -> Result<Shell, HandsError> {
    let channel = connection.channel().await?;
    let failed = |error: russh::Error| HandsError::Lost(error.to_string());
    let begin = async {
        let (columns, rows) = (size.columns.into(), size.rows.into());
        channel.request_pty(false, "xterm-256color", columns, rows, 0, 0, &[]).await.map_err(failed)?;
        channel.request_shell(false).await.map_err(failed)
    };
    let late = |_| Err(HandsError::TimedOut { what: "the login shell".into(), seconds: SHELL_WITHIN.as_secs() });
    timeout(SHELL_WITHIN, begin).await.unwrap_or_else(late)?;
    let (ours, theirs) = duplex(BUFFER);
    let (sizes, wanted) = mpsc::channel(8);
    let (tell, ended) = watch::channel(End::Open);
    let task = tokio::spawn(async move {
        carry(channel, theirs, wanted, tell).await;
        connection.close().await;
    });
    Ok(Shell { stream: Some(ours), sizes, ended, _task: AbortOnDropHandle::new(task) })
}

/// Carries bytes and sizes until the shell or its reader ends.
async fn carry(
    channel: russh::Channel<Msg>,
    stream: DuplexStream,
    mut sizes: mpsc::Receiver<TerminalSize>,
    tell: watch::Sender<End>,
) {
    let (mut answers, questions) = channel.split();
    let (mut typed, mut shown) = tokio::io::split(stream);
    let type_in = async {
        let mut block = vec![0; 8192];
        loop {
            tokio::select! {
                read = typed.read(&mut block) => match read {
                    Ok(read @ 1..) if questions.data(&block[..read]).await.is_ok() => {}
                    _ => break,
                },
                size = sizes.recv() => match size {
                    Some(size) => {
                        let _ = questions.window_change(size.columns.into(), size.rows.into(), 0, 0).await;
                    }
                    None => break,
                },
            }
        }
        let _ = questions.eof().await;
        let _ = questions.close().await;
    };
    let show = async {
        let mut code = None;
        while let Some(message) = answers.wait().await {
            match message {
                ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }
                    if shown.write_all(&data).await.is_ok() => {}
                ChannelMsg::ExitStatus { exit_status } => code = i32::try_from(exit_status).ok(),
                ChannelMsg::Data { .. } | ChannelMsg::ExtendedData { .. } | ChannelMsg::Close => break,
                _ => {}
            }
        }
        let _ = shown.shutdown().await;
        code
    };
    tokio::pin!(type_in, show);
    let code = tokio::select! {
        code = &mut show => code,
        () = &mut type_in => show.await,
    };
    let _ = tell.send(End::Ended(code));
}

#[async_trait]
impl Terminal for Shell {
    fn stream(&mut self) -> Option<Pin<Box<dyn Stream>>> {
        self.stream.take().map(|stream| Box::pin(stream) as Pin<Box<dyn Stream>>)
    }

    async fn resize(&mut self, size: TerminalSize) -> Result<(), HandsError> {
        self.sizes.send(size).await.map_err(|_| HandsError::Lost("the terminal has ended".into()))
    }

    async fn wait(&mut self) -> Option<i32> {
        match *self.ended.wait_for(|end| *end != End::Open).await.ok()? {
            End::Ended(code) => code,
            End::Open => None,
        }
    }
}
