//! Time limits on a connection's bytes, in both directions.
//!
//! hyper limits the time until a request's head is complete, but counts from the end of the one before: it can't be
//! strict with a head that trickles in and patient with a connection that is only kept open. So hyper has the patience
//! ([`Limits::idle`]), and here is what is strict.
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Limits;
use super::places::Place;

type Timer = Pin<Box<Sleep>>;

/// What the requests on a connection tell of themselves.
#[derive(Default)]
pub(super) struct Exchange {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is being answered, until this is dropped.
pub(super) struct Turn(Option<Arc<Exchange>>);

impl Exchange {
    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Turn(Some(self.clone()))
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn is_busy(&self) -> bool {
        self.begun() != self.ended.load(Ordering::Relaxed)
    }
}

impl Turn {
    /// The connection is something else from now on, such as a WebSocket, and no request follows.
    pub(super) fn for_good(mut self) {
        self.0 = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(exchange) = &self.0 {
            exchange.ended.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An answer's body; the turn ends with it.
pub(super) struct Answer<B> {
    pub(super) body: B,
    pub(super) turn: Option<Turn>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.turn = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection with time limits, and its place.
pub(super) struct Watched<S> {
    stream: S,
    exchange: Arc<Exchange>,
    head_limit: Duration,
    /// While a head is on its way: how many requests had begun before it, and when it is too late.
    head: Option<(u64, Timer)>,
    stall_limit: Duration,
    /// While the client takes nothing: when it is too late.
    stall: Option<Timer>,
    _place: Place,
}

impl<S> Watched<S> {
    /// The first head is on its way.
    pub(super) fn new(stream: S, exchange: Arc<Exchange>, limits: &Limits, place: Place) -> Self {
        let head = Some((0, Box::pin(sleep(limits.head))));
        let (head_limit, stall_limit) = (limits.head, limits.stall);
        Self { stream, exchange, head_limit, head, stall_limit, stall: None, _place: place }
    }

    /// Bytes have come: if no request is being answered, they are the beginning of the next head.
    fn came(&mut self) {
        let begun = self.exchange.begun();
        if self.head.as_ref().is_some_and(|(before, _)| *before != begun) {
            self.head = None;
        }
        if self.head.is_none() && !self.exchange.is_busy() {
            self.head = Some((begun, Box::pin(sleep(self.head_limit))));
        }
    }

    /// Nothing has come: is a head late?
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let begun = self.exchange.begun();
        match &mut self.head {
            Some((before, timer)) if *before == begun => timer.as_mut().poll(cx).is_ready(),
            _ => {
                self.head = None;
                false
            }
        }
    }

    fn sent<T>(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.stall = None;
            return sent;
        }
        let limit = self.stall_limit;
        let timer = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match read {
            Poll::Pending if self.is_late(cx) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the request's head took too long")))
            }
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                self.came();
                read
            }
            _ => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.sent(cx, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.sent(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(cx);
        self.sent(cx, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.sent(cx, sent)
    }
}
