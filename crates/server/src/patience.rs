//! How long somebody who asked is waited for to take the answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A connection that is given up when nothing of an answer is taken for too long (T90): an answer that is not read
/// would keep its request, and the end of the server, waiting without end.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs out while something waits to be written.
    end: Pin<Box<Sleep>>,
    waits: Waits,
}

/// Whether something waits to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Yes,
    No,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, end: Box::pin(sleep(patience)), waits: Waits::No }
    }

    /// What a write came to, or that its time is over.
    fn within<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if let Poll::Ready(outcome) = written {
            self.waits = Waits::No;
            return Poll::Ready(outcome);
        }
        if self.waits == Waits::No {
            self.waits = Waits::Yes;
            self.end.set(sleep(self.patience));
        }
        ready!(self.end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.within(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.within(shut, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.within(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_who_takes_nothing_t90() {
        let (near, far) = duplex(8);
        let mut near = Patient::new(near, PATIENCE);
        let mut writing = std::pin::pin!(near.write_all(&[0; 9]));
        let early = tokio::time::timeout(PATIENCE - Duration::from_secs(1), writing.as_mut()).await;
        assert!(early.is_err(), "it is still waited for");
        let outcome = writing.await;
        assert_eq!(outcome.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
        drop(far);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_on_taking_is_waited_for_and_idling_costs_nothing() {
        let (near, mut far) = duplex(8);
        let mut near = Patient::new(near, PATIENCE);
        tokio::time::advance(10 * PATIENCE).await;
        let taking = tokio::spawn(async move {
            let mut some = [0; 8];
            for _ in 0..10 {
                tokio::time::advance(PATIENCE / 2).await;
                far.read_exact(&mut some).await.unwrap();
            }
        });
        near.write_all(&[0; 80]).await.unwrap();
        taking.await.unwrap();
    }
}
