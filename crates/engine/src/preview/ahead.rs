//! Reading ahead.

use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::task::Poll;

/// Something that is being read while something else is looked at.
pub(super) struct Ahead<'a, T>(Pin<Box<dyn Future<Output = T> + Send + 'a>>);

impl<'a, T: Send + 'a> Ahead<'a, T> {
    /// Begins: polled once, a question to the store is under way.
    pub(super) async fn begin(asking: impl Future<Output = T> + Send + 'a) -> Self {
        let mut asking: Pin<Box<dyn Future<Output = T> + Send + 'a>> = Box::pin(asking);
        match poll_fn(|context| Poll::Ready(asking.as_mut().poll(context))).await {
            Poll::Ready(answer) => Self(Box::pin(ready(answer))),
            Poll::Pending => Self(asking),
        }
    }

    /// What was read.
    pub(super) async fn end(self) -> T {
        self.0.await
    }
}
