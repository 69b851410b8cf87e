//! Lists: in one piece when they are short, page by page when they are not.

use axum::body::Body;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use throng_core::page::{Page, PageRequest};
use throng_engine::Error;
use throng_wire::{Entry, ListWriter};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::query::Range;
use crate::refusal::About;

/// Where the pages of a list come from.
pub(crate) type Source<T> =
    Box<dyn Fn(PageRequest) -> BoxFuture<'static, Result<Page<T>, Error>> + Send + Sync>;

/// Answers with a part of a list that is read page by page.
///
/// The first page is read before the answer begins, so that a failure is an error; one that comes later ends the answer
/// before its end, which every reader of the document notices.
pub(crate) async fn paged<T, E>(
    call: &Call,
    about: About,
    range: Range,
    source: Source<T>,
    entity: impl Fn(&T) -> E + Send + Sync + 'static,
) -> Outcome
where
    T: Send + 'static,
    E: Entry + Send + 'static,
{
    let wanted = range.most.map_or(usize::MAX, |most| range.skip.saturating_add(most));
    let writer = ListWriter::new(call.format);
    let begin = writer.begin();
    let mut rest = Rest {
        request: (range.most != Some(0)).then(|| PageRequest::first(wanted)),
        skip: range.skip,
        left: range.most.unwrap_or(usize::MAX),
        source,
        entity: Box::new(entity),
        writer,
    };
    let first = rest.next().await.map_err(about.refuse())?;
    let media_type = call.format.media_type();
    if rest.request.is_none() {
        let whole = [begin, first, rest.writer.end()].concat();
        return Ok(answer::text(axum::http::StatusCode::OK, media_type, whole));
    }
    let permits = call.take_permits();
    let beginning = stream::once(async move { Ok::<_, Error>([begin, first].concat()) });
    let pages = stream::try_unfold(Some((rest, permits)), |state| async move {
        let Some((mut rest, permits)) = state else { return Ok(None) };
        let mut piece = rest.next().await.inspect_err(|cause| {
            tracing::warn!(%cause, "a list was broken off");
        })?;
        if rest.request.is_some() {
            return Ok(Some((piece, Some((rest, permits)))));
        }
        piece.push_str(&rest.writer.end());
        Ok(Some((piece, None)))
    });
    Ok(answer::stream(media_type, Body::from_stream(beginning.chain(pages))))
}

/// Answers with entries that are all at hand.
pub(crate) fn whole<E: Entry>(call: &Call, entries: &[E]) -> Outcome {
    let mut writer = ListWriter::new(call.format);
    let mut text = writer.begin();
    for entry in entries {
        text.push_str(&writer.entry(entry));
    }
    text.push_str(&writer.end());
    Ok(answer::text(axum::http::StatusCode::OK, call.format.media_type(), text))
}

/// What of a list is still to be read.
struct Rest<T, E> {
    /// The next page; none when there is nothing more.
    request: Option<PageRequest>,
    skip: usize,
    left: usize,
    source: Source<T>,
    entity: Box<dyn Fn(&T) -> E + Send + Sync>,
    writer: ListWriter<E>,
}

impl<T, E: Entry> Rest<T, E> {
    /// The next page as text.
    async fn next(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        let Some(request) = self.request.take() else { return Ok(text) };
        let page = (self.source)(request.clone()).await?;
        for item in &page.items {
            if self.skip > 0 {
                self.skip -= 1;
            } else if self.left > 0 {
                self.left -= 1;
                text.push_str(&self.writer.entry(&(self.entity)(item)));
            }
        }
        self.request = page.next.filter(|_| self.left > 0).map(|next| request.after(next));
        Ok(text)
    }
}
