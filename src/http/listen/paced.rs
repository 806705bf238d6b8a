//! A request's body that must keep coming.
//!
//! Waiting is counted only while somebody waits for the body, so a slow disk of ours is not held against the sender.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// A body that may be late by so much, and makes it good with what comes; see [`Limits::body_delay`].
pub(super) struct Paced<B> {
    body: B,
    most: Duration,
    rate: u32,
    /// How late it may still be.
    left: Duration,
    /// Since when somebody waits.
    waiting: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl<B> Paced<B> {
    /// Paces a body.
    pub(super) fn new(body: B, limits: &Limits) -> Self {
        let most = limits.body_delay;
        let timer = Box::pin(sleep(most));
        Self { body, most, rate: limits.body_rate.max(1), left: most, waiting: None, timer }
    }

    fn came(&mut self, bytes: usize) {
        if let Some(since) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let seconds = u32::try_from(bytes / self.rate as usize).unwrap_or(u32::MAX);
        let rest = Duration::from_secs(1) * u32::try_from(bytes % self.rate as usize).unwrap_or(0) / self.rate;
        self.left = self.left.saturating_add(Duration::from_secs(seconds.into())).saturating_add(rest).min(self.most);
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            self.timer.as_mut().reset(now + self.left);
        }
        self.timer.as_mut().poll(cx).is_ready()
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
                self.came(bytes);
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if self.is_late(cx) => {
                let late = io::Error::new(io::ErrorKind::TimedOut, "the request's body comes too slowly");
                Poll::Ready(Some(Err(late.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body as Stream;
    use futures_util::StreamExt as _;
    use hyper::body::Body as _;

    use super::*;

    /// Reads a body of which `size` bytes come each `every`, `times` times.
    async fn read(size: usize, every: Duration, times: usize) -> Result<usize, axum::BoxError> {
        let pieces = futures_util::stream::iter(0..times).then(move |_| async move {
            sleep(every).await;
            Ok::<_, io::Error>(Bytes::from(vec![0; size]))
        });
        let limits = Limits { body_delay: Duration::from_secs(10), body_rate: 100, ..Limits::default() };
        let mut body = Paced::new(Stream::from_stream(pieces), &limits);
        let mut read = 0;
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            read += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(read)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_ended_and_one_that_keeps_coming_is_not() {
        let second = Duration::from_secs(1);
        assert!(read(1, second, 1000).await.is_err(), "a byte a second");
        assert!(read(1, 11 * second, 1).await.is_err(), "silence");
        assert!(read(1, 9 * second, 2).await.is_err(), "a byte makes little good");
        assert_eq!(read(900, 9 * second, 100).await.unwrap(), 90_000, "slow and bursty, but fast enough");
        assert_eq!(read(120, second, 1000).await.unwrap(), 120_000);
    }
}
